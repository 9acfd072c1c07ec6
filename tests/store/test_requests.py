"""Signing requests in the store: one a node and unit, the key sealed."""

import pytest
from sqlalchemy import select

from cucmsim.errors import StoreError
from cucmsim.store.requests import PendingRequest
from cucmsim.store.schema import TABLES
from cucmsim.store.store import Store

FIRST = PendingRequest(b"first request", b"first private key")
SECOND = PendingRequest(b"second request", b"second private key")


async def test_a_request_is_replaced_listed_and_forgotten(lab: Store) -> None:
    async with lab.transaction() as transaction:
        await transaction.put_request("cucm-pub", "tomcat", FIRST)
        await transaction.put_request("cucm-pub", "tomcat", SECOND)
        await transaction.put_request("cucm-sub", "CallManager", FIRST)
    async with lab.transaction() as transaction:
        assert await transaction.get_request("cucm-pub", "tomcat") == SECOND
        assert await transaction.get_request("cucm-pub", "CallManager") is None
        assert await transaction.list_requests("cucm-pub") == ("tomcat",)
        assert await transaction.delete_request("cucm-pub", "tomcat")
        assert not await transaction.delete_request("cucm-pub", "tomcat")
        assert await transaction.list_requests("cucm-pub") == ()


async def test_the_key_of_a_request_is_nowhere_in_the_clear(lab: Store) -> None:
    async with lab.transaction() as transaction:
        await transaction.put_request("cucm-pub", "tomcat", FIRST)
    async with lab._database.session() as session:
        sealed = await session.scalar(select(TABLES["cucmsim_csr"].c.sealedkey))
    assert isinstance(sealed, bytes)
    assert FIRST.private_key_der not in sealed
    assert "private" not in repr(FIRST)


async def test_an_unknown_unit_or_node_is_named(lab: Store) -> None:
    async with lab.transaction() as transaction:
        for node, unit in (("cucm-pub", "nothing"), ("nowhere", "tomcat")):
            with pytest.raises(StoreError, match=r"nothing|nowhere"):
                await transaction.put_request(node, unit, FIRST)
