"""What the platform of a node keeps: texts by name, of no interest to any replica.

The whole cluster keeps secrets beside them (a changed security password, the account at a server),
sealed and bound to their names.
"""

from base64 import b64decode, b64encode

from sqlalchemy import delete, insert, select

from cucmsim.entropy import SystemEntropy
from cucmsim.pki.sealing import SealingKey
from cucmsim.store.engine import Session
from cucmsim.store.schema import ENTERPRISE_PKID, TABLES

__all__ = [
    "SECRET_PREFIX",
    "forget_platform",
    "put_platform_value",
    "put_secret",
    "read_platform",
    "read_secret",
]

_TABLE = TABLES["cucmsim_platform"]

SECRET_PREFIX = "secret/"  # noqa: S105
"""What the names of secrets begin with."""


async def read_platform(session: Session, node: str) -> dict[str, str]:
    """Return all that a node (its pkid) keeps, by name."""
    query = select(_TABLE.c.name, _TABLE.c.value).where(_TABLE.c.fkprocessnode == node)
    return {str(name): str(value) for name, value in await session.rows(query)}


async def put_platform_value(session: Session, node: str, name: str, value: str | None) -> None:
    """Keep a value in place of the one before; None forgets it."""
    one = (_TABLE.c.fkprocessnode == node) & (_TABLE.c.name == name)
    await session.execute(delete(_TABLE).where(one))
    if value is not None:
        row = {"fkprocessnode": node, "name": name, "value": value}
        await session.execute(insert(_TABLE), [row])


async def forget_platform(session: Session, node: str) -> None:
    """Forget all that a node keeps."""
    await session.execute(delete(_TABLE).where(_TABLE.c.fkprocessnode == node))


async def read_secret(session: Session, name: str, sealing: SealingKey) -> bytes | None:
    """Return a secret of the cluster, opened; None when there is none of that name."""
    sealed = (await read_platform(session, ENTERPRISE_PKID)).get(SECRET_PREFIX + name)
    return None if sealed is None else sealing.open(b64decode(sealed), name.encode())


async def put_secret(session: Session, name: str, secret: bytes, sealing: SealingKey) -> None:
    """Keep a secret of the cluster in place of the one before."""
    # never from given entropy: a nonce must not repeat under one key (pki/sealing.py)
    sealed = b64encode(sealing.seal(secret, SystemEntropy(), name.encode())).decode()
    await put_platform_value(session, ENTERPRISE_PKID, SECRET_PREFIX + name, sealed)
