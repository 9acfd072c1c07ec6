"""The data directory of a process: what must last, its lock and its sockets.

One process at a time owns a socket's name in a directory; the lock is the system's, so it is gone
with the process however that ended.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cucmsim.errors import StartError

__all__ = ["hold_directory", "make_directory", "management_sockets", "socket_path", "write_whole"]

_WHOLE_CLUSTER = "cluster"


def socket_path(data_directory: Path, node: str | None) -> Path:
    """Return the management socket of the process that runs `node` (None: every node)."""
    return data_directory / f"{node or _WHOLE_CLUSTER}.sock"


def management_sockets(data_directory: Path) -> list[Path]:
    """Return the management sockets that lie in a data directory."""
    return sorted(data_directory.glob("*.sock"))


def make_directory(path: Path, purpose: str, mode: int = 0o777) -> None:
    """Make a directory that does not exist yet. Raises StartError naming it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=mode, exist_ok=True)
    except OSError as error:
        raise StartError(f"cannot make the {purpose} {path}: {error.strerror or error}") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise StartError(f"cannot write in the {purpose} {path}: permission denied")


@contextmanager
def hold_directory(data_directory: Path, node: str | None) -> Iterator[None]:
    """Own the name of `node` while the block runs. Raises StartError naming who has it."""
    make_directory(data_directory, "data directory", 0o700)
    path = data_directory / f"{node or _WHOLE_CLUSTER}.lock"
    try:
        lock = path.open("a+")
    except OSError as error:
        raise StartError(f"cannot open {path}: {error.strerror or error}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise StartError(
                f"the cluster in {data_directory} is already running (process {holder});"
                " `cucmsim stop CONFIG` ends it, --data DIR starts another beside it"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader sees all of it or nothing. Raises StartError."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise StartError(f"cannot write {path}: {error.strerror or error}") from error
