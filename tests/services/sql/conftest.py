"""A store with two nodes, their certificates and two phones, on each engine."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cucmsim.entropy import SeededEntropy
from cucmsim.store.rows import Device, Line
from cucmsim.store.store import Store
from tests.fixtures.postgres import SECURITY_PASSWORD
from tests.store.conftest import FixedClock, put_lab

KEYS = Path(__file__).parents[2] / "vectors" / "keys"
OWN = (
    ("cucm-pub", "CallManager", "callmanager-pub"),
    ("cucm-sub", "CallManager", "callmanager-sub"),
    ("cucm-pub", "TVS", "tvs-pub"),
)
PHONES = ("SEP001122334455", "SEPB000B4BA0AEE")


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    """Give the store, open."""
    async with Store.open(
        store_url,
        security_password=SECURITY_PASSWORD,
        clock=FixedClock(),
        entropy=SeededEntropy(3),  # the first phone gets the lower pkid
    ) as opened:
        async with opened.transaction() as transaction:
            await put_lab(transaction)
            await transaction.set_enterprise_parameter("ClusterSecurityMode", "0")
            for node, unit, name in OWN:
                certificate, key = (KEYS / f"{name}.{part}.der" for part in ("crt", "key"))
                await transaction.put_own_certificate(
                    node, unit, certificate.read_bytes(), key.read_bytes()
                )
            capf = (KEYS / "capf.crt.der").read_bytes()
            await transaction.put_trust_certificate("CallManager-trust", capf, "cucm-pub")
            for at, name in enumerate(PHONES):
                line = Line(str(1000 + at))
                await transaction.put_device(Device(name=name, model="8861", lines=(line,)))
        yield opened
