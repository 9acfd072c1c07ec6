"""Our own tables: versions, sealed keys, book-keeping, files."""

from alembic import op

from cucmsim.store.migrations.columns import big, blob, create, integer, long, text

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLES = (
    "cucmsim_version",
    "cucmsim_changelog",
    "cucmsim_secret",
    "cucmsim_node",
    "cucmsim_privatekey",
    "cucmsim_capfdevice",
    "cucmsim_tftpfile",
    "cucmsim_applied",
)


def upgrade() -> None:
    """Build what this revision adds."""
    _create_cucmsim_version()
    _create_cucmsim_changelog()
    _create_cucmsim_secret()
    _create_cucmsim_node()
    _create_cucmsim_privatekey()
    _create_cucmsim_capfdevice()
    _create_cucmsim_tftpfile()
    _create_cucmsim_applied()


def _create_cucmsim_version() -> None:
    create(
        "cucmsim_version",
        integer("id"),
        big("version"),
        big("oldest"),
        key=("id",),
    )


def _create_cucmsim_changelog() -> None:
    create(
        "cucmsim_changelog",
        big("version"),
        integer("ordinal"),
        text("tablename", 64),
        text("pkid", 36),
        text("action", 1),
        key=(
            "version",
            "ordinal",
        ),
    )


def _create_cucmsim_secret() -> None:
    create(
        "cucmsim_secret",
        integer("id"),
        blob("salt"),
        blob("checkvalue"),
        key=("id",),
    )


def _create_cucmsim_node() -> None:
    create(
        "cucmsim_node",
        text("fkprocessnode", 36),
        text("host", 255),
        text("domain", 255),
        text("address", 64),
        long("ports"),
        key=("fkprocessnode",),
        points=(("fkprocessnode", "processnode"),),
    )


def _create_cucmsim_privatekey() -> None:
    create(
        "cucmsim_privatekey",
        text("pkid", 36),
        text("fkcertificate", 36),
        text("fkprocessnode", 36),
        integer("tkcertificateservice"),
        blob("sealedkey"),
        unique=(
            (
                "fkprocessnode",
                "tkcertificateservice",
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


def _create_cucmsim_capfdevice() -> None:
    create(
        "cucmsim_capfdevice",
        text("fkdevice", 36),
        integer("wrongstrings"),
        big("lockeduntil", nullable=True),
        blob("lsc", nullable=True),
        blob("mic", nullable=True),
        key=("fkdevice",),
        points=(("fkdevice", "device"),),
    )


def _create_cucmsim_tftpfile() -> None:
    create(
        "cucmsim_tftpfile",
        text("pkid", 36),
        text("name", 255),
        text("fkprocessnode", 36, nullable=True),
        blob("data"),
        points=(("fkprocessnode", "processnode"),),
        index=("fkprocessnode",),
    )


def _create_cucmsim_applied() -> None:
    create(
        "cucmsim_applied",
        text("kind", 64),
        text("name", 255),
        long("said"),
        key=(
            "kind",
            "name",
        ),
    )


def downgrade() -> None:
    """Take it away again, with all that is in it."""
    for table in reversed(_TABLES):
        op.drop_table(table)
