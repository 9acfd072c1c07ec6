"""A store to test: opened, empty or holding the lab of two nodes."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cucmsim.entropy import SeededEntropy
from cucmsim.store.rows import CallManagerGroup, DevicePool, ProcessNode
from cucmsim.store.store import Store, Transaction
from tests.fixtures.postgres import SECURITY_PASSWORD

KEYS = Path(__file__).parents[1] / "vectors" / "keys"
LAB_NODES = (
    ProcessNode(
        name="cucm-pub",
        host="cucm-pub",
        domain="lab.local",
        address="127.0.1.1",
        is_publisher=True,
        services=("callmanager", "tftp", "tvs", "capf"),
        ports={"tftp": 6969, "tvs": 2445},
    ),
    ProcessNode(
        name="cucm-sub",
        host="cucm-sub",
        address="127.0.1.2",
        services=("callmanager", "tftp"),
        description="second",
    ),
)

OpenStore = Callable[..., AbstractAsyncContextManager[Store]]


@dataclass
class FixedClock:
    """A clock that stands where a test puts it."""

    at: datetime = field(default=datetime(2026, 3, 1, 12, tzinfo=UTC))

    def now(self) -> datetime:
        """Return the test's time."""
        return self.at

    def monotonic(self) -> float:
        """Return the same in seconds."""
        return self.at.timestamp()


@pytest.fixture
def clock() -> FixedClock:
    """Give a clock that stands still."""
    return FixedClock()


@pytest.fixture
def open_store(clock: FixedClock) -> OpenStore:
    """Give what opens a store with the test's clock and password."""

    def opened(
        url: str,
        password: str = SECURITY_PASSWORD,
        *,
        nodes: Sequence[str] = (),
        migrate: bool = True,
        wait_s: float | None = None,
    ) -> AbstractAsyncContextManager[Store]:
        return Store.open(
            url,
            security_password=password,
            clock=clock,
            entropy=SeededEntropy(1),
            nodes=nodes,
            migrate=migrate,
            wait_s=wait_s,
            busy_timeout_s=0.2,
        )

    return opened


@pytest.fixture
async def store(store_url: str, open_store: OpenStore) -> AsyncIterator[Store]:
    """Give an open store with nothing in it."""
    async with open_store(store_url) as opened:
        yield opened


@pytest.fixture
async def lab(store: Store) -> Store:
    """Give a store with two nodes, a group and a device pool, at version 1."""
    async with store.transaction() as transaction:
        await put_lab(transaction)
    return store


async def put_lab(transaction: Transaction) -> None:
    """Write the lab's nodes, group and pool."""
    for node in LAB_NODES:
        await transaction.put_node(node)
    members = tuple(node.name for node in LAB_NODES)
    await transaction.put_group(CallManagerGroup(name="Default", members=members))
    await transaction.put_device_pool(DevicePool(name="Default", callmanager_group="Default"))


@dataclass(frozen=True)
class Pair:
    """A certificate of tests/vectors/keys with its key, both DER."""

    certificate_der: bytes
    private_key_der: bytes


@pytest.fixture
def pair() -> Callable[[str], Pair]:
    """Give what reads a pair by its name."""

    def read(name: str) -> Pair:
        key = KEYS / f"{name}.key.der"
        return Pair((KEYS / f"{name}.crt.der").read_bytes(), key.read_bytes())

    return read
