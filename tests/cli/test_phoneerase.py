"""`cucmsim phone erase`: on a flash at rest, on one in use, on a damaged one."""

import asyncio
import os
import threading
from pathlib import Path

import pytest

from cucmsim.phone.flash import Flash
from cucmsim.phone.flashdir import FlashDirectory
from cucmsim.phone.flashlock import FlashLock
from tests.fixtures.clusters import Outcome, run_cli


@pytest.fixture
def flash(tmp_path: Path) -> Path:
    FlashDirectory(tmp_path).store(Flash(ctl=b"ctl", itl=b"itl", config=b"xml"))
    return tmp_path


async def erase(flash: Path, *options: str) -> Outcome:
    return await asyncio.to_thread(run_cli, "phone", "erase", str(flash), *options)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set once a phone that runs is asked."""
    event, ask = threading.Event(), FlashLock.ask

    def asking(lock: FlashLock) -> None:
        ask(lock)
        event.set()

    monkeypatch.setattr(FlashLock, "ask", asking)
    return event


async def test_a_phone_that_runs_is_asked(flash: Path, asked: threading.Event) -> None:
    keeper = FlashDirectory(flash)
    keeper.lock.take("SEP000000000001")
    async with asyncio.timeout(30):
        erasing = asyncio.create_task(erase(flash))
        await asyncio.to_thread(asked.wait, 30)
        keeper.lock.answer()
        outcome = await erasing
    assert (outcome.status, outcome.output) == (0, f"{flash}: CTL and ITL erased\n")
    holder = f"SEP000000000001, process {os.getpid()}"
    assert outcome.errors == f"{flash}: in use by {holder}: asking it to erase\n"
    keeper.lock.drop()


async def test_a_phone_that_ends_meanwhile_leaves_it_to_the_command(
    flash: Path, asked: threading.Event
) -> None:
    keeper = FlashDirectory(flash)
    keeper.lock.take("SEP000000000001")
    async with asyncio.timeout(30):
        erasing = asyncio.create_task(erase(flash))
        await asyncio.to_thread(asked.wait, 30)
        keeper.lock.drop()
        assert (await erasing).status == 0
    assert keeper.load() == Flash(config=b"xml")


async def test_a_phone_that_does_not_look_is_told(flash: Path) -> None:
    keeper = FlashDirectory(flash)
    keeper.lock.take("SEP000000000001")
    outcome = await erase(flash, "--timeout=0")
    assert outcome.status == 1
    assert "it did not erase within 0 s; switch that phone off first" in outcome.errors
    assert not keeper.lock.is_asked
    keeper.lock.drop()


async def test_everything_goes_of_a_phone_that_is_off_only(flash: Path) -> None:
    keeper = FlashDirectory(flash)
    keeper.lock.take("SEP000000000001")
    outcome = await erase(flash, "--all")
    assert outcome.status == 1
    assert outcome.errors.endswith(": switch that phone off first\n")
    assert keeper.load().config == b"xml"
    keeper.lock.drop()


async def test_a_damaged_flash_says_what_to_do_and_that_helps(flash: Path) -> None:
    (flash / "manifest.json").write_text("{")
    outcome = await erase(flash)
    assert outcome.status == 1
    assert f"delete {flash}, or `cucmsim phone erase --all {flash}`" in outcome.errors
    assert (await erase(flash, "--all")).status == 0
    assert FlashDirectory(flash).load() == Flash()
