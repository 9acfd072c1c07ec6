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
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from cucmsim.clock import Clock, SystemClock
from cucmsim.entropy import Entropy, SystemEntropy, stream_of
from cucmsim.errors import FormatError
from cucmsim.formats.models import PHONE_MODELS
from cucmsim.formats.phonealarms import OutOfServiceReason
from cucmsim.formats.phonevalues import PhoneUrls
from cucmsim.phone.boot import Boot, Restart
from cucmsim.phone.config import PhoneConfiguration, parse_configuration
from cucmsim.phone.console import Console
from cucmsim.phone.directory import ServiceBrowser
from cucmsim.phone.events import Event, RegistrationSucceeded, ResetReceived, TrustListsErased
from cucmsim.phone.execute import Button
from cucmsim.phone.flash import Flash
from cucmsim.phone.flashdir import FlashDirectory
from cucmsim.phone.flashlock import FlashLock
from cucmsim.phone.flashowner import check_owner
from cucmsim.phone.link import spoken_by
from cucmsim.phone.lookup import Check, Decision, HttpsCheck, ask_about_file, ask_about_peer
from cucmsim.phone.machine import Machine, Session
from cucmsim.phone.networkview import network_view
from cucmsim.phone.orders import COURSES, Course, Order
from cucmsim.phone.performer import Network, Performer, Registrar, ServerFinder, Standing
from cucmsim.phone.serveraddress import find_server, with_address
from cucmsim.phone.statuslist import StatusList, StatusMessage
from cucmsim.phone.statustexts import status_message
from cucmsim.phone.steps import CapfAnswered, StoreFlash
from cucmsim.phone.summary import BootSummary, summarise
from cucmsim.phone.texts import console_texts, firmware_of
from cucmsim.phone.trust import FileRequest, Refused
from cucmsim.phone.tvscache import TvsCache
from cucmsim.phone.values import (
    Certified,
    FileKind,
    PhoneIdentity,
    Purpose,
    Refusal,
    Switches,
    Transport,
)
from cucmsim.phone.view import PhoneView, ServerView, trust_list_view
from cucmsim.phone.web import PhoneFace

__all__ = ["Phone", "PhoneOptions"]

_THREADED: Final = (12, 0)
_THREAD: Final = (620, 870)


@dataclass(frozen=True, slots=True)
class PhoneOptions:
    """What is particular to a phone.

    `authentication_string` is what a person typed for CAPF; `mic` what the phone left the factory
    with, used where the flash has none; `retry_s` how long it waits before it boots again when
    no configuration came; `settle_s` what it takes it to go on with a new LSC, which gives the
    cluster's TFTP servers the time to learn of it; `watch_s` how often it looks whether somebody
    asks it to erase its trust lists, while it stays on. `entropy` is what it makes keys from.
    """

    switches: Switches = field(default_factory=Switches)
    authentication_string: str | None = None
    transports: tuple[Transport, ...] = tuple(Transport)
    mic: Certified | None = None
    retry_s: float = 30.0
    settle_s: float = 1.0
    watch_s: float = 0.5
    entropy: Entropy = field(default_factory=SystemEntropy)


class Phone:
    """One phone; `keeper` None: it forgets everything when it is switched off."""

    def __init__(  # noqa: PLR0913 - what a phone is made of, and who looks on
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
        on_event: Callable[[Event], None] | None = None,
    ) -> None:
        self.identity = identity
        self.flash = Flash()
        """What it holds now."""
        self.status = StatusList()
        """Its status messages."""
        self._network = replace(network, link=spoken_by(identity.generation, network.link))
        self._keeper = keeper
        self._options = options or PhoneOptions()
        self._registrar = registrar
        if registrar is not None:
            registrar.listen(self._show)
        self._clock = clock or SystemClock()
        self._on_line, self._on_status, self._on_event = on_line, on_status, on_event
        self._entropy = stream_of(self._options.entropy, f"phone/{identity.name}")
        self._performer = self._performer_of(self._network)
        self._cache = TvsCache()
        self._number = ""
        self._pressed: asyncio.Queue[Order] = asyncio.Queue()
        self.browser = ServiceBrowser(identity.name, self._network, self._show, self._decide)
        """Its directory, and what its screen shows of it."""
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
    def registered_at(self) -> str | None:
        """The process node name of the member it is registered with."""
        return self.standing.active

    @property
    def can_register(self) -> bool:
        """Whether there is anything that registers it."""
        return self._registrar is not None

    async def start(self) -> None:
        """Switch on: read the flash. Raises FlashError, also where another phone has it."""
        if self._keeper is not None:
            await asyncio.to_thread(self._keeper.lock.take, self.identity.name)
            self.flash = await asyncio.to_thread(self._keeper.load)
            check_owner(self.flash, self.identity, self._keeper.path)
        if self.flash.mic is None and self._options.mic is not None:
            await self._store(replace(self.flash, mic=self._options.mic))

    async def boot(self) -> BootSummary:
        """Boot once, from DHCP to the end of registration.

        Raises FlashError when it cannot store, InterfaceError when DHCP cannot be asked.
        """
        return await self._boot(OutOfServiceReason.INITIALIZED)

    async def _boot(self, reason: OutOfServiceReason) -> BootSummary:
        """Boot, and tell the server that the phone was without service because of `reason`."""
        if self._network.finder is not None:
            await self._find_servers(self._network.finder)
        if not self._network.servers:
            return summarise(())
        boot = Boot(replace(self._session(), reason=reason))
        await self._run(boot)
        return boot.summary

    async def stay(self, on_boot: Callable[[BootSummary], None], first: BootSummary) -> None:
        """Boot again when told to by its server or a button, or when no configuration came."""
        summary = first
        while True:
            order = await self._next_order(summary)
            if order is None:
                summary = await self.boot()
            else:
                self._show(ResetReceived(order))
                if order == Order.ERASE:
                    await self.erase_trust_lists()
                summary = await self._obey(COURSES[Order(order)])
            on_boot(summary)

    async def _obey(self, course: Course) -> BootSummary:
        """Do what an order means; return what came of it."""
        if course.registers:
            await self._unregister()
        if course.boots:
            return await self._boot(course.reason)
        session = replace(self._session(), reason=course.reason)
        restart = Restart(session, registers=course.registers)
        await self._run(restart)
        if course.registers:
            return restart.summary
        return replace(restart.summary, registered=self.registered_at)

    async def erase_trust_lists(self) -> None:
        """Erase CTL and ITL, as a person does in the security settings. Raises FlashError."""
        self._show(TrustListsErased())
        self._cache.flush()
        await self._store(self.flash.without_trust_lists())
        if self._keeper is not None:
            self._keeper.lock.answer()

    async def press(self, button: Button) -> bool:
        """Do what a button does; tell whether this phone can."""
        if button is Button.RESET:
            self._pressed.put_nowait(Order.KEYPAD)
        if button is Button.ERASE:
            self._pressed.put_nowait(Order.ERASE)
        if button is Button.DIRECTORIES:
            return not (await self.browser.press(self._urls)).failure
        return True

    async def authorize(self, user: str, password: str) -> bool:
        """Have the authentication URL say whether `user` may press buttons from afar."""
        return await self.browser.authorize(self._urls, user, password)

    async def close(self) -> None:
        """Switch off."""
        try:
            await self._unregister()
        finally:
            if self._keeper is not None:
                self._keeper.lock.drop()

    async def _unregister(self) -> None:
        if self._registrar is not None:
            await self._registrar.close()

    @property
    def face(self) -> PhoneFace:
        """What its web pages need."""
        return PhoneFace(self.view, self.press, self.authorize)

    def view(self) -> PhoneView:
        """Return what its web pages show now."""
        configuration = self.configuration or PhoneConfiguration()
        members = [member.process_node_name for member in configuration.call_managers]
        return PhoneView(
            identity=self.identity,
            at=self._clock.now(),
            load=self.load,
            service_state="Idle" if self.registered_at is None else "Active",
            network=network_view(self._network),
            servers=tuple(ServerView(name, self._state_of(name)) for name in members),
            ctl=trust_list_view(self.flash.ctl),
            itl=trust_list_view(self.flash.itl),
            configuration=configuration,
            status=self.status,
            logs=self.console.files,
            number=self._number,
        )

    @property
    def standing(self) -> Standing:
        """Where it stands with its CallManagers."""
        return Standing() if self._registrar is None else self._registrar.standing

    def _state_of(self, member: str) -> str:
        """Return what the pages say behind the name of a member."""
        standing = self.standing
        if member == standing.active:
            return "Active"
        return "Standby" if member in standing.standby else ""

    @property
    def _urls(self) -> PhoneUrls:
        return (self.configuration or PhoneConfiguration()).urls

    def _session(self) -> Session:
        """Return what a machine of this phone begins with."""
        options = self._options
        return Session(
            self.identity,
            self.flash,
            self._clock.now(),
            tuple(server.host for server in self._network.servers),
            cache=self._cache,
            switches=options.switches,
            authentication_string=options.authentication_string,
            transports=options.transports,
        )

    async def _find_servers(self, finder: ServerFinder) -> None:
        """Ask where the TFTP servers are; when nobody says so those known before stay."""
        told = await finder.find(self._show)
        if told is not None:
            self._network = self._network.as_told(told)
            self._performer = self._performer_of(self._network)

    def _performer_of(self, network: Network) -> Performer:
        return Performer(network, self._show, self._registrar, self._entropy)

    async def _run(self, machine: Machine) -> None:
        """Carry out the steps of a machine. Raises FlashError when it cannot store."""
        while (step := machine.next_step()) is not None:
            await find_server(step, self._network.names)
            await self._take_effects(machine)
            outcome = await self._performer.perform(step)
            if isinstance(outcome, CapfAnswered) and outcome.installed is not None:
                await asyncio.sleep(self._options.settle_s)
            machine.answer(outcome, self._clock.now())
        await self._take_effects(machine)

    async def judge_certificate(
        self, purpose: Purpose, server: str, certificate_der: bytes
    ) -> Decision:
        """Decide about the certificate of a server as if it had shown it, asking TVS if need be."""
        session = self._session()
        question = ask_about_peer(session, purpose, server, certificate_der)
        return await self._ask(Check(session, question))

    async def judge_file(self, kind: FileKind, name: str, data: bytes) -> Decision:
        """Decide about a signed file as if it had come, asking TVS if need be; nothing is kept."""
        session = self._session()
        question = ask_about_file(session, FileRequest(kind, name, data))
        return await self._ask(Check(session, question))

    async def _decide(self, server: str, certificate_der: bytes) -> Decision:
        return await self._ask(HttpsCheck(self._session(), server, certificate_der))

    async def _ask(self, check: Check) -> Decision:
        await self._run(check)
        return check.decision or Refused(Refusal.UNKNOWN_CERTIFICATE)

    async def _take_effects(self, machine: Machine) -> None:
        for effect in machine.take_effects():
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
        now, shown = self._clock.now(), with_address(event, self._network.names)
        if self._on_event is not None:
            self._on_event(shown)
        for line in self.console.write(self._texts.render(shown), now):
            if self._on_line is not None:
                self._on_line(line)
        if isinstance(event, RegistrationSucceeded):
            self._number = event.number
        text = status_message(event, self.identity.generation)
        if text is not None:
            self.status = self.status.add(now, text)
            if self._on_status is not None:
                self._on_status(self.status.messages[-1])

    async def _next_order(self, summary: BootSummary) -> str | None:
        """Wait for an `Order`; None: the last boot brought no configuration."""
        waits: list[asyncio.Task[str]] = [asyncio.create_task(self._pressed.get())]
        if self._keeper is not None:
            waits.append(asyncio.create_task(self._asked_to_erase(self._keeper.lock)))
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

    async def _asked_to_erase(self, lock: FlashLock) -> str:
        """Wait until somebody asks, who cannot erase while the phone has its flash."""
        while True:
            if lock.is_asked:
                return Order.ERASE
            await asyncio.sleep(self._options.watch_s)


def _is_settled(summary: BootSummary) -> bool:
    """Tell whether a configuration came, or something was refused: then a phone waits."""
    kinds = [each.kind for each in summary.accepted]
    return FileKind.CONFIG in kinds or bool(summary.refused)
