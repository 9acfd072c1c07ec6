"""Parameters at their defaults in `run sql`, on SQLite and PostgreSQL."""

from datetime import UTC, datetime

import pytest

from cucmsim.errors import RefusedError
from cucmsim.services.parameters import ENTERPRISE_PARAMETERS
from cucmsim.services.sql.command import run_sql
from cucmsim.store.store import Store

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def lines(store: Store, statement: str) -> list[str]:
    """Run a statement on the publisher."""
    shown = await run_sql(store, statement, is_publisher=True, now=NOW)
    return [line.rstrip() for line in shown]


async def enterprise(store: Store) -> dict[str, str]:
    """Return the enterprise parameters that the store keeps."""
    return dict((await store.load_replica()).enterprise)


async def test_every_parameter_is_shown_and_nothing_is_written(store: Store) -> None:
    version = store.version
    shown = await lines(store, "select paramname from processconfig where tkservice = 11")
    assert set(shown[2:]) == {"ClusterSecurityMode", *ENTERPRISE_PARAMETERS}
    assert len(shown[2:]) == len(set(shown[2:]))
    served = await lines(
        store,
        "select s.name, p.paramvalue from processconfig p, typeservice s, processnode n where"
        " p.tkservice = s.enum and p.fkprocessnode = n.pkid and n.name = 'EnterpriseWideData'"
        " and p.paramname = 'DurationOfCertificateValidity'",
    )
    assert served[2:] == ["Cisco Certificate Authority Proxy Function 1825"]
    assert store.version == version


async def test_a_parameter_never_set_is_set_and_goes_back_when_deleted(store: Store) -> None:
    select = "select pkid, paramvalue from processconfig where paramname='RollBackToPreGrayback'"
    default = await lines(store, select)
    update = "update processconfig set paramvalue='T' where paramname='RollBackToPreGrayback'"
    assert await lines(store, update) == ["Rows: 1"]
    assert (await enterprise(store))["RollBackToPreGrayback"] == "T"
    assert await lines(store, select) == [*default[:2], default[2][:-1] + "T"]
    assert await lines(store, update.replace("'T'", "'F'")) == ["Rows: 1"]
    assert (await enterprise(store))["RollBackToPreGrayback"] == "F"
    delete = "delete from processconfig where paramname='RollBackToPreGrayback'"
    for _ in range(2):  # what is kept, then the default
        assert await lines(store, delete) == ["Rows: 1"]
        assert "RollBackToPreGrayback" not in await enterprise(store)
        assert await lines(store, select) == default


async def test_a_row_that_got_another_name_makes_no_second_one(store: Store) -> None:
    await lines(
        store,
        "update processconfig set paramname='Other' where paramname='RollBackToPreGrayback'",
    )
    assert (await enterprise(store))["Other"] == "F"
    shown = await lines(store, "select count(*) from processconfig where paramname='Other'")
    assert shown[2:] == ["1"]


async def test_a_parameter_is_not_there_twice(store: Store) -> None:
    with pytest.raises(RefusedError):
        await lines(
            store,
            "insert into processconfig (pkid, fkprocessnode, tkservice, paramname, paramvalue)"
            " select 'a', fkprocessnode, tkservice, paramname, 'T' from processconfig"
            " where paramname='RollBackToPreGrayback'",
        )
