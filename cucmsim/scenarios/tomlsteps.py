"""The steps of a scenario written in TOML: one verb each, and what belongs to it.

`STEPS` names them. A step is read by a model of its own, so that a wrong key is told with the
nearest right one; `perform` carries it out on a stage.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Annotated, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from cucmsim.cluster.problems import Findings, nearest, show
from cucmsim.pki.profiles import Unit
from cucmsim.scenarios.observed import BootReport, DirectoryReport
from cucmsim.scenarios.stage import Stage
from cucmsim.scenarios.stagecluster import StageCluster
from cucmsim.services.faults.kinds import FaultKind
from cucmsim.testing.administrator import Said
from cucmsim.testing.shape import ClusterShape

__all__ = ["MAIN", "STEPS", "Actor", "Step", "read_steps"]

MAIN: Final = "cluster"
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION: Final = r"^(\d{1,9}[smhdw] ?)+$"
_Words = Annotated[str, Field(min_length=1)]


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


class Step(BaseModel):
    """A step; `on` is the cluster where it happens, `node` a node of it, "": the publisher."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    needs_phone: ClassVar[bool] = False

    on: str = MAIN

    async def perform(self, actor: Actor) -> None:
        """Carry it out."""
        raise NotImplementedError


class _AtNode(Step):
    node: str = ""


class _Command(_AtNode):
    command: _Words
    answers: list[str] = []

    async def perform(self, actor: Actor) -> None:
        cluster = actor.cluster(self.on)
        actor.said = await cluster.command(self.command, self.answers, node=self.node)


class _Regenerate(_AtNode):
    regenerate: Unit

    async def perform(self, actor: Actor) -> None:
        actor.said = await actor.cluster(self.on).regenerate(self.regenerate.value, node=self.node)


class _Operate(_AtNode):
    operate: _Words
    values: Annotated[dict[str, object], Field(alias="with")] = {}

    async def perform(self, actor: Actor) -> None:
        cluster = actor.cluster(self.on)
        actor.said = await cluster.operate(self.operate, node=self.node, **self.values)


class _Act(_AtNode):
    """Stop, start or restart services."""

    action: ClassVar[str]

    def services(self) -> list[str]:
        named = getattr(self, self.action)
        return [named] if isinstance(named, str) else list(named)

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


class _ChangePhone(Step):
    needs_phone = True
    change: Annotated[dict[str, object], Field(alias="change-phone", min_length=1)]

    async def perform(self, actor: Actor) -> None:
        await actor.cluster(self.on).change_phone(actor.stage.phone.name, **self.change)


class _Fault(Step):
    fault: FaultKind
    values: Annotated[dict[str, object], Field(alias="with")] = {}

    async def perform(self, actor: Actor) -> None:
        await actor.cluster(self.on).add_fault(self.fault, **self.values)


class _ClearFaults(Step):
    clear: Annotated[Literal[True], Field(alias="clear-faults")]

    async def perform(self, actor: Actor) -> None:
        await actor.cluster(self.on).clear_faults()


class _Open(Step):
    open: _Words

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


class _Expect(Step):
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

    async def perform(self, actor: Actor) -> None:
        claim, found, wanted = self._judged(actor)
        actor.stage.expect(self.claim or claim, found, wanted)

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
        "expect": _Expect,
    }
)
"""The verbs there are."""

_WITH_VALUE: Final = ("source", "refused", "questions", "says", "shown")


def read_steps(entries: Sequence[object], others: Sequence[str], findings: Findings) -> list[Step]:
    """Return the steps that are right, and note what is wrong with the others.

    `others` are the names of clusters that may be opened.
    """
    steps = []
    for at, entry in enumerate(entries):
        step = _read(entry, ("steps", at), findings)
        if step is not None:
            _check(step, ("steps", at), others, findings)
            steps.append(step)
    return steps


def _read(entry: object, spot: tuple[str | int, ...], findings: Findings) -> Step | None:
    if not isinstance(entry, dict):
        return None  # the file's own model has said so
    verbs = [key for key in entry if key in STEPS]
    if len(verbs) == 1:
        return findings.read(STEPS[verbs[0]], entry, spot)
    found = " and ".join(verbs) or ", ".join(map(str, entry)) or "nothing"
    hints = [hint for key in entry if not verbs and (hint := nearest(key, STEPS))]
    findings.add(spot, found, f"one verb of {', '.join(STEPS)}", next(iter(hints), None))
    return None


def _check(
    step: Step, spot: tuple[str | int, ...], others: Sequence[str], findings: Findings
) -> None:
    """Note names of clusters that there are not, and an expectation without a value."""
    if step.on not in (MAIN, *others):
        findings.add_reference((*spot, "on"), step.on, "a cluster", (MAIN, *others))
    if isinstance(step, _Open) and step.open not in others:
        findings.add_reference((*spot, "open"), step.open, "a table of [clusters]", others)
    if isinstance(step, _Phone) and step.phone == "move":
        for name in [step.to] if isinstance(step.to, str) else step.to or [""]:
            if name not in (MAIN, *others):
                findings.add_reference((*spot, "to"), name, "a cluster", (MAIN, *others))
    if isinstance(step, _Expect) and step.expect in _WITH_VALUE and step.value is None:
        findings.add((*spot, "is"), "nothing", f"what expect = {show(step.expect)} must find")
