"""A phone that runs: boots over the network, keeps its flash, shows console log, status and pages.

    phone = Phone(identity, network, keeper=FlashDirectory(path), on_line=print)
    await phone.start()
    summary = await phone.boot()
    await phone.stay(...)            # obeys resets until it is cancelled
    await phone.close()

`Boot` decides and `Performer` does; this class is between them and whoever looks on. Every change
of the flash is stored before the boot goes on. Console lines and status messages are given to the
callbacks as they appear, in the words of the phone's generation. Its clock shows UTC.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from cucmsim.clock import Clock, SystemClock
from cucmsim.errors import FormatError
from cucmsim.formats.models import PHONE_MODELS
from cucmsim.phone.boot import Boot
from cucmsim.phone.config import PhoneConfiguration, parse_configuration
from cucmsim.phone.console import Console
from cucmsim.phone.events import Event, ResetReceived, TrustListsErased
from cucmsim.phone.execute import Button
from cucmsim.phone.flash import Flash
from cucmsim.phone.flashdir import FlashDirectory
from cucmsim.phone.machine import Session
from cucmsim.phone.performer import Network, Performer, Registrar
from cucmsim.phone.statuslist import StatusList, StatusMessage
from cucmsim.phone.statustexts import status_message
from cucmsim.phone.steps import CapfAnswered, StoreFlash
from cucmsim.phone.summary import BootSummary
from cucmsim.phone.texts import console_texts, firmware_of
from cucmsim.phone.tvscache import TvsCache
from cucmsim.phone.values import Certified, FileKind, Generation, PhoneIdentity, Switches, Transport
from cucmsim.phone.view import NetworkView, PhoneView, ServerView, trust_list_view
from cucmsim.phone.web import PhoneFace

__all__ = ["Phone", "PhoneOptions"]

_IPV4: Final = 4
_THREADED: Final = (12, 0)
_THREAD: Final = (620, 870)


@dataclass(frozen=True, slots=True)
class PhoneOptions:
    """What is particular to a phone.

    `authentication_string` is what a person typed for CAPF; `mic` what the phone left the factory
    with, used where the flash has none; `retry_s` how long it waits before it boots again when
    no configuration came; `settle_s` what it takes it to go on with a new LSC, which gives the
    cluster's TFTP servers the time to learn of it.
    """

    switches: Switches = field(default_factory=Switches)
    authentication_string: str | None = None
    transports: tuple[Transport, ...] = tuple(Transport)
    mic: Certified | None = None
    retry_s: float = 30.0
    settle_s: float = 1.0


class Phone:
    """One phone; `keeper` None: it forgets everything when it is switched off."""

    def __init__(
        self,
        identity: PhoneIdentity,
        network: Network,
        *,
        keeper: FlashDirectory | None = None,
        options: PhoneOptions | None = None,
        registrar: Registrar | None = None,
        clock: Clock | None = None,
        on_line: Callable[[str], None] | None = None,
        on_status: Callable[[StatusMessage], None] | None = None,
    ) -> None:
        self.identity = identity
        self.flash = Flash()
        """What it holds now."""
        self.status = StatusList()
        """Its status messages."""
        self.registered_at: str | None = None
        """The process node name of the member it is registered with."""
        self._network = _with_tls_of(identity.generation, network)
        self._keeper = keeper
        self._options = options or PhoneOptions()
        self._registrar = registrar
        self._clock = clock or SystemClock()
        self._on_line, self._on_status = on_line, on_status
        self._performer = Performer(self._network, self._show, registrar)
        self._cache = TvsCache()
        self._pressed = asyncio.Event()
        firmware = firmware_of(self.load)
        self.console = Console(
            identity.generation, thread=_THREAD if firmware and firmware >= _THREADED else None
        )
        """Its console log."""
        self._texts = console_texts(identity.generation, self.load)

    @property
    def load(self) -> str:
        """The load it runs: the usual one of its model."""
        model = PHONE_MODELS[self.identity.model]
        return model.default_load(model.protocols[0])

    @property
    def configuration(self) -> PhoneConfiguration | None:
        """The configuration in force."""
        if self.flash.config is None:
            return None
        try:
            return parse_configuration(self.flash.config)
        except FormatError:
            return None

    @property
    def can_register(self) -> bool:
        """Whether there is anything that registers it."""
        return self._registrar is not None

    async def start(self) -> None:
        """Switch on: read the flash. Raises FlashError."""
        if self._keeper is not None:
            self.flash = await asyncio.to_thread(self._keeper.load)
        if self.flash.mic is None and self._options.mic is not None:
            await self._store(replace(self.flash, mic=self._options.mic))

    async def boot(self) -> BootSummary:
        """Boot once, to the end of registration. Raises FlashError when it cannot store."""
        options, network = self._options, self._network
        session = Session(
            self.identity,
            self.flash,
            self._clock.now(),
            tuple(server.host for server in network.servers),
            cache=self._cache,
            switches=options.switches,
            authentication_string=options.authentication_string,
            transports=options.transports,
        )
        self.registered_at = None
        boot = Boot(session)
        while (step := boot.next_step()) is not None:
            await self._take_effects(boot)
            outcome = await self._performer.perform(step)
            if isinstance(outcome, CapfAnswered) and outcome.installed is not None:
                await asyncio.sleep(options.settle_s)
            boot.answer(outcome, self._clock.now())
        await self._take_effects(boot)
        self.registered_at = boot.summary.registered
        return boot.summary

    async def stay(self, on_boot: Callable[[BootSummary], None], first: BootSummary) -> None:
        """Boot again when told to by its server or a button, or when no configuration came."""
        summary = first
        while True:
            order = await self._next_order(summary)
            if order is not None:
                self._show(ResetReceived(order))
            summary = await self.boot()
            on_boot(summary)

    async def erase_trust_lists(self) -> None:
        """Erase CTL and ITL, as a person does in the security settings. Raises FlashError."""
        self._show(TrustListsErased())
        self._cache.flush()
        await self._store(self.flash.without_trust_lists())

    async def press(self, button: Button) -> bool:
        """Do what a button does; tell whether this phone can."""
        if button is Button.RESET:
            self._pressed.set()
        return button is not Button.DIRECTORIES

    async def close(self) -> None:
        """Switch off."""
        if self._registrar is not None:
            await self._registrar.close()

    @property
    def face(self) -> PhoneFace:
        """What its web pages need."""
        return PhoneFace(self.view, self.press)

    def view(self) -> PhoneView:
        """Return what its web pages show now."""
        configuration = self.configuration or PhoneConfiguration()
        members = [member.process_node_name for member in configuration.call_managers]
        return PhoneView(
            identity=self.identity,
            at=self._clock.now(),
            load=self.load,
            service_state="Idle" if self.registered_at is None else "Active",
            network=NetworkView(
                ip_address=_own_address(self._network.servers[0].host),
                dhcp_enabled=False,
                tftp_servers=tuple(server.host for server in self._network.servers),
                alternate_tftp=True,
            ),
            servers=tuple(
                ServerView(name, "Active" if name == self.registered_at else "") for name in members
            ),
            ctl=trust_list_view(self.flash.ctl),
            itl=trust_list_view(self.flash.itl),
            configuration=configuration,
            status=self.status,
            logs=self.console.files,
        )

    async def _take_effects(self, boot: Boot) -> None:
        for effect in boot.take_effects():
            if isinstance(effect, StoreFlash):
                await self._store(effect.flash)
            else:
                self._show(effect)

    async def _store(self, flash: Flash) -> None:
        if self._keeper is not None:
            await asyncio.to_thread(self._keeper.store, flash)
        self.flash = flash

    def _show(self, event: Event) -> None:
        """Put an event into the console log and, where one shows it, among the messages."""
        now = self._clock.now()
        for line in self.console.write(self._texts.render(event), now):
            if self._on_line is not None:
                self._on_line(line)
        text = status_message(event, self.identity.generation)
        if text is not None:
            self.status = self.status.add(now, text)
            if self._on_status is not None:
                self._on_status(self.status.messages[-1])

    async def _next_order(self, summary: BootSummary) -> str | None:
        """Wait for a reason to boot; None: the last boot brought no configuration."""
        waits: list[asyncio.Task[str]] = [asyncio.create_task(self._button())]
        if self._registrar is not None:
            waits.append(asyncio.create_task(self._registrar.next_order()))
        patience = None if _is_settled(summary) else self._options.retry_s
        try:
            done, _ = await asyncio.wait(
                waits, timeout=patience, return_when=asyncio.FIRST_COMPLETED
            )
            return next((task.result() for task in done), None)
        finally:
            for task in waits:
                task.cancel()

    async def _button(self) -> str:
        await self._pressed.wait()
        self._pressed.clear()
        return "reset"


def _with_tls_of(generation: Generation, network: Network) -> Network:
    """Let a 79xx speak TLS 1.0, the last that it knows (phone.md 4.1)."""
    if generation is not Generation.SERIES_79XX or network.link.tls_version is not None:
        return network
    return replace(network, link=replace(network.link, tls_version="1.0"))


def _is_settled(summary: BootSummary) -> bool:
    """Tell whether a configuration came, or something was refused: then a phone waits."""
    kinds = [each.kind for each in summary.accepted]
    return FileKind.CONFIG in kinds or bool(summary.refused)


def _own_address(towards: str) -> str:
    """Return the address from which a server is reached; empty when that cannot be told."""
    try:
        version = ipaddress.ip_address(towards).version
    except ValueError:
        return ""  # a name: pages wait for no DNS
    family = socket.AF_INET if version == _IPV4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((towards, 9))  # UDP: nothing is sent
        except OSError:
            return ""
        return str(probe.getsockname()[0])
