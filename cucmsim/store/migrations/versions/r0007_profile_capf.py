"""What a security profile says of CAPF; until now only the description knew it."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_COLUMNS = (
    ("tkauthenticationmode", 2),
    ("tkkeyorder", 1),
    ("keysize", 2048),
    ("ecpublickeycurve", 384),
)


def upgrade() -> None:
    """Build what this revision adds."""
    for name, usual in _COLUMNS:
        column = sa.Column(name, sa.Integer(), nullable=False, server_default=str(usual))
        op.add_column("securityprofile", column)


def downgrade() -> None:
    """Take it away again, with all that is in it."""
    for name, _ in reversed(_COLUMNS):
        op.drop_column("securityprofile", name)
