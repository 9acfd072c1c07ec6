"""What is told of a run, as values: each step, each exchange, each decision, each check.

Whoever runs a scenario gives the stage a `Tell`; the command line makes sentences of what it is
given, or JSON.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from cucmsim.cluster.journalapi import EventReport
from cucmsim.phone.events import Event

__all__ = [
    "Check",
    "Decided",
    "Happened",
    "Passage",
    "Result",
    "Shown",
    "Tell",
    "WhoActs",
]


class WhoActs(StrEnum):
    """Whose step it is."""

    ADMINISTRATOR = "administrator"
    PHONE = "phone"
    CLOCK = "clock"
    FAULT = "fault"
    NARRATOR = "narrator"


@dataclass(frozen=True, slots=True)
class Happened:
    """A step: who did what; `where` is the cluster or the phone; `said` is what was answered."""

    who: WhoActs
    where: str
    text: str
    said: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """An exchange of the journal."""

    cluster: str
    exchange: EventReport


@dataclass(frozen=True, slots=True)
class Decided:
    """Something that happened inside a simulated phone."""

    phone: str
    event: Event


class Result(StrEnum):
    """What came of a check."""

    MET = "met"
    BROKEN = "broken"
    UNSEEN = "not to be seen from outside"


@dataclass(frozen=True, slots=True)
class Check:
    """What must come of the steps so far, and what did; both as text.

    `is_decisive`: it is what the scenario is about, so a run in which none of these is seen is not
    judged.
    """

    claim: str
    wanted: str
    found: str
    result: Result
    is_decisive: bool = False


Passage: TypeAlias = Happened | Shown | Decided | Check
Tell: TypeAlias = Callable[[Passage], None]
