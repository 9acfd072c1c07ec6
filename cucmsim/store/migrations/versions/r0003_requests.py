"""Signing requests that wait for their certificate."""

from alembic import op

from cucmsim.store.migrations.columns import blob, create, integer, text

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Build what this revision adds."""
    create(
        "cucmsim_csr",
        text("pkid", 36),
        text("fkprocessnode", 36),
        integer("tkcertificateservice"),
        blob("request"),
        blob("sealedkey"),
        unique=(("fkprocessnode", "tkcertificateservice"),),
        points=(("fkprocessnode", "processnode"),),
        index=("fkprocessnode",),
    )


def downgrade() -> None:
    """Take it away again, with all that is in it."""
    op.drop_table("cucmsim_csr")
