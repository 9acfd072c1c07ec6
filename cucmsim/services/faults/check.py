"""Reads a fault as somebody wrote it: in a description, to the management API, on a command line.

    {"kind": "tftp-drop", "device": "SEP001B54C25A01", "times": 2, "block": 3}

The keys of a rule and the parameters of its kind stand side by side. Everything that is wrong is
told at once, each with what was expected and the nearest name that exists.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType

from cucmsim.errors import Problem, SettingsError
from cucmsim.services.faults.ciphers import unknown_ciphers
from cucmsim.services.faults.kinds import (
    KINDS,
    OFF_NODES,
    FaultKind,
    KindInfo,
    Opportunity,
    Parameter,
    Value,
)
from cucmsim.services.faults.plan import FaultRule
from cucmsim.services.wording import nearest, show

__all__ = ["COMMON", "entry_of", "expected_of", "keys_of", "read_fault"]

_DEVICE = re.compile(r"SEP[0-9A-F]{12}")
_MOST = (1 << 63) - 1

COMMON: Mapping[str, Parameter] = MappingProxyType(
    {
        "node": Parameter("on this node; default: any", "", kind=str),
        "service": Parameter("of this service; default: any that it can happen to", "", kind=str),
        "device": Parameter("to this phone, SEP...; default: any", "", kind=str),
        "file": Parameter("to files of this name; * and ? as in a shell", "", kind=str),
        "times": Parameter("so often; default: always", low=1, high=_MOST),
        "after": Parameter("after it has let so many pass", 0, 0, _MOST),
        "probability": Parameter("with this probability", 1.0, 0.0, 1.0, kind=float),
        "seed": Parameter("what chance follows from", 0, 0, _MOST),
    }
)
"""What every rule may say besides its kind; `keys_of` tells what makes sense for a kind."""

_OF_A_STATE = ("node", "service")
_WITHOUT_FILES = tuple(name for name in COMMON if name != "file")
_WITHOUT_NODES = tuple(name for name in _WITHOUT_FILES if name != "node")


def keys_of(kind: FaultKind) -> Mapping[str, Parameter]:
    """Return the keys that a fault of a kind may have besides `kind`, its own parameters last.

    What lasts is counted nowhere and concerns no phone; only files have names; DHCP is no node's.
    """
    info = KINDS[kind]
    names: Iterable[str] = COMMON
    if info.opportunity is Opportunity.STATE:
        names = _OF_A_STATE if info.services else _OF_A_STATE[:1]
    elif info.opportunity not in (Opportunity.FILE, Opportunity.DATAGRAM):
        names = _WITHOUT_FILES if info.services != OFF_NODES else _WITHOUT_NODES
    return {name: COMMON[name] for name in names} | dict(info.parameters)


def read_fault(
    entry: Mapping[str, object], nodes: Mapping[str, Collection[str]], *, file: str = "fault"
) -> FaultRule:
    """Return the rule that `entry` describes; `nodes` are the cluster's, with their services.

    A value None counts as not given. Raises SettingsError with every problem; `file` is told as
    the place of each.
    """
    return _Reading({k: v for k, v in entry.items() if v is not None}, nodes, file).rule()


def entry_of(rule: FaultRule) -> dict[str, Value]:
    """Return what `read_fault` reads a rule from: what differs from the defaults."""
    given: dict[str, Value] = {"kind": rule.kind.value}
    for name, common in COMMON.items():
        value = getattr(rule, name)
        if value is not None and value != common.default:
            given[name] = value
    return given | dict(rule.values)


class _Reading:
    """One entry, and what is found wrong with it."""

    def __init__(
        self, entry: Mapping[str, object], nodes: Mapping[str, Collection[str]], file: str
    ) -> None:
        self._entry = entry
        self._nodes = nodes
        self._file = file
        self._problems: list[Problem] = []

    def rule(self) -> FaultRule:
        """Return the rule. Raises SettingsError."""
        kind = self._kind()
        if kind is None:
            raise SettingsError(tuple(self._problems))
        keys = keys_of(kind)
        self._refuse_unknown(kind, keys)
        read = {name: self._value(name, known) for name, known in keys.items()}
        given = {name: value for name, value in read.items() if value is not None}
        self._check_names(KINDS[kind], given)
        self._check_values(given)
        if self._problems:
            raise SettingsError(tuple(self._problems))
        return _rule(kind, given)

    def _add(self, key: str, found: str, expected: str, hint: str | None = None) -> None:
        self._problems.append(Problem(self._file, key, found, expected, hint))

    def _kind(self) -> FaultKind | None:
        value = self._entry.get("kind")
        try:
            return FaultKind(str(value))
        except ValueError:
            names = [kind.value for kind in FaultKind]
            found = "nothing" if value is None else show(value)
            self._add("kind", found, "one of " + ", ".join(names), nearest(value, names))
            return None

    def _refuse_unknown(self, kind: FaultKind, keys: Collection[str]) -> None:
        for name in self._entry:
            if name not in keys and name != "kind":
                expected = f"one of the keys of {kind}: " + ", ".join(keys)
                self._add(name, "an unknown key", expected, nearest(name, keys))

    def _value(self, name: str, parameter: Parameter) -> Value | None:
        """Return a value; None where none is given, or a wrong one."""
        value = self._entry.get(name)
        if value is None:
            if parameter.default is None and name not in COMMON:
                self._add(name, "nothing", expected_of(parameter))
            return None
        read = _read(parameter, value)
        if read is None:
            hint = nearest(value, parameter.choices)
            self._add(name, show(value), expected_of(parameter), hint)
        return read

    def _check_names(self, info: KindInfo, given: Mapping[str, Value]) -> None:
        """Note names of nodes and services that there are none of, and what names no phone.

        A phone that the cluster does not know is let pass: it may come later, or never be added.
        """
        node, service = str(given.get("node", "")), str(given.get("service", ""))
        device = str(given.get("device", ""))
        if node and node not in self._nodes:
            known = ", ".join(self._nodes)
            self._add("node", show(node), f"a node: {known}", nearest(node, self._nodes))
        if service and service not in info.services:
            expected = _one_of(info.services)
            self._add("service", show(service), expected, nearest(service, info.services))
        elif service and node in self._nodes and service not in self._nodes[node]:
            runs = ", ".join(self._nodes[node]) or "none"
            self._add("service", show(service), f"a service that {node} runs: {runs}")
        if device and not _DEVICE.fullmatch(device.upper()):
            self._add("device", show(device), "SEP and twelve hexadecimal digits")

    def _check_values(self, given: Mapping[str, Value]) -> None:
        """Note parameters that their kind can do nothing with."""
        low, high = str(given.get("low", "")), str(given.get("high", ""))
        if high and low > high:
            self._add("low", show(low), f"a version up to {show(high)}, which is `high`")
        if given.get("name") == "":
            self._add("name", show(""), "a name")
        for cipher in unknown_ciphers(str(given["ciphers"])) if "ciphers" in given else ():
            self._add("ciphers", show(cipher), "ciphers that OpenSSL knows, `:` between them")


def _one_of(names: Sequence[str]) -> str:
    """Say what is expected: the only name, or one of several."""
    return ("" if len(names) == 1 else "one of ") + ", ".join(names)


def expected_of(parameter: Parameter) -> str:
    """Say what a parameter may be."""
    if parameter.choices:
        return _one_of([f'"{one}"' for one in parameter.choices])
    if parameter.kind is str:
        return "a text"
    what = "an integer" if parameter.kind is int else "a number"
    if parameter.low is None or parameter.high is None:
        return what
    if parameter.high == _MOST:
        return f"{what} from {parameter.low:g}"
    return f"{what} from {parameter.low:.10g} to {parameter.high:.10g}"


def _read(parameter: Parameter, value: object) -> Value | None:
    """Return a value as the parameter has it; None for a wrong one."""
    if parameter.kind is str:
        known = not parameter.choices or value in parameter.choices
        return value if isinstance(value, str) and known else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if parameter.kind is int and not isinstance(value, int):
        return None
    above = parameter.low is None or value >= parameter.low
    below = parameter.high is None or value <= parameter.high
    return parameter.kind(value) if above and below else None


def _rule(kind: FaultKind, given: Mapping[str, Value]) -> FaultRule:
    """Put a rule together from values that were checked."""
    times = given.get("times")
    return FaultRule(
        kind,
        node=str(given.get("node", "")),
        service=str(given.get("service", "")),
        device=str(given.get("device", "")).upper(),
        file=str(given.get("file", "")),
        times=None if times is None else int(times),
        after=int(given.get("after", 0)),
        probability=float(given.get("probability", 1.0)),
        seed=int(given.get("seed", 0)),
        values={name: value for name, value in given.items() if name not in COMMON},
    )
