"""The local copy follows its store in the background."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from cucmsim.entropy import SeededEntropy
from cucmsim.store.copykeeper import CopyKeeper
from cucmsim.store.localcopy import CopyState, LocalCopy
from cucmsim.store.rows import Device
from cucmsim.store.schema import TABLES
from cucmsim.store.store import Store
from tests.fixtures.postgres import SECURITY_PASSWORD
from tests.store.conftest import FixedClock, put_lab

KEPT = select(TABLES["cucmsim_platform"])


@pytest.fixture
async def store(sqlite_template: Path, tmp_path: Path, clock: FixedClock) -> AsyncIterator[Store]:
    """Give the lab on SQLite, with a copy."""
    path = tmp_path / "store.db"
    shutil.copy(sqlite_template, path)
    async with Store.open(
        f"sqlite:///{path}",
        security_password=SECURITY_PASSWORD,
        clock=clock,
        entropy=SeededEntropy(1),
        copy=LocalCopy(tmp_path / "replica-x.db"),
    ) as opened:
        async with opened.transaction() as transaction:
            await put_lab(transaction)
        yield opened


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - a file has no event
            await asyncio.sleep(0.01)


def copy_of(store: Store) -> LocalCopy:
    assert store.copy is not None
    return store.copy


async def change(store: Store, value: str) -> None:
    async with store.transaction() as transaction:
        await transaction.set_enterprise_parameter("A", value)


async def test_changes_that_come_quickly_cost_one_copy_and_all_are_in_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[int] = []
    refresh = store.refresh_copy

    async def counted() -> None:
        await refresh()
        copied.append(store.version)

    monkeypatch.setattr(store, "refresh_copy", counted)
    keeper = CopyKeeper(store, calm_s=0.5)
    keeper.start()
    await until(lambda: bool(copied))
    for number in range(5):
        await change(store, str(number))
    await until(lambda: copy_of(store).version == store.version)
    assert len(copied) <= 3
    async with store.transaction() as transaction:  # it makes no version
        await transaction.put_platform_value("cucm-pub", "kept", "this")
    async with asyncio.timeout(30):
        while "this" not in await platform_of(copy_of(store)):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
    await keeper.stop()


async def platform_of(copy: LocalCopy) -> str:
    async with copy.session() as session:
        return str(await session.rows(KEPT))


async def test_a_copy_that_rows_do_not_fit_into_is_made_anew(store: Store, tmp_path: Path) -> None:
    await store.refresh_copy()
    with closing(sqlite3.connect(tmp_path / "replica-x.db")) as database:
        database.execute("DELETE FROM devicepool")
        database.commit()
    async with store.transaction() as transaction:
        await transaction.put_device(Device(name="SEP000000000001", model="7962"))
    keeper = CopyKeeper(store, calm_s=0)
    with capture_logs() as logs:
        keeper.start()
        await until(lambda: copy_of(store).version == store.version)
    await keeper.stop()
    assert [entry["event"] for entry in logs] == [
        "local copy not up to date",
        "local copy made anew",
    ]
    state = await copy_of(store).prove(SECURITY_PASSWORD)
    assert isinstance(state, CopyState)
    assert state.replica == await store.load_replica()
