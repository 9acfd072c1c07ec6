"""The sealing key wrapped under another security password than the first one."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Build what this revision adds."""
    op.add_column("cucmsim_secret", sa.Column("wrappedkey", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    """Take it away again, with all that is in it."""
    op.drop_column("cucmsim_secret", "wrappedkey")
