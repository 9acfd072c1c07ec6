"""Every exception of the package.

    CucmsimError
    +- FormatError            bytes that are not what they claim to be; has the offset
    +- ProtocolError
    |  +- LocalProtocolError  our own side asked for something its state does not allow
    |  +- RemoteProtocolError the peer did; has the reason to send, if the protocol has one
    +- VerificationError      something is not trusted; has the reasons as values
    +- StoreError             the database, or a key in it, cannot be used
    |  +- ClaimedError        another process runs a node of this one
    |  +- PublisherAwayError  changes are the publisher's, and nobody runs it
    +- SettingsError          a configuration is refused; has every problem found
    +- RefusedError           a service refuses an operation; says why
    +- NotApplicableError     a scenario cannot be played here; says what it needs
    +- StartError             a node cannot start (a port in use, a directory not writable)
    +- CommandError           a command ends; has the exit status
       +- UnreachableError    the other end does not answer; exit status 69

Messages say what was found and what was expected.
"""

from dataclasses import dataclass

__all__ = [
    "ClaimedError",
    "CommandError",
    "CucmsimError",
    "FormatError",
    "LocalProtocolError",
    "NotApplicableError",
    "Problem",
    "ProtocolError",
    "PublisherAwayError",
    "RefusedError",
    "RemoteProtocolError",
    "SettingsError",
    "StartError",
    "StoreError",
    "UnreachableError",
    "VerificationError",
]


class CucmsimError(Exception):
    """Base of all of them."""


class FormatError(CucmsimError):
    """Bytes that are not what they claim to be, found at `offset` of the data decoded."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(f"{message} (at offset {offset})")
        self.message = message
        self.offset = offset


class ProtocolError(CucmsimError):
    """A conversation left its rules."""


class LocalProtocolError(ProtocolError):
    """Our own side asked for something that the state of the conversation does not allow."""


class RemoteProtocolError(ProtocolError):
    """The peer broke the rules; `reason` is the code to send it, None where there is none."""

    def __init__(self, message: str, reason: int | None = None) -> None:
        super().__init__(message)
        self.reason = reason


class VerificationError(CucmsimError):
    """Something is not trusted; `reasons` names why, as short values."""

    def __init__(self, message: str, *reasons: str) -> None:
        super().__init__(message)
        self.reasons = reasons


class StoreError(CucmsimError):
    """The database, or a key in it, cannot be used; nothing was changed."""


class ClaimedError(StoreError):
    """Another process runs a node of this one."""


class PublisherAwayError(StoreError):
    """Changes are the publisher's, and nobody runs it; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a configuration: where, what was found, what was expected."""

    file: str
    key: str
    found: str
    expected: str
    nearest: str | None = None

    def __str__(self) -> str:
        """Format as one line for a person."""
        hint = f"; did you mean {self.nearest!r}?" if self.nearest else ""
        return f"{self.file}: {self.key}: found {self.found}, expected {self.expected}{hint}"


class SettingsError(CucmsimError):
    """A configuration is refused; `problems` holds all that is wrong with it."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class RefusedError(CucmsimError):
    """A service refuses an operation, and says why."""


class NotApplicableError(CucmsimError):
    """A scenario cannot be played with this cluster or phone; says what it needs."""


class StartError(CucmsimError):
    """A node cannot start; the message names the port, file or setting."""


class CommandError(CucmsimError):
    """A command ends with `exit_status`: 1 answered no, 2 usage, 69 unreachable."""

    def __init__(self, message: str, exit_status: int = 1) -> None:
        super().__init__(message)
        self.exit_status = exit_status


class UnreachableError(CommandError):
    """The other end does not answer."""

    def __init__(self, message: str) -> None:
        super().__init__(message, 69)
