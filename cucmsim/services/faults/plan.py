"""The fault plan of a process: which faults were asked for, and whether one happens here and now.

    plan = FaultPlan()
    number = plan.add(FaultRule(FaultKind.TVS_NOT_TRUSTED, device="SEP001B54C25A01", times=1))
    fault = plan.take((FaultKind.TVS_NOT_TRUSTED,), Scene(node, "tvs", device, peer))

A daemon asks at every opportunity that its faults have, and does what the fault says; the journal
then has `str(fault)`. A plan without rules costs a daemon one look at `is_empty`. What chance
decides follows from what the rule says (its seed, kind and parameters), from whose opportunity it
is (the phone, or its address while its name is not known), the file, and how many such there were
before: neither other rules nor other phones change it. `times` and `after` count the opportunities
of all phones together. A plan belongs to the process's loop.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import MappingProxyType

from cucmsim.services.faults.kinds import KINDS, FaultKind, Value

__all__ = ["Fault", "FaultPlan", "FaultRule", "HeldRule", "Scene"]

_NOTHING: Mapping[str, Value] = MappingProxyType({})
_SCALE = 1 << 64
_Draws = tuple[str, str]


@dataclass(frozen=True, slots=True)
class FaultRule:
    """A fault asked for; "" means any node, service, device or file.

    It happens at `times` opportunities (None: at all), after `after` that it lets pass, at each
    with `probability`. `file` is a pattern as of a shell; `values` are the parameters of the kind.
    """

    kind: FaultKind
    node: str = ""
    service: str = ""
    device: str = ""
    file: str = ""
    times: int | None = None
    after: int = 0
    probability: float = 1.0
    seed: int = 0
    values: Mapping[str, Value] = field(default_factory=lambda: _NOTHING)

    def value(self, name: str) -> Value:
        """Return a parameter, its default where the rule does not give it."""
        default = KINDS[self.kind].parameters[name].default
        given = self.values.get(name, default)
        if given is None:
            raise KeyError(name)
        return given


@dataclass(frozen=True, slots=True)
class Scene:
    """Where something could go wrong; `device` None: not known, then the peer's last is taken."""

    node: str
    service: str
    device: str | None = None
    address: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that happens: the rule it is of, the rule's number, and which use of it this is."""

    number: int
    rule: FaultRule
    use: int

    @property
    def kind(self) -> FaultKind:
        """What goes wrong."""
        return self.rule.kind

    def text(self, name: str) -> str:
        """Return a parameter as text."""
        return str(self.rule.value(name))

    def whole(self, name: str) -> int:
        """Return a parameter as a whole number."""
        return int(self.rule.value(name))

    def real(self, name: str) -> float:
        """Return a parameter as a number."""
        return float(self.rule.value(name))

    def __str__(self) -> str:
        """Format as the journal has it: `tvs-not-trusted (fault 3)`."""
        return f"{self.rule.kind} (fault {self.number})"


@dataclass(slots=True)
class HeldRule:
    """A rule in force; `seen` counts its opportunities, `used` those where it happened.

    `drawn` counts, for each phone and file, how often chance was asked.
    """

    number: int
    rule: FaultRule
    seen: int = 0
    used: int = 0
    drawn: Counter[_Draws] = field(default_factory=Counter)

    @property
    def is_spent(self) -> bool:
        """Whether it has happened as often as it was to."""
        return self.rule.times is not None and self.used >= self.rule.times

    def happens(self, *, by_chance: bool) -> bool:
        """Count an opportunity, and tell whether the fault happens at it."""
        if self.is_spent:
            return False
        self.seen += 1
        if self.seen <= self.rule.after or not by_chance:
            return False
        self.used += 1
        return True

    def draw(self, who: str, file: str) -> bool:
        """Ask chance once more for a phone and a file."""
        rule = self.rule
        if rule.probability >= 1:
            return True
        self.drawn[who, file] += 1
        values = sorted(rule.values.items())
        asked = repr((rule.seed, rule.kind.value, values, who, file, self.drawn[who, file]))
        drawn = hashlib.sha256(asked.encode()).digest()
        return int.from_bytes(drawn[:8]) < rule.probability * _SCALE


class FaultPlan:
    """The rules in force, asked in the order in which they were added."""

    def __init__(self, rules: Iterable[FaultRule] = ()) -> None:
        self._held: dict[int, HeldRule] = {}
        self._count = 0
        self._devices: dict[str, str] = {}
        self._subscribers: list[Callable[[], None]] = []
        for rule in rules:
            self.add(rule)

    @property
    def is_empty(self) -> bool:
        """Whether nothing goes wrong."""
        return not self._held

    @property
    def held(self) -> tuple[HeldRule, ...]:
        """The rules in force, spent ones too, in the order in which they were added."""
        return tuple(self._held.values())

    def add(self, rule: FaultRule) -> int:
        """Put a rule in force; return its number."""
        self._count += 1
        self._held[self._count] = HeldRule(self._count, rule)
        self._tell()
        return self._count

    def remove(self, number: int) -> None:
        """Take a rule back. Raises KeyError for none of that number."""
        del self._held[number]
        self._tell()

    def clear(self) -> None:
        """Take every rule back."""
        self._held.clear()
        self._tell()

    def subscribe(self, subscriber: Callable[[], None]) -> Callable[[], None]:
        """Call `subscriber` after each change of the rules; returns what ends that."""
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber)

    def learn(self, address: str, device: str) -> None:
        """Take note that a device speaks from an address: for faults before it says its name."""
        self._devices[address] = device

    def concerns(self, kinds: Iterable[FaultKind], scene: Scene) -> bool:
        """Tell whether a rule could ever happen here; counts nothing."""
        wanted = frozenset(kinds)
        return any(
            held.rule.kind in wanted and not held.is_spent and self._fits(held.rule, scene)
            for held in self._held.values()
        )

    def take(
        self,
        kinds: Iterable[FaultKind],
        scene: Scene,
        fits: Callable[[FaultRule], bool] | None = None,
    ) -> Fault | None:
        """Return the first fault of `kinds` that happens here, and count the opportunity.

        `fits` looks at a rule's parameters: where it says no, this is no opportunity of the rule.
        A rule behind the one that happens has none either, but chance is asked for it all the
        same, so that its next answers are those that it would have had alone.
        """
        if not self._held:
            return None
        wanted, taken = frozenset(kinds), None
        who = self._device(scene) or scene.address
        for held in self._held.values():
            if held.rule.kind not in wanted or not self._fits(held.rule, scene):
                continue
            if fits is None or fits(held.rule):
                by_chance = held.draw(who, scene.file)
                if taken is None and held.happens(by_chance=by_chance):
                    taken = Fault(held.number, held.rule, held.used)
        return taken

    def lasting(self, kinds: Iterable[FaultKind], node: str, service: str) -> Fault | None:
        """Return the first fault of lasting `kinds` that holds for a service; counts nothing."""
        wanted, scene = frozenset(kinds), Scene(node, service)
        for held in self._held.values():
            if held.rule.kind in wanted and self._fits(held.rule, scene):
                return Fault(held.number, held.rule, held.used)
        return None

    def _fits(self, rule: FaultRule, scene: Scene) -> bool:
        services = KINDS[rule.kind].services
        return (
            rule.node in ("", scene.node)
            and (rule.service or scene.service) == scene.service
            and (not services or scene.service in services)
            and (not rule.device or rule.device == self._device(scene))
            and (not rule.file or fnmatchcase(scene.file, rule.file))
        )

    def _device(self, scene: Scene) -> str | None:
        return scene.device or self._devices.get(scene.address)

    def _tell(self) -> None:
        for subscriber in tuple(self._subscribers):
            subscriber()
