"""What a statement may not write or see, on SQLite and PostgreSQL."""

from datetime import UTC, datetime

import pytest

from cucmsim.errors import RefusedError, StoreError
from cucmsim.services.operations.clockmove import OWN_SERVICE
from cucmsim.services.sql.command import run_sql
from cucmsim.store.store import Store
from cucmsim.store.tables import CUCM_TABLES, RowChange

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
INSERT = (
    "insert into processconfig (pkid, fkprocessnode, tkservice, paramname, paramvalue)"
    " select 'a', fkprocessnode, {}, 'ActiveVersion', 'foo' from processconfig"
    " where paramname='ClusterSecurityMode'"
)


async def lines(store: Store, statement: str) -> list[str]:
    """Run a statement on the publisher."""
    shown = await run_sql(store, statement, is_publisher=True, now=NOW)
    return [line.rstrip() for line in shown]


async def test_rows_of_our_own_are_neither_seen_nor_changed(store: Store) -> None:
    async with store.transaction() as transaction:
        await transaction.set_service_parameter(OWN_SERVICE, "ActiveVersion", "1", "cucm-pub")
        rows = await transaction.read_tables(["typeservice"])
    (number,) = (row[0] for row in rows["typeservice"] if row[1] == OWN_SERVICE)
    for statement in (
        "select * from processconfig where paramname='ActiveVersion'",
        "select * from typeservice where name='cucmsim'",
    ):
        assert await lines(store, statement) == ["No records found"]
    for statement in (
        "delete from processconfig where paramname='ActiveVersion'",
        "update processconfig set paramvalue='foo' where paramname='ActiveVersion'",
    ):
        assert await lines(store, statement) == ["Rows: 0"]
    with pytest.raises(RefusedError, match=r"column tkservice: found .*; expected a number of"):
        await lines(store, INSERT.format(number))
    await lines(store, "delete from processconfig")
    replica = await store.load_replica()
    assert replica.service_parameter(OWN_SERVICE, "ActiveVersion", "cucm-pub") == "1"


@pytest.mark.parametrize("table", ["cucmsim_node", "cucmsim_privatekey", "CUCMSIM_secret"])
async def test_tables_of_our_own_are_not_there(store: Store, table: str) -> None:
    for statement in ("select * from {}", "delete from {}"):
        with pytest.raises(RefusedError, match="is not in the database"):
            await lines(store, statement.format(table))


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("update device set name='' where name like 'SEP00%'", "column name: found ''"),
        ("update device set name='foo bar' where name like 'SEP00%'", "found 'foo bar'"),
        ("update device set name='../x' where name like 'SEP00%'", "column name: found '../x'"),
        ("update devicepool set name=''", "expected a name of printable characters"),
        ("update device set tkmodel=9999", "column tkmodel: found 9999; expected a number of"),
        (
            "update processconfig set paramvalue='banana' where paramname='ClusterSecurityMode'",
            "column paramvalue: found 'banana'; expected one of",
        ),
        (
            "update processconfig set paramvalue='foo' where paramname='CAPFOperationExpiresIn'",
            "expected an integer from 1 to 365 for CAPFOperationExpiresIn",
        ),
        (
            "update processconfig set paramvalue='foo' where paramname='MaximumServingCount'",
            "expected an integer from 1 to 100000 for MaximumServingCount",
        ),
    ],
)
async def test_an_impossible_value_is_refused_and_nothing_changes(
    store: Store, statement: str, said: str
) -> None:
    version = store.version
    with pytest.raises(RefusedError) as caught:
        await lines(store, statement)
    assert str(caught.value).startswith("Check constraint (informix.c_")
    assert said in str(caught.value)
    assert store.version == version


async def test_names_and_unknown_parameters_go_on(store: Store) -> None:
    for statement in (
        "update device set name='CSF.a_b-1' where name='SEP001122334455'",
        "update devicepool set name='Lab 2' where name='Default'",
        INSERT.format(11),
    ):
        assert await lines(store, statement) == ["Rows: 1"]


async def test_the_store_says_in_plain_words_what_it_could_not_read(store: Store) -> None:
    async with store.transaction() as transaction:
        row = (await transaction.read_tables(["device"]))["device"][0]
    before = dict(zip(CUCM_TABLES["device"].columns.keys(), row, strict=True))
    after = {**before, "tkmodel": 9999, "description": "hidden"}
    async with store.transaction() as transaction:
        with pytest.raises(StoreError, match="found description, tkmodel = 9999; expected what"):
            await transaction.change_rows("device", [RowChange(before, after)])
        await transaction.change_rows("device", [RowChange(after, before)])
