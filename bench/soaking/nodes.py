"""A node of the cluster as a process of its own: started, stopped, killed, frozen, asked."""

import asyncio
import os
import signal
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import httpx

from .judge import Finding
from .place import Place
from .truth import Availability, Look, process_of

__all__ = ["Api", "ApiError", "NodeProcess"]

_READY_S: Final = 90.0
_STOP_S: Final = 30.0
_LOOK_S: Final = 0.05
_MEMORY_LINE: Final = "VmRSS:"


class ApiError(Exception):
    """A request was not carried out; `is_refused`: the server said no, so nothing happened."""

    def __init__(self, text: str, *, is_refused: bool) -> None:
        super().__init__(text)
        self.is_refused = is_refused


_REFUSALS: Final = (404, 409, 422)


class Api:
    """The management API of a node, through its Unix socket."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def ask(
        self, method: str, url: str, body: object = None, *, timeout_s: float = 20.0
    ) -> Any:  # noqa: ANN401 - JSON
        """Return the answer's JSON. Raises ApiError."""
        transport = httpx.AsyncHTTPTransport(uds=str(self._socket))
        try:
            async with httpx.AsyncClient(
                transport=transport, base_url="http://node", timeout=timeout_s
            ) as client:
                answer = await client.request(method, url, json=body)
        except httpx.HTTPError as error:
            raise ApiError(f"{type(error).__name__}: {error}", is_refused=False) from error
        if answer.is_error:
            text = f"{answer.status_code}: {answer.text[:300]}"
            raise ApiError(text, is_refused=answer.status_code in _REFUSALS)
        return answer.json()


class NodeProcess:
    """One node; `availability` is told what is done to it."""

    def __init__(
        self, name: str, place: Place, database_url: str, availability: Availability
    ) -> None:
        self.name = name
        self.api = Api(place.data / f"{name}.sock")
        self.lives = 0
        self.exits: list[int] = []
        """How it ended where it was asked to stop."""
        self._place = place
        self._database_url = database_url
        self._availability = availability
        self._process: asyncio.subprocess.Process | None = None
        self._returning: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Its process while it runs."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if running and self._process is not None else None

    @property
    def log(self) -> Path:
        """What all of its processes wrote."""
        return self._place.directory / f"{self.name}.log"

    async def start(self, *, wait: bool = True) -> None:
        """Start it; with `wait`, until it is ready. Raises TimeoutError, ChildProcessError."""
        self.lives += 1
        self._ready.unlink(missing_ok=True)
        environ = {**os.environ, "CUCMSIM_CLUSTER__DATABASE": self._database_url}
        with self.log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "cucmsim", "run", str(self._place.config)),
                *("--node", self.name, "--ready-file", str(self._ready)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environ,
            )
        if wait:
            await self.ready()

    async def ready(self) -> None:
        """Wait until it serves. Raises TimeoutError, ChildProcessError when it ends instead."""
        async with asyncio.timeout(_READY_S):
            while not self._ready.exists():
                if self.pid is None:
                    status = None if self._process is None else self._process.returncode
                    raise ChildProcessError(f"{self.name} ended with status {status} as it started")
                await asyncio.sleep(_LOOK_S)
        self._mark(up=True)

    async def kill(self) -> None:
        """Kill it."""
        self._mark(up=False)
        await self._end(signal.SIGKILL)

    async def stop(self) -> float:
        """Ask it to stop; return how many seconds it took. Raises TimeoutError."""
        self._mark(up=False)
        began = time.monotonic()
        async with asyncio.timeout(_STOP_S):
            await self._end(signal.SIGTERM)
        if self._process is not None and self._process.returncode is not None:
            self.exits.append(self._process.returncode)
        return time.monotonic() - began

    def freeze(self) -> None:
        """Stop it where it is."""
        self._mark(up=False)
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._send(signal.SIGCONT)
        self._mark(up=True)

    async def watch_over(self) -> list[Finding]:
        """Start it again, and say so, when it has ended though nobody wanted that."""
        if self.pid is not None or not self._availability.is_up(process_of(self.name)):
            return []
        self._mark(up=False)
        status = None if self._process is None else self._process.returncode
        last = self.log.read_text(errors="replace").splitlines()[-3:]
        found = Finding(time.time(), "exit", f"{self.name} ended with {status} by itself: {last}")
        await self.start(wait=False)
        self._returning = asyncio.create_task(self.ready())
        return [found]

    async def look(self) -> Look:
        """Return what it says about itself. Raises ApiError."""
        began = time.time()
        status = await self.api.ask("GET", "/status", timeout_s=5.0)
        (node,) = [one for one in status["nodes"] if one["name"] == self.name]
        since = [one["since"] for one in node["services"] if one["name"] == "tftp"]
        started = datetime.fromisoformat(since[0]).timestamp() if since else began
        return Look(began, int(node["version"]), started)

    def memory(self) -> int | None:
        """Return the bytes of memory it has; None while it does not run."""
        if self.pid is None:
            return None
        try:
            lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        except OSError:
            return None
        found = [line.split()[1] for line in lines if line.startswith(_MEMORY_LINE)]
        return int(found[0]) * 1024 if found else None

    @property
    def _ready(self) -> Path:
        return self._place.directory / f"{self.name}.ready"

    def _mark(self, *, up: bool) -> None:
        for what in (self.name, process_of(self.name)):
            self._availability.mark(what, time.time(), up=up)

    def _send(self, number: int) -> None:
        if self.pid is not None and self._process is not None:
            self._process.send_signal(number)

    async def _end(self, number: int) -> None:
        self._send(number)
        if self._process is not None:
            await self._process.wait()
