"""Versions, the changelog, and how a change is heard of."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from sqlalchemy import select, text

from cucmsim.errors import StoreError
from cucmsim.store import changelog, claims
from cucmsim.store.calls import CallBox
from cucmsim.store.engine import Database
from cucmsim.store.notify import Announcer, Listener
from cucmsim.store.replica import Replica
from cucmsim.store.rows import Device
from cucmsim.store.schema import TABLES
from cucmsim.store.store import Store
from tests.fixtures.postgres import PostgresServer
from tests.store.conftest import LAB_NODES, OpenStore, Pair, put_lab

PHONE = Device(name="SEP000000000001", model="7962")


async def set_parameter(store: Store, value: str) -> None:
    async with store.transaction() as transaction:
        await transaction.set_enterprise_parameter("A", value)


async def test_an_empty_store_has_version_0_and_no_publisher(store: Store) -> None:
    replica = await store.load_replica()
    assert replica == Replica()
    assert store.version == 0
    with pytest.raises(StoreError, match="no publisher yet"):
        _ = replica.publisher
    with pytest.raises(StoreError, match="no node 'x' in the store; known nodes: none"):
        replica.node("x")


async def test_every_touched_row_stands_in_the_changelog(lab: Store) -> None:
    async with lab.transaction() as transaction:
        await transaction.put_device(PHONE)
        await transaction.set_enterprise_parameter("A", "1")
    await set_parameter(lab, "2")
    async with lab.transaction() as transaction:
        await transaction.delete_device(PHONE.name)
    log = TABLES["cucmsim_changelog"]
    query = select(log.c.version, log.c.tablename, log.c.action).where(log.c.version > 1)
    async with lab._database.session() as session:
        rows = [tuple(row) for row in await session.rows(query.order_by(*log.primary_key))]
    assert rows == [
        (2, "securityprofile", "I"),
        (2, "device", "I"),
        (2, "processconfig", "I"),
        (3, "processconfig", "U"),
        (4, "device", "D"),
    ]


async def test_a_transaction_that_changes_nothing_makes_no_version(lab: Store) -> None:
    async with lab.transaction() as transaction:
        await put_lab(transaction)
    assert lab.version == 1
    replica = await lab.load_replica()
    assert await lab.update_replica(replica) is replica


async def test_a_transaction_that_raises_changes_nothing(lab: Store) -> None:
    before = await lab.load_replica()

    async def fail() -> None:
        async with lab.transaction() as transaction:
            await transaction.put_device(PHONE)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await lab.update_replica(before) is before
    await set_parameter(lab, "1")
    assert lab.version == 2


async def test_a_transaction_inside_a_transaction_is_refused(lab: Store) -> None:
    async with lab.transaction():
        with pytest.raises(StoreError, match="open in this task already"):
            async with lab.transaction():
                pass


async def test_writers_queue_and_none_is_lost(lab: Store) -> None:
    async def add(number: int) -> None:
        async with lab.transaction() as transaction:
            held = await transaction.get_device(PHONE.name) or PHONE
            await transaction.put_device(replace(held, wrong_strings=held.wrong_strings + number))

    await asyncio.gather(*(add(1) for _ in range(10)))
    replica = await lab.load_replica()
    assert replica.devices[PHONE.name].wrong_strings == 10
    assert (lab.version, replica.version) == (11, 11)


async def test_an_update_gives_what_a_load_would_and_keeps_the_rest(lab: Store) -> None:
    first = await lab.load_replica()
    async with lab.transaction() as transaction:
        await transaction.put_node(replace(LAB_NODES[1], description="changed"))
        await transaction.put_device(PHONE)
    second = await lab.update_replica(first)
    assert second == await lab.load_replica()
    assert second.device_pools is first.device_pools
    assert second.nodes["cucm-sub"].description == "changed"
    assert [node.name for node in second.group_members(second.devices[PHONE.name])] == [
        "cucm-pub",
        "cucm-sub",
    ]
    assert second.group_members(replace(PHONE, device_pool="Gone")) == ()


async def test_a_replica_older_than_the_changelog_is_loaded_anew(
    lab: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changelog, "HISTORY", 3)
    first = await lab.load_replica()
    for number in range(6):
        await set_parameter(lab, str(number))
    async with lab._database.session() as session:
        kept = await session.rows(select(TABLES["cucmsim_changelog"].c.version).distinct())
        assert await changelog.changed_since(session, first.version) is None
    assert {row[0] for row in kept} == {4, 5, 6, 7}
    assert await lab.update_replica(first) == await lab.load_replica()


async def test_changes_are_heard_from_the_last_replica_on(lab: Store) -> None:
    await lab.load_replica()
    await set_parameter(lab, "1")
    changes = lab.changes()
    assert await anext(changes) == 2
    waiting = asyncio.ensure_future(anext(changes))
    await asyncio.sleep(0)
    assert not waiting.done()
    await set_parameter(lab, "2")
    assert await waiting == 3
    assert await anext(lab.changes(after=0)) == 3


async def test_changes_end_when_the_store_is_closed(store_url: str, open_store: OpenStore) -> None:
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(store_url))
        heard = asyncio.ensure_future(_all(store))
        await asyncio.sleep(0)
        async with store.transaction() as transaction:
            await put_lab(transaction)
        await asyncio.sleep(0)
        await stack.aclose()
        assert await heard == [1]


async def _all(store: Store) -> list[int]:
    return [version async for version in store.changes()]


async def test_waiting_for_a_node_ends_with_its_certificates(
    lab: Store, pair: Callable[[str], Pair]
) -> None:
    waiting = asyncio.ensure_future(lab.wait_for_node("cucm-sub", timeout_s=10))
    await set_parameter(lab, "1")
    assert not waiting.done()
    key = b"what is in it does not matter here"
    certificate = pair("capf").certificate_der
    async with lab.transaction() as transaction:
        await transaction.put_own_certificate("cucm-sub", "TVS", certificate, key)
    assert (await waiting).own_keys["cucm-sub", "TVS"].private_key_der == key


async def test_waiting_ends_at_its_deadline_and_when_the_store_is_closed(
    store_url: str, open_store: OpenStore
) -> None:
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(store_url))
        with pytest.raises(StoreError, match="no certificates of node 'x' within 0 s"):
            await store.wait_for_node("x", timeout_s=0)
        waiting = asyncio.ensure_future(store.wait_for_node("x", timeout_s=10))
        await asyncio.sleep(0.05)
        await stack.aclose()
        with pytest.raises(StoreError, match="was closed before certificates of node 'x' came"):
            await waiting


async def test_a_change_of_one_process_is_heard_in_the_other(
    postgres_url: str, open_store: OpenStore
) -> None:
    async with open_store(postgres_url) as publisher, open_store(postgres_url) as subscriber:
        replica = await subscriber.load_replica()
        changes = subscriber.changes()
        async with publisher.transaction() as transaction:
            await put_lab(transaction)
        assert await asyncio.wait_for(anext(changes), 5) == 1
        replica = await subscriber.update_replica(replica)
        assert set(replica.nodes) == {"cucm-pub", "cucm-sub"}


async def test_two_processes_write_one_after_the_other(
    postgres_url: str, open_store: OpenStore
) -> None:
    async with open_store(postgres_url) as one, open_store(postgres_url) as other:
        await asyncio.gather(
            *(set_parameter(store, f"{number}") for number in range(5) for store in (one, other))
        )
        versions = (await one.load_replica()).version, (await other.load_replica()).version
    assert versions[0] == versions[1] == max(versions)


async def test_a_writer_waits_only_so_long_for_another_process(
    postgres_url: str, open_store: OpenStore
) -> None:
    async with open_store(postgres_url) as one, open_store(postgres_url) as other:
        async with one.transaction():
            with pytest.raises(StoreError, match="is locked by another process"):
                await set_parameter(other, "1")
        await set_parameter(other, "1")


async def test_a_process_that_stands_still_in_a_transaction_loses_it_after_a_while(
    postgres_url: str, open_store: OpenStore
) -> None:
    async with open_store(postgres_url) as frozen, open_store(postgres_url) as other:
        with pytest.raises(StoreError):
            await _write_after(frozen, other)
        assert (await other.load_replica()).enterprise == {"A": "1"}


async def _write_after(store: Store, other: Store) -> None:
    """Write in a transaction in the midst of which another one writes, once it is given up."""
    async with store._database.session(write=True) as session, asyncio.timeout(20):
        limit = "idle_in_transaction_session_timeout"
        assert await session.scalar(text(f"SHOW {limit}")) == "1min"
        await session.execute(text("SELECT version FROM cucmsim_version FOR UPDATE"))
        await session.execute(text(f"SET LOCAL {limit} = '100ms'"))
        await _until_written(other)
        await session.execute(text("UPDATE cucmsim_version SET version = 99"))


async def test_who_listens_connects_anew_where_nothing_comes_of_connecting(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, tries = Database.parse(postgres_url), []
    connect = claims.Claims.connect

    async def hang_once(held: claims.Claims, to: Database) -> object:
        tries.append(to)
        if len(tries) == 1:
            await asyncio.Event().wait()
        return await connect(held, to)

    monkeypatch.setattr(claims.Claims, "connect", hang_once)
    listener = Listener(
        database, Announcer(0), claims.Claims(()), CallBox(database), retry_s=0, patience_s=0.5
    )
    listening = asyncio.create_task(listener.run())
    async with asyncio.timeout(20):
        await _until(lambda: len(tries) > 1)
        listener._patience_s = 20
        await _until(lambda: listener.is_connected)
    listening.cancel()
    await asyncio.wait([listening])
    await database.close()


async def test_a_process_that_ends_does_not_wait_for_a_database_that_stands_still(
    postgres: PostgresServer, postgres_url: str, open_store: OpenStore
) -> None:
    async with open_store(postgres_url) as store:
        asking = asyncio.create_task(_ask_for_long(store))
        await _until_asked(store)
        with postgres.frozen():
            began = time.monotonic()
            asking.cancel()
            await store.leave()
            with pytest.raises(asyncio.CancelledError):
                await asking
            assert time.monotonic() - began < 6  # before anybody finds that the database hangs
        with pytest.raises(StoreError, match="is closed"):
            await store.load_replica()


async def _until_asked(store: Store) -> None:
    sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"
    found: object = 0
    while found != 1:
        async with store._database.session() as session:
            found = await session.scalar(text(sleeping))


async def _ask_for_long(store: Store) -> None:
    async with store._database.session() as session:
        await session.execute(text("SELECT pg_sleep(40)"))


async def test_a_process_that_ends_lets_a_database_that_answers_finish(
    postgres_url: str, open_store: OpenStore
) -> None:
    async with open_store(postgres_url) as store:
        await store.leave()
        await set_parameter(store, "1")
        assert (await store.load_replica()).enterprise == {"A": "1"}


async def _until_written(store: Store) -> None:
    """Write, as often as it takes until nobody is in the way."""
    while True:
        with contextlib.suppress(StoreError):
            await set_parameter(store, "1")
            return


async def test_what_happened_while_the_database_was_away_is_caught_up(
    postgres: PostgresServer, postgres_url: str, open_store: OpenStore
) -> None:
    told: list[bool] = []
    async with open_store(postgres_url) as subscriber:
        replica = await subscriber.load_replica()
        listener = subscriber._listener
        assert listener is not None
        listener._retry_s, listener._poll_s = 0.05, 0.2
        async with asyncio.timeout(20):
            await _until(lambda: subscriber.is_connected)
            unsubscribe = subscriber.subscribe_connection(told.append)
            await asyncio.to_thread(postgres.stop)
            try:
                with pytest.raises(StoreError, match="does not answer"):
                    await subscriber.update_replica(replica)
                await _until(lambda: not subscriber.is_connected)
            finally:
                await asyncio.to_thread(postgres.start)
            changes = subscriber.changes()
            async with open_store(postgres_url) as publisher:
                await set_parameter(publisher, "1")
            assert await anext(changes) == 1
            assert (await subscriber.update_replica(replica)).enterprise == {"A": "1"}
        assert told == [False, True]
        unsubscribe()


async def _until(holds: Callable[[], bool]) -> None:
    """Let the loop run until a condition holds."""
    while not holds():  # noqa: ASYNC110  what is watched announces nothing
        await asyncio.sleep(0.01)


async def test_a_notification_is_a_call_to_look_whatever_it_says(
    postgres_url: str, open_store: OpenStore
) -> None:
    async with open_store(postgres_url) as publisher, open_store(postgres_url) as subscriber:
        changes = subscriber.changes()
        await _until(lambda: subscriber.is_connected)
        async with publisher._database.session(write=True) as session:
            for said in ("hello", "999999", "-1"):
                await session.execute(text(f"NOTIFY cucmsim, '{said}'"))
        async with asyncio.timeout(5):
            for version in (1, 2):
                await set_parameter(publisher, f"{version}")
                assert await anext(changes) == version, "not hidden by one that is not there"


async def test_a_listener_that_cannot_close_politely_is_cut_off() -> None:
    class Stuck:
        terminated = False

        async def close(self, timeout: float) -> None:  # noqa: ASYNC109  asyncpg's signature
            raise TimeoutError(timeout)

        def terminate(self) -> None:
            self.terminated = True

    connection = Stuck()
    await claims.end_connection(connection)
    assert connection.terminated


async def test_a_cancelled_writer_leaves_nothing_half_done(lab: Store) -> None:
    """Wherever the cancellation hits, the change is there and announced, or not there."""
    for turns in range(0, 40, 3):
        before = lab.version
        writing = asyncio.ensure_future(set_parameter(lab, f"{turns}"))
        for _ in range(turns):
            await asyncio.sleep(0)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        replica = await lab.load_replica()
        assert lab.version == replica.version
        assert (replica.enterprise.get("A") == f"{turns}") == (replica.version == before + 1)


async def test_a_cancelled_reader_does_not_keep_the_store_open(
    store_url: str, open_store: OpenStore
) -> None:
    for turns in (0, 1, 3, 6, 12):
        async with open_store(store_url) as store:
            reading = asyncio.ensure_future(store.load_replica())
            for _ in range(turns):
                await asyncio.sleep(0)
            reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    with pytest.raises(StoreError, match="is closed"):
        await store.load_replica()
