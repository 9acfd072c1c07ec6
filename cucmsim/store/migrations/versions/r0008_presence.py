"""What the process of each node tells about itself."""

from alembic import op

from cucmsim.store.migrations.columns import big, create, integer, long, text

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Build what this revision adds."""
    create(
        "cucmsim_presence",
        text("node", 255),
        text("host", 255),
        integer("pid"),
        text("program", 64),
        big("started"),
        big("seen"),
        big("version"),
        long("services"),
        integer("registered"),
        text("itl", 64),
        big("clockoffset"),
        key=("node",),
    )


def downgrade() -> None:
    """Take it away again, with all that is in it."""
    op.drop_table("cucmsim_presence")
