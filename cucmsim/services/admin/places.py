"""The places that the `file` commands reach: the log directories of the node, and TFTP.

`tftp` has the node's own files of TFTP: static ones, trust lists, and on the publisher
ITLRecovery.p12; it is `activelog cm/tftpdata` too (seed 001, line 20). What TFTP builds for each
phone is no file there.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Protocol

from cucmsim.errors import RefusedError
from cucmsim.formats.trustlist import CTL_FILENAME, ITL_FILENAME
from cucmsim.services.admin.command import Context
from cucmsim.services.admin.filespecs import split_spec
from cucmsim.services.operations.ctl import delete_ctl
from cucmsim.services.operations.recovery import (
    RECOVERY_FILE,
    fetch_recovery_file,
    has_recovery_file,
)
from cucmsim.services.operations.securitypassword import security_password
from cucmsim.services.operations.tftpfiles import delete_tftp_file

__all__ = ["Entry", "Place", "place_of"]

_LARGEST = 100_000_000
_TFTP_IN_LOGS = "cm/tftpdata"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or directory: its path in the place, bytes, when it was changed (UTC)."""

    path: str
    size: int
    modified: datetime
    is_directory: bool = False

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


class Place(Protocol):
    """Files under one name of the `file` commands. Methods raise RefusedError and StoreError."""

    @property
    def root(self) -> str:
        """Where a real server has it: "/usr/local/cm/tftp"."""
        ...

    async def find(self, spec: str, *, recursive: bool = False) -> Sequence[Entry]:
        """Return what a name with wildcards means, by name; of a directory what it holds."""
        ...

    async def read(self, path: str) -> bytes:
        """Return a file."""
        ...

    async def delete(self, path: str) -> bool:
        """Delete a file; tell whether it is gone."""
        ...


class LogPlace:
    """A directory of the node."""

    def __init__(self, base: Path, root: str) -> None:
        self.root = root
        self._base = base

    async def find(self, spec: str, *, recursive: bool = False) -> Sequence[Entry]:
        """Return what a name with wildcards means."""
        return await asyncio.to_thread(self._find, spec, recursive=recursive)

    def _find(self, spec: str, *, recursive: bool) -> Sequence[Entry]:
        directory, pattern = split_spec(spec)
        if pattern and self._inside(directory).joinpath(pattern).is_dir():
            directory, pattern = f"{directory}/{pattern}".strip("/"), ""
        found = self._walk(directory, pattern or "*", recursive=recursive)
        return sorted(found, key=lambda entry: entry.path)

    def _walk(self, directory: str, pattern: str, *, recursive: bool) -> Iterator[Entry]:
        base = self._inside(directory)
        for path in base.iterdir() if base.is_dir() else ():
            if path.is_symlink():
                continue
            name = f"{directory}/{path.name}".lstrip("/")
            is_directory = path.is_dir()
            if fnmatchcase(path.name, pattern):
                held = path.stat()
                moment = datetime.fromtimestamp(held.st_mtime, UTC)
                yield Entry(name, held.st_size, moment, is_directory)
            if is_directory and recursive:
                yield from self._walk(name, pattern, recursive=True)

    async def read(self, path: str) -> bytes:
        """Return a file."""
        held = self._inside(path)
        try:
            if held.stat().st_size > _LARGEST:
                raise RefusedError(f"{path} is larger than {_LARGEST} bytes")
            return await asyncio.to_thread(held.read_bytes)
        except (OSError, ValueError) as error:
            raise RefusedError("file not found") from error

    async def delete(self, path: str) -> bool:
        """Delete a file."""
        try:
            self._inside(path).unlink()
        except OSError:
            return False
        return True

    def _inside(self, path: str) -> Path:
        """Return a path of the place. Raises RefusedError for one that leads out of it."""
        try:
            held = (self._base / path).resolve()
        except (OSError, ValueError) as error:
            raise RefusedError("file not found") from error
        if not held.is_relative_to(self._base.resolve()):
            raise RefusedError("file not found")
        return held


class TftpPlace:
    """The node's files of TFTP, as they are in the store."""

    root = "/usr/local/cm/tftp"

    def __init__(self, context: Context) -> None:
        self._context = context

    async def find(self, spec: str, *, recursive: bool = False) -> Sequence[Entry]:
        """Return what a name with wildcards means."""
        directory, pattern = split_spec(spec)
        wanted = f"{directory}/{pattern or '*'}".lstrip("/")
        names = [name for name in await self._names() if _matches(name, wanted, recursive)]
        if not names and await self._context.operations.tftp_file(wanted) is not None:
            names = [wanted]  # built for a phone, and asked for by its whole name
        moment = self._context.operations.started
        return [Entry(name, len(await self.read(name)), moment) for name in sorted(names)]

    async def _names(self) -> set[str]:
        node, replica = self._context.node_name, self._context.view.replica
        names = {name for owner, name in replica.tftp_files if owner in (None, node)}
        if await self._context.operations.tftp_file(ITL_FILENAME) is not None:
            names.add(ITL_FILENAME)
        if has_recovery_file(replica, node):
            names.add(RECOVERY_FILE)
        return names

    async def read(self, path: str) -> bytes:
        """Return a file."""
        if path == RECOVERY_FILE:
            operator = self._context.operations.operator()
            password = await security_password(operator)
            return await fetch_recovery_file(operator, self._context.node_name, password)
        replica = self._context.view.replica
        held = None if path == ITL_FILENAME else replica.tftp_file(path, self._context.node_name)
        data = held.data if held else await self._context.operations.tftp_file(path)
        if data is None:
            raise RefusedError("file not found")
        return data

    async def delete(self, path: str) -> bool:
        """Delete a file of this node; other nodes keep theirs."""
        operator, node = self._context.operations.operator(), self._context.node_name
        if path == CTL_FILENAME:
            return (await delete_ctl(operator, node)).lines[0].endswith("deleted = 1")
        return await delete_tftp_file(operator, node, path)


class _WithTftp:
    """The active logs, with the directory of TFTP among them."""

    def __init__(self, logs: LogPlace, tftp: TftpPlace) -> None:
        self.root = logs.root
        self._logs = logs
        self._tftp = tftp

    async def find(self, spec: str, *, recursive: bool = False) -> Sequence[Entry]:
        """Return what a name with wildcards means."""
        inner = _in_tftp(spec)
        if inner is None:
            return await self._logs.find(spec, recursive=recursive)
        return [
            Entry(f"{_TFTP_IN_LOGS}/{one.path}", one.size, one.modified)
            for one in await self._tftp.find(inner, recursive=recursive)
        ]

    async def read(self, path: str) -> bytes:
        """Return a file."""
        inner = _in_tftp(path)
        return await (self._logs.read(path) if inner is None else self._tftp.read(inner))

    async def delete(self, path: str) -> bool:
        """Delete a file."""
        inner = _in_tftp(path)
        return await (self._logs.delete(path) if inner is None else self._tftp.delete(inner))


def _in_tftp(spec: str) -> str | None:
    """Return what a name means in the directory of TFTP; None when it is elsewhere."""
    inner = f"{spec.lstrip('/')}/"
    return (
        inner[len(_TFTP_IN_LOGS) + 1 :].rstrip("/")
        if inner.startswith(f"{_TFTP_IN_LOGS}/")
        else None
    )


def _matches(name: str, wanted: str, recursive: bool) -> bool:  # noqa: FBT001  two callers
    directory, _, pattern = wanted.rpartition("/")
    held, _, last = name.rpartition("/")
    below = held == directory or (recursive and f"{held}/".startswith(f"{directory}/".lstrip("/")))
    return below and fnmatchcase(last, pattern)


def place_of(context: Context, name: str) -> Place:
    """Return the place called "tftp", "activelog", "inactivelog" or "install"."""
    tftp = TftpPlace(context)
    if name == "tftp":
        return tftp
    base = context.operations.log_directory()
    if name == "activelog":
        return _WithTftp(LogPlace(base / "active", "/var/log/active"), tftp)
    if name == "inactivelog":
        return LogPlace(base / "inactive", "/var/log/inactive")
    return LogPlace(base / "install", "/var/log/install")
