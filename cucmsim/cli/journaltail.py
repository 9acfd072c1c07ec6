"""`cucmsim journal --follow`: what every process of a cluster records from now on, in one stream.

Each process is asked by a long poll, so that an exchange is told as soon as it is there. What
arrives is held for a moment, so that exchanges of several processes come out in order of time. A
process that goes away is said to have, and its socket watched: when one answers there again, or at
a socket that is new, it is followed too.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path

import httpx

from cucmsim.cli.journalpages import LONGEST_PAGE, Process, Query, Reading, in_order
from cucmsim.cluster.directory import management_sockets
from cucmsim.cluster.journalapi import LONGEST_WAIT_S, EventPage, EventReport
from cucmsim.cluster.reports import StatusReport

__all__ = ["JournalTail"]

_LOOK_S = 1.0
_HOLD_S = 0.15
_STOPPING_S = 0.1
_GRACE_S = 10.0


class JournalTail:
    """Follows the processes of the cluster in a directory, from where `readings` ended.

    `tell` takes each exchange, `note` a line for the person who looks on. `look_s` is the time
    between two looks for processes, `hold_s` how long an exchange waits for earlier ones.
    """

    def __init__(
        self,
        data_directory: Path,
        query: Query,
        readings: Iterable[Reading],
        tell: Callable[[EventReport], None],
        note: Callable[[str], None],
        *,
        look_s: float = _LOOK_S,
        hold_s: float = _HOLD_S,
    ) -> None:
        self._directory = data_directory
        self._query = query
        self._known = {held.path: (held.process, held.last) for held in readings}
        self._tell = tell
        self._note = note
        self._look_s = look_s
        self._hold_s = hold_s
        self._followed: set[Path] = set()
        self._arrived: list[EventReport] = []
        self._arrival = asyncio.Event()

    async def run(self) -> None:
        """Follow until this is cancelled; what has arrived by then is told."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._tell_in_order())
                while True:
                    for path in management_sockets(self._directory):
                        if path not in self._followed and await _answers(path):
                            self._followed.add(path)
                            group.create_task(self._follow(path))
                    await asyncio.sleep(self._look_s)
        finally:
            self._tell_arrived()

    async def _follow(self, path: Path) -> None:
        """Follow one process to its end."""
        transport = httpx.AsyncHTTPTransport(uds=str(path))
        timeout_s = LONGEST_WAIT_S + _GRACE_S
        process = None
        try:
            async with httpx.AsyncClient(
                transport=transport, base_url="http://cluster", timeout=timeout_s
            ) as client:
                status = (await client.get("/status")).raise_for_status().json()
                process = Process.of(StatusReport.model_validate(status))
                await self._poll(client, path, process)
        except (httpx.HTTPError, ValueError) as error:
            reason = str(error) or type(error).__name__
            self._note(f"{process or path} is gone ({reason}); waiting for it, Ctrl-C ends")
        finally:
            self._followed.discard(path)

    async def _poll(self, client: httpx.AsyncClient, path: Path, process: Process) -> None:
        """Ask one process again and again. Raises httpx.HTTPError when it is gone."""
        before, after = self._known.get(path, (None, 0))
        if before != process:
            after = 0
            self._note(f"{process} answers")
        while True:
            query = {**self._query, "after": after, "limit": LONGEST_PAGE}
            answer = await client.get("/events", params={**query, "wait_s": LONGEST_WAIT_S})
            page = EventPage.model_validate(answer.raise_for_status().json())
            if page.dropped_before:
                self._note(f"{process}: exchanges before number {page.dropped_before} are lost")
            if page.events:
                self._arrived += page.events
                self._arrival.set()
            after = page.last
            self._known[path] = (process, after)
            if page.stopping:
                await asyncio.sleep(_STOPPING_S)  # it waits for nothing any more

    async def _tell_in_order(self) -> None:
        """Tell what arrives, sorted as far as a short wait allows."""
        while True:
            await self._arrival.wait()
            await asyncio.sleep(self._hold_s)
            self._tell_arrived()

    def _tell_arrived(self) -> None:
        """Tell all that has arrived."""
        events, self._arrived = self._arrived, []
        self._arrival.clear()
        for event in in_order(events):
            self._tell(event)


async def _answers(path: Path) -> bool:
    """Tell whether anybody listens; httpx would leave its socket open if nobody does."""
    with contextlib.suppress(OSError):
        _reader, writer = await asyncio.open_unix_connection(path)
        writer.close()
        return True
    return False
