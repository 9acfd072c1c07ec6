"""What a test asks for: the keywords of the marker `cucm`, read and checked.

    @pytest.mark.cucm(release="12.5", mode="mixed", phones=["8861"], faults=["tvs-silent"])

Everything wrong is told at once, as of a description: what was found, what was expected, and the
nearest name that exists. The whole description is looked at, so a test that asks for what cannot
be is refused before any runs.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cucmsim.errors import Problem, SettingsError
from cucmsim.formats.models import PHONE_MODELS
from cucmsim.phone.values import PhoneIdentity
from cucmsim.services.wording import nearest, show
from cucmsim.testing.shape import NEW_PHONE, OLD_PHONE, ClusterShape, PhoneShape, describe

__all__ = ["KEYWORDS", "Wish", "make_wish", "phone_of", "read_phone", "read_wish"]

SCOPES: Final = ("test", "module", "session")
CLOCKS: Final = ("manual", "real")
KEYWORDS: Final = (
    *("release", "mode", "nodes", "phones", "scope", "faults", "clock", "seed", "extra"),
)
_MODES: Final = ("non-secure", "mixed")
_MOST_NODES: Final = 9
_MAC: Final = re.compile(r"[0-9A-F]{12}")
_FIRST_MAC: Final = 0x001B54C25A01
_FACTORY: Final = "cucm.cluster"
_OWN: Final = "nothing: a cluster that a test makes is the test's own"
_ORIGINS: Final = {
    "cluster.release": "release",
    "cluster.security_mode": "mode",
    "phones": "phones",
    "faults": "faults",
}
"""What keys of a description are called by the marker; all others come of `extra`."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a test asks for. `scope`: for how long the cluster runs."""

    shape: ClusterShape = field(default_factory=lambda: ClusterShape(key=None))
    scope: str = "test"
    clock: str = "real"
    seed: int | str | None = None


class _Grounds:
    """Addresses that a description is checked with."""

    def address(self, node: int) -> str:
        """Return an address of documentation's own."""
        return f"192.0.2.{node}"

    def ports(self, node: int) -> Mapping[str, int]:  # noqa: ARG002 - the usual ones of any node
        """Return none: the usual ones."""
        return {}


def read_wish(given: Mapping[str, object], where: str, base: Path | None = None) -> Wish:
    """Return what the keywords ask for; `where` is told as the place of what is wrong.

    Paths are relative to `base`, by default to the directory that pytest was started in.
    Raises SettingsError with every problem.
    """
    reading = _Reading(given, where)
    wish = reading.wish(base or Path.cwd())
    if reading.problems:
        raise SettingsError(tuple(reading.problems))
    try:
        describe(wish.shape, _Grounds(), Path())
    except SettingsError as error:
        raise SettingsError(
            tuple(
                Problem(where, _origin(one.key), one.found, one.expected, one.nearest)
                for one in error.problems
            )
        ) from None
    return wish


def read_phone(given: str | Mapping[str, object], number: int, where: str) -> PhoneShape:
    """Return the phone that a model, or keys as in `[[phones]]`, ask for. Raises SettingsError."""
    reading = _Reading({}, where)
    phone = reading.phone(given, number, "phone")
    if phone is None:
        raise SettingsError(tuple(reading.problems))
    return phone


class _Reading:
    """The keywords, and what is found wrong with them."""

    def __init__(self, given: Mapping[str, object], where: str) -> None:
        self._given = given
        self._where = where
        self.problems: list[Problem] = []

    def wish(self, base: Path) -> Wish:
        """Return the wish, with what could be read of it."""
        for name in self._given:
            if name not in KEYWORDS:
                self._add(name, "an unknown keyword", "one of " + ", ".join(KEYWORDS), KEYWORDS)
        extra = self._extra()
        shape = ClusterShape(
            release=self._text("release", ClusterShape().release),
            mode=self._choice("mode", _MODES),
            nodes=self._nodes(),
            phones=self._phones(),
            extra={**extra, **self._faults()},
            key=None,
            base=base,
        )
        scope, clock = self._choice("scope", SCOPES), self._clock()
        return Wish(shape, scope, clock, self._seed())

    def phone(self, given: object, number: int, key: str) -> PhoneShape | None:
        """Return a phone; None, and a problem, for what is none."""
        keys = {"model": given} if isinstance(given, str) else given
        if not isinstance(keys, Mapping):
            expected = 'a model such as "8861", or keys as in [[phones]]'
            self._add(key, show(given), expected)
            return None
        others = {name: value for name, value in keys.items() if name not in ("mac", "model")}
        model = keys.get("model", NEW_PHONE.model)
        mac = str(keys.get("mac", f"{_FIRST_MAC + number:012X}"))
        mac = re.sub(r"[:.-]", "", mac.upper()).removeprefix("SEP")
        if model not in PHONE_MODELS:
            expected = "one of " + ", ".join(PHONE_MODELS)
            self._add(f"{key}.model", show(model), expected, PHONE_MODELS)
            return None
        if not _MAC.fullmatch(mac):
            self._add(f"{key}.mac", show(keys["mac"]), "twelve hexadecimal digits")
            return None
        return PhoneShape(PhoneIdentity(mac, str(model)), others)

    def _phones(self) -> tuple[PhoneShape, ...]:
        given = self._given.get("phones")
        if given is None:
            return (PhoneShape(OLD_PHONE), PhoneShape(NEW_PHONE))
        if isinstance(given, str | Mapping) or not isinstance(given, Sequence):
            self._add("phones", show(given), "a list of phones")
            return ()
        read = [self.phone(one, at, f"phones[{at}]") for at, one in enumerate(given)]
        return tuple(phone for phone in read if phone is not None)

    def _faults(self) -> Mapping[str, object]:
        given = self._given.get("faults", ())
        if isinstance(given, str | Mapping) or not isinstance(given, Sequence):
            self._add("faults", show(given), "a list of faults")
            return {}
        entries = [{"kind": one} if isinstance(one, str) else one for one in given]
        return {"faults": entries} if entries else {}

    def _extra(self) -> Mapping[str, object]:
        given = self._given.get("extra", {})
        if isinstance(given, Mapping):
            return given
        self._add("extra", show(given), "a dictionary with tables of a description")
        return {}

    def _nodes(self) -> int:
        given = self._given.get("nodes", ClusterShape().nodes)
        if isinstance(given, int) and given is not True and 1 <= given <= _MOST_NODES:
            return given
        self._add("nodes", show(given), f"an integer from 1 to {_MOST_NODES}")
        return 1

    def _text(self, name: str, default: str) -> str:
        given = self._given.get(name, default)
        if isinstance(given, str):
            return given
        self._add(name, show(given), f'a text such as "{default}"')
        return default

    def _choice(self, name: str, choices: tuple[str, ...]) -> str:
        given = self._given.get(name, choices[0])
        if given in choices:
            return str(given)
        expected = "one of " + ", ".join(f'"{one}"' for one in choices)
        self._add(name, show(given), expected, choices)
        return choices[0]

    def _clock(self) -> str:
        return self._choice("clock", CLOCKS) if "clock" in self._given else "real"

    def _seed(self) -> int | str | None:
        given = self._given.get("seed")
        if given is None or (isinstance(given, int | str) and not isinstance(given, bool)):
            return given
        self._add("seed", show(given), "an integer or a text")
        return None

    def _add(
        self, key: str, found: str, expected: str, valid: Sequence[str] | Mapping[str, object] = ()
    ) -> None:
        hint = nearest(found.strip('"') if found != "an unknown keyword" else key, valid)
        self.problems.append(Problem(self._where, key, found, expected, hint))


def _origin(key: str) -> str:
    """Return what the marker calls a key of a description."""
    for there, here in _ORIGINS.items():
        if key == there or key.startswith((f"{there}.", f"{there}[")):
            return here + key.removeprefix(there)
    return f"extra.{key}"


def make_wish(given: Mapping[str, object]) -> Wish:
    """Return what the keywords of a factory ask for. Raises SettingsError."""
    if "scope" in given:
        raise SettingsError((Problem(_FACTORY, "scope", show(given["scope"]), _OWN),))
    return read_wish(given, _FACTORY)


def phone_of(shape: ClusterShape, wanted: str | Mapping[str, object]) -> PhoneShape:
    """Return a phone of a cluster, by default its first, or another. Raises SettingsError."""
    if wanted == "" and shape.phones:
        return shape.phones[0]
    for phone in shape.phones:
        if wanted == phone.identity.name:
            return phone
    return read_phone(wanted or {}, len(shape.phones), _FACTORY)
