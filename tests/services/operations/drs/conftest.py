"""A cluster that is backed up, and the same one rebuilt, with an SFTP server between them."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest

from cucmsim.entropy import SeededEntropy
from cucmsim.services.operations.drs.agents import Drs
from cucmsim.services.operations.drs.devices import BackupDevice, add_device
from cucmsim.services.operations.standinstate import STAND_INS
from cucmsim.services.sftp import SftpAccount
from cucmsim.store.store import Store
from cucmsim.store.transaction import Transaction
from tests.fixtures.postgres import SECURITY_PASSWORD
from tests.services.admin.fakesftp import KEY, PASSWORD, FakeSftp
from tests.services.operations.conftest import (
    KEYS,
    NOW,
    PUBLISHER,
    SUBSCRIBER,
    der,
    make_operator,
)
from tests.store.conftest import FixedClock, put_lab

DIRECTORY = "/backups"
DEVICE = BackupDevice("sftp1", SftpAccount("sftp.lab.local", "joemar2", PASSWORD, DIRECTORY), KEY)
NEW = (
    (PUBLISHER, "CallManager", "callmanager-pub-1024"),
    (SUBSCRIBER, "CallManager", "callmanager-casigned"),
    (PUBLISHER, "TVS", "tvs-sub"),
    (PUBLISHER, "CAPF", "enterprise-ca"),
    (PUBLISHER, "ITLRecovery", "manufacturing-ca"),
    (PUBLISHER, "tomcat", "lsc-SEPB000B4BA0AEE"),
)
"""What an installation makes anew."""

Rebuilt = Callable[..., AbstractAsyncContextManager[Drs]]


def make_drs(
    store: Store, clock: FixedClock, sftp: FakeSftp, password: str = SECURITY_PASSWORD
) -> Drs:
    """Make the system of a cluster of release 12.5."""
    operator = replace(make_operator(store, clock), security_password=password)
    return Drs(operator, sftp, UTC, lambda _: None)


async def install(transaction: Transaction) -> None:
    """Give the nodes certificates as a new installation does."""
    for node, unit, name in NEW:
        key = (KEYS / f"{name}.key.der").read_bytes()
        await transaction.put_own_certificate(node, unit, der(name), key)


@pytest.fixture
def sftp() -> FakeSftp:
    """Give the server, empty."""
    return FakeSftp()


@pytest.fixture
def files(sftp: FakeSftp) -> dict[str, bytes]:
    """Give what is in the directory of the device."""
    return sftp.files.setdefault(DIRECTORY, {})


@pytest.fixture
async def drs(store: Store, clock: FixedClock, sftp: FakeSftp) -> Drs:
    """Give the system of the cluster, with a device."""
    made = make_drs(store, clock, sftp)
    await add_device(made, DEVICE)
    return made


@pytest.fixture
def rebuilt(tmp_path: Path, clock: FixedClock, sftp: FakeSftp) -> Rebuilt:
    """Give what installs the cluster anew: same names, other keys, and a device."""

    @asynccontextmanager
    async def opened_anew(
        password: str = SECURITY_PASSWORD, release: str = "12.5"
    ) -> AsyncIterator[Drs]:
        entropy = SeededEntropy(2)
        url = f"sqlite:///{tmp_path / 'rebuilt.db'}"
        async with Store.open(
            url, security_password=password, clock=clock, entropy=entropy
        ) as opened:
            async with opened.transaction() as transaction:
                await put_lab(transaction)
                await install(transaction)
            operator = make_operator(opened, clock, release)
            made = Drs(replace(operator, security_password=password), sftp, UTC, lambda _: None)
            await add_device(made, DEVICE)
            yield made

    return opened_anew


async def stop_service(drs: Drs, node: str, service: str) -> None:
    """Stop a service as `utils service stop` does."""
    state = {"started": NOW.isoformat(), "activated": {}, "stopped": [service]}
    async with drs.operator.store.transaction() as transaction:
        await transaction.put_platform_value(node, STAND_INS, json.dumps(state))
