"""Nodes that start, and are used, while the database is away: from the copy on their own disk."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from cucmsim.cluster.cluster import Cluster
from cucmsim.cluster.directory import replica_path
from cucmsim.errors import StoreError
from cucmsim.store import opening
from cucmsim.store.engine import Database
from tests.cluster.test_cluster import ITL, NEW_PHONE, SIGNED, fetch
from tests.fixtures.adminlines import at_node
from tests.fixtures.clusters import PHONE, PUBLISHER, SUBSCRIBER, Lab
from tests.fixtures.postgres import TEMPLATE, PostgresServer

MORE_PHONES = """
[[phones]]
mac = "00258400000B"
model = "7841"
lines = ["2010"]
"""
COUNT = "run sql select count(*) from device"


@dataclass
class Cable:
    """What leads to one database of the server, and can be pulled."""

    server: PostgresServer
    name: str
    link: Path = field(init=False)

    def __post_init__(self) -> None:
        self.link = self.server.directory / f"cable-{uuid4().hex[:8]}"

    @property
    def url(self) -> str:
        return f"postgresql://cucm@/{self.name}?host={self.link}"

    def plug(self) -> None:
        self.link.symlink_to(self.server.directory)

    def pull(self) -> None:
        """Take it out, under whoever is connected."""
        self.link.unlink(missing_ok=True)
        self.server.sql(
            "DO $$ BEGIN PERFORM pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE datname = '{self.name}'; END $$"
        )


@pytest.fixture
def cable(
    postgres: PostgresServer, empty_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Cable]:
    """Give a cable that is plugged in."""
    monkeypatch.setattr(opening, "PATIENCE_S", 0.0)
    held = Cable(postgres, empty_postgres_url.partition("@/")[2].partition("?")[0])
    held.plug()
    yield held
    held.link.unlink(missing_ok=True)


@pytest.fixture
def away_lab(tmp_path: Path, cable: Cable) -> Lab:
    """Describe a lab whose database is at the end of the cable."""
    return Lab(tmp_path, cable.url)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that no event tells of."""
    async with asyncio.timeout(40):
        while not condition():  # noqa: ASYNC110 - a file has no event
            await asyncio.sleep(0.02)


async def copied(cluster: Cluster) -> None:
    """Wait until the process's copy has what it serves."""
    held = cluster._store.copy
    assert held is not None
    await until(
        lambda: held.version == cluster.view.replica.version and not held.is_behind.is_set()
    )


async def put_back(url: str) -> None:
    """Make a database look as an earlier one does, restored from a backup."""
    database = Database.parse(url)
    async with database.session(write=True) as session:
        await session.execute(text("UPDATE cucmsim_version SET version = 1"))
        await session.execute(text("DELETE FROM cucmsim_changelog"))
        await session.execute(text("UPDATE device SET description = 'of before'"))
    await database.close()


async def test_a_subscriber_starts_and_serves_without_the_database_and_catches_up(
    away_lab: Lab, cable: Cable
) -> None:
    lab = away_lab
    async with lab.running(PUBLISHER) as publisher, lab.running(SUBSCRIBER) as subscriber:
        itl = await fetch(subscriber, SUBSCRIBER, ITL)
        await copied(subscriber)
        await copied(publisher)
    cable.pull()
    with capture_logs() as logs:
        async with lab.running(SUBSCRIBER) as subscriber:
            at = at_node(subscriber, SUBSCRIBER)
            assert await fetch(subscriber, SUBSCRIBER, ITL) == itl
            assert await fetch(subscriber, SUBSCRIBER, SIGNED)
            assert "2" in (await at(COUNT)).split()
            assert "CallManager" in await at("show cert list own")
            assert "does not answer" in await at("utils dbreplication runtimestate")
            with pytest.raises(StoreError, match="does not answer; until it does, nothing can"):
                async with subscriber._store.transaction() as transaction:
                    await transaction.set_enterprise_parameter("A", "1")
            cable.plug()
            async with lab.running(PUBLISHER) as publisher:
                await publisher.administration().add_device(NEW_PHONE)
                await until(lambda: "SEP00258400000A" in subscriber.view.replica.devices)
            assert b"2009" in await fetch(subscriber, SUBSCRIBER, "SEP00258400000A.cnf.xml")
            await copied(subscriber)
    away = [entry for entry in logs if entry["event"].startswith("database away, started")]
    assert [(entry["log_level"], entry["node"]) for entry in away] == [("warning", SUBSCRIBER)]
    assert away[0]["version"] > 0
    assert away[0]["since"].endswith("UTC")
    assert "does not answer" in away[0]["why"]
    assert [entry["event"] for entry in logs].count("database back") == 1


async def test_a_publisher_applies_its_description_when_the_database_is_back(
    away_lab: Lab, cable: Cable
) -> None:
    lab = away_lab
    async with lab.running() as cluster:
        await copied(cluster)
        version = cluster.view.replica.version
    cable.pull()
    lab.phones += MORE_PHONES
    async with lab.running() as cluster:
        assert cluster.view.replica.version == version
        with pytest.raises(StoreError, match="nothing can be changed"):
            await cluster.administration().add_device(NEW_PHONE)
        cable.plug()
        await until(lambda: "SEP00258400000B" in cluster.view.replica.devices)
        assert b"2010" in await fetch(cluster, PUBLISHER, "SEP00258400000B.cnf.xml")
        await cluster.administration().add_device(NEW_PHONE)


async def test_a_running_node_is_asked_and_not_changed_while_the_database_is_away(
    away_lab: Lab, cable: Cable
) -> None:
    async with away_lab.running() as cluster:
        await copied(cluster)
        cable.pull()
        at = at_node(cluster, PUBLISHER)
        await until(lambda: not cluster._store.is_connected)
        assert "2" in (await at(COUNT)).split()
        with pytest.raises(StoreError, match="nothing can be changed"):
            await cluster.administration().remove_device(PHONE)
        cable.plug()
        await until(lambda: cluster._store.is_connected)
        await cluster.administration().remove_device(PHONE)
        assert "1" in (await at(COUNT)).split()


async def test_a_copy_newer_than_the_database_gives_way_to_what_the_database_holds(
    away_lab: Lab, cable: Cable
) -> None:
    lab = away_lab
    async with lab.running() as cluster:
        await copied(cluster)
        version = cluster.view.replica.version
    await put_back(cable.url)
    cable.pull()
    with capture_logs() as logs:
        async with lab.running() as cluster:
            assert cluster.view.replica.version == version
            cable.plug()
            await until(lambda: cluster.view.replica.devices[PHONE].description == "of before")
            assert cluster.view.replica.version < version
            await copied(cluster)
            await cluster.administration().add_device(NEW_PHONE)
            await until(lambda: "SEP00258400000A" in cluster.view.replica.devices)
    older = [entry for entry in logs if entry["event"].startswith("database is older")]
    assert [(entry["version"], entry["served"]) for entry in older] == [(1, version)]


async def test_another_cluster_in_the_place_of_the_database_ends_the_process(
    away_lab: Lab, cable: Cable, postgres: PostgresServer
) -> None:
    lab = away_lab
    async with lab.running() as cluster:
        await copied(cluster)
    cable.pull()
    async with lab.running() as cluster:
        postgres.sql(f"DROP DATABASE {cable.name} WITH (FORCE)")
        postgres.sql(f"CREATE DATABASE {cable.name} TEMPLATE {TEMPLATE} STRATEGY file_copy")
        cable.plug()
        async with asyncio.timeout(40):
            with pytest.raises(StoreError, match="is of another cluster than the local copy"):
                await cluster.wait_stopped()


async def test_a_node_without_a_copy_that_is_any_good_says_so_and_does_not_start(
    away_lab: Lab, cable: Cable
) -> None:
    cable.pull()
    with pytest.raises(StoreError, match="does not answer"):
        async with away_lab.running():
            pass
    replica_path(away_lab.data, None).write_text("no database")
    with capture_logs() as logs, pytest.raises(StoreError, match="does not answer"):
        async with away_lab.running():
            pass
    assert [entry["event"] for entry in logs] == ["no start from the local copy"]
    assert "is not a SQLite database" in logs[0]["why"]
