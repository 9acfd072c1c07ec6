"""How commands run what is asynchronous, and how they are told to stop."""

import asyncio
import os
import signal
import sys

import pytest

from cucmsim.cli.loop import run_loop, stopping


@pytest.mark.parametrize("uvloop", [True, False])
def test_it_runs_with_and_without_uvloop(*, uvloop: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not uvloop:
        monkeypatch.setitem(sys.modules, "uvloop", None)

    async def main() -> str:
        return type(asyncio.get_running_loop()).__module__

    assert (run_loop(main()) == "uvloop") == uvloop


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_says_stop(number: int) -> None:
    stop = asyncio.Event()
    with stopping(stop):
        os.kill(os.getpid(), number)
        async with asyncio.timeout(30):
            await stop.wait()


async def test_where_it_is_not_wanted_an_interrupt_stays_what_it_is() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stopping(asyncio.Event(), wanted=False):
        assert signal.getsignal(signal.SIGTERM) == before
