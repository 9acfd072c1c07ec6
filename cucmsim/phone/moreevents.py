"""Events that console logs show besides those of events.py."""

from dataclasses import dataclass

__all__ = ["DirectoryAnswered"]


@dataclass(frozen=True, slots=True)
class DirectoryAnswered:
    """(I/O) The directory came: `listener.httpSucceed: https://…`."""

    url: str
