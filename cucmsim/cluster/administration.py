"""Changes that people make while the cluster runs, on the publisher as with a real one."""

from collections.abc import Awaitable, Callable, Mapping

from cucmsim.cluster.phonechanges import changed_phone, new_phone
from cucmsim.cluster.settings import Settings
from cucmsim.errors import RefusedError
from cucmsim.store.replica import Replica
from cucmsim.store.rows import Device
from cucmsim.store.store import Store

__all__ = ["Administration"]


class Administration:
    """Adds, changes and removes phones; `newest` brings the view up to date and returns it."""

    def __init__(
        self, settings: Settings, store: Store, newest: Callable[[], Awaitable[Replica]]
    ) -> None:
        self._settings = settings
        self._store = store
        self._newest = newest

    async def add_device(self, entry: Mapping[str, object]) -> Device:
        """Add a phone. Raises SettingsError with what is wrong, RefusedError when it is there."""
        device = new_phone(entry, self._settings, await self._newest())
        async with self._store.transaction() as transaction:
            if await transaction.get_device(device.name) is not None:
                raise RefusedError(f"phone {device.name} is there already; `device set` changes it")
            await transaction.put_device(device)
        return (await self._newest()).devices[device.name]

    async def change_device(self, name: str, changes: Mapping[str, object]) -> Device:
        """Change a phone. Raises SettingsError with what is wrong, RefusedError for no phone."""
        replica = await self._newest()
        async with self._store.transaction() as transaction:
            held = await transaction.get_device(name)
            if held is None:
                raise RefusedError(f"no phone {name!r}")
            await transaction.put_device(changed_phone(held, changes, self._settings, replica))
        return (await self._newest()).devices[name]

    async def remove_device(self, name: str) -> None:
        """Remove a phone. Raises RefusedError for no phone."""
        async with self._store.transaction() as transaction:
            if not await transaction.delete_device(name):
                raise RefusedError(f"no phone {name!r}")
        await self._newest()
