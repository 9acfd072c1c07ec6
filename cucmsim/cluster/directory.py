"""The data directory of processes: what must last, their locks and their sockets.

A process that runs every node owns the directory; processes of one node each may share it. The
locks are the system's, so they are gone with the process however that ended; a lock file holds the
number of the process that took it last.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from cucmsim.errors import StartError

__all__ = [
    "admin_path",
    "admin_paths",
    "hold_directory",
    "is_held",
    "make_directory",
    "management_sockets",
    "replica_path",
    "socket_path",
    "write_whole",
]

_WHOLE_CLUSTER = "cluster"
_LONGEST_SOCKET = 103  # bytes of a socket's path: 108 on Linux, 104 on macOS, with a NUL


def socket_path(data_directory: Path, node: str | None) -> Path:
    """Return the management socket of the process that runs `node` (None: every node)."""
    return data_directory / f"{node or _WHOLE_CLUSTER}.sock"


def admin_path(data_directory: Path, node: str | None) -> Path:
    """Return the command line's socket of that process; it takes over where the other is."""
    return data_directory / f"{node or _WHOLE_CLUSTER}.cli"


def replica_path(data_directory: Path, node: str | None) -> Path:
    """Return where that process keeps its copy of a database that is on another machine."""
    return data_directory / f"replica-{node or _WHOLE_CLUSTER}.db"


def admin_paths(data_directory: Path) -> list[Path]:
    """Return the command lines' sockets that lie in a data directory."""
    return sorted(data_directory.glob("*.cli"))


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
    socket = socket_path(data_directory, node)
    if len(os.fsencode(socket)) > _LONGEST_SOCKET:
        raise StartError(
            f"the data directory's path is too long for a socket: found {socket}, expected at most"
            f" {_LONGEST_SOCKET} bytes; --data DIR chooses another"
        )
    make_directory(data_directory, "data directory", 0o700)
    with ExitStack() as stack:
        if node is not None:
            stack.enter_context(_locked(data_directory, _WHOLE_CLUSTER, fcntl.LOCK_SH))
        own = stack.enter_context(_locked(data_directory, node or _WHOLE_CLUSTER, fcntl.LOCK_EX))
        own.truncate(0)
        own.write(str(os.getpid()))
        own.flush()
        yield


@contextmanager
def _locked(data_directory: Path, name: str, kind: int) -> Iterator[IO[str]]:
    """Hold a lock file. Raises StartError naming the process that has it."""
    path = data_directory / f"{name}.lock"
    try:
        lock = path.open("a+")
    except OSError as error:
        raise StartError(f"cannot open {path}: {error.strerror or error}") from error
    with lock:
        try:
            fcntl.flock(lock, kind | fcntl.LOCK_NB)
        except OSError:
            raise StartError(
                f"the cluster in {data_directory} is already running (process"
                f" {_holder(data_directory, path)}); `cucmsim stop CONFIG` ends it, --data DIR"
                " starts another beside it"
            ) from None
        yield lock


def _holder(data_directory: Path, wanted: Path) -> str:
    """Name the process that is in the way of `wanted`: one of a node may hold the whole too."""
    others = [path for path in sorted(data_directory.glob("*.lock")) if path != wanted]
    for path in (*others, wanted):
        if is_held(path, fcntl.LOCK_SH):
            return path.read_text().strip() or "unknown"
    return "unknown"


def is_held(lock: Path, kind: int = fcntl.LOCK_EX) -> bool:
    """Tell whether a running process holds a lock file, in the way of a lock of `kind`."""
    try:
        with lock.open() as probe:
            fcntl.flock(probe, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader sees all of it or nothing. Raises StartError."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text)
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise StartError(f"cannot write {path}: {error.strerror or error}") from error
