"""A simulated phone of a lab: it boots over the network, and what it shows and decides is kept."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cucmsim.clock import Clock
from cucmsim.entropy import Entropy, SystemEntropy
from cucmsim.phone.device import Phone, PhoneOptions
from cucmsim.phone.execute import Button
from cucmsim.phone.flash import Flash
from cucmsim.phone.performer import Network
from cucmsim.phone.registrar import PhoneRegistrar
from cucmsim.phone.summary import BootSummary
from cucmsim.phone.values import FileKind, PhoneIdentity, Purpose
from cucmsim.testing.verdicts import Trust, trust_of

if TYPE_CHECKING:
    from cucmsim.phone.events import Event

__all__ = ["Handset", "HandsetOptions"]


@dataclass(frozen=True, slots=True)
class HandsetOptions:
    """What is particular to a phone of a lab; `registers` False: it only loads its files."""

    phone: PhoneOptions = field(default_factory=PhoneOptions)
    registers: bool = True
    clock: Clock | None = None
    entropy: Entropy = field(default_factory=SystemEntropy)


class Handset:
    """A phone that is looked at.

    `lines` is its console log of the last boot, `messages` its status messages, `events` what
    happened inside it; `history` is the whole console log.
    """

    def __init__(
        self,
        identity: PhoneIdentity,
        network: Network,
        options: HandsetOptions | None = None,
        flash: Flash | None = None,
    ) -> None:
        self.identity = identity
        self.options = options or HandsetOptions()
        self.history: list[str] = []
        self.lines: list[str] = []
        self.messages: list[str] = []
        self.events: list[Event] = []
        self.summary: BootSummary | None = None
        """What the last boot led to."""
        self.boots: asyncio.Queue[BootSummary] = asyncio.Queue()
        """What each boot has led to that the phone was told to do while it was on."""
        self._kept = flash
        self._listeners: list[Callable[[], None]] = []
        self._is_on = False
        self._staying: asyncio.Task[None] | None = None
        self.phone = self._make(network)

    @property
    def name(self) -> str:
        """The device name."""
        return self.identity.name

    @property
    def flash(self) -> Flash:
        """What it holds now."""
        return self.phone.flash

    @flash.setter
    def flash(self, flash: Flash) -> None:
        self.phone.flash = flash

    async def boot(self) -> BootSummary:
        """Switch on or reset; what was shown before is wiped away. Raises FlashError."""
        await self._leave()
        for shown in (self.lines, self.messages, self.events):
            shown.clear()
        if not self._is_on:
            self._is_on = True
            await self.phone.start()
            if self._kept is not None:
                self.phone.flash = replace(self._kept, mic=self._kept.mic or self.flash.mic)
        self.summary = await self.phone.boot()
        return self.summary

    @asynccontextmanager
    async def staying(self) -> AsyncIterator[None]:
        """Stay on while the block runs: obey resets; each boot gives a summary to `boots`."""
        await self.stay()
        try:
            yield
        finally:
            await self._leave()

    async def stay(self) -> None:
        """Stay on from now on, until the next `boot` or `close`."""
        await self._leave()
        first = self.summary or await self.boot()
        self._staying = asyncio.create_task(self.phone.stay(self._note, first))

    async def press(self, button: Button) -> list[str]:
        """Press a button; return what the console log says meanwhile."""
        before = len(self.lines)
        await self.phone.press(button)
        return self.lines[before:]

    async def trusts_certificate(
        self, certificate_der: bytes, subject: str, purpose: Purpose = Purpose.HTTPS_SERVICE
    ) -> Trust:
        """Return whether it would trust a server that shows this certificate, asking TVS if so."""
        decision = await self.phone.judge_certificate(purpose, subject, certificate_der)
        return trust_of(subject, decision)

    async def trusts_file(self, kind: FileKind, name: str, data: bytes) -> Trust:
        """Return whether it would take a signed file; nothing is kept of it."""
        return trust_of(name, await self.phone.judge_file(kind, name, data))

    def moved(self, network: Network) -> "Handset":
        """Return the same phone, with what it holds, told of other servers."""
        return Handset(self.identity, network, self.options, flash=self.flash)

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after whatever happens inside the phone; returns what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def says(self, *texts: str) -> bool:
        """Tell whether lines of the console log hold these texts, in this order."""
        lines = iter(self.lines)
        return all(any(text in line for line in lines) for text in texts)

    async def close(self) -> None:
        """Switch off."""
        await self._leave()
        await self.phone.close()

    def _make(self, network: Network) -> Phone:
        options = self.options
        registrar = None
        if options.registers:
            registrar = PhoneRegistrar(
                self.identity, network.link, clock=options.clock, entropy=options.entropy
            )
        return Phone(
            self.identity,
            network,
            options=replace(options.phone, settle_s=0, entropy=options.entropy),
            registrar=registrar,
            clock=options.clock,
            on_line=self._note_line,
            on_status=lambda message: self.messages.append(message.text),
            on_event=self._note_event,
        )

    def _note_line(self, line: str) -> None:
        self.lines.append(line)
        self.history.append(line)

    def _note_event(self, event: "Event") -> None:
        self.events.append(event)
        for listener in tuple(self._listeners):
            listener()

    def _note(self, summary: BootSummary) -> None:
        self.summary = summary
        self.boots.put_nowait(summary)

    async def _leave(self) -> None:
        """Stop obeying orders. Raises what ended that, if anything did."""
        task, self._staying = self._staying, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                task.result()
