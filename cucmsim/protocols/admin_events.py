"""What happens in a session of the command line, what commands ask, what they may change."""

from dataclasses import dataclass, field
from enum import Enum, auto

from cucmsim.protocols.admin_editor import Echo

__all__ = [
    "Answered",
    "CommandEntered",
    "EndReason",
    "Event",
    "Interrupted",
    "OutputResumed",
    "Question",
    "SessionEnded",
    "SessionSettings",
]


class EndReason(Enum):
    """Why a session is over."""

    LEFT = auto()
    END_OF_INPUT = auto()
    TIMEOUT = auto()


@dataclass(frozen=True, slots=True)
class Question:
    """Something a command asks. With `keys` one of these keys is the answer, without Enter.

    Nothing is echoed of a hidden answer, its Enter neither: the command writes the line's end.
    """

    prompt: str
    echo: Echo = Echo.TEXT
    keys: str = ""


@dataclass(frozen=True, slots=True)
class CommandEntered:
    """A line was given at the prompt; not a blank one."""

    line: str


@dataclass(frozen=True, slots=True)
class Answered:
    """A question was answered."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Interrupted:
    """Ctrl-C: the running command is to end."""


@dataclass(frozen=True, slots=True)
class OutputResumed:
    """The pager holds nothing any more: more may be written."""


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """Nothing follows."""

    reason: EndReason


Event = CommandEntered | Answered | Interrupted | OutputResumed | SessionEnded


@dataclass(slots=True)
class SessionSettings:
    """What commands change of their own session; `timeout_s` 0 is never.

    `has_ended_input` tells a command that goes on until Ctrl-C that no key will come any more.
    """

    pagination: bool = True
    command_count: bool = False
    timeout_s: float = 1800.0
    commands: int = 0
    has_ended_input: bool = False
