"""The fleet: phones in a process of their own that boot, register, ask TVS, enrol and obey resets.

`run_fleet` reads orders as JSON lines from standard input and writes facts as JSON lines to its
standard output: what each phone was given and by whom, and what it decided. It judges nothing. A
file is told whole the first time that anybody sees it, afterwards by its SHA-256.

Orders: `off` (all phones switch off and stay so), `boot` (each boots once), `erase` (each forgets
its trust lists), `on` (they go on living), `quit`.
"""

import asyncio
import json
import random
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from cucmsim.entropy import SystemEntropy
from cucmsim.phone.device import Phone, PhoneOptions
from cucmsim.phone.events import Event, ResetReceived
from cucmsim.phone.factory import make_key, make_mic
from cucmsim.phone.flash import Flash
from cucmsim.phone.http import HttpPatience
from cucmsim.phone.link import Link, LinkError, LinkOptions
from cucmsim.phone.names import Names
from cucmsim.phone.performer import FileServer, Network, Performer
from cucmsim.phone.registrar import PhoneRegistrar
from cucmsim.phone.steps import Outcome, Step
from cucmsim.phone.summary import BootSummary
from cucmsim.phone.trust import Accepted, Refused
from cucmsim.phone.values import Certified, PhoneIdentity, Purpose, Transport
from cucmsim.pki.certificates import certificate_der

from .facts import FleetSpec, PhoneSpec, Teller, step_fact

__all__ = ["run_fleet"]

_LINK_S: Final = 4.0
_RETRY_S: Final = 3.0
_LONGEST_LIFE_S: Final = 20.0
_LONGEST_REST_S: Final = 2.0
_PEER_CHANCE: Final = 0.7
_BOGUS_CHANCE: Final = 0.4


class WatchingPerformer(Performer):
    """A performer that keeps each step with its outcome."""

    def watch(self, steps: "list[tuple[float, Step, Outcome]]") -> None:
        """Keep steps in a list."""
        self._steps = steps

    async def perform(self, step: Step) -> Outcome:
        """Carry out a step, and keep what came of it."""
        began = time.time()
        outcome = await super().perform(step)
        self._steps.append((began, step, outcome))
        return outcome


class WatchedPhone(Phone):
    """A phone of which everything that it is given is kept, until somebody takes it."""

    def take_steps(self) -> list[tuple[float, Step, Outcome]]:
        """Return the steps since the last time."""
        taken = list(self._steps)
        self._steps.clear()
        return taken

    def _performer_of(self, network: Network) -> Performer:
        self._steps: list[tuple[float, Step, Outcome]] = getattr(self, "_steps", [])
        performer = WatchingPerformer(network, self._show, self._registrar, self._entropy)
        performer.watch(self._steps)
        return performer


@dataclass
class Life:
    """One phone's life, again and again on and off."""

    spec: PhoneSpec
    fleet: "Fleet"
    chance: random.Random
    flash: Flash = field(default_factory=Flash)
    phone: WatchedPhone | None = None
    held: str | None = None

    @property
    def identity(self) -> PhoneIdentity:
        """Who it is."""
        return PhoneIdentity(self.spec.mac, self.spec.model)

    async def live(self) -> None:
        """Be on for a while and off for a while, until cancelled."""
        while True:
            await asyncio.sleep(self.chance.uniform(0.1, _LONGEST_REST_S))
            await self.one_day()

    async def one_day(self) -> None:
        """Boot, stay on for a while, switch off."""
        phone = self._switch_on()
        try:
            first = await self._boot(phone)
            await self._be_curious(phone)
            with suppress(TimeoutError):
                async with asyncio.timeout(self.chance.uniform(1.0, _LONGEST_LIFE_S)):
                    await phone.stay(self._note_boot, first)
        finally:
            await self._switch_off()

    async def boot_once(self) -> None:
        """Boot and switch off."""
        phone = self._switch_on()
        try:
            await self._boot(phone)
        finally:
            await self._switch_off()

    def _switch_on(self) -> WatchedPhone:
        network = self.fleet.network_of(self.spec)
        transports = (Transport.TFTP,) if self.spec.is_lossy else tuple(Transport)
        self.phone = WatchedPhone(
            self.identity,
            network,
            options=PhoneOptions(
                mic=self.fleet.mic_of(self.identity), retry_s=_RETRY_S, transports=transports
            ),
            registrar=PhoneRegistrar(self.identity, network.link, goodbye_s=1.0),
            on_event=self._note_event,
        )
        self.phone.flash = self.flash
        return self.phone

    async def _switch_off(self) -> None:
        phone, self.phone = self.phone, None
        if phone is not None:
            self.flash = phone.flash
            with suppress(TimeoutError):
                async with asyncio.timeout(_LINK_S):
                    await phone.close()

    async def _boot(self, phone: WatchedPhone) -> BootSummary:
        await phone.start()
        self.held = self.fleet.teller.file(phone.flash.itl)
        summary = await phone.boot()
        self._note_boot(summary)
        return summary

    def _note_event(self, event: Event) -> None:
        if isinstance(event, ResetReceived):
            self.fleet.teller.tell("ordered", phone=self.identity.name, order=event.kind)

    def _note_boot(self, summary: BootSummary) -> None:
        """Tell what a boot has led to; what comes next is another one."""
        phone = self.phone
        if phone is None:
            return
        teller, now, taken = self.fleet.teller, time.time(), phone.take_steps()
        teller.tell(
            "boot",
            phone=self.identity.name,
            lossy=self.spec.is_lossy,
            servers=[host for host, *_ in self.spec.servers],
            began=taken[0][0] if taken else now,
            ended=now,
            held=self.held,
            holds=teller.file(phone.flash.itl),
            steps=[step_fact(teller, *one) for one in taken],
            accepted=[[one.kind, one.name, one.source, one.is_new] for one in summary.accepted],
            refused=[[one.kind, one.name, one.reason] for one in summary.refused],
            registered=summary.registered,
            failure=summary.failure,
            answered=summary.was_answered,
        )
        self.held = teller.file(phone.flash.itl)

    async def _be_curious(self, phone: WatchedPhone) -> None:
        """Ask TVS about the pages of a node, or about a certificate that nobody ever made."""
        if phone.flash.itl is None or self.chance.random() > _PEER_CHANCE:
            return
        node = self.chance.choice(list(self.fleet.spec.hosts))
        is_bogus = self.chance.random() < _BOGUS_CHANCE
        shown = self.fleet.bogus if is_bogus else await self.fleet.shown_by(node)
        if shown is None:
            return
        began, held = time.time(), self.fleet.teller.file(phone.flash.itl)
        teller = self.fleet.teller
        decision = await phone.judge_certificate(Purpose.HTTPS_SERVICE, node, shown)
        accepted = isinstance(decision, Accepted)
        self.fleet.teller.tell(
            "peer",
            phone=self.identity.name,
            node=node,
            began=began,
            ended=time.time(),
            held=held,
            bogus=is_bogus,
            certificate=self.fleet.teller.file(shown),
            accepted=accepted,
            reason=decision.reason if isinstance(decision, Refused) else "",
            steps=[step_fact(teller, *one) for one in phone.take_steps()],
        )


class Fleet:
    """All phones, and what they share."""

    def __init__(self, spec: FleetSpec) -> None:
        self.spec = spec
        self.teller = Teller()
        self._key = make_key(SystemEntropy())
        self.bogus = self.mic_of(PhoneIdentity("FFFFFFFFFFFF")).certificate_der
        """A certificate that no cluster trusts."""
        self._link = LinkOptions(timeout_s=_LINK_S)
        chance = random.Random(spec.seed)  # noqa: S311 - no secret
        self.lives = [Life(one, self, random.Random(chance.random())) for one in spec.phones]  # noqa: S311
        self._tasks: list[asyncio.Task[None]] = []

    def mic_of(self, identity: PhoneIdentity) -> Certified:
        """Return a MIC over the key that all share."""
        return make_mic(identity, SystemEntropy(), datetime.now(UTC), self._key)

    def network_of(self, spec: PhoneSpec) -> Network:
        """Return how a phone reaches the cluster."""
        servers = tuple(FileServer(host, tftp, http_port=http) for host, tftp, http in spec.servers)
        names = Names(self.spec.hosts, asks_dns=False)
        http = HttpPatience(idle_s=_LINK_S)
        return Network(servers, names, link=self._link, http=http)

    async def shown_by(self, node: str) -> bytes | None:
        """Return the certificate that the pages of a node show; None when they do not answer."""
        try:
            link = await Link.connect(self.spec.hosts[node], self.spec.web[node], self._link)
        except LinkError:
            return None
        async with link:
            shown = link.server_certificate
        return None if shown is None else certificate_der(shown)

    async def obey(self, order: str) -> None:
        """Carry out an order."""
        if order in ("off", "quit"):
            await self._stop()
        if order == "on":
            self._tasks = [asyncio.create_task(life.live()) for life in self.lives]
        if order == "boot":
            await asyncio.gather(*(life.boot_once() for life in self.lives))
        if order == "erase":
            for life in self.lives:
                life.flash = life.flash.without_trust_lists()
        self.teller.tell("done", order=order)

    async def _stop(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for task in tasks:
            if not task.cancelled():
                task.result()

    async def watch(self) -> None:
        """Raise what ended a life that nobody ended."""
        while True:
            for task in self._tasks:
                if task.done() and not task.cancelled():
                    task.result()
            await asyncio.sleep(1)


async def run_fleet(spec: FleetSpec) -> None:
    """Live, and obey, until told to quit."""
    fleet = Fleet(spec)
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    watching = asyncio.create_task(fleet.watch())
    try:
        while line := await _next_line(reader, watching):
            order = str(json.loads(line)["order"])
            await fleet.obey(order)
            if order == "quit":
                return
    finally:
        watching.cancel()
        await asyncio.wait([watching])


async def _next_line(reader: asyncio.StreamReader, watching: asyncio.Task[None]) -> bytes:
    """Return the next order. Raises what ended `watching`."""
    reading = asyncio.create_task(reader.readline())
    await asyncio.wait([reading, watching], return_when=asyncio.FIRST_COMPLETED)
    if watching.done():
        reading.cancel()
        watching.result()
    return await reading
