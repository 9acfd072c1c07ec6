"""A PostgreSQL of the soak's own, which can be stopped, killed and frozen, and who reads it.

It runs as an unprivileged user when the soak is root's. What is acknowledged is written
(`synchronous_commit`), though not forced to the disk: processes die here, the machine does not.
"""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg
from cryptography import x509

from .place import free_port

__all__ = ["Database", "DatabaseState", "read_state"]

_NAME: Final = "soak"
_USER: Final = "cucm"
_READ_S: Final = 5.0
_OWN: Final = """
SELECT n.name, k.tkcertificateservice, c.certificate FROM cucmsim_privatekey k
JOIN certificate c ON c.pkid = k.fkcertificate JOIN processnode n ON n.pkid = k.fkprocessnode
"""
_PHONES: Final = """
SELECT d.name, d.description, l.label, f.lsc FROM device d
LEFT JOIN devicenumplanmap l ON l.fkdevice = d.pkid
LEFT JOIN cucmsim_capfdevice f ON f.fkdevice = d.pkid
"""


def _programs() -> Path:
    """Return the directory of initdb and pg_ctl."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if installed:
        return installed[-1].parent
    found = shutil.which("initdb")
    if found is None:
        raise SystemExit("no PostgreSQL is installed: found no initdb")
    return Path(found).resolve().parent


def _owner() -> pwd.struct_passwd | None:
    """Return who runs the database; None for whoever runs the soak."""
    if os.getuid() != 0:
        return None
    names = {one.pw_name: one for one in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


class Database:
    """The server in `directory`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._programs = _programs()
        self.port = free_port()

    @property
    def url(self) -> str:
        """The URL for who reads it without a way that may be cut."""
        return f"postgresql://{_USER}@127.0.0.1:{self.port}/{_NAME}"

    def url_by(self, port: int) -> str:
        """Return the URL for who goes by a port of a way."""
        return f"postgresql://{_USER}@127.0.0.1:{port}/{_NAME}"

    @property
    def log(self) -> Path:
        """What the server logs."""
        return self._directory / "server.log"

    def make(self) -> None:
        """Make the server, start it, and make the database."""
        owner = _owner()
        self._directory.mkdir()
        if owner is not None:
            os.chown(self._directory, owner.pw_uid, owner.pw_gid)
        self._run("initdb", "-D", self._data, "-U", _USER, "-A", "trust", "-N", "--locale=C")
        self._start()
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", _USER, _NAME)

    async def start(self) -> None:
        """Start it and wait until it answers."""
        await asyncio.to_thread(self._start)

    async def stop(self, mode: str) -> None:
        """Stop it: "fast" ends its clients in order, "immediate" is how a killed one ends."""
        await asyncio.to_thread(self._stop, mode)

    def freeze(self) -> None:
        """Stop all of its processes where they are."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        self._signal(signal.SIGCONT)

    def end(self) -> None:
        """Stop it for good, whatever state it is in."""
        if (Path(self._data) / "postmaster.pid").exists():
            self.thaw()
            self._stop("immediate")

    @property
    def _data(self) -> str:
        return str(self._directory / "data")

    def _start(self) -> None:
        options = (
            f"-c port={self.port} -c listen_addresses=127.0.0.1 -c fsync=off"
            f" -c unix_socket_directories={self._directory} -c shared_buffers=16MB"
            " -c log_lock_waits=on -c log_connections=on"
        )
        self._run("pg_ctl", "start", "-D", self._data, "-w", "-l", str(self.log), "-o", options)

    def _stop(self, mode: str) -> None:
        self._run("pg_ctl", "stop", "-D", self._data, "-w", "-m", mode)

    def _run(self, *command: str) -> None:
        owner = _owner()
        as_owner: list[str] = []
        if owner is not None:
            ids = (f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}")
            as_owner = ["setpriv", *ids, "--clear-groups", "--"]
        with (self._directory / "commands.log").open("ab") as output:
            subprocess.run(
                [*as_owner, str(self._programs / command[0]), *command[1:]],
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self._directory,
                timeout=60,
            )

    def _signal(self, number: int) -> None:
        """Send a signal to the postmaster and its children."""
        postmaster = int((Path(self._data) / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children")
        for pid in (postmaster, *map(int, children.read_text().split())):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """What the database held at one moment: own certificates by node and unit, phones by name."""

    at: float
    version: int
    own: dict[tuple[str, int], x509.Certificate]
    phones: dict[str, tuple[str, str, bytes | None]]
    parameters: dict[str, str]


async def read_state(url: str, at: float) -> DatabaseState | None:
    """Return what the database holds; None when it does not answer. `at` is the time now."""
    try:
        async with asyncio.timeout(_READ_S):
            connection = await asyncpg.connect(url)
            try:
                async with connection.transaction(isolation="repeatable_read", readonly=True):
                    return await _read(connection, at)
            finally:
                connection.terminate()
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return None


async def _read(connection: asyncpg.Connection, at: float) -> DatabaseState:
    version = await connection.fetchval("SELECT version FROM cucmsim_version WHERE id = 1")
    own = {
        (name, unit): x509.load_pem_x509_certificate(pem.encode())
        for name, unit, pem in await connection.fetch(_OWN)
    }
    phones = {
        name: (description, label or "", lsc)
        for name, description, label, lsc in await connection.fetch(_PHONES)
    }
    told = await connection.fetch("SELECT paramname, paramvalue FROM processconfig")
    return DatabaseState(at, int(version or 0), own, phones, dict(told))
