"""Whole tables as `run sql` reads and changes them (tests/services/sql holds the rest)."""

import pytest

from cucmsim.errors import StoreError
from cucmsim.store.rows import Device
from cucmsim.store.store import Store
from cucmsim.store.tables import CUCM_TABLES, WRITABLE_TABLES, RowChange


async def test_rows_come_in_the_order_of_the_key_and_columns_in_the_schemas(lab: Store) -> None:
    found = await lab.read_tables(["processnode"])
    columns = CUCM_TABLES["processnode"].columns.keys()
    rows = [dict(zip(columns, row, strict=True)) for row in found["processnode"]]
    assert rows[0]["name"] == "EnterpriseWideData"
    assert [row["pkid"] for row in rows] == sorted(str(row["pkid"]) for row in rows)


@pytest.mark.parametrize("name", ["cucmsim_privatekey", "cucmsim_secret", "nothing"])
async def test_a_table_that_cucm_does_not_have_is_not_read(lab: Store, name: str) -> None:
    with pytest.raises(StoreError, match="no table"):
        await lab.read_tables([name])


async def test_a_table_of_the_installation_is_not_changed(lab: Store) -> None:
    assert CUCM_TABLES.keys() > WRITABLE_TABLES
    async with lab.transaction() as transaction:
        with pytest.raises(StoreError, match="not to be changed"):
            await transaction.change_rows("processnode", [])


async def test_phones_of_a_pool_that_gets_another_name_are_read_again(lab: Store) -> None:
    async with lab.transaction() as transaction:
        await transaction.put_device(Device(name="SEP001B54C25A01", model="8861"))
    known = await lab.load_replica()
    async with lab.transaction() as transaction:
        (row,) = (await transaction.read_tables(["devicepool"]))["devicepool"]
        before = dict(zip(CUCM_TABLES["devicepool"].columns.keys(), row, strict=True))
        await transaction.change_rows("devicepool", [RowChange(before, {**before, "name": "Lab"})])
    updated = await lab.update_replica(known)
    assert updated.devices["SEP001B54C25A01"].device_pool == "Lab"
    assert updated == await lab.load_replica()
