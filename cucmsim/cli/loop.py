"""How commands run something asynchronous: on the fastest loop, until they are told to stop."""

import asyncio
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import TypeVar

__all__ = ["run_loop", "stopping"]

T = TypeVar("T")
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run_loop(main: Coroutine[None, None, T]) -> T:
    """Run on uvloop where it is installed."""
    try:
        try:
            import uvloop  # noqa: PLC0415 - not on every system
        except ImportError:
            return asyncio.run(main)
        return uvloop.run(main)
    finally:
        main.close()  # Ctrl-C may have come before a loop had it; Python warns then


@contextmanager
def stopping(stop: asyncio.Event, *, wanted: bool = True) -> Iterator[None]:
    """Have SIGINT and SIGTERM set `stop` while the block runs, if that is `wanted`."""
    loop = asyncio.get_running_loop()
    for number in _SIGNALS if wanted else ():
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number in _SIGNALS if wanted else ():
            loop.remove_signal_handler(number)
