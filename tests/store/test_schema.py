"""The tables: models against migrations, the figures of the type tables, documented queries."""

from functools import partial

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, select, text

from cucmsim.formats.models import PHONE_MODELS
from cucmsim.store.engine import Database
from cucmsim.store.migrate import alembic_config
from cucmsim.store.schema import METADATA, TABLES
from cucmsim.store.store import Store
from cucmsim.store.typetables import TYPE_TABLES
from tests.store.conftest import OpenStore

# cucm.md 2.1: "typecertificateservice enums", "typetrustrole"
SERVICES_9_1 = (
    "1 Phone-trust, 2 Phone-VPN-trust, 3 CallManager, 4 CallManager-trust, 5 tomcat,"
    " 6 tomcat-trust, 7 ipsec, 8 ipsec-trust, 9 CAPF, 10 CAPF-trust, 11 TVS, 12 TVS-trust,"
    " 13 directory-trust, 14 Phone-SAST-trust, 15 Phone-CTL-trust, 16 userlicensing-trust"
)
ROLES_9_1 = {
    0: "TRUST_ROLES_SAST",
    1: "TRUST_ROLES_CALLMANAGER",
    2: "TRUST_ROLES_CALLMANAGER_TFTP",
    3: "TRUST_ROLES_TFTP",
    4: "TRUST_ROLES_CAPF",
    5: "TRUST_ROLES_SRST",
    6: "PHONE_TRUST_ROLES_FIREWALL",
    7: "ROLE_APPLICATION_SERVER",
    20: "ROLE_CERTIFICATE_AUTHORITY",
    21: "ROLE_AUTHENTICATION_AUTHORIZATION",
    22: "ROLE_SIGNALING_CALL_CONTROL",
    23: "TRUST_ROLE_PROVISIONING_SERVICE",
    24: "TRUST_ROLE_DATA_SERVICE",
    25: "TRUST_ROLE_NETWORK_ELEMENT",
    26: "TRUST_ROLE_VPN",
    27: "TRUST_ROLE_SERVICEABILITY",
    255: "TRUST_ROLES_UNKNOWN",
}

DOCUMENTED_QUERIES = (
    # seed 000
    (
        "select c.subjectname, c.serialnumber, c.ipv4address, t.name from certificate as c,"
        " certificatetrustrolemap as r, typetrustrole as t where c.pkid = r.fkcertificate"
        " and t.enum = r.tktrustrole"
    ),
    # seed 001
    "select paramname,paramvalue from processconfig where paramname='ClusterSecurityMode'",
    # cucm.md 2.1
    (
        "select c.servername, tcs.name, dist.moniker, c.ipv4address, c.certificate from certificate"
        " as c inner join certificateservicecertificatemap as cscm on c.pkid = cscm.fkcertificate"
        " inner join typecertificateservice as tcs on cscm.tkcertificateservice = tcs.enum"
        " inner join typecertificatedistribution as dist on c.tkcertificatedistribution = dist.enum"
    ),
    (
        "select serialnumber, subjectname from certificate A, certificateservicecertificatemap B"
        " where B.fkcertificate=A.pkid and B.tkcertificateservice=4 and subjectname like '%pub%'"
    ),
    "select A.*,B.HASH from CERTIFICATE A, CERTIFICATEHASHMAP B where A.PKID=B.FKCERTIFICATE",
    # cucm.md 2.3
    (
        "select name, mac, systemnode, isactive, nodeid, tknodeusage, ipv6name, fklbmhubgroup,"
        " tkprocessnoderole, tkssomode from processnode where systemnode = 't'"
    ),
    (
        "select name, fkdevicepool, fksecurityprofile, authenticationstring, tkcertificatestatus,"
        " upgradefinishtime, tkcertificateoperation, publickey, md5hash, tkkeyauthority,"
        " tkkeyorder, ecpublickeycurve, lscvaliduntil, lscissuername, lscissuervaliduntil,"
        " resettoggle, tkreset, versionstamp from device"
    ),
)


def differences(connection: Connection) -> object:
    """Return how the models differ from the tables that are there."""
    options = {"version_table": "cucmsim_schema", "compare_type": True}
    return compare_metadata(MigrationContext.configure(connection, opts=options), METADATA)


async def test_migrations_build_what_the_models_say(
    empty_store_url: str, open_store: OpenStore
) -> None:
    async with (
        open_store(empty_store_url) as store,
        store._database.session() as session,
    ):
        assert await session.run(differences) == []


async def test_every_revision_goes_up_and_down(empty_store_url: str) -> None:
    database = Database.parse(empty_store_url)
    try:
        for step, target in ((command.upgrade, "0001"), (command.upgrade, "head")):
            async with database.session(write=True) as session:
                run = session.run
                await run(partial(_run, step, target))
        async with database.session(write=True) as session:
            await session.run(partial(_run, command.downgrade, "base"))
            names = await session.run(lambda c: inspect(c).get_table_names())
        assert names == ["cucmsim_schema"]
    finally:
        await database.close()


def _run(step: object, target: str, connection: Connection) -> None:
    """Run an Alembic command on a connection."""
    assert callable(step)
    step(alembic_config(connection), target)


async def test_the_type_tables_hold_the_documented_numbers(store: Store) -> None:
    async with store._database.session() as session:
        services = {
            row["enum"]: row["name"]
            for row in await session.mappings(select(TABLES["typecertificateservice"]))
        }
        roles = {
            row["enum"]: (row["moniker"], row["name"])
            for row in await session.mappings(select(TABLES["typetrustrole"]))
        }
    documented = ", ".join(f"{number} {services[number]}" for number in range(1, 17))
    assert documented == SERVICES_9_1
    assert {number: moniker for number, (moniker, _) in roles.items()} == ROLES_9_1
    assert roles[21][1] == "Authentication and Authorization"


async def test_every_type_table_is_filled(store: Store) -> None:
    async with store._database.session() as session:
        for name, rows in TYPE_TABLES.items():
            held = await session.rows(select(TABLES[name]).order_by(TABLES[name].c.enum))
            assert [tuple(row) for row in held] == sorted(rows)
    models = {number: name for number, name, _ in TYPE_TABLES["typemodel"]}
    assert models == {model.number: model.product for model in PHONE_MODELS.values()}


async def test_opening_again_completes_the_type_tables(
    store_url: str, open_store: OpenStore
) -> None:
    async with open_store(store_url) as store, store._database.session(write=True) as session:
        await session.execute(TABLES["typetrustrole"].delete())
    async with open_store(store_url) as store, store._database.session() as session:
        rows = await session.rows(select(TABLES["typetrustrole"].c.enum))
    assert len(rows) == len(ROLES_9_1)


async def test_the_first_row_of_processnode_is_enterprisewidedata(lab: Store) -> None:
    async with lab._database.session() as session:
        query = text(
            "select pkid, name, systemnode, nodeid, tknodeusage from processnode order by nodeid"
        )
        rows = [tuple(row) for row in await session.rows(query)]
    assert rows[0] == (
        "00000000-1111-0000-0000-000000000000",
        "EnterpriseWideData",
        "t",
        1,
        0,
    )
    assert [row[1:] for row in rows[1:]] == [("cucm-pub", "f", 2, 0), ("cucm-sub", "f", 3, 1)]


@pytest.mark.parametrize("query", DOCUMENTED_QUERIES, ids=range(len(DOCUMENTED_QUERIES)))
async def test_a_documented_query_runs_as_written(store: Store, query: str) -> None:
    async with store._database.session() as session:
        await session.rows(text(query))
