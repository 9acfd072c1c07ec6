"""A replica of two nodes, made by hand from the certificates in tests/vectors/keys.

A test of the rules on a store runs on asyncio with SQLite and on uvloop with PostgreSQL: each loop
and each engine once. The store's own tests run on all four.
"""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cucmsim.pki.certificates import load_certificate
from cucmsim.store.replica import Replica
from cucmsim.store.rows import (
    CallManagerGroup,
    Device,
    DevicePool,
    Line,
    OwnKey,
    ProcessNode,
    StoredCertificate,
)

HERE = Path(__file__).parent
KEYS = HERE.parent / "vectors" / "keys"
PUBLISHER = "cucm-1051-a-pub"
SUBSCRIBER = "cucm-1051-a-sub1"
OWN = {
    (PUBLISHER, "CallManager"): "callmanager-pub",
    (PUBLISHER, "TVS"): "tvs-pub",
    (PUBLISHER, "CAPF"): "capf",
    (PUBLISHER, "ITLRecovery"): "itlrecovery",
    (SUBSCRIBER, "CallManager"): "callmanager-sub",
    (SUBSCRIBER, "TVS"): "tvs-sub",
}

_CROSSED = ({"asyncio", "postgresql"}, {"uvloop", "sqlite"})

VectorBytes = Callable[[str], bytes]
Stored = Callable[..., StoredCertificate]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the loop and the engine that do not go together."""
    crossed = [item for item in items if _is_crossed(item)]
    left_out = set(crossed)
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=crossed)


def _is_crossed(item: pytest.Item) -> bool:
    words = set(item.name.partition("[")[2].rstrip("]").split("-"))
    return item.path.is_relative_to(HERE) and any(pair <= words for pair in _CROSSED)


class SteppingClock:
    """A clock that a test moves by hand."""

    def __init__(self) -> None:
        self.time = datetime(2014, 2, 26, 18, 24, 27, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()

    def step(self, seconds: float = 60) -> None:
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def stepping_clock() -> SteppingClock:
    return SteppingClock()


@pytest.fixture
def vector() -> VectorBytes:
    """Read a file of tests/vectors/keys."""
    return lambda name: (KEYS / f"{name}.der").read_bytes()


def _stored(
    name: str, node: str | None = None, units: frozenset[str] = frozenset()
) -> StoredCertificate:
    der = (KEYS / f"{name}.crt.der").read_bytes()
    certificate = load_certificate(der)
    return StoredCertificate(
        pkid=f"pkid-{name}",
        servername=node or "",
        subjectname=certificate.subject.rfc4514_string(),
        issuername=certificate.issuer.rfc4514_string(),
        serialnumber=f"{certificate.serial_number:x}",
        certificate_der=der,
        hash=base64.b64encode(hashlib.sha1(der).digest()).decode(),
        units=units,
        node=node,
    )


@pytest.fixture
def stored() -> Stored:
    """Make the row of a certificate of tests/vectors/keys."""
    return _stored


def _key(node: str, unit: str, name: str) -> OwnKey:
    return OwnKey(node=node, unit=unit, private_key_der=(KEYS / f"{name}.key.der").read_bytes())


@pytest.fixture
def two_nodes() -> Replica:
    """Make a publisher and a subscriber, two pools, two phones; CAPF on the publisher."""
    publisher = ProcessNode(
        name=PUBLISHER,
        host=PUBLISHER,
        address="192.0.2.1",
        nodeid=2,
        is_publisher=True,
        services=("tftp", "tvs", "capf"),
        pkid="node-1",
    )
    subscriber = replace(
        publisher,
        name=SUBSCRIBER,
        host=SUBSCRIBER,
        address="192.0.2.2",
        nodeid=3,
        is_publisher=False,
        services=("tftp", "tvs"),
        pkid="node-2",
    )
    own = {
        (node, unit): _stored(name, node, frozenset({unit})) for (node, unit), name in OWN.items()
    }
    phone = Device(
        name="SEPB000B4BA0AEE",
        model="8861",
        lines=(Line("1000", "Łódź & more", "Anna"),),
        versionstamp="1555108264-e3c45598-976b-2fb0-b800-b98f5e6d1091",
        pkid="e3c45598-976b-2fb0-b800-b98f5e6d1091",
    )
    old_phone = replace(
        phone,
        name="SEP0011215A1AE3",
        model="7962",
        protocol="SCCP",
        versionstamp="1555108265-e3c45598-976b-2fb0-b800-b98f5e6d1092",
    )
    return Replica(
        version=1,
        nodes={PUBLISHER: publisher, SUBSCRIBER: subscriber},
        certificates=tuple(own.values()),
        own=own,
        own_keys={(node, unit): _key(node, unit, name) for (node, unit), name in OWN.items()},
        groups={
            "Default": CallManagerGroup(
                name="Default", members=(SUBSCRIBER, PUBLISHER), tftp_default=True
            ),
            "Single": CallManagerGroup(name="Single", members=(SUBSCRIBER,)),
        },
        device_pools={
            "Default": DevicePool(name="Default", callmanager_group="Default", pkid="pool-1"),
            "Single": DevicePool(name="Single", callmanager_group="Single", pkid="pool-2"),
        },
        service_parameters={
            (node, "cucmsim", "ActiveVersion"): "10.0.1.10000-1" for node in (PUBLISHER, SUBSCRIBER)
        },
        devices={device.name: device for device in (phone, old_phone)},
    )
