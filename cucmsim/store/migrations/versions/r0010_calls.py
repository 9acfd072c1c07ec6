"""Calls from one process of a cluster to another."""

from alembic import op

from cucmsim.store.migrations.columns import big, blob, create, integer, long, text

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Build what this revision adds."""
    create(
        "cucmsim_call",
        text("id", 36),
        text("node", 255),
        text("method", 16),
        long("target"),
        blob("body"),
        text("taken", 1),
        big("due"),
        integer("status", nullable=True),
        blob("answer", nullable=True),
        key=("id",),
    )


def downgrade() -> None:
    """Take it away again, with all that is in it."""
    op.drop_table("cucmsim_call")
