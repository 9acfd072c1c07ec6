"""A loop in a thread of its own, which clusters run on whatever loop a test has, or none.

    with LoopThread.running() as thread:
        thread.wait(cluster.start())          from a plain test: blocks
        await thread.awaited(cluster.start())  from a test on any other loop

Ctrl-C while a test waits cancels what it waited for.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from cucmsim.errors import CucmsimError

__all__ = ["LoopThread"]

__tracebackhide__ = True  # pytest shows the test's own lines

T = TypeVar("T")
Work = Coroutine[Any, Any, T]  # what `async def` makes


class LoopThread:
    """A running loop. Made by `LoopThread.running`."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._under_way: set[asyncio.Task[Any]] = set()

    @classmethod
    @contextmanager
    def running(cls) -> Iterator["LoopThread"]:
        """Run a loop while the block runs; what is still under way at the end is cancelled."""
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            loop = runner.get_loop()
            thread = threading.Thread(target=_serve, args=(loop,), name="cucmsim", daemon=True)
            thread.start()
            try:
                yield cls(loop)
            finally:
                loop.call_soon_threadsafe(loop.stop)
                thread.join()

    def wait(self, work: Work[T]) -> T:
        """Have the loop do something, and wait for it."""
        future = asyncio.run_coroutine_threadsafe(self._tracked(work), self._loop)
        try:
            return future.result()
        except (AssertionError, CucmsimError) as error:
            raise error.with_traceback(None) from None  # what it says is enough
        finally:
            if future.cancel():  # Ctrl-C, or a test's time limit
                asyncio.run_coroutine_threadsafe(self.settled(), self._loop).result()
                work.close()

    async def awaited(self, work: Work[T]) -> T:
        """Have the loop do something; the loop of the caller goes on meanwhile."""
        future = asyncio.run_coroutine_threadsafe(self._tracked(work), self._loop)
        try:
            return await asyncio.wrap_future(future)
        except (AssertionError, CucmsimError) as error:
            raise error.with_traceback(None) from None  # the same

    async def settled(self) -> None:
        """Wait, on the loop, until what was given up before has come to its end."""
        me = asyncio.current_task()
        if others := [task for task in self._under_way if task is not me]:
            await asyncio.wait(others)

    async def _tracked(self, work: Work[T]) -> T:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in a task
        self._under_way.add(task)
        try:
            return await work
        finally:
            self._under_way.discard(task)

    def call(self, function: Callable[[], T]) -> T:
        """Call a function that waits for nothing, in the loop's thread."""
        return self.wait(_called(function))


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        asyncio.set_event_loop(None)


async def _called(function: Callable[[], T]) -> T:
    return function()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop  # noqa: PLC0415 - not on every system
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop
