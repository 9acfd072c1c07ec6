"""A node's name belongs to one process, for as long as its connection lives; and who is told so."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from cucmsim.errors import ClaimedError, StoreError
from cucmsim.store.claims import Claims
from cucmsim.store.engine import Database
from cucmsim.store.presence import Presence
from cucmsim.store.store import Store
from tests.fixtures.postgres import PostgresServer
from tests.store.conftest import OpenStore

NODE = "cucm-sub"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110  what is watched announces nothing
            await asyncio.sleep(0.01)


def presence(node: str = NODE, version: int = 7) -> Presence:
    return Presence(
        node=node,
        host="lab-host",
        pid=4711,
        program="1.0",
        started=LONG_AGO,
        seen=LONG_AGO,
        version=version,
        services={"tftp": "started", "tvs": "stopped"},
        registered=3,
        itl="ab" * 20,
        clock_offset_s=-1.5,
    )


@asynccontextmanager
async def held(database: Database, claims: Claims) -> AsyncIterator[None]:
    """Hold names over a connection that asks for nothing."""
    try:
        await claims.hold(database)
        yield
    finally:
        await claims.release()


async def end_backends(store: Store) -> None:
    """Have the server end the connection that a store listens on."""
    admin = await store._database.listen("a test")
    try:
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1",
            store._claims.label,
        )
    finally:
        await admin.close()


async def test_a_second_process_of_a_node_is_refused_and_told_who_runs_it(
    postgres_url: str, open_store: OpenStore
) -> None:
    async with open_store(postgres_url, nodes=["cucm-pub", NODE]) as first:
        await until(lambda: first.is_connected)
        said = rf"node {NODE} runs already: cucmsim pid {os.getpid()} on \S+, since 20.* UTC; expe"
        async with asyncio.timeout(10):  # it shows life, so nobody waits out the 15 s
            with pytest.raises(ClaimedError, match=said):
                async with open_store(postgres_url, nodes=[NODE], migrate=False):
                    pass
            async with open_store(postgres_url, nodes=["another"]):
                pass
        assert first.is_connected
    async with open_store(postgres_url, nodes=[NODE]):
        pass


async def test_a_silent_holder_is_waited_for_and_then_named(
    postgres_url: str,
) -> None:
    database = Database.parse(postgres_url)
    try:
        first, second = Claims([NODE]), Claims([NODE], patience_s=0.5)
        start = asyncio.get_running_loop().time()
        async with held(database, first):
            with pytest.raises(ClaimedError, match=re.escape(first.label.partition("/")[0])):
                await second.hold(database)
            assert asyncio.get_running_loop().time() - start >= 0.5
        third = Claims([NODE])
        async with held(database, first):
            waiting = asyncio.create_task(third.hold(database))
            await asyncio.sleep(0)
        await waiting  # freed meanwhile
        await third.release()
    finally:
        await database.close()


async def test_what_is_left_of_one_s_own_connection_is_ended(postgres_url: str) -> None:
    database = Database.parse(postgres_url)
    claims = Claims([NODE])
    try:
        remnant = await claims.connect(database)
        async with asyncio.timeout(5):
            connection = await claims.connect(database)
        await until(remnant.is_closed)
        await connection.close()
    finally:
        await database.close()


async def test_a_process_whose_name_was_taken_meanwhile_ends_with_that_as_the_reason(
    postgres_url: str, open_store: OpenStore
) -> None:
    async with open_store(postgres_url, nodes=[NODE]) as older:
        await until(lambda: older.is_connected)
        listener = older._listener
        assert listener is not None
        listener._retry_s = 1.0
        news = asyncio.ensure_future(anext(older.changes()))
        await end_backends(older)
        async with open_store(postgres_url, nodes=[NODE]), asyncio.timeout(10):
            with pytest.raises(ClaimedError, match=rf"{NODE} was taken over .* serves no longer"):
                await news
            with pytest.raises(ClaimedError):
                await anext(older.changes())
        assert not older.is_connected


async def test_names_are_claimed_again_after_the_database_was_away(
    postgres: PostgresServer, postgres_url: str, open_store: OpenStore
) -> None:
    async with open_store(postgres_url, nodes=[NODE]) as store:
        await until(lambda: store.is_connected)
        await asyncio.to_thread(postgres.stop)
        try:
            await until(lambda: not store.is_connected)
            with pytest.raises(StoreError, match="does not answer"):
                await store.is_run(NODE)
        finally:
            await asyncio.to_thread(postgres.start)
        await until(lambda: store.is_connected)
        assert await store.is_run(NODE)


async def test_every_process_reads_what_a_node_told_and_whether_it_runs(
    store_url: str, open_store: OpenStore
) -> None:
    async with open_store(store_url, nodes=[NODE]) as store:
        assert await store.read_presence() == ()
        await store.put_presence([presence(version=1)])
        await store.put_presence([presence()])
        (told,) = await store.read_presence()
        assert told.is_alive
        assert (told.version, told.services["tvs"], told.registered) == (7, "stopped", 3)
        assert (told.clock_offset_s, told.itl, told.started) == (-1.5, "ab" * 20, LONG_AGO)
        assert store.version == 0, "nothing that a replica holds was changed"
        if "postgres" in store_url:
            assert told.seen > LONG_AGO, "by the database's clock"
            await store.put_presence([presence("stopped-long-ago")])
            assert [one.is_alive for one in await store.read_presence()] == [True, False]
            assert not await store.is_run("stopped-long-ago")
        assert await store.is_run(NODE)
