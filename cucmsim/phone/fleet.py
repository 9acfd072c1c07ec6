"""Many phones at once, booting from the same servers: how many are trusted, locked, registered.

    fleet = Fleet(members, network, FleetOptions(parallel=50))
    await fleet.run()                # boots each once
    await fleet.stay()               # obeys resets until it is cancelled
    fleet.report(...)
    await fleet.close()

All MICs of a fleet have one key, made once: a key takes a hundred times as long as a certificate.
No console lines are printed; `counts` can be read at any time.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from cucmsim.clock import Clock, SystemClock
from cucmsim.entropy import Entropy, SystemEntropy, stream_of
from cucmsim.errors import FormatError
from cucmsim.formats.names import decode_text
from cucmsim.formats.trustlist import decode_trust_list
from cucmsim.phone.device import Phone, PhoneOptions
from cucmsim.phone.events import Event, ResetReceived
from cucmsim.phone.factory import make_key, make_mic
from cucmsim.phone.flashdir import FlashDirectory, FlashError
from cucmsim.phone.performer import Network, Registrar
from cucmsim.phone.summary import BootSummary
from cucmsim.phone.values import FileKind, PhoneIdentity
from cucmsim.pki.keys import PrivateKey

__all__ = ["Fleet", "FleetCounts", "FleetMember", "FleetOptions", "FleetReport", "Stage"]

_WATCH_S = 5.0
NO_ANSWER = "no TFTP server answers"
LOST = "registered, and lost it again"
NO_LIST = "none"
DAMAGED = "damaged"
NO_CONFIGURATION = "no configuration that it could use"
KEPT = "it goes on with the configuration it held"


class Stage(StrEnum):
    """How far a phone is; the last three are what a boot has led to.

    TRUSTED: it accepted everything it was given; LOCKED: it refused something, and goes on with
    what it held; FAILED: it got no configuration, but may go on with one that it held.
    """

    WAITING = "waiting"
    BOOTING = "booting"
    TRUSTED = "trusted"
    LOCKED = "locked"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class FleetMember:
    """A phone of a fleet, and what a person types on it for CAPF."""

    identity: PhoneIdentity
    authentication_string: str | None = None


@dataclass(frozen=True, slots=True)
class FleetOptions:
    """So many boot at a time; each keeps its flash in a directory of its own below `flash`.

    `settle_s` as in `PhoneOptions`.
    """

    parallel: int = 50
    flash: Path | None = None
    settle_s: float = 1.0


@dataclass(frozen=True, slots=True)
class FleetCounts:
    """How many phones are at which stage, and how many of them are registered."""

    waiting: int
    booting: int
    trusted: int
    locked: int
    failed: int
    registered: int

    @property
    def booted(self) -> int:
        """How many have booted."""
        return self.trusted + self.locked + self.failed


@dataclass(frozen=True, slots=True)
class FleetReport:
    """What became of a fleet.

    `nodes` counts with which node phones are registered, `ctls` and `itls` by whom the trust lists
    that they hold are signed ("none" where they hold none), `reasons` why phones are locked, failed
    or unregistered; each from the most frequent on.
    """

    phones: int
    seconds: float
    trusted: int
    locked: int
    failed: int
    registered: int
    nodes: dict[str, int]
    ctls: dict[str, int]
    itls: dict[str, int]
    reasons: dict[str, int]


RegistrarFor: TypeAlias = Callable[[PhoneIdentity], Registrar | None]


class Fleet:
    """Phones that share `network`; `registrar_for` gives each what registers it."""

    def __init__(
        self,
        members: Sequence[FleetMember],
        network: Network,
        options: FleetOptions | None = None,
        *,
        registrar_for: RegistrarFor = lambda _identity: None,
        clock: Clock | None = None,
        entropy: Entropy | None = None,
    ) -> None:
        self._members = tuple(members)
        self._network = network
        self._options = options or FleetOptions()
        self._registrar_for = registrar_for
        self._clock = clock or SystemClock()
        self._entropy = entropy or SystemEntropy()
        self._phones: list[Phone] = []
        self._first: list[tuple[Phone, BootSummary]] = []
        self._stages = dict.fromkeys((each.identity.name for each in members), Stage.WAITING)
        self._reasons: dict[str, tuple[str, ...]] = {}
        self._answered: set[str] = set()
        self._registered: set[str] = set()
        self._began = self._ended = self._clock.monotonic()

    @property
    def counts(self) -> FleetCounts:
        """How many phones are at which stage now."""
        stages = Counter(self._stages.values())
        return FleetCounts(
            waiting=stages[Stage.WAITING],
            booting=stages[Stage.BOOTING],
            trusted=stages[Stage.TRUSTED],
            locked=stages[Stage.LOCKED],
            failed=stages[Stage.FAILED],
            registered=sum(phone.registered_at is not None for phone in self._phones),
        )

    @property
    def can_register(self) -> bool:
        """Whether there is anything that registers the phones."""
        return any(phone.can_register for phone in self._phones)

    @property
    def was_answered(self) -> bool:
        """Whether any phone heard anything of a TFTP server."""
        return bool(self._answered)

    @property
    def report(self) -> FleetReport:
        """What has become of the phones so far, while they are on; seconds are those of `run`."""
        counts = self.counts
        reasons = Counter(reason for each in self._reasons.values() for reason in each)
        reasons[LOST] += sum(
            phone.registered_at is None
            for phone in self._phones
            if phone.identity.name in self._registered
        )
        return FleetReport(
            phones=len(self._members),
            seconds=self._ended - self._began,
            trusted=counts.trusted,
            locked=counts.locked,
            failed=counts.failed,
            registered=counts.registered,
            nodes=_counted(phone.registered_at for phone in self._phones),
            ctls=_counted(_signer(phone.flash.ctl) for phone in self._phones),
            itls=_counted(_signer(phone.flash.itl) for phone in self._phones),
            reasons={reason: times for reason, times in reasons.most_common() if times},
        )

    async def run(self) -> None:
        """Boot every phone once, `parallel` at a time."""
        self._began = self._clock.monotonic()
        key = await asyncio.to_thread(make_key, stream_of(self._entropy, "key"))
        gate = asyncio.Semaphore(self._options.parallel)
        async with asyncio.TaskGroup() as group:
            for member in self._members:
                group.create_task(self._boot(member, key, gate))
        self._ended = self._clock.monotonic()

    async def stay(self) -> None:
        """Obey resets, and boot again where no configuration came, until this is cancelled."""
        async with asyncio.TaskGroup() as group:
            for phone, summary in self._first:
                group.create_task(self._stay(phone, summary))

    async def close(self) -> None:
        """Switch all phones off."""
        await asyncio.gather(*(phone.close() for phone in self._phones))

    async def _boot(self, member: FleetMember, key: PrivateKey, gate: asyncio.Semaphore) -> None:
        name = member.identity.name
        async with gate:
            self._stages[name] = Stage.BOOTING
            phone = await self._switch_on(member, key)
            try:
                await phone.start()
                summary = await phone.boot()
            except FlashError as error:
                self._stages[name] = Stage.FAILED
                self._reasons[name] = (str(error).replace(name, "SEP…"),)
                return
            self._note(phone, summary)
            self._first.append((phone, summary))

    async def _switch_on(self, member: FleetMember, key: PrivateKey) -> Phone:
        options, identity = self._options, member.identity
        entropy = stream_of(self._entropy, f"mic/{identity.name}")
        mic = await asyncio.to_thread(make_mic, identity, entropy, self._clock.now(), key)
        phone = Phone(
            identity,
            self._network,
            keeper=FlashDirectory(options.flash / identity.name) if options.flash else None,
            options=PhoneOptions(
                authentication_string=member.authentication_string,
                mic=mic,
                settle_s=options.settle_s,
                watch_s=_WATCH_S,
                entropy=self._entropy,
            ),
            registrar=self._registrar_for(identity),
            clock=self._clock,
            on_event=lambda event: self._hear(identity.name, event),
        )
        self._phones.append(phone)
        return phone

    async def _stay(self, phone: Phone, first: BootSummary) -> None:
        name = phone.identity.name
        try:
            await phone.stay(lambda summary: self._note(phone, summary), first)
        except FlashError as error:
            self._stages[name] = Stage.FAILED
            self._reasons[name] = (str(error).replace(name, "SEP…"),)

    def _hear(self, name: str, event: Event) -> None:
        """Count a phone that is told to reset among those that boot."""
        if isinstance(event, ResetReceived):
            self._stages[name] = Stage.BOOTING

    def _note(self, phone: Phone, summary: BootSummary) -> None:
        """Keep what a boot has led to."""
        name = phone.identity.name
        if summary.was_answered:
            self._answered.add(name)
        self._stages[name], reasons = _outcome(summary)
        self._registered.discard(name)
        if summary.registered is not None:
            self._registered.add(name)
        if phone.can_register and summary.registered is None:
            reasons = (*reasons, f"not registered: {summary.failure}")
        self._reasons[name] = reasons


def _counted(found: Iterable[str | None]) -> dict[str, int]:
    """Count what is there."""
    return dict(Counter(one for one in found if one is not None).most_common())


def _signer(trust_list: bytes | None) -> str:
    """Return by whom a trust list is signed."""
    if trust_list is None:
        return NO_LIST
    try:
        return f"signed by {decode_text(decode_trust_list(trust_list).header.signer.name)}"
    except FormatError:
        return DAMAGED


def _outcome(summary: BootSummary) -> tuple[Stage, tuple[str, ...]]:
    """Return what a boot has led to, and why it is not more."""
    if summary.refused:
        refused = dict.fromkeys(f"{each.kind}: {each.reason}" for each in summary.refused)
        return Stage.LOCKED, tuple(refused)
    if not summary.was_answered:
        return Stage.FAILED, (NO_ANSWER,)
    if not any(each.kind is FileKind.CONFIG for each in summary.accepted):
        if summary.goes_on_after:
            return Stage.FAILED, (f"no new configuration ({summary.goes_on_after}), {KEPT}",)
        return Stage.FAILED, (NO_CONFIGURATION,)
    return Stage.TRUSTED, ()
