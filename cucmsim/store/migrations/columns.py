"""The few words in which revisions speak: kinds of columns, and a table with its constraints.

Constraints are named as `schema.py` names them, so that a later revision can find them.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

__all__ = ["big", "blob", "create", "integer", "long", "text"]


def text(name: str, size: int, *, nullable: bool = False) -> sa.Column[str]:
    """Return a column of text of at most `size` characters."""
    return sa.Column(name, sa.String(size), nullable=nullable)


def long(name: str, *, nullable: bool = False) -> sa.Column[str]:
    """Return a column of text of any length."""
    return sa.Column(name, sa.Text(), nullable=nullable)


def integer(name: str, *, nullable: bool = False) -> sa.Column[int]:
    """Return a column of numbers; none counts up by itself."""
    return sa.Column(name, sa.Integer(), nullable=nullable, autoincrement=False)


def big(name: str, *, nullable: bool = False) -> sa.Column[int]:
    """Return a column of numbers of 64 bits: times and versions."""
    return sa.Column(name, sa.BigInteger(), nullable=nullable, autoincrement=False)


def blob(name: str, *, nullable: bool = False) -> sa.Column[bytes]:
    """Return a column of bytes."""
    return sa.Column(name, sa.LargeBinary(), nullable=nullable)


def create(
    table: str,
    *columns: sa.Column[str] | sa.Column[int] | sa.Column[bytes],
    key: Sequence[str] = ("pkid",),
    unique: Sequence[Sequence[str]] = (),
    points: Sequence[tuple[str, str]] = (),
    index: Sequence[str] = (),
) -> None:
    """Create a table; `points` are its foreign keys, each with the table whose pkid it holds."""
    op.create_table(
        table,
        *columns,
        sa.PrimaryKeyConstraint(*key, name=f"pk_{table}"),
        *(sa.UniqueConstraint(*names, name=f"uq_{table}_{names[0]}") for names in unique),
        *(
            sa.ForeignKeyConstraint([column], [f"{target}.pkid"], name=f"fk_{table}_{column}")
            for column, target in points
        ),
    )
    for column in index:
        op.create_index(f"ix_{table}_{column}", table, [column])
