"""The ITL as the same file across restarts: what is remembered, and where."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from cucmsim.clock import SystemClock
from cucmsim.entropy import SeededEntropy
from cucmsim.errors import FormatError, StoreError
from cucmsim.services.itlstamp import ItlMemory, ItlStamp, build_or_repeat
from cucmsim.store.rows import ProcessNode
from cucmsim.store.store import Store, Transaction
from tests.fixtures.postgres import SECURITY_PASSWORD

MADE = datetime(2014, 2, 26, 18, 24, 27, tzinfo=UTC)
STAMP = ItlStamp(MADE, "00ff")
OTHER = ItlStamp(MADE, "ff00")


class Breakable(Store):
    """A store whose database goes away at a word."""

    is_away = False

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        if self.is_away:
            raise StoreError("the database is away")
        async with super().transaction() as transaction:
            yield transaction


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Breakable]:
    async with Breakable.open(
        f"sqlite:///{tmp_path}/store.db",
        security_password=SECURITY_PASSWORD,
        clock=SystemClock(),
        entropy=SeededEntropy(1),
    ) as store:
        async with store.transaction() as transaction:
            node = ProcessNode(name="pub", host="pub", address="127.0.0.1", is_publisher=True)
            await transaction.put_node(node)
        yield store


def test_a_stamp_is_read_as_it_was_written() -> None:
    assert ItlStamp.parse(str(STAMP)) == STAMP
    assert ItlStamp.parse("") is None
    assert ItlStamp.parse("yesterday 00ff") is None


def test_what_is_no_itl_has_no_stamp() -> None:
    with pytest.raises(FormatError):
        build_or_repeat(STAMP, lambda _: b"no ITL", MADE)


async def test_the_stamp_outlives_the_process_and_makes_no_version(store: Breakable) -> None:
    version = (await store.load_replica()).version
    memory = ItlMemory("pub", store)
    assert await memory.recall() is None
    await memory.remember(STAMP)
    assert await memory.recall() == STAMP
    assert await ItlMemory("pub", store).recall() == STAMP
    assert (await store.load_replica()).version == version


async def test_a_stamp_that_is_kept_is_not_written_again(store: Breakable) -> None:
    await ItlMemory("pub", store).remember(STAMP)
    memory = ItlMemory("pub", store)
    await memory.recall()
    store.is_away = True
    with capture_logs() as logs:
        await memory.remember(STAMP)
    assert logs == []


async def test_without_the_database_the_stamp_is_held_and_written_later(store: Breakable) -> None:
    memory = ItlMemory("pub", store)
    store.is_away = True
    with capture_logs() as logs:
        assert await memory.recall() is None
        await memory.remember(OTHER)
    assert [line["event"] for line in logs] == [
        "the ITL of before is not known",
        "the ITL is not remembered",
    ]
    assert await memory.recall() == OTHER
    store.is_away = False
    await memory.remember(OTHER)
    assert await ItlMemory("pub", store).recall() == OTHER
