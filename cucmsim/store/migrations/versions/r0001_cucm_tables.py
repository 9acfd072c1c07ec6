"""CUCM's tables: nodes, parameters, certificates, phones, types."""

from alembic import op

from cucmsim.store.migrations.columns import big, create, integer, long, text

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TYPE_TABLES = (
    "typecertificateservice",
    "typetrustrole",
    "typecertificatedistribution",
    "typecertificateoperation",
    "typecertificatestatus",
    "typeauthenticationmode",
    "typekeyauthority",
    "typekeyorder",
    "typedevicesecuritymode",
    "typetransport",
    "typedeviceprotocol",
    "typeclass",
    "typenodeusage",
    "typeprocessnoderole",
    "typepatternusage",
    "typemodel",
    "typeservice",
)
_TABLES = (
    "processnode",
    "processnodeservice",
    "processconfig",
    "callmanager",
    "callmanagergroup",
    "callmanagergroupmember",
    "datetimesetting",
    "devicepool",
    "certificate",
    "certificateservicecertificatemap",
    "certificatetrustrolemap",
    "certificateprocessnodemap",
    "certificatehashmap",
    "securityprofile",
    "device",
    "numplan",
    "devicenumplanmap",
)


def upgrade() -> None:
    """Build what this revision adds."""
    for table in _TYPE_TABLES:
        create(table, integer("enum"), text("name", 255), text("moniker", 255), key=("enum",))
    _create_processnode()
    _create_processnodeservice()
    _create_processconfig()
    _create_callmanager()
    _create_callmanagergroup()
    _create_callmanagergroupmember()
    _create_datetimesetting()
    _create_devicepool()
    _create_certificate()
    _create_certificateservicecertificatemap()
    _create_certificatetrustrolemap()
    _create_certificateprocessnodemap()
    _create_certificatehashmap()
    _create_securityprofile()
    _create_device()
    _create_numplan()
    _create_devicenumplanmap()


def _create_processnode() -> None:
    create(
        "processnode",
        text("pkid", 36),
        text("name", 255),
        text("mac", 255, nullable=True),
        text("systemnode", 1),
        text("description", 255),
        text("isactive", 1),
        integer("nodeid"),
        integer("tknodeusage"),
        text("ipv6name", 255, nullable=True),
        text("fklbmhubgroup", 36, nullable=True),
        integer("tkprocessnoderole"),
        integer("tkssomode"),
        unique=(
            ("name",),
            ("nodeid",),
        ),
    )


def _create_processnodeservice() -> None:
    create(
        "processnodeservice",
        text("pkid", 36),
        text("fkprocessnode", 36),
        integer("tkservice"),
        text("servername", 255),
        text("enable", 1),
        text("isactive", 1),
        unique=(
            (
                "fkprocessnode",
                "tkservice",
            ),
        ),
        points=(("fkprocessnode", "processnode"),),
        index=("fkprocessnode",),
    )


def _create_processconfig() -> None:
    create(
        "processconfig",
        text("pkid", 36),
        text("fkprocessnode", 36),
        integer("tkservice"),
        text("paramname", 255),
        long("paramvalue"),
        unique=(
            (
                "fkprocessnode",
                "tkservice",
                "paramname",
            ),
        ),
        points=(("fkprocessnode", "processnode"),),
        index=("fkprocessnode",),
    )


def _create_callmanager() -> None:
    create(
        "callmanager",
        text("pkid", 36),
        text("name", 128),
        text("description", 255),
        text("fkprocessnode", 36),
        unique=(("name",),),
        points=(("fkprocessnode", "processnode"),),
        index=("fkprocessnode",),
    )


def _create_callmanagergroup() -> None:
    create(
        "callmanagergroup",
        text("pkid", 36),
        text("name", 128),
        text("tftpdefault", 1),
        unique=(("name",),),
    )


def _create_callmanagergroupmember() -> None:
    create(
        "callmanagergroupmember",
        text("pkid", 36),
        text("fkcallmanagergroup", 36),
        text("fkcallmanager", 36),
        integer("priority"),
        points=(
            ("fkcallmanagergroup", "callmanagergroup"),
            ("fkcallmanager", "callmanager"),
        ),
        index=(
            "fkcallmanagergroup",
            "fkcallmanager",
        ),
    )


def _create_datetimesetting() -> None:
    create(
        "datetimesetting",
        text("pkid", 36),
        text("name", 128),
        text("datetemplate", 32),
        text("timezone", 64),
        long("ntpservers"),
        unique=(("name",),),
    )


def _create_devicepool() -> None:
    create(
        "devicepool",
        text("pkid", 36),
        text("name", 128),
        text("fkcallmanagergroup", 36),
        text("fkdatetimesetting", 36),
        integer("connectionmonitorduration"),
        unique=(("name",),),
        points=(
            ("fkcallmanagergroup", "callmanagergroup"),
            ("fkdatetimesetting", "datetimesetting"),
        ),
        index=(
            "fkcallmanagergroup",
            "fkdatetimesetting",
        ),
    )


def _create_certificate() -> None:
    create(
        "certificate",
        text("pkid", 36),
        text("servername", 255),
        long("subjectname"),
        long("issuername"),
        text("serialnumber", 255),
        long("certificate"),
        text("ipv4address", 64),
        text("ipv6address", 64),
        integer("timetolive", nullable=True),
        integer("tkcertificatedistribution"),
    )


def _create_certificateservicecertificatemap() -> None:
    create(
        "certificateservicecertificatemap",
        text("pkid", 36),
        text("fkcertificate", 36),
        integer("tkcertificateservice"),
        unique=(
            (
                "fkcertificate",
                "tkcertificateservice",
            ),
        ),
        points=(("fkcertificate", "certificate"),),
        index=("fkcertificate",),
    )


def _create_certificatetrustrolemap() -> None:
    create(
        "certificatetrustrolemap",
        text("pkid", 36),
        text("fkcertificate", 36),
        integer("tktrustrole"),
        unique=(
            (
                "fkcertificate",
                "tktrustrole",
            ),
        ),
        points=(("fkcertificate", "certificate"),),
        index=("fkcertificate",),
    )


def _create_certificateprocessnodemap() -> None:
    create(
        "certificateprocessnodemap",
        text("pkid", 36),
        text("fkcertificate", 36),
        text("fkprocessnode", 36),
        text("servername", 255),
        text("ipv4address", 64),
        text("ipv6address", 64),
        unique=(
            (
                "fkcertificate",
                "fkprocessnode",
            ),
        ),
        points=(
            ("fkcertificate", "certificate"),
            ("fkprocessnode", "processnode"),
        ),
        index=(
            "fkcertificate",
            "fkprocessnode",
        ),
    )


def _create_certificatehashmap() -> None:
    create(
        "certificatehashmap",
        text("fkcertificate", 36),
        text("hash", 28),
        key=("fkcertificate",),
        points=(("fkcertificate", "certificate"),),
        index=("hash",),
    )


def _create_securityprofile() -> None:
    create(
        "securityprofile",
        text("pkid", 36),
        text("name", 255),
        text("description", 255),
        integer("tkdeviceprotocol"),
        integer("tkdevicesecuritymode"),
        integer("tktransport"),
        text("tftpencryptedconfig", 1),
        index=("name",),
    )


def _create_device() -> None:
    create(
        "device",
        text("pkid", 36),
        text("name", 128),
        text("description", 512),
        integer("tkclass"),
        integer("tkmodel"),
        integer("tkdeviceprotocol"),
        text("fkdevicepool", 36),
        text("fksecurityprofile", 36),
        text("authenticationstring", 32),
        integer("tkauthenticationmode"),
        integer("tkcertificatestatus"),
        integer("tkcertificateoperation"),
        big("upgradefinishtime", nullable=True),
        long("publickey", nullable=True),
        text("md5hash", 32, nullable=True),
        integer("tkkeyauthority"),
        integer("tkkeyorder"),
        integer("keysize"),
        integer("ecpublickeycurve"),
        big("lscvaliduntil", nullable=True),
        long("lscissuername"),
        big("lscissuervaliduntil", nullable=True),
        text("resettoggle", 1),
        integer("tkreset"),
        text("specialloadinformation", 128),
        integer("ctiid"),
        text("versionstamp", 64),
        unique=(("name",),),
        points=(
            ("fkdevicepool", "devicepool"),
            ("fksecurityprofile", "securityprofile"),
        ),
        index=(
            "fkdevicepool",
            "fksecurityprofile",
        ),
    )


def _create_numplan() -> None:
    create(
        "numplan",
        text("pkid", 36),
        text("dnorpattern", 64),
        text("description", 255),
        text("fkroutepartition", 36, nullable=True),
        integer("tkpatternusage"),
        unique=(("dnorpattern",),),
    )


def _create_devicenumplanmap() -> None:
    create(
        "devicenumplanmap",
        text("pkid", 36),
        text("fkdevice", 36),
        text("fknumplan", 36),
        integer("numplanindex"),
        text("label", 255),
        text("display", 255),
        unique=(
            (
                "fkdevice",
                "numplanindex",
            ),
        ),
        points=(
            ("fkdevice", "device"),
            ("fknumplan", "numplan"),
        ),
        index=(
            "fkdevice",
            "fknumplan",
        ),
    )


def downgrade() -> None:
    """Take it away again, with all that is in it."""
    for table in reversed((*_TYPE_TABLES, *_TABLES)):
        op.drop_table(table)
