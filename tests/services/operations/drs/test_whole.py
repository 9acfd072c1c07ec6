"""A restore that is broken at any step changed nothing, or everything; the next one succeeds."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import count

import pytest

from cucmsim.pki.sealing import SealingKey
from cucmsim.services.operations.drs.agents import Drs
from cucmsim.services.operations.drs.backup import back_up
from cucmsim.services.operations.drs.devices import add_device
from cucmsim.services.operations.drs.progress import fail_interrupted
from cucmsim.services.operations.drs.restore import restore
from cucmsim.store.rows import Device, TftpFile
from cucmsim.store.store import Store
from tests.fixtures.breaking import Break, Breaker, Rows, SameEntropy, Tables, breaking
from tests.fixtures.postgres import SECURITY_PASSWORD
from tests.services.admin.fakesftp import FakeSftp
from tests.services.operations.conftest import PUBLISHER, fill
from tests.services.operations.drs.conftest import DEVICE, install, make_drs
from tests.store.conftest import FixedClock

STAMP = "2026-03-01-12-00-00"


@pytest.fixture(autouse=True)
def same_seals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every key be derived once, and every secret be sealed with the same nonce."""
    seal, derived = SealingKey.seal, cache(SealingKey.derive)

    def sealed(key: SealingKey, secret: bytes, _entropy: object, associated: bytes = b"") -> bytes:
        return seal(key, secret, SameEntropy(2), associated)

    monkeypatch.setattr(SealingKey, "seal", sealed)
    monkeypatch.setattr(SealingKey, "derive", derived)


@pytest.mark.timeout(300)
def test_a_restore_broken_at_any_step_changed_nothing_or_all(
    store_url: str, clock: FixedClock
) -> None:
    asyncio.run(check(store_url, clock))


async def check(store_url: str, clock: FixedClock) -> None:
    """Back up, change everything, and restore again and again."""
    entropy, tables = SameEntropy(1), Tables(store_url)
    kind = Break.LOST if store_url.startswith("sqlite") else Break.CANCELLED
    async with Store.open(
        store_url, security_password=SECURITY_PASSWORD, clock=clock, entropy=entropy
    ) as store:
        await fill(store)
        drs = make_drs(store, clock, FakeSftp())
        drs = replace(drs, operator=replace(drs.operator, entropy=entropy))
        await add_device(drs, DEVICE)
        await back_up(drs, "sftp1", ["UCM"])
        await change(store)
        rows = await tables.read()
        entropy.reset()
        await restore(drs, "sftp1", STAMP)
        after = told(await tables.read())
        assert after != told(rows)
        steps = await break_everywhere(drs, tables, rows, after, kind, entropy.reset)
    await tables.close()
    assert steps > 20


async def change(store: Store) -> None:
    """Have a phone, a file and other certificates since the backup."""
    async with store.transaction() as transaction:
        await transaction.put_device(Device(name="SEP001B54C25A01", model="8861"))
        await transaction.put_tftp_file(TftpFile(name="x", data=b"x", node=PUBLISHER))
        await install(transaction)


async def break_everywhere(
    drs: Drs, tables: Tables, rows: Rows, after: Rows, kind: Break, reset: Callable[[], None]
) -> int:
    """Break the restore at each of its steps; return how many there are."""
    for at in count(1):
        reset()
        await tables.write(rows)
        breaker = Breaker(kind, at)
        with breaking(breaker):
            await breaker.run(restore(drs, "sftp1", STAMP))
        found = told(await tables.read())
        assert found in (told(rows), after), f"half done at step {at}"
        if not breaker.has_broken:
            assert found == after
            return at
        await fail_interrupted(drs.operator)
    raise AssertionError


def told(rows: Rows) -> Rows:
    """Return the rows but what the publisher remembers of the restore itself."""
    return {name: held for name, held in rows.items() if name != "cucmsim_platform"}
