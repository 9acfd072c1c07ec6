"""What a scenario is: a situation with its source, its cluster, its steps and what must come of it.

    @scenario(
        "regen-tvs",
        title="TVS is regenerated alone",
        source="seed 000",
        outcome="ITL signer still known -> new ITL accepted",
    )
    async def regen_tvs(stage: Stage) -> None: ...

makes a `Scenario` of a function; the function's docstring tells the story.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from cucmsim.scenarios.stage import Stage
from cucmsim.testing.shape import ClusterShape

__all__ = ["RELEASES", "Choice", "Play", "Scenario", "scenario"]

RELEASES: Final = ("8.6", "9.1", "10.5", "11.5", "12.5", "14")
"""The releases that scenarios are played on, one of each generation of trust lists."""

Play = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Choice:
    """A parameter of one scenario: what it means and what it may be, the default first."""

    help: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A documented situation that can be played.

    `outcome` is what the reference says must come of it. `releases` are those on which it makes
    sense, `shape` the cluster it begins with (of the release that is played). `choices` are its own
    parameters. `phones` False: no phone takes part, so neither does a device under test.
    """

    name: str
    title: str
    source: str
    outcome: str
    story: str
    play: Play = field(repr=False)
    shape: ClusterShape = field(default_factory=ClusterShape)
    releases: tuple[str, ...] = RELEASES
    choices: Mapping[str, Choice] = field(default_factory=lambda: MappingProxyType({}))
    phones: bool = True


def scenario(
    name: str,
    *,
    title: str,
    source: str,
    outcome: str,
    shape: ClusterShape | None = None,
    releases: tuple[str, ...] = RELEASES,
    choices: Mapping[str, Choice] | None = None,
    phones: bool = True,
) -> Callable[[Play], Scenario]:
    """Make a `Scenario` of the function below."""

    def of(play: Play) -> Scenario:
        return Scenario(
            name=name,
            title=title,
            source=source,
            outcome=outcome,
            story=inspect.cleandoc(play.__doc__ or ""),
            play=play,
            shape=shape or ClusterShape(),
            releases=releases,
            choices=MappingProxyType(dict(choices or {})),
            phones=phones,
        )

    return of
