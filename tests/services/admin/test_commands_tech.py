"""show tech: the database from within."""

from tests.services.admin.conftest import Desk


async def test_the_database_is_described(clerk: Desk, subscriber_clerk: Desk) -> None:
    shown = await clerk.give("show tech database")
    assert shown.startswith(
        f"\n {'-' * 20} show tech database {'-' * 20}\n\nDatabase     : ccm12_5_"
    )
    assert "State        : On-Line\nRole         : publisher\n" in shown
    assert "Role         : subscriber\n" in await subscriber_clerk.give("show tech database")


async def test_tables_are_named_and_described_without_ours(clerk: Desk) -> None:
    named = await clerk.give("show tech systables")
    assert "\nprocessconfig\n" in named
    described = await clerk.give("show tech dbschema")
    assert "\ncertificatehashmap\n  fkcertificate varchar(36) not null\n" in described
    assert "cucmsim" not in named + described


async def test_the_rows_of_a_table_are_shown_as_run_sql_shows_them(clerk: Desk) -> None:
    shown = await clerk.give("show tech table ProcessNode")
    assert shown.endswith(await clerk.give("run sql select * from processnode"))
    for name in ("nowhere", "cucmsim_privatekey", "processnode;drop"):
        refused = await clerk.give(f"show tech table {name}")
        assert refused.startswith(f"The specified table ({name}) is not in the database.\n")


async def test_parameters_are_shown_by_kind(clerk: Desk) -> None:
    async with clerk.context.store.transaction() as transaction:
        await transaction.set_enterprise_parameter("ClusterSecurityMode", "0")
        await transaction.set_service_parameter("capf", "KeepAliveTimer", "7")
    enterprise = await clerk.give("show tech params enterprise")
    service = await clerk.give("show tech params service")
    assert ("ClusterSecurityMode" in enterprise, "KeepAliveTimer" in enterprise) == (True, False)
    assert ("ClusterSecurityMode" in service, "KeepAliveTimer" in service) == (False, True)
    assert await clerk.give("show tech params all") == enterprise + service
