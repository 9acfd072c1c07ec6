"""Alarms of phones: which are kept, and that the last ones outlive the process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from cucmsim.entropy import SeededEntropy
from cucmsim.errors import StoreError
from cucmsim.formats.phonealarms import Alarm, AlarmParameter, device_tl_info
from cucmsim.services.alarms import KINDS_KEPT, AlarmBook, AlarmKeeper
from cucmsim.services.view import View
from cucmsim.store.rows import CallManagerGroup, Device, DevicePool, ProcessNode
from cucmsim.store.store import Store, Transaction
from tests.fixtures.postgres import SECURITY_PASSWORD

PHONES = [f"SEP0011223344{number:02X}" for number in range(3)]
ODD = Alarm(
    "Odd", (AlarmParameter("Text", "Łódź <\0>"), AlarmParameter("Reason", "9", is_enum=True))
)


class Clock:
    """A clock that stands still."""

    def now(self) -> datetime:
        return datetime(2026, 3, 1, 12, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0


class Counting(Store):
    """A store that counts its transactions, and whose database goes away at a word."""

    is_away = False
    transactions = 0
    tried: asyncio.Event

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        try:
            if self.is_away:
                raise StoreError("the database is away")
            async with super().transaction() as transaction:
                self.transactions += 1
                yield transaction
        finally:
            self.tried.set()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Counting]:
    async with Counting.open(
        f"sqlite:///{tmp_path}/store.db",
        security_password=SECURITY_PASSWORD,
        clock=Clock(),
        entropy=SeededEntropy(1),
    ) as store:
        store.tried = asyncio.Event()
        async with store.transaction() as transaction:
            for name in ("pub", "sub"):
                node = ProcessNode(
                    name=name, host=name, address="127.0.0.1", is_publisher=name == "pub"
                )
                await transaction.put_node(node)
            await transaction.put_group(CallManagerGroup(name="Default", members=("pub",)))
            await transaction.put_device_pool(
                DevicePool(name="Default", callmanager_group="Default")
            )
            await transaction.put_devices(Device(name=name, model="8861") for name in PHONES)
        yield store


async def book_of(store: Store, node: str = "pub") -> AlarmBook:
    return AlarmBook(node, View(await store.load_replica()), Clock())


async def kept(store: Store, node: str = "pub") -> list[tuple[str, Alarm]]:
    return [(held.device_name, held.alarm) for held in await store.read_alarms(node)]


async def test_the_last_alarm_of_each_kind_outlives_the_process(store: Counting) -> None:
    book = await book_of(store)
    keeper = AlarmKeeper("pub", book, store)
    await keeper.start()
    told = device_tl_info(PHONES[0], "192.0.2.9", itl_sha1=b"\1" * 20)
    for alarm in (Alarm("Odd"), told, ODD):
        book.report(PHONES[0], "192.0.2.9", alarm)
    version = (await store.load_replica()).version
    await keeper.stop()
    assert (await store.load_replica()).version == version
    again = await book_of(store)
    keeper = AlarmKeeper("pub", again, store)
    await keeper.start()
    await keeper.stop()
    assert again.newest() == again.last("DeviceTLInfo") + again.last("Odd")
    assert again.last_of(PHONES[0], "Odd") == book.last_of(PHONES[0], "Odd")
    assert [held.alarm for held in again.last("DeviceTLInfo")] == [told]
    assert (await book_of(store)).last("Odd") == ()
    assert await kept(store, "sub") == []


async def test_many_phones_make_one_transaction(store: Counting) -> None:
    book = await book_of(store)
    keeper = AlarmKeeper("pub", book, store, calm_s=0)
    await keeper.start()
    before = store.transactions
    store.tried.clear()
    for name in PHONES:
        book.report(name, "192.0.2.9", ODD)
    await store.tried.wait()
    assert store.transactions == before + 1
    await keeper.stop()
    assert await kept(store) == [(name, ODD) for name in PHONES]


async def test_alarms_wait_while_the_database_is_away_and_the_log_says_so_once(
    store: Counting,
) -> None:
    book = await book_of(store)
    keeper = AlarmKeeper("pub", book, store, calm_s=0)
    await keeper.start()
    store.is_away = True
    store.tried.clear()
    with capture_logs() as logs:
        book.report(PHONES[0], "192.0.2.9", ODD)
        await store.tried.wait()
        await keeper.stop()
    assert [line["event"] for line in logs] == ["alarms of phones not kept yet"]
    store.is_away = False
    await keeper.stop()
    assert await kept(store) == [(PHONES[0], ODD)]


async def test_alarms_of_a_deleted_phone_go(store: Counting) -> None:
    book = await book_of(store)
    view = book._view
    keeper = AlarmKeeper("pub", book, store)
    await keeper.start()
    for name in PHONES:
        book.report(name, "192.0.2.9", ODD)
    await keeper.stop()
    async with store.transaction() as transaction:
        await transaction.delete_device(PHONES[0])
    assert [name for name, _ in await kept(store)] == PHONES[1:]
    view.replace(await store.load_replica())
    assert [held.device_name for held in book.last("Odd")] == PHONES[1:]
    book.report(PHONES[0], "192.0.2.9", ODD)
    assert book.last_of(PHONES[0], "Odd") is None
    view.replace(replace(view.replica, version=99))
    assert len(book.last("Odd")) == 2


async def test_an_alarm_of_a_phone_deleted_meanwhile_is_not_written(store: Counting) -> None:
    book = await book_of(store)
    for name in PHONES[:2]:
        book.report(name, "192.0.2.9", ODD)
    async with store.transaction() as transaction:
        await transaction.delete_device(PHONES[0])
        await transaction.put_alarms("pub", book.take_unwritten(10))
        await transaction.put_alarms("sub", ())
    assert await kept(store) == [(PHONES[1], ODD)]


async def test_a_deleted_node_leaves_no_alarms(store: Counting) -> None:
    book = await book_of(store, "sub")
    book.report(PHONES[0], "192.0.2.9", ODD)
    async with store.transaction() as transaction:
        await transaction.put_alarms("sub", book.take_unwritten(10))
    assert len(await kept(store, "sub")) == 1
    async with store.transaction() as transaction:
        await transaction.delete_node("sub")
    assert await kept(store, "sub") == []


async def test_a_phone_that_invents_alarms_is_bounded(store: Counting) -> None:
    book = await book_of(store)
    for number in range(KINDS_KEPT + 5):
        book.report(PHONES[0], "192.0.2.9", Alarm(f"Kind{number}"))
    held = book.take_unwritten(10)
    assert [one.alarm.name for one in held] == [f"Kind{n}" for n in range(5, KINDS_KEPT + 5)]
    assert not book.unwritten.is_set()
