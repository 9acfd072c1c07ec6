"""run sql, byte for byte."""

import pytest

from tests.services.admin.conftest import Desk

UNSUCCESSFUL = "Executed command unsuccessfully\n"


async def test_the_security_mode_is_shown_as_in_seed_001_line_22(clerk: Desk) -> None:
    async with clerk.context.store.transaction() as transaction:
        await transaction.set_enterprise_parameter("ClusterSecurityMode", "0")
    shown = await clerk.give(
        "run sql select paramname,paramvalue from processconfig"
        " where paramname='ClusterSecurityMode'"
    )
    assert shown == (  # columns and blanks: cucm.md 2.3
        "paramname           paramvalue \n"
        "=================== ========== \n"
        "ClusterSecurityMode 0          \n"
    )


async def test_a_change_prints_its_rows_and_is_the_publisher_s_alone(
    clerk: Desk, subscriber_clerk: Desk
) -> None:
    statement = "run sql update devicepool set name='Lab' where name='Default'"
    shown = await subscriber_clerk.give(statement)
    assert shown.endswith(UNSUCCESSFUL)
    assert "No UPDATE permission" in shown
    assert await clerk.give(statement) == "Rows: 1\n"  # cucm.md 1.7
    assert "Lab" in (await clerk.context.store.load_replica()).device_pools


@pytest.mark.parametrize(
    "statement",
    [
        "",
        "nonsense",
        "select",
        "select * from nothing",
        "select 'ab",
        "drop table device",
        "x" * 9999,
    ],
)
async def test_what_is_no_statement_is_refused(clerk: Desk, statement: str) -> None:
    shown = await clerk.give(f"run sql {statement}")
    assert shown.endswith(UNSUCCESSFUL)
    assert "Traceback" not in shown
