"""The store's secret: the key under which private keys are sealed, and the password it opens with.

The one row of `cucmsim_secret` has a salt and a check value sealed under the key that follows from
password and salt, which proves a password. That key seals the private keys, until the password is
changed (`change_secret`): then the row has the sealing key wrapped under the key of the new
password, so whoever has it open goes on, and what is sealed stays as it is.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress

from sqlalchemy import insert, select, update

from cucmsim.entropy import Entropy, SystemEntropy
from cucmsim.errors import StoreError, VerificationError
from cucmsim.pki.sealing import SALT_SIZE, SealingKey
from cucmsim.store.changelog import Writer
from cucmsim.store.engine import Session
from cucmsim.store.schema import TABLES

__all__ = [
    "SECRET_TABLE",
    "change_secret",
    "first_key_of_secret",
    "open_secret",
    "read_secret",
]

SECRET_TABLE = "cucmsim_secret"  # noqa: S105 - a table
_CHECK = b"cucmsim cluster security password"


async def open_secret(
    session: Session, password: str, entropy: Entropy | None = None
) -> SealingKey | None:
    """Return the key under which private keys are sealed; None when the store has no secret yet.

    With `entropy` a store without a secret gets one.

    Raises:
        StoreError: the password is not the one the store was made with.

    """
    row = await read_secret(session)
    if row is None and entropy is None:
        return None
    if row is None:
        salt = (entropy or SystemEntropy()).token(SALT_SIZE)
        key = await asyncio.to_thread(SealingKey.derive, password, salt)
        await session.execute(
            insert(TABLES[SECRET_TABLE]), [{"id": 1, **_proof(key, salt), "wrappedkey": None}]
        )
        return key
    try:
        return await _key_of_secret(row, password)
    except VerificationError:
        raise StoreError(
            f"{session.database.shown} does not open: the security password is not the one it was"
            " made with"
        ) from None


async def read_secret(session: Session) -> Mapping[str, object] | None:
    """Return the row of the table; None when the store has no secret yet."""
    source = TABLES[SECRET_TABLE]
    rows = await session.mappings(select(source).where(source.c.id == 1))
    return rows[0] if rows else None


async def _key_of_secret(row: Mapping[str, object], password: str) -> SealingKey:
    """Return the sealing key that a row of the table gives for a password.

    Raises VerificationError when it is another one.
    """
    key = await asyncio.to_thread(SealingKey.derive, password, _bytes(row["salt"]))
    key.open(_bytes(row["checkvalue"]))
    wrapped = row["wrappedkey"]
    return key.unwrap(wrapped) if isinstance(wrapped, bytes) else key


async def first_key_of_secret(row: Mapping[str, object], passwords: Sequence[str]) -> SealingKey:
    """Return the key that the first right one of passwords gives. Raises VerificationError."""
    for password in passwords[:-1]:
        with suppress(VerificationError):
            return await _key_of_secret(row, password)
    return await _key_of_secret(row, passwords[-1])


async def change_secret(writer: Writer, sealing: SealingKey, password: str) -> None:
    """Have another password open `sealing`; a new version tells who keeps a copy of the row."""
    salt = SystemEntropy().token(SALT_SIZE)
    key = await asyncio.to_thread(SealingKey.derive, password, salt)
    values = {**_proof(key, salt), "wrappedkey": key.wrap(sealing, SystemEntropy())}
    await writer.session.execute(update(TABLES[SECRET_TABLE]).values(values))
    writer.touch(SECRET_TABLE, "", "U")


def _proof(key: SealingKey, salt: bytes) -> dict[str, object]:
    # never from given entropy: a nonce must not repeat under one key (pki/sealing.py)
    return {"salt": salt, "checkvalue": key.seal(_CHECK, SystemEntropy())}


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else b""
