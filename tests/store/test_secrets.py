"""Secrets of the cluster are kept sealed."""

import pytest
from sqlalchemy import select

from cucmsim.errors import VerificationError
from cucmsim.store.platform import read_platform
from cucmsim.store.schema import ENTERPRISE_PKID, TABLES
from cucmsim.store.store import Store


async def test_a_secret_is_kept_sealed_and_replaced(lab: Store) -> None:
    async with lab.transaction() as transaction:
        assert await transaction.secret("password") is None
        await transaction.put_secret("password", b"first")
        await transaction.put_secret("password", b"second")
        assert await transaction.secret("password") == b"second"
        kept = await read_platform(transaction._writer.session, ENTERPRISE_PKID)
        assert list(kept) == ["secret/password"]
        assert "second" not in kept["secret/password"]
    async with lab.transaction() as transaction:
        assert await transaction.secret("password") == b"second"


async def test_a_secret_does_not_open_under_another_name(lab: Store) -> None:
    table = TABLES["cucmsim_platform"]
    async with lab.transaction() as transaction:
        await transaction.put_secret("one", b"x")
        session = transaction._writer.session
        ((value,),) = await session.rows(select(table.c.value))
        row = {"fkprocessnode": ENTERPRISE_PKID, "name": "secret/other", "value": value}
        await session.execute(table.insert(), [row])
        with pytest.raises(VerificationError, match="does not open"):
            await transaction.secret("other")


async def _put_and_fail(store: Store) -> None:
    async with store.transaction() as transaction:
        await transaction.put_secret("password", b"first")
        raise RuntimeError


async def test_a_secret_of_an_undone_transaction_is_not_kept(lab: Store) -> None:
    with pytest.raises(RuntimeError):
        await _put_and_fail(lab)
    async with lab.transaction() as transaction:
        assert await transaction.secret("password") is None
