"""Changes that people make while the cluster runs, on the publisher as with a real one."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from cucmsim.cluster.phonechanges import changed_phone, new_phone
from cucmsim.errors import RefusedError, SettingsError
from cucmsim.services.operations.capforders import change_phones, under_capf_rules
from cucmsim.services.operations.operator import Operator
from cucmsim.store.replica import Replica
from cucmsim.store.rows import Device

__all__ = ["Administration"]


class Administration:
    """Adds, changes and removes phones; `operator` gives what operations work with."""

    def __init__(self, operator: Callable[[], Operator]) -> None:
        self._operator = operator

    async def add_device(self, entry: Mapping[str, object]) -> Device:
        """Add a phone. Raises SettingsError with what is wrong, RefusedError when it is there."""
        operator = self._operator()
        replica = await operator.newest()
        device = under_capf_rules(
            new_phone(entry, replica), replica, operator.clock.now(), is_order=True
        )
        async with operator.store.transaction() as transaction:
            if await transaction.get_device(device.name) is not None:
                raise RefusedError(f"phone {device.name} is there already; `device set` changes it")
            await transaction.put_device(device)
        return (await operator.newest()).devices[device.name]

    async def change_devices(
        self, names: Collection[str], changes: Mapping[str, object]
    ) -> tuple[Device, ...]:
        """Change all these phones or none; problems of one of many begin with its name.

        Raises SettingsError with what is wrong, RefusedError for no phone.
        """

        def change(held: Device, replica: Replica) -> Device:
            try:
                return changed_phone(held, changes, replica)
            except SettingsError as error:
                if len(names) == 1:
                    raise
                raise _named(error, held.name) from error

        is_order = "pending_operation" in changes
        return await change_phones(self._operator(), names, change, is_order=is_order)

    async def remove_device(self, name: str) -> None:
        """Remove a phone. Raises RefusedError for no phone."""
        operator = self._operator()
        async with operator.store.transaction() as transaction:
            if not await transaction.delete_device(name):
                raise RefusedError(f"no phone {name!r}")
        await operator.newest()


def _named(error: SettingsError, name: str) -> SettingsError:
    """Return the same problems with the name of the phone before each key."""
    problems = (replace(problem, key=f"{name}.{problem.key}") for problem in error.problems)
    return SettingsError(tuple(problems))
