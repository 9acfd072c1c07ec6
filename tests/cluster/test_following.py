"""The view follows the store, through outages of the database and of the disk."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from structlog.testing import capture_logs

from cucmsim.cluster import following
from cucmsim.cluster.following import Follower
from cucmsim.errors import StoreError
from cucmsim.pki.sealing import SealingKey
from cucmsim.services.view import View
from cucmsim.store.opening import Opened
from cucmsim.store.replica import Replica
from cucmsim.store.rows import OwnKey

if TYPE_CHECKING:
    from cucmsim.store.store import Store


@dataclass
class PretendedStore:
    """A store whose answers a test puts in; `faults` answers fail first."""

    newest: Replica
    faults: int = 0
    comings: list[bool] = field(default_factory=list)
    opened: Opened = field(default=Opened(SealingKey(b""), 1))
    announced: asyncio.Queue[int | None] = field(default_factory=asyncio.Queue)

    def subscribe_connection(self, listener: Callable[[bool], None]) -> Callable[[], None]:
        for is_connected in self.comings:
            listener(is_connected)
        return self.comings.clear

    async def changes(self) -> AsyncIterator[int]:
        while (version := await self.announced.get()) is not None:
            yield version

    async def rejoined(self) -> None:
        """Be the same database as ever."""

    async def update_replica(self, replica: Replica) -> Replica:
        if self.faults:
            self.faults -= 1
            raise StoreError("database 'x' does not answer")
        return self.newest if self.newest.version != replica.version else replica


@dataclass
class Mirror:
    """Counts what is written in place of certificate files."""

    written: list[int] = field(default_factory=list)
    fault: StoreError | None = None

    def write(self, _directory: Path, replica: Replica, _names: list[str]) -> None:
        if self.fault is not None:
            raise self.fault
        self.written.append(replica.version)


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Mirror:
    held = Mirror()
    monkeypatch.setattr(following, "write_mirror", held.write)
    monkeypatch.setattr(following, "_RETRY_S", 0.0)
    return held


@dataclass
class Stage:
    store: PretendedStore
    view: View
    follower: Follower

    def announce(self, replica: Replica) -> None:
        self.store.newest = replica
        self.store.announced.put_nowait(replica.version)

    async def run(self) -> None:
        """Follow until the store is closed, with what was announced before."""
        self.store.announced.put_nowait(None)
        await self.follower.run()


@pytest.fixture
def stage(mirror: Mirror, tmp_path: Path) -> Stage:
    del mirror  # in place before the follower is
    store = PretendedStore(Replica(version=1))
    view = View(store.newest)
    return Stage(store, view, Follower(cast("Store", store), view, tmp_path, ["pub"]))


async def test_the_view_takes_each_new_version_until_the_store_closes(stage: Stage) -> None:
    stage.announce(Replica(version=2))
    await stage.run()
    assert stage.view.replica.version == 2


async def test_an_outage_is_told_once_and_caught_up_on(stage: Stage) -> None:
    stage.store.faults = 3
    stage.announce(Replica(version=2))
    with capture_logs() as logs:
        await stage.run()
    assert stage.view.replica.version == 2
    told = [entry for entry in logs if entry["log_level"] in ("warning", "info")]
    assert [(entry["event"], entry["version"]) for entry in told] == [
        ("database away, serving on", 1),
        ("database back", 2),
    ]


async def test_a_database_that_fails_while_it_is_gone_back_to_is_tried_again(
    stage: Stage, tmp_path: Path
) -> None:
    faults = [_locked(), _locked()]

    async def fill() -> None:
        if faults:
            raise faults.pop()

    follower = Follower(cast("Store", stage.store), stage.view, tmp_path, ["pub"], fill)
    follower._is_away = True
    stage.store.announced.put_nowait(None)
    with capture_logs() as logs:
        await follower.run()
    assert faults == []
    told = [one for one in logs if one["event"] == "the description is not applied yet"]
    assert [one["why"] for one in told] == ["database 'x' is locked by another process"]


async def test_a_description_that_cannot_be_applied_ends_the_process(
    stage: Stage, tmp_path: Path
) -> None:
    async def fill() -> None:
        raise StoreError("the store has another publisher")

    follower = Follower(cast("Store", stage.store), stage.view, tmp_path, ["pub"], fill)
    follower._is_away = True
    with pytest.raises(StoreError, match="another publisher"):
        await follower.run()


def _locked() -> StoreError:
    fault = StoreError("database 'x' is locked by another process")
    fault.__cause__ = RuntimeError("lock timeout")
    return fault


async def test_a_database_that_goes_and_comes_without_any_change_is_told_once_each(
    stage: Stage,
) -> None:
    stage.store.comings = [True, False, False, True, True]
    with capture_logs() as logs:
        await stage.run()
    assert [entry["event"] for entry in logs] == ["database away, serving on", "database back"]


async def test_certificate_files_are_written_when_certificates_change(
    stage: Stage, mirror: Mirror
) -> None:
    await stage.follower.mirror()
    stage.announce(Replica(version=2))
    key = OwnKey(node="pub", unit="TVS", private_key_der=b"key")
    stage.announce(Replica(version=3, own_keys={("pub", "TVS"): key}))
    await stage.run()
    assert mirror.written == [1, 3]


async def test_files_that_could_not_be_written_are_written_later(
    stage: Stage, mirror: Mirror
) -> None:
    mirror.fault = StoreError("the disk is full")
    with capture_logs() as logs:
        await stage.follower.update()
    assert logs[-1]["event"] == "certificate files are not up to date"
    mirror.fault = None
    await stage.follower.update()
    assert mirror.written == [1]


async def test_who_asks_gets_the_newest_replica_at_once(stage: Stage) -> None:
    stage.store.newest = replace(stage.store.newest, version=7)
    assert (await stage.follower.update()).version == 7
    assert stage.view.replica.version == 7
