"""The steps of a scenario written in TOML: one verb each, and what belongs to it.

`STEPS` names them. A step is read by a model of its own, so that a wrong key is told with the
nearest right one; `check` finds what its names mean nothing; `perform` carries it out on a stage.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType
from typing import Annotated, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from cucmsim.cluster.management import operation_names
from cucmsim.cluster.ports import DEFAULT_SERVICES, ServiceName
from cucmsim.cluster.problems import Findings, Spot, show
from cucmsim.errors import SettingsError
from cucmsim.pki.profiles import Unit
from cucmsim.scenarios.observed import BootReport, DirectoryReport
from cucmsim.scenarios.stage import Stage
from cucmsim.scenarios.stagecluster import StageCluster
from cucmsim.services.faults.check import read_fault
from cucmsim.services.faults.kinds import FaultKind
from cucmsim.services.operations.servicecontrol import parts_of
from cucmsim.store.rows import SERVICE_NAMES
from cucmsim.testing.administrator import Said
from cucmsim.testing.shape import ClusterShape

__all__ = ["MAIN", "STEPS", "Actor", "Expect", "Known", "Order", "Step"]

MAIN: Final = "cluster"
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION: Final = r"^(\d{1,9}[smhdw] ?)+$"
_Words = Annotated[str, Field(min_length=1)]
_WITH_VALUE: Final = ("source", "refused", "questions", "says", "shown")
_OF_ORDERS: Final = ("succeeded", "says")


class Actor:
    """Carries out steps; remembers what came of the last ones, for what is expected of them."""

    def __init__(self, stage: Stage, shapes: Mapping[str, ClusterShape]) -> None:
        self.stage = stage
        self.shapes = shapes
        self.said = Said((), succeeded=True)
        self.boot: BootReport | None = None
        self.pressed: DirectoryReport | None = None

    def cluster(self, name: str) -> StageCluster:
        """Return a cluster that runs. Raises ValueError."""
        running = {one.name: one for one in self.stage.clusters}
        if name not in running:
            raise ValueError(
                f"cluster {name!r} does not run: a step with open = {name!r} starts it"
            )
        return running[name]


@dataclass(frozen=True, slots=True)
class Known:
    """What the steps of a file may name: each cluster with its nodes. `findings` has the rest."""

    nodes: Mapping[str, Sequence[str]]
    findings: Findings

    def check(self, spot: Spot, given: str, what: str, valid: Iterable[str]) -> None:
        """Note a name that is none of the valid ones."""
        names = tuple(valid)
        if given not in names:
            self.findings.add_reference(spot, given, what, names)


class Step(BaseModel):
    """A step; `on` is the cluster where it happens, `node` a node of it, "": the publisher."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    needs_phone: ClassVar[bool] = False

    on: str = MAIN

    def check(self, spot: Spot, known: Known) -> None:
        """Note names of things that there are not."""
        known.check((*spot, "on"), self.on, "a cluster", known.nodes)

    async def perform(self, actor: Actor) -> None:
        """Carry it out."""
        raise NotImplementedError


class Order(Step):
    """What a server may refuse; `may_fail`: the scenario goes on then.

    `is_answered`: the server's words tell whether it was carried out.
    """

    is_answered: ClassVar[bool] = False

    may_fail: bool = False


class _AtNode(Order):
    node: str = ""

    def check(self, spot: Spot, known: Known) -> None:
        super().check(spot, known)
        if self.node and self.on in known.nodes:
            known.check((*spot, "node"), self.node, "a node", known.nodes[self.on])


class _Command(_AtNode):
    is_answered = True
    command: _Words
    answers: list[str] = []

    async def perform(self, actor: Actor) -> None:
        cluster = actor.cluster(self.on)
        actor.said = await cluster.command(self.command, self.answers, node=self.node)


class _Regenerate(_AtNode):
    is_answered = True
    regenerate: Unit

    async def perform(self, actor: Actor) -> None:
        actor.said = await actor.cluster(self.on).regenerate(self.regenerate.value, node=self.node)


class _Operate(_AtNode):
    is_answered = True
    operate: _Words
    values: Annotated[dict[str, object], Field(alias="with")] = {}

    def check(self, spot: Spot, known: Known) -> None:
        super().check(spot, known)
        known.check((*spot, "operate"), self.operate, "an operation", operation_names())

    async def perform(self, actor: Actor) -> None:
        cluster = actor.cluster(self.on)
        actor.said = await cluster.operate(self.operate, node=self.node, **self.values)


class _Act(_AtNode):
    """Stop, start or restart services."""

    action: ClassVar[str]

    def services(self) -> list[str]:
        named = getattr(self, self.action)
        return [named] if isinstance(named, str) else list(named)

    def check(self, spot: Spot, known: Known) -> None:
        super().check(spot, known)
        names = [*SERVICE_NAMES.values(), *map(str, DEFAULT_SERVICES)]
        valid = [name for name in names if parts_of(name, DEFAULT_SERVICES)]
        for service in self.services():
            known.check((*spot, self.action), service, "a service", valid)

    async def perform(self, actor: Actor) -> None:
        for service in self.services():
            await actor.cluster(self.on).act(self.action, service, node=self.node)


class _Restart(_Act):
    action = "restart"
    restart: _Words | list[_Words]


class _Start(_Act):
    action = "start"
    start: _Words | list[_Words]


class _Stop(_Act):
    action = "stop"
    stop: _Words | list[_Words]


class _Advance(Step):
    advance: Annotated[
        str,
        Field(
            pattern=_DURATION,
            json_schema_extra={"expected": 'numbers with s, m, h, d or w behind, such as "5m 1s"'},
        ),
    ]

    async def perform(self, actor: Actor) -> None:
        parts = re.findall(r"(\d+)([smhdw])", self.advance)
        by = sum((timedelta(**{_UNITS[unit]: int(n)}) for n, unit in parts), timedelta(0))
        await actor.cluster(self.on).advance(seconds=by.total_seconds())


class _ChangePhone(Order):
    needs_phone = True
    change: Annotated[dict[str, object], Field(alias="change-phone", min_length=1)]

    async def perform(self, actor: Actor) -> None:
        await actor.cluster(self.on).change_phone(actor.stage.phone.name, **self.change)


class _Fault(Order):
    fault: FaultKind
    values: Annotated[dict[str, object], Field(alias="with")] = {}

    def check(self, spot: Spot, known: Known) -> None:
        super().check(spot, known)
        names = known.nodes.get(self.on, ())
        others = tuple(one for one in DEFAULT_SERVICES if one is not ServiceName.CAPF)
        nodes = {name: others if name in names[1:] else DEFAULT_SERVICES for name in names}
        try:
            read_fault({"kind": self.fault, **self.values}, nodes)
        except SettingsError as error:
            for one in error.problems:
                known.findings.add((*spot, "with", one.key), one.found, one.expected, one.nearest)

    async def perform(self, actor: Actor) -> None:
        await actor.cluster(self.on).add_fault(self.fault, **self.values)


class _ClearFaults(Step):
    clear: Annotated[Literal[True], Field(alias="clear-faults")]

    async def perform(self, actor: Actor) -> None:
        await actor.cluster(self.on).clear_faults()


class _Open(Step):
    open: _Words

    def check(self, spot: Spot, known: Known) -> None:
        super().check(spot, known)
        others = [name for name in known.nodes if name != MAIN]
        known.check((*spot, "open"), self.open, "a table of [clusters]", others)

    async def perform(self, actor: Actor) -> None:
        shape = replace(actor.shapes[self.open], release=actor.stage.shape.release)
        await actor.stage.open(shape, self.open)


class _Close(Step):
    close: _Words

    async def perform(self, actor: Actor) -> None:
        await actor.stage.stop(actor.cluster(self.close))


class _Phone(Step):
    needs_phone = True
    phone: Literal["boot", "move", "press-directories", "erase"]
    to: str | list[str] = []

    def check(self, spot: Spot, known: Known) -> None:
        super().check(spot, known)
        if self.phone == "move":
            for name in [self.to] if isinstance(self.to, str) else self.to or [""]:
                known.check((*spot, "to"), name, "a cluster", known.nodes)

    async def perform(self, actor: Actor) -> None:
        phone = actor.stage.phone
        match self.phone:
            case "boot":
                actor.boot = await phone.boot()
            case "press-directories":
                actor.pressed = await phone.press_directories()
            case "erase":
                await phone.erase()
            case "move":
                names = [self.to] if isinstance(self.to, str) else self.to
                await phone.move(*(actor.cluster(name) for name in names))


class _Narrate(Step):
    narrate: _Words

    async def perform(self, actor: Actor) -> None:
        actor.stage.narrate(self.narrate)


class Expect(Step):
    """What must be so now. `of` is a kind of file, `value` (`is`) what must be found."""

    expect: Literal[
        "follows",
        "locked",
        "source",
        "refused",
        "registered",
        "questions",
        "says",
        "succeeded",
        "shown",
    ]
    of: Literal["CTL", "ITL", "configuration"] = "ITL"
    value: Annotated[str | bool | int | None, Field(alias="is")] = None
    claim: str = ""

    @property
    def is_of_order(self) -> bool:
        """Whether it judges the last order."""
        return self.expect in _OF_ORDERS

    def check(self, spot: Spot, known: Known) -> None:
        """Note an expectation that lacks its value."""
        super().check(spot, known)
        if self.expect in _WITH_VALUE and self.value is None:
            expected = f"what expect = {show(self.expect)} must find"
            known.findings.add((*spot, "is"), "nothing", expected)

    async def perform(self, actor: Actor) -> None:
        """Check it."""
        claim, found, wanted = self._judged(actor)
        is_decisive = self.expect in ("follows", "locked", "source")
        actor.stage.expect(self.claim or claim, found, wanted, decisive=is_decisive)

    def _judged(self, actor: Actor) -> tuple[str, object, object]:
        wanted = True if self.value is None else self.value
        match self.expect:
            case "says":
                text = str(self.value or "")
                return f"the server says {text!r}", text in actor.said.text, True
            case "succeeded":
                return "the order is carried out", actor.said.succeeded, wanted
            case "shown":
                pressed = actor.pressed
                title = pressed.title if pressed else ""
                return "the phone shows", title, wanted
        if actor.boot is None:
            raise ValueError(f"expect = {self.expect!r}: no step before it boots the phone")
        return self._of_boot(actor.boot, wanted)

    def _of_boot(self, boot: BootReport, wanted: object) -> tuple[str, object, object]:
        """Return claim, what was found and what is wanted, of the last boot."""
        match self.expect:
            case "follows":
                return f"{boot.phone} follows", boot.follows, wanted
            case "locked":
                return f"{boot.phone} is locked out", boot.is_locked, wanted
            case "registered":
                return f"{boot.phone} is registered", boot.registered is not None, wanted
            case "questions":
                return "TVS is asked", len(boot.questions), wanted
            case "source":
                return f"{boot.phone} takes the {self.of}", boot.source_named(self.of), wanted
            case _:
                return f"{boot.phone} refuses the {self.of}", boot.refusal_named(self.of), wanted


STEPS: Final[Mapping[str, type[Step]]] = MappingProxyType(
    {
        "command": _Command,
        "regenerate": _Regenerate,
        "operate": _Operate,
        "restart": _Restart,
        "start": _Start,
        "stop": _Stop,
        "advance": _Advance,
        "change-phone": _ChangePhone,
        "fault": _Fault,
        "clear-faults": _ClearFaults,
        "open": _Open,
        "close": _Close,
        "phone": _Phone,
        "narrate": _Narrate,
        "expect": Expect,
    }
)
"""The verbs there are."""
