"""Which scenarios a person means, and on what: names, releases, phones, parameters.

What is not there is refused with the nearest name that is.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Annotated, Final

import typer

from cucmsim.cluster.problems import nearest
from cucmsim.errors import CommandError
from cucmsim.formats.models import PHONE_MODELS, Generation
from cucmsim.phone.values import PhoneIdentity
from cucmsim.scenarios.library import LIBRARY
from cucmsim.scenarios.model import RELEASES, Scenario
from cucmsim.scenarios.runner import Order
from cucmsim.scenarios.userfiles import load_scenarios, scenario_files
from cucmsim.testing.shape import NEW_PHONE, OLD_PHONE

__all__ = [
    "FileOption",
    "Wanted",
    "known_scenarios",
    "orders_for",
    "phone_of",
    "scenario_named",
    "split_words",
]

_USAGE: Final = 2
_ALL: Final = "all"
_DIRECTORY: Final = "CUCMSIM_SCENARIOS"

FileOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--scenario-file",
        metavar="FILE",
        help=f"Scenarios of one's own (.py or .toml); those in ${_DIRECTORY} are known anyway.",
    ),
]


def known_scenarios(files: Sequence[Path] | None) -> list[Scenario]:
    """Return ours and the user's own. Raises SettingsError, CommandError for a name used twice."""
    directory = os.environ.get(_DIRECTORY)
    found = [*scenario_files(Path(directory))] if directory else []
    known = {one.name: (one, "the library") for one in LIBRARY}
    for path in dict.fromkeys([*found, *(files or [])]):
        for one in load_scenarios(path):
            if one.name in known:
                other = known[one.name][1]
                raise CommandError(
                    f"{path}: name: found {one.name!r}, which {other} has already,"
                    " expected a name of its own",
                    _USAGE,
                )
            known[one.name] = (one, str(path))
    return [one for one, _ in known.values()]


def scenario_named(name: str, known: Iterable[Scenario]) -> Scenario:
    """Return the scenario of a name. Raises CommandError."""
    names = {one.name: one for one in known}
    if name not in names:
        expected = "one of those that `cucmsim scenario list` shows"
        raise _unknown("scenario", name, names, expected)
    return names[name]


def split_words(words: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """Return the names among what was typed, and the parameters (`NAME=VALUE`)."""
    given = [*words]
    pairs = [word.partition("=") for word in given if "=" in word]
    return [word for word in given if "=" not in word], {name: value for name, _, value in pairs}


class Wanted:
    """What is to be played: `phones`, `releases` empty: each scenario's own; `all`: every one."""

    def __init__(
        self, releases: Sequence[str], phones: Sequence[str], parameters: Mapping[str, str]
    ) -> None:
        for release in releases:
            if release not in (*RELEASES, _ALL):
                raise _unknown("release", release, RELEASES, _one_of((*RELEASES, _ALL)))
        self.releases = RELEASES if _ALL in releases else tuple(releases)
        self.phones = tuple(map(phone_of, phones)) or (None,)
        self.parameters = parameters
        self.is_for_all = _ALL in releases


def orders_for(scenarios: Sequence[Scenario], wanted: Wanted, seed: int) -> list[Order]:
    """Return what is to be played, in order. Raises CommandError.

    A release on which the only scenario named makes no sense is refused; among several scenarios,
    each is played on those on which it does.
    """
    _check_parameters(scenarios, wanted.parameters)
    orders: list[Order] = []
    for one in scenarios:
        releases = wanted.releases or (_usual_release(one),)
        fitting = [release for release in releases if release in one.releases]
        if not fitting and len(scenarios) == 1:
            raise CommandError(
                f"{one.name} makes no sense on release {', '.join(releases)},"
                f" expected {_one_of(one.releases)}",
                _USAGE,
            )
        phones = wanted.phones if one.phones else (None,)
        orders += [
            Order(one, release, seed, phone, parameters)
            for release, phone, parameters in product(
                fitting, phones, _choices(one, wanted.parameters)
            )
        ]
    return orders


def phone_of(model: str) -> PhoneIdentity:
    """Return the phone of a model: the library's own of its kind. Raises CommandError."""
    if model not in PHONE_MODELS:
        raise _unknown("phone", model, PHONE_MODELS, _one_of(PHONE_MODELS))
    is_old = PHONE_MODELS[model].generation is Generation.SERIES_79XX
    return PhoneIdentity((OLD_PHONE if is_old else NEW_PHONE).mac, model)


def _usual_release(one: Scenario) -> str:
    return one.shape.release if one.shape.release in one.releases else one.releases[-1]


def _check_parameters(scenarios: Sequence[Scenario], parameters: Mapping[str, str]) -> None:
    """Refuse a parameter that none of them has, or a value that it cannot have."""
    names = dict.fromkeys(name for one in scenarios for name in one.choices)
    for name, value in parameters.items():
        if name not in names:
            raise _unknown(
                "parameter", name, names, _one_of(names) if names else "none: there is none"
            )
        having = [one.choices[name] for one in scenarios if name in one.choices]
        allowed = dict.fromkeys(value for choice in having for value in choice.values)
        if value not in (*allowed, _ALL):
            raise _unknown(f"{name} =", value, allowed, _one_of((*allowed, _ALL)))


def _choices(one: Scenario, given: Mapping[str, str]) -> list[dict[str, str]]:
    """Return each set of parameters that a scenario is to be played with."""
    names = [name for name in one.choices if name in given]
    values = [one.choices[name].values if given[name] == _ALL else (given[name],) for name in names]
    return [dict(zip(names, row, strict=True)) for row in product(*values)]


def _one_of(names: Iterable[str]) -> str:
    return f"one of {', '.join(names)}"


def _unknown(what: str, found: str, valid: Iterable[str], expected: str) -> CommandError:
    hint = nearest(found, valid)
    also = f"; did you mean {hint!r}?" if hint else ""
    return CommandError(f"found {what} {found!r}, expected {expected}{also}", _USAGE)
