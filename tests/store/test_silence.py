"""A database that hangs: every call ends in bounded time. A storm of notifications: few reads."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import asyncpg
import pytest
from sqlalchemy import text

from cucmsim.errors import StoreError
from cucmsim.store import engine
from cucmsim.store.notify import Listener
from cucmsim.store.store import Store
from tests.fixtures.postgres import PostgresServer
from tests.store.conftest import OpenStore

STORM = 3000


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110  what is watched announces nothing
            await asyncio.sleep(0.01)


async def set_parameter(store: Store, value: str) -> None:
    async with store.transaction() as transaction:
        await transaction.set_enterprise_parameter("A", value)


async def failure(call: Awaitable[object]) -> tuple[str, float]:
    """Return with what a call fails, and the seconds until it does."""
    began = time.monotonic()
    with pytest.raises(StoreError) as caught:
        await call
    return str(caught.value), time.monotonic() - began


async def test_calls_of_a_hanging_database_fail_soon_and_then_at_once(
    postgres: PostgresServer,
    postgres_url: str,
    open_store: OpenStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine, "_CONNECT_TIMEOUT_S", 1.0)
    async with open_store(postgres_url) as store:
        listener = store._listener
        assert listener is not None
        listener._poll_s = listener._retry_s = 0.1
        await until(lambda: store.is_connected)
        replica = await store.load_replica()  # whose connection waits in the pool
        async with asyncio.timeout(30):  # half of what a large load may take
            with postgres.frozen():
                under_way = (
                    store.update_replica(replica),
                    *(set_parameter(store, str(number)) for number in range(8)),
                )
                for said, took_s in await asyncio.gather(*map(failure, under_way)):
                    assert "does not answer" in said
                    assert took_s < 20
                await until(lambda: not store.is_connected)
                said, took_s = await failure(set_parameter(store, "late"))
                assert "does not answer: it hangs, or the network drops" in said
                assert took_s < 3
            await until(lambda: store.is_connected)
            await set_parameter(store, "again")
        assert (await store.load_replica()).enterprise == {"A": "again"}


async def test_a_storm_of_notifications_costs_few_questions_and_hides_no_change(
    postgres_url: str, open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []
    reads = Listener._read_version

    async def counted(listener: Listener, connection: asyncpg.Connection) -> int:
        asked.append(time.monotonic())
        return await reads(listener, connection)

    async with open_store(postgres_url) as publisher:
        monkeypatch.setattr(Listener, "_read_version", counted)
        async with open_store(postgres_url) as subscriber, asyncio.timeout(60):
            await until(lambda: subscriber.is_connected)
            changes = subscriber.changes(after=0)
            began = time.monotonic()
            for half in range(2):
                await storm(publisher, STORM // 2)
                await set_parameter(publisher, str(half))
                assert await anext(changes) == half + 1
            took_s = time.monotonic() - began
            assert len(asked) <= took_s / 0.02 + 4
            assert len(asked) < STORM


async def storm(store: Store, count: int) -> None:
    """Send notifications, each another one and garbage, in transactions of fifty."""
    for begin in range(0, count, 50):
        async with store._database.session(write=True) as session:
            for number in range(begin, begin + 50):
                await session.execute(text(f"NOTIFY cucmsim, '\u2603 {number}'"))


async def test_a_notification_in_the_moment_of_the_end_does_not_hold_it_up(
    postgres_url: str, open_store: OpenStore
) -> None:
    async with asyncio.timeout(20), open_store(postgres_url) as store:
        listener = store._listener
        assert listener is not None
        await until(lambda: store.is_connected and bool(listener._called._waiters))
        listener._called.set()
