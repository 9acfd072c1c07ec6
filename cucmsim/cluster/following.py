"""Following the store: whenever it announces a change, the view gets the next replica.

While the database is away the nodes serve on from what they have; when it is back, what was missed
is caught up on. The certificate files (`services/mirror.py`) follow too. After a start from the
local copy the database is waited for, and a publisher then does what it does at any start.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path

import structlog

from cucmsim.errors import StoreError
from cucmsim.services.mirror import write_mirror
from cucmsim.services.view import View
from cucmsim.store.faults import is_away
from cucmsim.store.replica import Replica
from cucmsim.store.store import Store

__all__ = ["Fill", "Follower"]

Fill = Callable[[], Awaitable[object]]
"""Brings the store to what the description says."""

_RETRY_S = 0.5


class Follower:
    """Keeps `view` at the newest version of `store`, and the files of `node_names` with it."""

    def __init__(
        self,
        store: Store,
        view: View,
        certs_directory: Path,
        node_names: Collection[str],
        fill: Fill | None = None,
    ) -> None:
        self._store = store
        self._view = view
        self._certs_directory = certs_directory
        self._node_names = node_names
        self._fill = fill
        self._is_away = store.opened.copied is not None
        self._mirrored: tuple[object, object] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

    async def run(self) -> None:
        """Follow until cancelled, or until the store is closed.

        Raises StoreError or StartError when the database, once it is back, cannot be gone on with.
        """
        unsubscribe = self._store.subscribe_connection(self._hear_of_connection)
        try:
            if self._is_away:
                await self._rejoin()
            async for _ in self._store.changes():
                await self._catch_up()
        finally:
            unsubscribe()

    async def _rejoin(self) -> None:
        """Wait for the database, fill it as at any start, and take what it holds."""
        await self._store.rejoined()
        told = ""
        while self._fill is not None:
            try:
                await self._fill()
            except StoreError as error:
                if error.__cause__ is None:  # what it holds is wrong, it did not just fail
                    raise
                if not is_away(error) and str(error) != told:
                    told = str(error)
                    self._log.warning("the description is not applied yet", why=told)
                await asyncio.sleep(_RETRY_S)
            else:
                self._fill = None
        await self._catch_up()

    def _hear_of_connection(self, is_connected: bool) -> None:  # noqa: FBT001  as subscribed
        if is_connected:
            self._note_back()
        else:
            self._note_away("it does not answer")

    def _note_away(self, why: str) -> None:
        """Say so once, however it was noticed."""
        if not self._is_away:
            self._log.warning("database away, serving on", version=self._version, why=why)
        self._is_away = True

    def _note_back(self) -> None:
        if self._is_away:
            self._log.info("database back", version=self._version)
        self._is_away = False

    @property
    def _version(self) -> int:
        return self._view.replica.version

    async def _catch_up(self) -> None:
        """Bring the view up to date, however long that takes; who serves does not wait."""
        while True:
            try:
                await self.update()
            except StoreError as error:
                self._note_away(str(error))
            else:
                self._note_back()
                return
            await asyncio.sleep(_RETRY_S)

    async def update(self) -> Replica:
        """Bring the view up to date now and return what it holds. Raises StoreError."""
        async with self._one_at_a_time:
            replica = await self._store.update_replica(self._view.replica)
            if replica is not self._view.replica:
                if replica.version < self._version:
                    self._log.warning(
                        "database is older than what was served, taken as a whole",
                        version=replica.version,
                        served=self._version,
                    )
                self._view.replace(replica)
                self._log.debug("replica updated", version=replica.version)
            await self._mirror_or_warn()
        return replica

    async def mirror(self) -> None:
        """Write the certificate files if certificates changed. Raises StoreError."""
        replica = self._view.replica
        held = (replica.certificates, replica.own_keys)
        if self._mirrored != held:
            await asyncio.to_thread(write_mirror, self._certs_directory, replica, self._node_names)
            self._mirrored = held

    async def _mirror_or_warn(self) -> None:
        """Write the certificate files; who serves does not depend on them."""
        try:
            await self.mirror()
        except StoreError as error:
            self._log.warning("certificate files are not up to date", why=str(error))
