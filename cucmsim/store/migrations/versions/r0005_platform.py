"""What the platform of each node keeps: administrators, their locks, time zone, time-outs."""

from alembic import op

from cucmsim.store.migrations.columns import create, long, text

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Build what this revision adds."""
    create(
        "cucmsim_platform",
        text("fkprocessnode", 36),
        text("name", 255),
        long("value"),
        key=("fkprocessnode", "name"),
        points=(("fkprocessnode", "processnode"),),
        index=("fkprocessnode",),
    )


def downgrade() -> None:
    """Take it away again, with all that is in it."""
    op.drop_table("cucmsim_platform")
