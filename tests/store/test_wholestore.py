"""Rows of older and of newer stores, and rows that fit none; another password for a store."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from alembic import command
from sqlalchemy import MetaData, create_engine, insert, select

from cucmsim.errors import StoreError
from cucmsim.store.migrate import alembic_config, known_revisions
from cucmsim.store.store import Store
from cucmsim.store.wholestore import WholeStore, brought_up_to_date
from tests.store.conftest import OpenStore

OLD = "0006"  # before security profiles had what they say of CAPF
PROFILE = {
    "pkid": "1",
    "name": "Secure",
    "description": "",
    "tkdeviceprotocol": 11,
    "tkdevicesecuritymode": 3,
    "tktransport": 3,
    "tftpencryptedconfig": "f",
}


def old_store(**rows: list[Mapping[str, object]]) -> WholeStore:
    """Return these rows as a store of an older release would have given them."""
    engine = create_engine("sqlite://")
    held = MetaData()
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), OLD)
        held.reflect(connection)
        for name, some in rows.items():
            connection.execute(insert(held.tables[name]), some)
        tables = {
            table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
            for table in held.sorted_tables
            if table.name != "cucmsim_schema"
        }
    engine.dispose()
    return WholeStore(OLD, 7, tables)


def test_rows_of_an_older_release_get_what_this_one_has_besides() -> None:
    new = brought_up_to_date(old_store(securityprofile=[PROFILE]))
    (profile,) = new.tables["securityprofile"]
    assert (new.schema, new.version) == (known_revisions()[0], 7)
    assert (profile["name"], profile["keysize"]) == ("Secure", 2048)


def test_rows_of_a_newer_release_are_refused() -> None:
    newer = replace(old_store(), schema="9999")
    with pytest.raises(StoreError, match="newer release: found schema 9999, expected 0"):
        brought_up_to_date(newer)


@pytest.mark.parametrize(
    "tables",
    [
        {"nonsense": [{"a": 1}]},
        {"securityprofile": [{"pkid": "1", "colour": "red"}]},
        {"callmanager": [{"pkid": "1", "name": "CM", "fkprocessnode": "none"}]},
        {"securityprofile": ["no row"]},
    ],
)
def test_rows_that_do_not_fit_are_refused(tables: dict[str, list[dict[str, object]]]) -> None:
    with pytest.raises(StoreError, match=f"do not fit schema {OLD}"):
        brought_up_to_date(WholeStore(OLD, 7, tables))


async def test_another_password_opens_the_store_and_what_was_sealed_before(
    lab: Store, store_url: str, open_store: OpenStore
) -> None:
    async with lab.transaction() as transaction:
        await transaction.put_secret("before", b"kept")
    version = lab.version
    async with lab.transaction() as transaction:
        await transaction.change_password("quite-another")
        await transaction.put_secret("after", b"kept too")
    assert lab.version == version + 1
    if store_url.startswith("sqlite"):  # one process at a time
        return
    with pytest.raises(StoreError, match="security password is not the one"):
        async with open_store(store_url):
            pass
    async with open_store(store_url, "quite-another") as again, again.transaction() as held:
        assert await held.secret("before") == b"kept"
        assert await held.secret("after") == b"kept too"
