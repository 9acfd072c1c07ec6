"""The tables, as SQLAlchemy Core describes them, for SQLite and PostgreSQL alike.

Tables and columns carry CUCM's own names as far as they are known (cucm.md section 2), so that a
`run sql` of a document works as written; what CUCM keeps elsewhere or we alone need stands in
tables that begin with `cucmsim_`. How values are held:

* `pkid` is a lower-case uuid as text; `fk...` points to a pkid, `tk...` to the `enum` of a type
  table (`typetables.py`; no foreign key, since unknown numbers are kept).
* A boolean is the text `t` or `f`, which is what Informix shows and what a query compares with.
* A time is whole unix seconds.

`migrations/` builds the same tables step by step; a test compares the two on both engines.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from cucmsim.store.typetables import TYPE_TABLES

__all__ = ["ENTERPRISE_PKID", "METADATA", "TABLES"]

ENTERPRISE_PKID = "00000000-1111-0000-0000-000000000000"
"""The pkid of EnterpriseWideData in processnode, which owns cluster-wide parameters."""

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
TABLES = METADATA.tables
"""Every table by name."""


def _pkid() -> Column[str]:
    return Column("pkid", String(36), primary_key=True)


def _fk(name: str, target: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, String(36), ForeignKey(f"{target}.pkid"), index=True, nullable=nullable)


def _text(name: str, size: int = 255, *, default: str | None = "") -> Column[str]:
    """Make a text column; default None makes it nullable."""
    return Column(name, String(size), nullable=default is None, default=default)


def _flag(name: str, default: str = "f") -> Column[str]:
    return Column(name, String(1), nullable=False, default=default)


def _number(name: str, default: int = 0) -> Column[int]:
    return Column(name, Integer, nullable=False, default=default)


def _time(name: str) -> Column[int]:
    return Column(name, BigInteger)


for _name in TYPE_TABLES:
    Table(
        _name,
        METADATA,
        Column("enum", Integer, primary_key=True, autoincrement=False),
        _text("name"),
        _text("moniker"),
    )

# Nodes and parameters: section 2.3

Table(
    "processnode",
    METADATA,
    _pkid(),
    _text("name"),
    _text("mac", default=None),
    _flag("systemnode"),
    _text("description"),
    _flag("isactive", "t"),
    Column("nodeid", Integer, nullable=False, unique=True),
    _number("tknodeusage"),
    _text("ipv6name", default=None),
    Column("fklbmhubgroup", String(36)),
    _number("tkprocessnoderole", 1),
    _number("tkssomode"),
    UniqueConstraint("name"),
)
Table(
    "processnodeservice",
    METADATA,
    _pkid(),
    _fk("fkprocessnode", "processnode"),
    _number("tkservice"),
    _text("servername"),
    _flag("enable", "t"),
    _flag("isactive", "t"),
    UniqueConstraint("fkprocessnode", "tkservice"),
)
Table(
    "processconfig",
    METADATA,
    _pkid(),
    _fk("fkprocessnode", "processnode"),
    _number("tkservice"),
    _text("paramname"),
    Column("paramvalue", Text, nullable=False),
    UniqueConstraint("fkprocessnode", "tkservice", "paramname"),
)
Table(
    "callmanager",
    METADATA,
    _pkid(),
    _text("name", 128),
    _text("description"),
    _fk("fkprocessnode", "processnode"),
    UniqueConstraint("name"),
)
Table(
    "callmanagergroup",
    METADATA,
    _pkid(),
    _text("name", 128),
    _flag("tftpdefault"),
    UniqueConstraint("name"),
)
Table(
    "callmanagergroupmember",
    METADATA,
    _pkid(),
    _fk("fkcallmanagergroup", "callmanagergroup"),
    _fk("fkcallmanager", "callmanager"),
    _number("priority"),
)
Table(
    "datetimesetting",
    METADATA,
    _pkid(),
    _text("name", 128),
    _text("datetemplate", 32),
    _text("timezone", 64),
    Column("ntpservers", Text, nullable=False, default=""),
    UniqueConstraint("name"),
)
Table(
    "devicepool",
    METADATA,
    _pkid(),
    _text("name", 128),
    _fk("fkcallmanagergroup", "callmanagergroup"),
    _fk("fkdatetimesetting", "datetimesetting"),
    _number("connectionmonitorduration", 120),
    UniqueConstraint("name"),
)

# Certificates: section 2.1

Table(
    "certificate",
    METADATA,
    _pkid(),
    _text("servername"),
    Column("subjectname", Text, nullable=False),
    Column("issuername", Text, nullable=False),
    _text("serialnumber"),
    Column("certificate", Text, nullable=False),
    _text("ipv4address", 64),
    _text("ipv6address", 64),
    Column("timetolive", Integer),
    _number("tkcertificatedistribution", 1),
)
Table(
    "certificateservicecertificatemap",
    METADATA,
    _pkid(),
    _fk("fkcertificate", "certificate"),
    _number("tkcertificateservice"),
    UniqueConstraint("fkcertificate", "tkcertificateservice"),
)
Table(
    "certificatetrustrolemap",
    METADATA,
    _pkid(),
    _fk("fkcertificate", "certificate"),
    _number("tktrustrole"),
    UniqueConstraint("fkcertificate", "tktrustrole"),
)
Table(
    "certificateprocessnodemap",
    METADATA,
    _pkid(),
    _fk("fkcertificate", "certificate"),
    _fk("fkprocessnode", "processnode"),
    _text("servername"),
    _text("ipv4address", 64),
    _text("ipv6address", 64),
    UniqueConstraint("fkcertificate", "fkprocessnode"),
)
Table(
    "certificatehashmap",
    METADATA,
    Column(
        "fkcertificate",
        String(36),
        ForeignKey("certificate.pkid"),
        primary_key=True,
        nullable=False,
    ),
    _text("hash", 28),
    Index("ix_certificatehashmap_hash", "hash"),
)

# Phones: section 2.3

Table(
    "securityprofile",
    METADATA,
    _pkid(),
    _text("name"),
    _text("description"),
    _number("tkdeviceprotocol"),
    _number("tkdevicesecuritymode", 1),
    _number("tktransport", 1),
    _flag("tftpencryptedconfig"),
    _number("tkauthenticationmode", 2),
    _number("tkkeyorder", 1),
    _number("keysize", 2048),
    _number("ecpublickeycurve", 384),
    Index("ix_securityprofile_name", "name"),
)
Table(
    "device",
    METADATA,
    _pkid(),
    _text("name", 128),
    _text("description", 512),
    _number("tkclass", 1),
    _number("tkmodel"),
    _number("tkdeviceprotocol"),
    _fk("fkdevicepool", "devicepool"),
    _fk("fksecurityprofile", "securityprofile"),
    _text("authenticationstring", 32),
    _number("tkauthenticationmode", 2),
    _number("tkcertificatestatus", 1),
    _number("tkcertificateoperation", 1),
    _time("upgradefinishtime"),
    Column("publickey", Text),
    _text("md5hash", 32, default=None),
    _number("tkkeyauthority", 1),
    _number("tkkeyorder", 1),
    _number("keysize", 2048),
    _number("ecpublickeycurve", 384),
    _time("lscvaliduntil"),
    Column("lscissuername", Text, nullable=False, default=""),
    _time("lscissuervaliduntil"),
    _flag("resettoggle"),
    _number("tkreset", 1),
    _text("specialloadinformation", 128),
    _number("ctiid"),
    _text("versionstamp", 64),
    UniqueConstraint("name"),
)
Table(
    "numplan",
    METADATA,
    _pkid(),
    _text("dnorpattern", 64),
    _text("description"),
    Column("fkroutepartition", String(36)),
    _number("tkpatternusage", 2),
    UniqueConstraint("dnorpattern"),
)
Table(
    "devicenumplanmap",
    METADATA,
    _pkid(),
    _fk("fkdevice", "device"),
    _fk("fknumplan", "numplan"),
    _number("numplanindex", 1),
    _text("label"),
    _text("display"),
    UniqueConstraint("fkdevice", "numplanindex"),
)

# Our own

Table(
    "cucmsim_version",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    Column("oldest", BigInteger, nullable=False),
)
Table(
    "cucmsim_changelog",
    METADATA,
    Column("version", BigInteger, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("tablename", String(64), nullable=False),
    Column("pkid", String(36), nullable=False),
    Column("action", String(1), nullable=False),
    PrimaryKeyConstraint("version", "ordinal"),
)
Table(
    "cucmsim_secret",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("salt", LargeBinary, nullable=False),
    Column("checkvalue", LargeBinary, nullable=False),
    Column("wrappedkey", LargeBinary),
)
Table(
    "cucmsim_node",
    METADATA,
    Column("fkprocessnode", String(36), ForeignKey("processnode.pkid"), primary_key=True),
    _text("host"),
    _text("domain"),
    _text("address", 64),
    Column("ports", Text, nullable=False, default="{}"),
)
Table(
    "cucmsim_privatekey",
    METADATA,
    _pkid(),
    _fk("fkcertificate", "certificate"),
    _fk("fkprocessnode", "processnode"),
    _number("tkcertificateservice"),
    Column("sealedkey", LargeBinary, nullable=False),
    _time("modified"),
    UniqueConstraint("fkprocessnode", "tkcertificateservice"),
)
Table(
    "cucmsim_csr",
    METADATA,
    _pkid(),
    _fk("fkprocessnode", "processnode"),
    _number("tkcertificateservice"),
    Column("request", LargeBinary, nullable=False),
    Column("sealedkey", LargeBinary, nullable=False),
    UniqueConstraint("fkprocessnode", "tkcertificateservice"),
)
Table(
    "cucmsim_capfdevice",
    METADATA,
    Column("fkdevice", String(36), ForeignKey("device.pkid"), primary_key=True),
    _number("wrongstrings"),
    _time("lockeduntil"),
    Column("lsc", LargeBinary),
    Column("mic", LargeBinary),
)
Table(
    "cucmsim_tftpfile",
    METADATA,
    _pkid(),
    _text("name"),
    _fk("fkprocessnode", "processnode", nullable=True),
    Column("data", LargeBinary, nullable=False),
)
Table(
    "cucmsim_platform",
    METADATA,
    _fk("fkprocessnode", "processnode"),
    Column("name", String(255), nullable=False),
    Column("value", Text, nullable=False),
    PrimaryKeyConstraint("fkprocessnode", "name"),
)
Table(
    "cucmsim_alarm",
    METADATA,
    Column("fkdevice", String(36), nullable=False),  # a statement may delete its phone
    _fk("fkprocessnode", "processnode"),
    Column("name", String(255), nullable=False),
    Column("received", BigInteger, nullable=False),
    _text("address", 64),
    Column("parameters", Text, nullable=False),
    PrimaryKeyConstraint("fkdevice", "fkprocessnode", "name"),
)
Table(
    "cucmsim_applied",
    METADATA,
    Column("kind", String(64), nullable=False),
    Column("name", String(255), nullable=False),
    Column("said", Text, nullable=False),
    PrimaryKeyConstraint("kind", "name"),
)
