"""Centralized TFTP: looks for files that this cluster does not have at the other clusters.

A TFTP service asks `find` when it has no such file itself. Its alternate file locations are asked
in order, and the first that has the file answers, its bytes unchanged. Files of this cluster's own
phones, the two trust lists that anybody may have (`CTLFile.tlv`, `ITLFile.tlv`) and the default
configuration are never looked for elsewhere: a phone without a file of its own gets the centre's,
which is why a remote cluster before 8.0 needs the centre to be prepared for rollback.

What was learnt is kept for half an hour of the cluster's clock, or until the service restarts: the
location a phone's files came from, which alone is asked then as long as it answers, and the files
that nobody has. So a phone that moves, or is added, at the other clusters is found up to half an
hour later. A location that lets us wait is passed over for half a minute. At most 16 requests wait
for one location, so that a slow one stops only what asks it.

Source: seed 000 (centralized TFTP), cucm.md 3.7 and 7 (row 13).
"""

import asyncio
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import structlog

from cucmsim.clock import Clock
from cucmsim.services.filelocations import (
    FileLocation,
    Found,
    NoAnswer,
    RemoteAnswer,
    RemoteFiles,
    location_texts,
    parse_location,
)
from cucmsim.services.filenames import FileKind, FileRequest, parse_file_name
from cucmsim.services.journal import Exchange, Journal
from cucmsim.services.view import View
from cucmsim.store.replica import Replica

__all__ = ["KEPT", "REST", "FileLocator", "Lapsing"]

KEPT = timedelta(minutes=30)
"""How long it is remembered where a phone's files are, and that nobody has a file."""
REST = timedelta(seconds=30)
"""How long a location that let us wait is not asked."""

_REMEMBERED = 50_000
_AT_ONCE = 16
_SERVICE = "tftp"
_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class Lapsing(Generic[_Key, _Value]):
    """Values that are forgotten after a time, and the oldest when there are too many."""

    def __init__(self, clock: Clock, kept: timedelta, most: int = _REMEMBERED) -> None:
        self._clock = clock
        self._kept = kept
        self._most = most
        self._values: OrderedDict[_Key, tuple[datetime, _Value]] = OrderedDict()

    def get(self, key: _Key) -> _Value | None:
        """Return the value of `key`; None when there is none any more."""
        held = self._values.get(key)
        if held is None:
            return None
        if held[0] <= self._clock.now():
            del self._values[key]
            return None
        return held[1]

    def put(self, key: _Key, value: _Value) -> None:
        """Keep a value from now on; one that is kept already does not last longer for it."""
        if self.get(key) == value:
            return
        self._values.pop(key, None)
        self._values[key] = (self._clock.now() + self._kept, value)
        if len(self._values) > self._most:
            self._values.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()


@dataclass(frozen=True, slots=True)
class _Search:
    """What is looked for; `home_of` is the phone, or the file where it is nobody's."""

    name: str
    device: str | None

    @property
    def home_of(self) -> str:
        return self.device or self.name


class FileLocator:
    """Looks for files elsewhere, for the TFTP service of `node`; made anew when it restarts."""

    def __init__(
        self,
        node: str,
        view: View,
        remote: RemoteFiles,
        *,
        clock: Clock,
        journal: Journal,
        patience_s: float,
    ) -> None:
        self._node = node
        self._view = view
        self._remote = remote
        self._clock = clock
        self._journal = journal
        self._patience_s = patience_s
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger(node=node)
        self._texts: tuple[str, ...] = ()
        self._locations: tuple[FileLocation, ...] = ()
        self._slots: dict[FileLocation, asyncio.Semaphore] = {}
        self._away: set[FileLocation] = set()
        self._homes: Lapsing[str, FileLocation] = Lapsing(clock, KEPT)
        self._nowhere: Lapsing[str, bool] = Lapsing(clock, KEPT)
        self._resting: Lapsing[FileLocation, bool] = Lapsing(clock, REST)

    def seeks(self, name: str) -> bool:
        """Tell whether a file that is not here would be looked for elsewhere."""
        return bool(self._known_locations()) and self._search(name) is not None

    async def find(self, name: str) -> bytes | None:
        """Return a file of another cluster; None when no location has it, or none is asked."""
        locations, search = self._known_locations(), self._search(name)
        if not locations or search is None:
            return None
        home = self._homes.get(search.home_of)
        if home is not None:
            answer = await self._ask(home, search)
            if not isinstance(answer, NoAnswer):
                return answer.data if isinstance(answer, Found) else None
        elif self._nowhere.get(search.name):
            return None
        return await self._ask_all(locations, search, but=home)

    async def _ask_all(
        self, locations: tuple[FileLocation, ...], search: _Search, but: FileLocation | None
    ) -> bytes | None:
        """Ask one after the other, and remember what that teaches."""
        everybody_answered = but is None
        for location in locations:
            if location == but:
                continue
            answer = await self._ask(location, search)
            if isinstance(answer, Found):
                self._learn(locations, search, location)
                return answer.data
            everybody_answered &= not isinstance(answer, NoAnswer)
        if everybody_answered:
            self._learn(locations, search, None)
        return None

    def _learn(
        self, asked: tuple[FileLocation, ...], search: _Search, home: FileLocation | None
    ) -> None:
        """Remember who has a file, or (None) that nobody has; not if others are asked by now."""
        if asked is not self._locations:
            return
        if home is None:
            self._nowhere.put(search.name, value=True)
        else:
            self._homes.put(search.home_of, home)

    async def _ask(self, location: FileLocation, search: _Search) -> RemoteAnswer:
        """Ask a location when it has time for it; one that rests is not asked."""
        slot = self._slots.setdefault(location, asyncio.Semaphore(_AT_ONCE))
        try:
            async with asyncio.timeout(self._patience_s):
                await slot.acquire()
        except TimeoutError:
            return NoAnswer("too much is asked of it")
        try:
            if self._resting.get(location):
                return NoAnswer("it was silent a moment ago")
            return await self._get(location, search)
        finally:
            slot.release()

    async def _get(self, location: FileLocation, search: _Search) -> RemoteAnswer:
        began = self._clock.monotonic()
        answer = await self._remote.get(location, search.name)
        self._journal.record(
            Exchange(
                self._clock.now(),
                self._node,
                _SERVICE,
                str(location),
                search.device,
                f"off-cluster {search.name}",
                str(answer),
                (self._clock.monotonic() - began) * 1000,
            )
        )
        self._note(location, answer)
        return answer

    def _note(self, location: FileLocation, answer: RemoteAnswer) -> None:
        """Let a silent location rest; log when one goes away and when it is back."""
        if isinstance(answer, NoAnswer):
            if answer.is_silent:
                self._resting.put(location, value=True)
            if location not in self._away:
                where, why = str(location), answer.text
                self._log.warning("alternate file location is away", location=where, reason=why)
                self._away.add(location)
        elif location in self._away:
            self._away.remove(location)
            self._log.info("alternate file location is back", location=str(location))

    def _search(self, name: str) -> _Search | None:
        """Return what to look for; None for what is only ever this cluster's."""
        request = parse_file_name(name)
        if request is None or _is_own(request, self._view.replica):
            return None
        return _Search(request.full_name, request.device)

    def _known_locations(self) -> tuple[FileLocation, ...]:
        """Return the locations as the parameters have them now; a change forgets the past."""
        texts = location_texts(self._view.replica, self._node)
        if texts != self._texts:
            self._texts, self._locations = texts, tuple(self._parsed(texts))
            self._slots, self._away = {}, set()
            for memory in (self._homes, self._nowhere, self._resting):
                memory.clear()
        return self._locations

    def _parsed(self, texts: tuple[str, ...]) -> list[FileLocation]:
        """Return each location once; what is none costs a line in the log."""
        found: dict[FileLocation, None] = {}
        for text in texts:
            try:
                found[parse_location(text)] = None
            except ValueError as error:
                self._log.warning("alternate file location is passed over", reason=str(error))
        return list(found)


def _is_own(request: FileRequest, replica: Replica) -> bool:
    """Tell whether a file is this cluster's, or nobody's: a phone's here, or for anybody."""
    if request.device is not None:
        return request.device in replica.devices
    return request.kind is not FileKind.STATIC
