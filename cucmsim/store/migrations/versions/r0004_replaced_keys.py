"""When a node's own certificate was last replaced, for the hold timer."""

from alembic import op

from cucmsim.store.migrations.columns import big

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Build what this revision adds."""
    op.add_column("cucmsim_privatekey", big("modified", nullable=True))


def downgrade() -> None:
    """Take it away again, with all that is in it."""
    op.drop_column("cucmsim_privatekey", "modified")
