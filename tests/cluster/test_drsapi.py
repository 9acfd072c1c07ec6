"""The routes of the management API that back up and restore; scenarios drive them with phones."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from cucmsim.cluster.drsapi import add_drs
from cucmsim.entropy import SeededEntropy
from cucmsim.store.store import Store
from tests.fixtures.postgres import SECURITY_PASSWORD
from tests.services.admin.fakesftp import PASSWORD, FakeSftp
from tests.services.operations.conftest import NOW, fill
from tests.services.operations.drs.conftest import DIRECTORY, make_drs
from tests.store.conftest import FixedClock

DEVICE = {"name": "sftp1", "host": "sftp.lab.local", "user": "joemar2", "directory": DIRECTORY}
STAMP = "2026-03-01-12-00-00"


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Give the API of a cluster of two nodes."""
    app, clock = FastAPI(), FixedClock(NOW)
    async with Store.open(
        f"sqlite:///{tmp_path / 'x.db'}",
        security_password=SECURITY_PASSWORD,
        clock=clock,
        entropy=SeededEntropy(1),
    ) as store:
        await fill(store)
        drs = make_drs(store, clock, FakeSftp())
        add_drs(app, lambda: drs)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://cluster") as client:
            yield client


async def test_a_device_is_added_and_a_backup_made_listed_and_restored(
    api: httpx.AsyncClient,
) -> None:
    added = await api.post("/drs/devices", json={**DEVICE, "password": PASSWORD})
    assert added.status_code == 201
    assert added.json()["fingerprint"] == "2c:8f:9b:b2:ff:f7:a6:31:61:1b:bc:95:cc:bc:ba:bd"
    made = await api.post("/operations/backup", json={"device": "sftp1", "features": ["UCM"]})
    assert made.json() == {"backup": STAMP}
    assert (await api.get("/drs/devices/sftp1/backups")).json() == [
        {"backup": STAMP, "release": "12.5(1)", "servers": ["cucm-pub", "cucm-sub"]}
    ]
    body = {"device": "sftp1", "backup": STAMP, "server": "cucm-sub"}
    lines = (await api.post("/operations/restore", json=body)).json()["lines"]
    assert "Please restart the server(s) [cucm-sub]" in lines[-1]


@pytest.mark.parametrize("change", [{"port": 0}, {"port": 65536}, {"user": None}, {"x": 1}])
async def test_a_device_that_makes_no_sense_is_refused(
    api: httpx.AsyncClient, change: dict[str, object]
) -> None:
    answer = await api.post("/drs/devices", json={**DEVICE, "password": PASSWORD, **change})
    assert answer.status_code == 422
