"""Calls between processes: answered, taken back, announced; on PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from cucmsim.clock import SystemClock
from cucmsim.entropy import SystemEntropy
from cucmsim.errors import StoreError
from cucmsim.store.calls import Call, CallAnswer, CallBox
from cucmsim.store.store import Store
from tests.fixtures.postgres import SECURITY_PASSWORD

CALL = Call("cucm-sub", "POST", "/orders?x=1", b'{"action": "reset"}')


@pytest.fixture
async def boxes(postgres_url: str) -> AsyncIterator[tuple[CallBox, CallBox]]:
    """Give the boxes of two processes."""
    async with AsyncExitStack() as stack:
        stores = [
            await stack.enter_async_context(
                Store.open(
                    postgres_url,
                    security_password=SECURITY_PASSWORD,
                    clock=SystemClock(),
                    entropy=SystemEntropy(),
                )
            )
            for _ in range(2)
        ]
        one, other = (store.calls for store in stores)
        assert one is not None
        assert other is not None
        yield one, other


async def answer_once(box: CallBox, answer: CallAnswer, *nodes: str) -> Call:
    async for number, call in box.calls(nodes or (CALL.node,)):
        await box.answer(number, answer)
        return call
    raise AssertionError("no call came")


async def test_a_call_is_taken_by_the_process_of_its_node_and_answered(
    boxes: tuple[CallBox, CallBox],
) -> None:
    one, other = boxes
    answering = asyncio.create_task(answer_once(other, CallAnswer(200, b"\0done"), CALL.node, "x"))
    answer = await one.send(CALL, timeout_s=20)
    assert answer == CallAnswer(200, b"\0done")
    assert await answering == CALL


async def test_a_call_that_nobody_takes_is_never_carried_out_later(
    boxes: tuple[CallBox, CallBox],
) -> None:
    one, other = boxes
    with pytest.raises(StoreError, match=r"node cucm-sub did not answer within 0\.2 s"):
        await one.send(CALL, timeout_s=0.2)
    later = Call(CALL.node, "GET", "/status")
    answering = asyncio.create_task(answer_once(other, CallAnswer(204, b"")))
    assert await one.send(later, timeout_s=20) == CallAnswer(204, b"")
    assert await answering == later


async def test_a_call_whose_process_dies_over_it_is_answered_by_nobody(
    boxes: tuple[CallBox, CallBox],
) -> None:
    one, other = boxes
    sending = asyncio.create_task(one.send(CALL, timeout_s=1))
    async for _, call in other.calls([CALL.node]):
        assert call == CALL
        break
    with pytest.raises(StoreError, match="did not answer within 1 s"):
        await sending
