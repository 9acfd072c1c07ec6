"""kill -9 in the middle of the first start: the store is empty or complete, never between.

A child makes a store and writes a large first transaction, telling what it has reached. The first
run tells how long that takes; the next ones are killed at four moments spread over it.
"""

import asyncio
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from cucmsim.clock import SystemClock
from cucmsim.entropy import SystemEntropy
from cucmsim.store.replica import Replica
from cucmsim.store.store import Store
from tests.fixtures.postgres import SECURITY_PASSWORD

PHONES = 1000
KILLS = 4
CHILD = """
import asyncio, sys
from cucmsim.clock import SystemClock
from cucmsim.entropy import SystemEntropy
from cucmsim.store.rows import CallManagerGroup, Device, DevicePool, Line, ProcessNode
from cucmsim.store.store import Store

async def main(url, password, phones):
    print("started", flush=True)
    async with Store.open(
        url, security_password=password, clock=SystemClock(), entropy=SystemEntropy()
    ) as store:
        print("made", flush=True)
        async with store.transaction() as transaction:
            node = ProcessNode(name="pub", host="pub", address="127.0.0.1", is_publisher=True)
            await transaction.put_node(node)
            await transaction.put_group(CallManagerGroup(name="Default", members=("pub",)))
            await transaction.put_device_pool(
                DevicePool(name="Default", callmanager_group="Default")
            )
            await transaction.put_devices(
                Device(name=f"SEP{n:012X}", model="8861", lines=(Line(str(n)),))
                for n in range(phones)
            )
        print("announced", store.version, flush=True)

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


def run_child(url: str, kill_after_s: float | None) -> tuple[list[str], float]:
    """Run the child, killed so long after it started; return its words and its seconds."""
    argv = [sys.executable, "-c", CHILD, url, SECURITY_PASSWORD, str(PHONES)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "started\n"
        start = time.perf_counter()
        with suppress(subprocess.TimeoutExpired):
            child.wait(kill_after_s)
        took = time.perf_counter() - start
        child.kill()
        return child.stdout.read().splitlines(), took


async def survey(url: str) -> Replica:
    """Open the store as the next start would, and read it."""
    async with Store.open(
        url,
        security_password=SECURITY_PASSWORD,
        clock=SystemClock(),
        entropy=SystemEntropy(),
        busy_timeout_s=30,
    ) as store:
        return await store.load_replica()


def check(url: str, words: list[str]) -> bool:
    """Hold the store against what the child announced; tell if it is complete."""
    replica = asyncio.run(survey(url))
    assert (replica.version, len(replica.devices)) in {(0, 0), (1, PHONES)}
    if "announced 1" in words:
        assert replica.version == 1
    if replica.version:
        assert all(len(device.lines) == 1 for device in replica.devices.values())
    return replica.version == 1


def test_a_first_start_killed_at_any_moment_leaves_nothing_or_all(
    empty_store_url: str, request: pytest.FixtureRequest
) -> None:
    empty = _EmptyStores(empty_store_url, request)
    words, took = run_child(next(empty), None)
    assert words == ["made", "announced 1"]
    assert check(empty.last, words)
    for number in range(KILLS):
        url = next(empty)
        words, _ = run_child(url, took * (number + 1) / (KILLS + 1))
        check(url, words)
    words, _ = run_child(empty.last, None)
    assert check(empty.last, words)


class _EmptyStores:
    """URLs of empty databases of one engine."""

    def __init__(self, first: str, request: pytest.FixtureRequest) -> None:
        self.last = first
        self._request = request
        self._count = 0

    def __next__(self) -> str:
        self._count += 1
        if self._count == 1:
            return self.last
        if self.last.startswith("sqlite"):
            self.last += "x"
        else:
            server = self._request.getfixturevalue("postgres")
            self.last = server.url(server.create())
        return self.last
