"""The last alarms of phones, by the node that got them."""

from alembic import op

from cucmsim.store.migrations.columns import big, create, long, text

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Build what this revision adds."""
    create(
        "cucmsim_alarm",
        text("fkdevice", 36),
        text("fkprocessnode", 36),
        text("name", 255),
        big("received"),
        text("address", 64),
        long("parameters"),
        key=("fkdevice", "fkprocessnode", "name"),
        points=(("fkprocessnode", "processnode"),),
        index=("fkprocessnode",),
    )


def downgrade() -> None:
    """Take it away again, with all that is in it."""
    op.drop_table("cucmsim_alarm")
