"""What a scenario is played on: clusters, phones, a clock, and the checks that make its verdict.

Everything done through the stage is told, step by step. A scenario states what must be so with
`expect`; a claim about something that cannot be seen of a device under test is noted as such.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from cucmsim.clock import MovableClock, SystemClock
from cucmsim.entropy import Entropy, SystemEntropy, stream_of
from cucmsim.errors import NotApplicableError
from cucmsim.phone.device import PhoneOptions
from cucmsim.phone.factory import make_mic
from cucmsim.phone.localends import LocalEnds
from cucmsim.phone.values import FileKind, PhoneIdentity, TrustSource
from cucmsim.scenarios.exchange import Exchange, serving
from cucmsim.scenarios.narrative import Check, Happened, Result, Tell, WhoActs
from cucmsim.scenarios.observed import UNKNOWN, BootReport
from cucmsim.scenarios.stagecluster import StageCluster
from cucmsim.scenarios.stagephone import Clusters, SimulatedPhone, StagePhone
from cucmsim.services.capture import Snapshot
from cucmsim.testing.handset import HandsetOptions
from cucmsim.testing.labcluster import LabCluster, Surroundings
from cucmsim.testing.reached import ReachedCluster
from cucmsim.testing.shape import ClusterShape

__all__ = ["Cast", "MakePhone", "OpenCluster", "Record", "Stage"]

_MAIN = "cluster"
_SFTP_PORT = 2022
_FAILED = "Trust List Update Failed"
_SILENT = "it registers nowhere, as a locked phone still would, and does not say what it holds"
_T = TypeVar("_T")

MakePhone = Callable[[PhoneIdentity, Clusters, Tell], StagePhone]
"""Makes the phone under test where it is not our own."""

OpenCluster = Callable[[ClusterShape, str], AbstractAsyncContextManager[ReachedCluster]]
"""Gives a cluster of a shape, by its name on the stage, where none is started here."""


@dataclass(frozen=True, slots=True)
class Cast:
    """What a run begins with: the cluster's shape, the phone, and the scenario's parameters."""

    shape: ClusterShape
    identity: PhoneIdentity
    parameters: Mapping[str, str]
    device: MakePhone | None = None
    opens: OpenCluster | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """What is left of a run: its checks, and of each cluster, once it has ended, the capture."""

    checks: list[Check] = field(default_factory=list)
    captures: list[tuple[str, Snapshot]] = field(default_factory=list)


class Stage:
    """One run of a scenario. Made by `Stage.set`."""

    def __init__(
        self,
        cast: Cast,
        around: Surroundings,
        tell: Tell,
        stack: AsyncExitStack,
        record: Record,
    ) -> None:
        self.shape = cast.shape
        """The cluster that the scenario begins with."""
        self.identity = cast.identity
        """The phone under test."""
        self.parameters = cast.parameters
        self.around = around
        self.record = record
        self._cast = cast
        self._tell = tell
        self._stack = stack
        self._clusters: list[StageCluster] = []
        self._endings: dict[StageCluster, AsyncExitStack] = {}
        self._phone: StagePhone | None = None
        self._simulated: list[SimulatedPhone] = []
        self._numbers: dict[str, int] = {}
        self._equipment = PhoneOptions()
        self._exchange: Exchange | None = None

    @classmethod
    @asynccontextmanager
    async def set(
        cls, cast: Cast, around: Surroundings, tell: Tell, record: Record | None = None
    ) -> AsyncIterator["Stage"]:
        """Set a stage with its first cluster; everything on it ends with the block.

        Whoever gives a `record` has it after a failure too.
        """
        async with AsyncExitStack() as stack:
            stage = cls(cast, around, tell, stack, record or Record())
            await stage.open(cast.shape, _MAIN)
            yield stage

    @property
    def checks(self) -> list[Check]:
        """What was checked."""
        return self.record.checks

    # clusters

    @property
    def cluster(self) -> StageCluster:
        """The cluster that was opened first, of those that run."""
        return self._clusters[0]

    @property
    def clusters(self) -> tuple[StageCluster, ...]:
        """The clusters that run."""
        return tuple(self._clusters)

    async def open(self, shape: ClusterShape, name: str) -> StageCluster:
        """Start a further cluster, with a store of its own.

        A database that the shape names is the first cluster's; others keep a file.
        """
        ending = AsyncExitStack()
        await self._stack.enter_async_context(ending)
        reached = await ending.enter_async_context(self._reach(shape, name))
        settle = self._settle if self.around.is_repeatable else None
        opened = StageCluster(name, reached, self._tell, self._phones_clock(), settle)
        if isinstance(reached, LabCluster):
            ending.callback(self._keep_capture, name, reached)
        self._clusters.append(opened)
        self._endings[opened] = ending
        text = f"{shape.nodes} node{'s' * (shape.nodes > 1)}, release {shape.release}, {shape.mode}"
        verb = "runs already" if self._cast.opens else "starts"
        self._tell(Happened(WhoActs.NARRATOR, name, f"{verb}: {text}"))
        return opened

    def _reach(self, shape: ClusterShape, name: str) -> AbstractAsyncContextManager[ReachedCluster]:
        """Start a cluster, or take the one that runs already."""
        if self._cast.opens is not None:
            return self._cast.opens(shape, name)
        if name != _MAIN:
            shape = replace(shape, database="")
        around, entropy = self.around, self.around.entropy
        drawn = None if entropy is None else stream_of(entropy, f"cluster {name}")
        return LabCluster.running(
            shape, replace(around, directory=around.directory / name, entropy=drawn)
        )

    def _keep_capture(self, name: str, lab: LabCluster) -> None:
        self.record.captures.append((name, lab.cluster.capture.snapshot()))

    def _phones_clock(self) -> MovableClock | None:
        """Return the clock of the phones where it is not that of the clusters besides."""
        clock = self.around.clock
        is_apart = self._cast.opens is not None and isinstance(clock, MovableClock)
        return clock if is_apart and isinstance(clock, MovableClock) else None

    async def stop(self, cluster: StageCluster) -> None:
        """Stop a cluster; its store stays, and a cluster of the same name goes on from it."""
        if self._cast.opens is not None:
            raise NotApplicableError("needs a cluster that it may stop, and this one runs already")
        await cluster.tell_exchanges()
        self._clusters.remove(cluster)
        await self._endings.pop(cluster).aclose()
        self._tell(Happened(WhoActs.NARRATOR, cluster.name, "is stopped"))

    def directory(self, name: str) -> Path:
        """Return a directory for files of this run."""
        path = self.around.directory / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    async def exchange(self) -> Exchange:
        """Return the SFTP server, on a directory of its own, that runs until the run ends."""
        if self._exchange is None:
            address = self.around.place.helper(0, _SFTP_PORT)
            served = serving(self.directory("exchange"), address, self._drawn("exchange"))
            self._exchange = await self.enter(served)
        return self._exchange

    async def enter(self, context: AbstractAsyncContextManager[_T]) -> _T:
        """Enter a context that is left when the run ends."""
        return await self._stack.enter_async_context(context)

    # phones

    async def equip(self, *, authentication_string: str | None = None) -> None:
        """Give the phone under test, before its first boot, a MIC and what is typed for CAPF.

        A device has its MIC from its factory; whoever tests it has to type the string.
        """
        if self._cast.device is not None:
            if authentication_string is not None:
                self.narrate(f"type the authentication string {authentication_string} on the phone")
            return
        now = (self.around.clock or SystemClock()).now()
        mic = await asyncio.to_thread(make_mic, self.identity, self._drawn("mic"), now)
        self._equipment = PhoneOptions(mic=mic, authentication_string=authentication_string)

    @property
    def phone(self) -> StagePhone:
        """The phone under test."""
        if self._phone is None:
            make = self._cast.device
            if make is None:
                self._phone = self.simulated()
            else:
                self._phone = make(self.identity, lambda: self._clusters, self._tell)
                self._stack.push_async_callback(self._phone.close)
        return self._phone

    @property
    def own_phone(self) -> SimulatedPhone:
        """The phone under test, where it has to be our own. Raises NotApplicableError."""
        phone = self.phone
        if isinstance(phone, SimulatedPhone):
            return phone
        raise NotApplicableError(
            f"{phone.name}: this part needs the simulated phone, found a device"
        )

    def simulated(
        self, identity: PhoneIdentity | None = None, options: HandsetOptions | None = None
    ) -> SimulatedPhone:
        """Return a simulated phone, the one under test by default, told of the first cluster."""
        chosen = options or HandsetOptions(phone=self._equipment)
        who, seeded = identity or self.identity, self.around.entropy
        entropy = chosen.entropy if seeded is None else stream_of(seeded, who.name)
        timed = replace(chosen, clock=self.around.clock, entropy=entropy)
        made = SimulatedPhone(who, lambda: self._clusters, timed, self._tell, self.ends(who.name))
        self._stack.push_async_callback(made.close)
        self._simulated.append(made)
        return made

    def ends(self, who: str) -> LocalEnds | None:
        """Return whence somebody speaks in a run that is to be had again; None: from any port."""
        number = self._numbers.setdefault(who, len(self._numbers))
        return self.around.place.phone_ends(number) if self.around.is_repeatable else None

    def _drawn(self, name: str) -> Entropy:
        """Return the randomness of something beside the clusters."""
        return stream_of(self.around.entropy or SystemEntropy(), name)

    async def _settle(self) -> None:
        """Wait for what nodes and phones do by themselves, where a run is to be had again."""
        for cluster in self._clusters:
            if isinstance(cluster.reached, LabCluster):
                await cluster.reached.cluster.settled()
        for phone in self._simulated:
            await phone.settle()

    # verdict

    def narrate(self, text: str) -> None:
        """Say what the next steps are about."""
        self._tell(Happened(WhoActs.NARRATOR, "", text))

    def expect(
        self,
        claim: str,
        found: object,
        wanted: object = True,  # noqa: FBT002 - any value
        *,
        decisive: bool = False,
    ) -> None:
        """Check that something is as it must be; `UNKNOWN` is what cannot be known of a device.

        `decisive`: it is what the scenario is about; a run is judged if one of these is seen.
        """
        if found is UNKNOWN:
            result = Result.UNSEEN
        else:
            result = Result.MET if found == wanted else Result.BROKEN
        self._note(Check(claim, _text(wanted), _text(found), result, decisive))

    def expect_follows(self, report: BootReport) -> None:
        """Check that a phone took what it was given."""
        found = UNKNOWN if report.follows is UNKNOWN else _state(report)
        self.expect(f"{report.phone} follows", found, "follows", decisive=True)

    def expect_locked(self, report: BootReport) -> None:
        """Check that a phone took nothing that it was given."""
        claim = f"{report.phone} is locked out"
        if report.is_locked is UNKNOWN and report.registered is None:
            self._note(Check(claim, "locked", _SILENT, Result.UNSEEN, is_decisive=True))
        else:
            found = UNKNOWN if report.is_locked is UNKNOWN else _state(report)
            self.expect(claim, found, "locked", decisive=True)
        self.expect(f"{report.phone} shows {_FAILED!r}", report.shows(_FAILED))

    def expect_source(self, report: BootReport, kind: FileKind, source: TrustSource) -> None:
        """Check why a phone took a kind of file."""
        claim = f"{report.phone} takes the {kind}"
        self.expect(claim, report.source(kind), source.value, decisive=True)

    def _note(self, check: Check) -> None:
        self.checks.append(check)
        self._tell(check)


def _state(report: BootReport) -> str:
    """Say what has become of a phone."""
    if report.follows is True:
        return "follows"
    if report.is_locked is True:
        return "locked"
    if report.is_device:
        return "registers nowhere"
    refused = ", ".join(f"{kind}: {why}" for kind, why in (report.refused or {}).items())
    return f"takes a part ({refused or report.failure})"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is UNKNOWN:
        return UNKNOWN.value
    return "nothing" if value is None else str(value) or "nothing"
