"""Time the store with 40,000 phones: write, write again, load, one change, memory of a phone.

Usage: python bench/store.py [URL [PHONES]], by default a SQLite file in a temporary directory. A
PostgreSQL URL must name an empty database.
"""

import asyncio
import gc
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from cucmsim.clock import SystemClock
from cucmsim.entropy import SystemEntropy
from cucmsim.store.rows import CallManagerGroup, Device, DevicePool, Line, ProcessNode
from cucmsim.store.store import Store

PAGE = 4096


def resident() -> int:
    """Return the bytes of memory this process holds."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE


def phones(count: int) -> list[Device]:
    """Return that many phones with a line each."""
    return [
        Device(
            name=f"SEP{number:012X}",
            model="8861",
            description=f"Phone {number}",
            lines=(Line(str(10000 + number), f"Line {number}"),),
        )
        for number in range(count)
    ]


async def measure(url: str, count: int) -> None:
    """Print one line a step."""
    start = time.perf_counter()

    def lap(what: str) -> None:
        nonlocal start
        print(f"{what:36} {time.perf_counter() - start:8.3f} s")
        start = time.perf_counter()

    clock, entropy = SystemClock(), SystemEntropy()
    async with Store.open(url, security_password="bench", clock=clock, entropy=entropy) as store:  # noqa: S106  of a bench
        lap("open, tables made")
        async with store.transaction() as transaction:
            await transaction.put_node(
                ProcessNode(name="pub", host="pub", address="127.0.0.1", is_publisher=True)
            )
            await transaction.put_group(CallManagerGroup(name="Default", members=("pub",)))
            pool = DevicePool(name="Default", callmanager_group="Default")
            await transaction.put_device_pool(pool)
        many = phones(count)
        start = time.perf_counter()
        for what in ("new", "the same again"):
            async with store.transaction() as transaction:
                await transaction.put_devices(many)
            lap(f"{count} phones, {what}")
        del many
        gc.collect()
        before = resident()
        start = time.perf_counter()
        replica = await store.load_replica()
        lap("replica loaded")
        print(f"{'memory of a phone':36} {(resident() - before) / count:8.0f} bytes")
        one = replica.devices["SEP000000000000"]
        start = time.perf_counter()
        async with store.transaction() as transaction:
            await transaction.put_device(replace(one, description="changed"))
        lap("one phone changed")
        await store.update_replica(replica)
        lap("replica updated")


def main() -> None:
    """Run the bench."""
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 40_000
    with tempfile.TemporaryDirectory() as directory:
        url = sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{directory}/bench.db"
        asyncio.run(measure(url, count))


if __name__ == "__main__":
    main()
