"""What a failure of a database driver means, in words for the one who has to mend it."""

from sqlalchemy.exc import DBAPIError

from cucmsim.errors import StoreError

__all__ = ["explain", "is_away"]

_SQLITE_FAULTS = (
    ("locked", "is locked by another process"),
    ("busy", "is locked by another process"),
    ("full", "cannot be written: the disk is full"),
    ("readonly", "cannot be written: the file or its directory is read-only"),
    ("unable to open", "cannot be opened: expected a directory that exists and can be written"),
    ("not a database", "is not a SQLite database"),
    ("malformed", "is damaged"),
    ("disk i/o", "cannot be read or written: the disk reports an error"),
)
_POSTGRES_FAULTS = (
    ("08", "does not answer"),
    ("28", "refuses the user or password"),
    ("3D", "is not there: expected a database of that name"),
    ("42501", "refuses: the user may not do that"),
    ("53100", "cannot be written: its disk is full"),
    ("53", "has no room for another connection"),
    ("55P03", "is locked by another process"),
    ("57P", "is shutting down or starting"),
)
_AWAY = ("08", "3D", "53300", "57P")
"""SQLSTATEs that may pass: connection lost, no such database yet, no room, starting."""


def _origin(fault: BaseException | None) -> tuple[BaseException | None, str]:
    """Return the driver's own exception and its SQLSTATE, empty where it has none."""
    origin = fault.orig if isinstance(fault, DBAPIError) and fault.orig else fault
    return origin, str(getattr(origin, "sqlstate", None) or "")


def is_away(error: StoreError) -> bool:
    """Tell whether the database did not answer, so that it may do so later."""
    origin, state = _origin(error.__cause__)
    lost = isinstance(error.__cause__, DBAPIError) and error.__cause__.connection_invalidated
    return lost or isinstance(origin, OSError) or state.startswith(_AWAY)


def explain(fault: Exception, *, is_sqlite: bool) -> str:
    """Say what a failure of a driver means, as the end of a sentence about the database."""
    origin, state = _origin(fault)
    text = " ".join(str(origin).split())
    for start, meaning in _POSTGRES_FAULTS:
        if state and state.startswith(start):
            return meaning
    if isinstance(origin, OSError) and is_sqlite:
        return f"cannot be opened ({text}): expected a directory that exists and can be written"
    if isinstance(origin, OSError):
        return f"does not answer ({text or type(origin).__name__})"
    for word, meaning in _SQLITE_FAULTS:
        if word in text.lower():
            return meaning
    return f"fails: {text or type(origin).__name__}"
