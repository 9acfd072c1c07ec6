"""The fleet as the soak sees it: a process that is given orders and tells facts."""

import asyncio
import base64
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from .place import NODES, Place

__all__ = ["Herd"]

_LINE: Final = 1 << 24
_ORDER_S: Final = 120.0
_SOAK: Final = Path(__file__).parents[1] / "soak.py"
Hear = Callable[[Mapping[str, Any]], None]


class Herd:
    """Runs the fleet; each fact but files is given to `hear`, files go to `files`."""

    def __init__(self, place: Place, seed: int, files: dict[str, bytes], hear: Hear) -> None:
        self.counts: Counter[str] = Counter()
        self.holds: dict[str, str] = {}
        """The ITL that each phone holds, by its SHA-256."""
        self._place = place
        self._seed = seed
        self._files = files
        self._hear = hear
        self._process: asyncio.subprocess.Process | None = None
        self._done: asyncio.Queue[str] = asyncio.Queue()
        self._reading: asyncio.Task[None] | None = None

    @property
    def log(self) -> Path:
        """What the process complained of."""
        return self._place.directory / "fleet.log"

    async def start(self) -> None:
        """Start the process."""
        spec = self._place.directory / "fleet.json"
        spec.write_text(json.dumps(self._spec()), encoding="utf-8")
        with self.log.open("ab") as errors:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, str(_SOAK), "--fleet", str(spec)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                limit=_LINE,
                env=dict(os.environ),
            )
        self._reading = asyncio.create_task(self._read())

    async def order(self, order: str) -> None:
        """Have the fleet do something; return when it is done. Raises ChildProcessError."""
        process = self._process
        if process is None or process.stdin is None or self._reading is None:
            raise ChildProcessError("the fleet does not run")
        process.stdin.write(json.dumps({"order": order}).encode() + b"\n")
        done = asyncio.create_task(self._done.get())
        async with asyncio.timeout(_ORDER_S):
            await asyncio.wait([done, self._reading], return_when=asyncio.FIRST_COMPLETED)
        if not done.done():
            done.cancel()
            self._reading.result()
            raise ChildProcessError(f"the fleet ended; {self.log} may say why")

    async def end(self) -> None:
        """End the process, if it runs."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        if self._reading is not None:
            await asyncio.wait([self._reading])

    @property
    def has_ended(self) -> bool:
        """Whether it ended by itself."""
        return self._reading is not None and self._reading.done()

    async def _read(self) -> None:
        process = self._process
        if process is None or process.stdout is None:
            return
        while line := await process.stdout.readline():
            fact = json.loads(line)
            kind = fact["kind"]
            self.counts[kind] += 1
            if kind == "file":
                self._files[fact["sha256"]] = base64.b64decode(fact["data"])
            elif kind == "done":
                self._done.put_nowait(fact["order"])
            else:
                if kind == "boot" and fact["holds"]:
                    self.holds[fact["phone"]] = fact["holds"]
                self._hear(fact)

    def _spec(self) -> dict[str, object]:
        place = self._place
        phones = [
            {
                "mac": phone.mac,
                "model": phone.model,
                "is_lossy": phone.is_lossy,
                "servers": [
                    [
                        place.address(node),
                        place.relays[node] if phone.is_lossy else place.ports[node]["tftp"],
                        place.ports[node]["http"],
                    ]
                    for node in phone.tftp
                ],
            }
            for phone in place.phones
        ]
        return {
            "seed": self._seed,
            "hosts": {node: place.address(node) for node in NODES},
            "web": {node: place.ports[node]["web"] for node in NODES},
            "phones": phones,
        }
