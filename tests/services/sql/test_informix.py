"""What Informix's SQL has and others have not: casts, OUTER, its functions, its catalogue."""

from datetime import UTC, datetime

import pytest

from cucmsim.errors import RefusedError
from cucmsim.services.sql.command import run_sql
from cucmsim.store.store import Store
from tests.services.sql.conftest import PHONES

NOW = datetime(2026, 3, 1, 12, 5, 6, 789_000, tzinfo=UTC)
FIRST, SECOND = PHONES
SYNTAX = "A syntax error has occurred."


async def rows(store: Store, statement: str) -> list[str]:
    """Run a statement and return its rows, blanks at their ends taken off."""
    shown = await run_sql(store, statement, is_publisher=True, now=NOW)
    return [line.rstrip() for line in shown[2:]]


async def refusal(store: Store, statement: str) -> str:
    with pytest.raises(RefusedError) as caught:
        await rows(store, statement)
    return str(caught.value)


# the documents: every statement of the seeds and of cucm.md, as it stands there

DOCUMENTED = (
    (
        "seed 000, line 768; seed 004, line 768",
        (
            "select c.subjectname, c.serialnumber, c.ipv4address, t.name from\n"
            "certificate as c, certificatetrustrolemap as r, typetrustrole as t where c.pkid =\n"
            "r.fkcertificate and t.enum = r.tktrustrole"
        ),
    ),
    (
        "seed 001, lines 21 and 22; cucm.md 2.3",
        "select paramname,paramvalue from processconfig where paramname='ClusterSecurityMode'",
    ),
    (
        "cucm.md 2.1 [S10]",
        (
            "select c.servername, tcs.name, dist.moniker, c.ipv4address, c.certificate from"
            " certificate as c inner join certificateservicecertificatemap as cscm on c.pkid ="
            " cscm.fkcertificate inner join typecertificateservice as tcs on"
            " cscm.tkcertificateservice = tcs.enum inner join typecertificatedistribution"
            " as dist on"
            " c.tkcertificatedistribution = dist.enum"
        ),
    ),
    (
        "cucm.md 2.1 [S56]",
        (
            "select serialnumber, subjectname from certificate A,"
            " certificateservicecertificatemap B"
            " where B.fkcertificate=A.pkid and B.tkcertificateservice=4 and subjectname"
            " like '%CAPF%'"
        ),
    ),
    (
        "cucm.md 2.1 [S29]",
        (
            "select c.pkid, c.serialnumber from certificate c, certificateservicecertificatemap m"
            " WHERE m.fkcertificate = c.pkid AND m.tkcertificateservice = '3'"
        ),
    ),
    (
        "cucm.md 2.1 [S29], the certificate service's own",
        (
            "SELECT A.*,B.HASH FROM CERTIFICATE A, CERTIFICATEHASHMAP B WHERE"
            " A.PKID=B.FKCERTIFICATE"
            ' AND A.PKID <> "…"'
        ),
    ),
    ("cucm.md 1.6, the rename", "select name from processnode where name='cucm-pub'"),
    (
        "cucm.md 2.3 [S30], the columns of device",
        (
            "select name, fkdevicepool, fksecurityprofile, authenticationstring,"
            " tkcertificatestatus,"
            " upgradefinishtime, tkcertificateoperation, publickey, md5hash, tkkeyauthority,"
            " tkkeyorder, ecpublickeycurve, lscvaliduntil, lscissuername, lscissuervaliduntil,"
            " resettoggle, tkreset, versionstamp from device"
        ),
    ),
    (
        "cucm.md 2.3 [S28], the columns of processnode",
        (
            "select pkid, name, mac, systemnode, description, isactive, nodeid,"
            " tknodeusage, ipv6name,"
            " fklbmhubgroup, tkprocessnoderole, tkssomode from processnode"
        ),
    ),
)


async def test_every_statement_of_the_documents_finds_something(store: Store) -> None:
    for document, statement in DOCUMENTED:
        assert await rows(store, statement), document


# casts, functions, spellings

PRINTED = (
    ("select tkmodel::lvarchar || 'x' m from device", ["685x", "685x"]),
    ("select name::varchar(3) n from devicepool", ["Def"]),
    ("select cast(tkmodel as varchar(2)) m from device", ["68", "68"]),
    ("select cast(1.5 as decimal(8,2)) m from devicepool", ["1.5"]),
    ("select (tkmodel+1)::int m from device", ["686", "686"]),
    ("select upper(name)::char(3) m from devicepool", ["DEF"]),
    ("select d.name[1,3]::lvarchar m from devicepool d", ["Def"]),
    ("select '12'::int + 1 m, '1.5'::float f, null::int n from devicepool", ["13 1.5 NULL"]),
    ("select 1::boolean a, 'f'::boolean b from devicepool", ["t f"]),
    (("select first 1 name from device where abs(tkmodel)::int = 685 and (tkmodel)::int >"
     " 1"), [FIRST]),
    ("select today, sysdate from devicepool", ["03/01/2026   2026-03-01 12:05:06"]),
    ("select current c from devicepool", ["2026-03-01 12:05:06.789"]),
    (
        ("select current year to day a, current hour to second b, current fraction to"
         " fraction(3) c,"
        " current year to fraction(3) d from devicepool"),
        ["2026-03-01 12:05:06 789 2026-03-01 12:05:06.789"],
    ),
    (
        ("select dbinfo('utc_current') a, dbinfo(\"utc_to_datetime\", 0) b, dbinfo('x') c"
        " from devicepool"),
        ["1772366706 1970-01-01 00:00:00 NULL"],
    ),
    (
        "select substring(name from 1 for 3) a, substr(name,4) b, length(name) c from devicepool",
        ["Def ault 7"],
    ),
    (
        ("select nvl(null,'a') a, nvl2(null,'a','b') b, nvl2(1,'a','b') c, hex(42) d, hex('') e"
        " from devicepool"),
        ["a b a 0x0000002A NULL"],
    ),
    (
        ("select decode(2, 1,'a', 2,'b') a, decode(3, 1,'a', 'z') b, decode(3, 1,'a') c"
        " from devicepool"),
        ["b z NULL"],
    ),
    (
        ("select case when tkmodel > 1 then 'big' else 'small' end k, count(*) c from device"
        " group by 1 having count(*) > 1 order by 1"),
        ["big 2"],
    ),
    ("select count(unique tkmodel), count(distinct name) from device", ["1       2"]),
    ("select name from device union select name from devicepool", ["Default", *PHONES]),
    ("select name from device minus select name from device where name like 'SEPB%'", [FIRST]),
    (r"select name from device where name not matches 'SEPB*' or name matches '\**'", [FIRST]),
    ('select name from "informix".devicepool', ["Default"]),
    ("select name from informix.devicepool", ["Default"]),
    (
        ("select name from device where exists (select 1 from devicenumplanmap m where m.fkdevice ="
        " device.pkid and m.numplanindex = (select max(numplanindex) from devicenumplanmap))"),
        list(PHONES),
    ),
    ("select p.name from processconfig c right outer join processnode p on 1=0 where nodeid=2",
     ["cucm-pub"]),
)  # fmt: skip


async def test_a_statement_gives_these_rows_on_both_engines(store: Store) -> None:
    for statement, expected in PRINTED:
        assert await rows(store, statement) == expected, statement


OUTER = (
    (
        (
            "select d.name, n.dnorpattern from device d, outer (devicenumplanmap m, numplan n)"
            " where m.fkdevice=d.pkid and m.fknumplan=n.pkid and n.dnorpattern='1000' order by 1"
        ),
        [f"{FIRST} 1000", f"{SECOND} NULL"],
    ),
    (
        (
            "select d.name, dnorpattern from device d, outer (devicenumplanmap, outer"
            " numplan n) where"
            " fkdevice=d.pkid and fknumplan=n.pkid and numplanindex between 1 and 2 and"
            " n.dnorpattern='1000' and d.name like 'SEP%' order by 1"
        ),
        [f"{FIRST} 1000", f"{SECOND} NULL"],
    ),
    (
        (
            "select d.name, m.label from devicepool p, device as d, outer devicenumplanmap as m"
            " where m.fkdevice=d.pkid and m.label='x' and d.fkdevicepool=p.pkid order by"
            " d.name desc"
        ),
        [f"{SECOND} NULL", f"{FIRST} NULL"],
    ),
    (
        (
            "select name from device where pkid in (select d.pkid from device d, outer numplan n"
            " where n.pkid='' or n.dnorpattern=d.name)"
        ),
        list(PHONES),
    ),
    ("select d.name from device d, outer devicepool", list(PHONES)),
    (
        (
            "select p.name, d.name from devicepool p, outer (device d inner join devicenumplanmap m"
            " on m.fkdevice=d.pkid) where d.fkdevicepool=p.pkid and d.name='x'"
        ),
        ["Default NULL"],
    ),
)


async def test_an_outer_table_gives_nulls_where_it_has_no_row(store: Store) -> None:
    for statement, expected in OUTER:
        assert await rows(store, statement) == expected, statement


REFUSED = (
    ("select cast(name) from device", SYNTAX),
    ("select name::blob from device", SYNTAX),
    ("select name::char(x) from device", SYNTAX),
    ("select name::char(3 from device", SYNTAX),
    ("select ::int from device", SYNTAX),
    ("::int", SYNTAX),
    ("select case when 1=1 then 1 end::int from device", SYNTAX),
    ("select current second to year from device", SYNTAX),
    ("select current year to nothing from device", SYNTAX),
    ("select name from outer device", SYNTAX),
    ("select name from device, outer", SYNTAX),
    ("select d.name from device d, outer (device e", SYNTAX),
    ("select d.name) from device d, outer device e", SYNTAX),
    ("select d.name from device d, outer device e where " + "(" * 60 + "1" + ")" * 60, SYNTAX),
    (
        "select d.name from device d, outer nowhere n where n.x = d.pkid",
        "The specified table (nowhere) is not in the database.",
    ),
    ("select name::int from devicepool", "A character to numeric conversion process failed"),
    (
        "update device set upgradefinishtime='tomorrow'",
        (
            "A field in a datetime or interval value is incorrect or an illegal operation"
            " specified on"
            " datetime field."
        ),
    ),
    ("update systables set tabname='x'", "No UPDATE permission for systables."),
    (
        "select sql from sqlite_schema",
        "The specified table (sqlite_master) is not in the database.",
    ),
)


async def test_what_cannot_be_is_refused_in_informix_words(store: Store) -> None:
    for statement, words in REFUSED:
        assert await refusal(store, statement) == words, statement


async def test_the_catalogue_tells_tables_and_columns(store: Store) -> None:
    names = await rows(store, "select tabname from systables where tabname like 'cert%map'")
    assert names == [
        "certificatehashmap",
        "certificateprocessnodemap",
        "certificateservicecertificatemap",
        "certificatetrustrolemap",
    ]
    assert not [name for name in await rows(store, "select * from systables") if "cucmsim" in name]
    columns = await rows(
        store,
        "select c.colname, c.coltype, c.collength from systables t, syscolumns c where"
        " t.tabid = c.tabid and t.tabname = 'processnode' order by colno",
    )
    assert [" ".join(line.split()) for line in columns[:4]] == [
        "pkid 269 36",
        "name 269 255",
        "mac 13 255",
        "systemnode 297 1",
    ]


async def test_a_pending_operation_is_ordered_as_in_cucm_md_2_3(store: Store) -> None:
    ordered = (
        "update device set tkcertificateoperation=2, tkcertificatestatus=2,"
        " upgradefinishtime='2026:12:31:12:00' where name='SEP001122334455'"
    )
    assert await run_sql(store, ordered, is_publisher=True, now=NOW) == ("Rows: 1",)
    phone = (await store.load_replica()).devices[FIRST]
    assert phone.operation_expires == datetime(2026, 12, 31, 12, tzinfo=UTC)
    shown = await rows(store, "select name, upgradefinishtime from device order by name")
    assert shown == [f"{FIRST} 2026:12:31:12:00", f"{SECOND} NULL"]
    await rows(store, "update device set upgradefinishtime='' where name='SEP001122334455'")
    assert (await store.load_replica()).devices[FIRST].operation_expires is None
    deleted = await run_sql(
        store, "delete from device where pkid='none'", is_publisher=True, now=NOW
    )
    assert deleted == ("Rows: 0",)
