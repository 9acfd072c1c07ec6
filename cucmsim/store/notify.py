"""How a change is heard of: at once in this process, through LISTEN between processes.

The `Announcer` holds the newest version this process knows of and wakes who waits for a newer one.
On PostgreSQL a `Listener` feeds it over a connection of its own: it asks for the version each time
it has connected, when a NOTIFY comes, and every few seconds besides (a catch-up, and the proof that
the other end is still there), and connects again for as long as it takes. A NOTIFY is a call to
look, whatever it says: a storm of them costs fifty questions a second, and one that names a version
which does not exist cannot hide those that will.

The same connection hears of calls from other processes (`calls.py`), and holds the names of
the nodes that the process runs (`claims.py`). When another process has taken one while it was lost,
whoever waits for news gets that as an error.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import asyncpg

from cucmsim.errors import ClaimedError, StoreError
from cucmsim.store.calls import CALL_CHANNEL, CallBox
from cucmsim.store.changelog import CHANNEL
from cucmsim.store.claims import Claims, end_connection
from cucmsim.store.engine import Database

__all__ = ["Announcer", "ConnectionListener", "Listener"]

ConnectionListener = Callable[[bool], None]
"""Called with whether the database answers, when that changes."""

_CALM_S = 0.02
"""So long after a question no other is asked, however many notifications come."""


class Announcer:
    """The newest version known, and who waits for a newer one."""

    def __init__(self, version: int) -> None:
        self.version = version
        self._waiting: set[asyncio.Event] = set()
        self._closed = False
        self._fault: StoreError | None = None

    def publish(self, version: int) -> None:
        """Wake who waits, if `version` is news."""
        if version > self.version:
            self.version = version
            self._wake()

    def restart(self, version: int) -> None:
        """Go on from a version below, after a database was put back to an earlier state."""
        self.version = version
        self._wake()

    def close(self, fault: StoreError | None = None) -> None:
        """Wake who waits, to tell that nothing will come any more; `fault` is raised to them."""
        self._closed = True
        self._fault = self._fault or fault
        self._wake()

    def _wake(self) -> None:
        for event in self._waiting:
            event.set()

    async def newer(self, version: int) -> int | None:
        """Return the newest version as soon as it is not `version`; None once closed.

        Raises StoreError when that was by a fault.
        """
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            while not self._closed and self.version == version:
                event.clear()
                await event.wait()
        finally:
            self._waiting.discard(event)
        if self._fault is not None:
            raise self._fault
        return None if self._closed else self.version


class Listener:
    """Feeds an announcer from PostgreSQL until its task is cancelled."""

    def __init__(
        self,
        database: Database,
        announcer: Announcer,
        claims: Claims,
        calls: CallBox,
        *,
        poll_s: float = 2.0,
        retry_s: float = 0.5,
        patience_s: float = 30.0,
    ) -> None:
        self._database = database
        self._announcer = announcer
        self._claims = claims
        self._calls = calls
        self._poll_s = poll_s
        self._retry_s = retry_s
        self._patience_s = patience_s
        self._lost = False
        self._called = asyncio.Event()
        self._observers: list[ConnectionListener] = []
        self.is_connected = False

    def subscribe(self, observer: ConnectionListener) -> Callable[[], None]:
        """Call `observer` when the connection is lost and when it is back; returns what ends it."""
        self._observers.append(observer)
        return lambda: self._observers.remove(observer)

    async def run(self) -> None:
        """Listen; when the connection is lost, connect again after `retry_s`.

        Ends when another process has taken a name of this one.
        """
        while True:
            fault: StoreError | None = None
            try:
                await self._listen()
            except StoreError as error:
                fault = error
            if fault is not None and isinstance(fault.__cause__, TimeoutError):
                self._database.note_silence(is_silent=True)
            self._note(is_connected=False)
            if isinstance(fault, ClaimedError):
                self._announcer.close(fault)
                return
            await asyncio.sleep(self._retry_s)

    def _note(self, *, is_connected: bool) -> None:
        if is_connected is not self.is_connected:
            self.is_connected = is_connected
            for observer in tuple(self._observers):
                observer(is_connected)

    async def _listen(self) -> None:
        """Connect, and listen until the connection is lost, or nothing at all comes of a step.

        A driver whose connection goes in a bad moment may leave who waits for it waiting for good.
        """
        with self._database.explained():
            async with asyncio.timeout(self._patience_s) as patience:
                await self._listen_while(patience)

    async def _listen_while(self, patience: asyncio.Timeout) -> None:
        connection = await self._claims.connect(self._database)
        try:
            self._lost = False
            connection.add_termination_listener(self._hear_of_loss)
            with self._database.explained():
                await connection.add_listener(CHANNEL, self._hear)
                await connection.add_listener(CALL_CHANNEL, self._hear_of_call)
                await self._watch(connection, patience)
        finally:
            await end_connection(connection)

    async def _watch(self, connection: asyncpg.Connection, patience: asyncio.Timeout) -> None:
        """Ask for the version when called, and at intervals, until the connection is lost."""
        while not self._lost:
            self._called.clear()
            known = self._announcer.version  # what was announced by now, the answer must have
            version = await self._read_version(connection)
            patience.reschedule(asyncio.get_running_loop().time() + self._patience_s)
            self._database.note_silence(is_silent=False)
            self._note(is_connected=True)
            if version < known:
                self._announcer.restart(version)
            self._announcer.publish(version)
            await asyncio.sleep(_CALM_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._poll_s):  # wait_for may lose a cancellation
                    await self._called.wait()

    async def _read_version(self, connection: asyncpg.Connection) -> int:
        found = await connection.fetchval("SELECT version FROM cucmsim_version WHERE id = 1")
        return int(found or 0)

    def _hear(self, _connection: object, _process: int, _channel: str, _payload: object) -> None:
        self._called.set()

    def _hear_of_call(
        self, _connection: object, _process: int, _channel: str, payload: object
    ) -> None:
        self._calls.hear(str(payload))

    def _hear_of_loss(self, _connection: object) -> None:
        self._lost = True
        self._called.set()
