"""`run sql` against the statements and listings of the documents, on SQLite and PostgreSQL."""

import asyncio
from datetime import UTC, datetime

import pytest

from cucmsim.errors import RefusedError
from cucmsim.services.sql.command import run_sql
from cucmsim.store.store import Store
from tests.services.sql.conftest import PHONES

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ENDLESS = "select {} from typemodel a, typemodel b, typemodel c, typemodel d, typemodel e"


async def lines(store: Store, statement: str) -> tuple[str, ...]:
    """Run a statement on the publisher."""
    return await run_sql(store, statement, is_publisher=True, now=NOW)


async def refusal(store: Store, statement: str, *, is_publisher: bool = True) -> str:
    """Return the words with which a statement is refused."""
    with pytest.raises(RefusedError) as caught:
        await run_sql(store, statement, is_publisher=is_publisher, now=NOW)
    return str(caught.value)


# the documents


async def test_the_security_mode_is_shown_as_in_cucm_md_line_411(store: Store) -> None:
    shown = await lines(
        store,
        "select paramname,paramvalue from processconfig where paramname='ClusterSecurityMode'",
    )
    assert shown == (
        "paramname           paramvalue ",
        "=================== ========== ",
        "ClusterSecurityMode 0          ",
    )


async def test_the_security_mode_reads_as_in_seed_001_line_22(store: Store) -> None:
    shown = await lines(
        store,
        "select paramname,paramvalue from processconfig where paramname='ClusterSecurityMode'",
    )
    assert " ".join(" ".join(shown).split()) == (
        "paramname paramvalue =================== ========== ClusterSecurityMode 0"
    )


async def test_the_roles_of_certificates_are_joined_as_in_seed_000_line_768(store: Store) -> None:
    shown = await lines(
        store,
        "select c.subjectname, c.serialnumber, c.ipv4address, t.name from\n"
        "certificate as c, certificatetrustrolemap as r, typetrustrole as t where c.pkid =\n"
        "r.fkcertificate and t.enum = r.tktrustrole",
    )
    heading, rule, *rows = shown
    assert heading.split() == ["subjectname", "serialnumber", "ipv4address", "name"]
    assert [len(part) for part in rule.split()] == [
        max(len(row[start:end].rstrip()) for row in (heading, *rows))
        for start, end in _columns(rule)
    ]
    assert sum("Authentication and Authorization" in row for row in rows) == 1
    assert len({len(line) for line in shown}) == 1


def _columns(rule: str) -> list[tuple[int, int]]:
    """Return where each column of a rule starts and ends."""
    starts = [at for at, sign in enumerate(rule) if sign == "=" and rule[at - 1 : at] in ("", " ")]
    return [(start, start + len(rule[start:].split(maxsplit=1)[0])) for start in starts]


async def test_where_certificates_are_is_told_as_in_cucm_md_line_389(store: Store) -> None:
    shown = await lines(
        store,
        "select c.servername, tcs.name, dist.moniker, c.ipv4address, c.certificate from certificate"
        " as c inner join certificateservicecertificatemap as cscm on c.pkid = cscm.fkcertificate"
        " inner join typecertificateservice as tcs on cscm.tkcertificateservice = tcs.enum inner"
        " join typecertificatedistribution as dist on c.tkcertificatedistribution = dist.enum",
    )
    assert shown[0].split() == ["servername", "name", "moniker", "ipv4address", "certificate"]
    assert sum("-----BEGIN CERTIFICATE-----" in line for line in shown) == 4


async def test_a_common_name_is_found_as_in_cucm_md_line_390(store: Store) -> None:
    shown = await lines(
        store,
        "select serialnumber, subjectname from certificate A, certificateservicecertificatemap B"
        " where B.fkcertificate=A.pkid and B.tkcertificateservice=4 and subjectname like"
        " '%CN=CAPF-%'",
    )
    assert shown[0].split() == ["serialnumber", "subjectname"]
    assert len(shown) == 3


async def test_a_unit_is_found_by_a_quoted_number_as_in_cucm_md_line_391(store: Store) -> None:
    shown = await lines(
        store,
        "select c.pkid, c.serialnumber from certificate c, certificateservicecertificatemap m"
        " WHERE m.fkcertificate = c.pkid AND m.tkcertificateservice = '3'",
    )
    assert shown[1].split()[0] == "=" * 36
    assert len(shown) == 4


async def test_the_node_query_of_the_rename_is_shown_as_in_cucm_md_line_281(store: Store) -> None:
    shown = await lines(store, "select name from processnode where name='cucm-pub'")
    assert [line.rstrip() for line in shown] == ["name", "========", "cucm-pub"]


async def test_the_certificate_service_quotes_with_both_quotes_cucm_md_line_392(
    store: Store,
) -> None:
    shown = await lines(
        store,
        "SELECT A.*,B.HASH FROM CERTIFICATE A, CERTIFICATEHASHMAP B WHERE A.PKID=B.FKCERTIFICATE"
        ' AND B.HASH <> "none"',
    )
    assert shown[0].split()[-1] == "hash"


# layout


PRINTED = (
    ("select count(*) from device", ("(count(*)) ", "========== ", "2          ")),
    (
        "select max(nodeid) from processnode",
        ("(max) ", "===== ", "3     "),
    ),
    ("select 'x' from callmanagergroup", ("(constant) ", "========== ", "x          ")),
    (
        "select name || '!' from callmanagergroup",
        ("(expression) ", "============ ", "Default!     "),
    ),
    ("select name[1,3] as Short from devicepool", ("short ", "===== ", "Def   ")),
    ("select name[2] n from devicepool", ("n ", "= ", "e ")),
    (
        "SELECT DevicePool.NAME[1,3] n FROM DevicePool",
        ("n   ", "=== ", "Def "),
    ),
    ("select mac from processnode where nodeid=2", ("mac  ", "==== ", "NULL ")),
    (
        "select isactive from processnode where nodeid = 2",
        ("isactive ", "======== ", "t        "),
    ),
    ("select name from device where 1=0", ("No records found",)),
    ("select lower('AB') x from devicepool", ("x  ", "== ", "ab ")),
    ("select initcap('ab') x from devicepool", ("x  ", "== ", "Ab ")),
    ("select mod(7,4) x from devicepool", ("x ", "= ", "3 ")),
    ("select mod('%9d',4) x from devicepool", ("x    ", "==== ", "NULL ")),
    ("select nvl(mac,'-') x from processnode where nodeid=2", ("x ", "= ", "- ")),
    ("select lpad('7',3,'0') x from devicepool", ("x   ", "=== ", "007 ")),
    ("select rpad('7',3,'ab') x from devicepool", ("x   ", "=== ", "7ab ")),
    ("select rpad('7',-1,'ab') x from devicepool", ("x    ", "==== ", "NULL ")),
    ("select char_length(name) x from devicepool", ("x ", "= ", "7 ")),
    ("select concat(name,1) x from devicepool", ("x        ", "======== ", "Default1 ")),
)


async def test_a_select_prints_these_lines(store: Store) -> None:
    for statement, expected in PRINTED:
        assert await lines(store, statement) == expected, statement


SPELLINGS = (
    ("select first 1 name from device order by name", PHONES[:1]),
    ("select limit 1 name from device order by name", PHONES[:1]),
    ("select skip 1 name from device order by name", PHONES[1:]),
    ("select skip 1 first 1 name from device order by name", PHONES[1:]),
    ("select name from device order by name limit 1;", PHONES[:1]),
    ("select name from (select first 1 * from device order by name) as d", PHONES[:1]),
    ("select unique d.name from device d where d.name matches 'SEPB*'", PHONES[1:]),
    ("select name from device where name like 'sepb%'", ()),
    ("select name from device where lower(name) like 'sepb%'", PHONES[1:]),
    (r"select name from device where name like 'SEPB\_%'", ()),
    (r"select name from device where name like 'SEPB!_%' escape '!'", ()),
    (r"select name from device where name like 'SEPB\_%' escape '\'", ()),
    ('select name from device where name = "SEPB000B4BA0AEE" -- the second', PHONES[1:]),
    ("select {all} name from device /* of\nthem */ order by name desc", PHONES[::-1]),
    ("select name from device d left outer join numplan n on 1=0 order by 1", PHONES),
)


async def test_informix_spellings_find_the_same_rows_on_both_engines(store: Store) -> None:
    for statement, names in SPELLINGS:
        shown = await lines(store, statement)
        assert tuple(line.strip() for line in shown[2:]) == names, statement


# refusals


REFUSED = (
    ("", "A syntax error has occurred."),
    (" ; ", "A syntax error has occurred."),
    ("selekt name from device", "A syntax error has occurred."),
    ("select name from", "A syntax error has occurred."),
    ("select (name from device", "A syntax error has occurred."),
    ("select name) from device", "A syntax error has occurred."),
    ("select name[1 from device", "A syntax error has occurred."),
    ("select [1] from device", "A syntax error has occurred."),
    ("select name from device; select name from numplan", "A syntax error has occurred."),
    ("pragma table_info(device)", "A syntax error has occurred."),
    ("with recursive x as (select 1) select * from x", "A syntax error has occurred."),
    ("select " + "1," * 20_000 + "1 from device", "A syntax error has occurred."),
    ("select 'x from device", "Found a quote for which there is no matching quote."),
    ("select ? from device", "An illegal character has been found in the statement."),
    ("select näme from device", "An illegal character has been found in the statement."),
    ("select name from nowhere", "The specified table (nowhere) is not in the database."),
    (
        "select * from cucmsim_privatekey",
        "The specified table (cucmsim_privatekey) is not in the database.",
    ),
    (
        "select * from sqlite_master",
        "The specified table (sqlite_master) is not in the database.",
    ),
    (
        "select d.Frobbed from device d",
        "Column (frobbed) not found in any table in the query (or SLV is undefined).",
    ),
    ("select pkid from device, numplan", "Ambiguous column (pkid)."),
    ("select randomblob(9) from device", "Routine (randomblob) can not be resolved."),
    ("select lower() from device", "Routine (lower) can not be resolved."),
    ("execute procedure dbschema('x')", "Routine (dbschema) can not be resolved."),
    ("execute", "A syntax error has occurred."),
    ("drop table device", "No resource permission."),
    ("update processnode set name='x'", "No UPDATE permission for processnode."),
    ("delete from typetrustrole", "No DELETE permission for typetrustrole."),
    (
        "insert into numplan (dnorpattern) values ('1')",
        "Cannot insert a null into column (pkid).",
    ),
    (
        "insert into numplan values (1, 2)",
        "Number of columns in INSERT does not match number of VALUES.",
    ),
    (
        "update device set name='SEP001122334455'",
        "Could not insert new row - duplicate value in a UNIQUE INDEX column.",
    ),
    ("update device set tkmodel='abc'", "A character to numeric conversion process failed"),
    (
        "update device set versionstamp='" + "x" * 65 + "'",
        "Value exceeds string column length.",
    ),
    ("update device set resettoggle='x'", "A character string is not a Boolean."),
    (
        "delete from devicepool",
        "Key value for constraint (informix.pk_devicepool) is still being referenced.",
    ),
    (
        "update device set fkdevicepool='nowhere'",
        "Missing key in referenced table for referential constraint (informix.fk_device).",
    ),
)


async def test_a_statement_is_refused_in_these_words_and_changes_nothing(store: Store) -> None:
    before = await store.load_replica()
    for statement, words in REFUSED:
        assert await refusal(store, statement) == words, statement
    assert await store.load_replica() == before


async def test_a_subscriber_reads_and_does_not_write(store: Store) -> None:
    statement = "update device set description='x'"
    words = await refusal(store, statement, is_publisher=False)
    assert words == "No UPDATE permission for device."
    shown = await run_sql(store, "select name from devicepool", is_publisher=False, now=NOW)
    assert shown[2].strip() == "Default"


async def test_a_statement_without_end_is_interrupted(store: Store) -> None:
    with pytest.raises(RefusedError, match="interrupted"):
        await run_sql(
            store,
            ENDLESS.format("count(*)"),
            is_publisher=True,
            now=NOW,
            timeout_s=0.05,
        )


async def test_a_statement_of_too_many_rows_is_interrupted(store: Store) -> None:
    assert await refusal(store, ENDLESS.format("1")) == "Statement interrupted by user."


async def test_a_cancelled_statement_leaves_no_thread_behind(store: Store) -> None:
    task = asyncio.create_task(lines(store, ENDLESS.format("count(*)")))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await lines(store, "select count(*) from device"))[2].strip() == "2"


# writing


async def test_an_update_counts_its_rows_and_every_node_hears_of_it(store: Store) -> None:
    before = await store.load_replica()
    shown = await lines(
        store, "update processconfig set paramvalue='1' where paramname='ClusterSecurityMode'"
    )
    assert shown == ("Rows: 1",)
    after = await store.update_replica(before)
    assert after.enterprise["ClusterSecurityMode"] == "1"


async def test_a_changed_phone_gets_a_fresh_stamp_and_the_others_keep_theirs(store: Store) -> None:
    before = await store.load_replica()
    await lines(store, "update device set description='desk' where name='SEP001122334455'")
    after = await store.update_replica(before)
    assert after.devices[PHONES[0]].description == "desk"
    assert after.devices[PHONES[0]].versionstamp != before.devices[PHONES[0]].versionstamp
    assert after.devices[PHONES[1]] is before.devices[PHONES[1]]


@pytest.mark.parametrize(
    ("statement", "changed"),
    [
        ("update numplan set dnorpattern='77' where dnorpattern='1000'", PHONES[:1]),
        ("update devicenumplanmap set label='x'", PHONES),
        ("update securityprofile set tkdevicesecuritymode=3", PHONES),
    ],
)
async def test_a_change_beside_a_phone_reaches_the_phone(
    store: Store, statement: str, changed: tuple[str, ...]
) -> None:
    before = await store.load_replica()
    await lines(store, statement)
    after = await store.update_replica(before)
    assert {name for name in PHONES if after.devices[name] != before.devices[name]} == set(changed)
    assert after.devices == (await store.load_replica()).devices


async def test_a_row_is_inserted_with_a_new_id_and_deleted(store: Store) -> None:
    assert await lines(
        store,
        "insert into numplan (pkid, dnorpattern, description, tkpatternusage)"
        " values (newid(), '4711', '', 2)",
    ) == ("Rows: 1",)
    assert await lines(store, "delete from numplan where dnorpattern='4711'") == ("Rows: 1",)
    assert await lines(store, "delete from numplan where dnorpattern='4711'") == ("Rows: 0",)


async def test_a_certificate_is_taken_out_of_its_maps_by_hand(store: Store) -> None:
    for table in ("certificateservicecertificatemap", "certificateprocessnodemap"):
        statement = "delete from {} where fkcertificate in (select pkid from certificate {})"
        mine = statement.format(table, "where subjectname like '%CAPF%'")
        assert await lines(store, mine) == ("Rows: 1",)
    assert not (await store.load_replica()).in_store("CallManager-trust")


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("update certificate set certificate='rubbish'", "found 'rubbish'; expected a certificate"),
        ("update device set tkcertificatestatus=99", "found 99; expected a number of"),
    ],
)
async def test_what_no_node_could_read_is_refused_and_undone(
    store: Store, statement: str, said: str
) -> None:
    before = await store.load_replica()
    assert said in await refusal(store, statement)
    assert await store.load_replica() == before
