"""Runs one session of the command line over whatever carries its bytes.

The carrier gives `receive_data`, `receive_eof` and `resize` what it gets and is handed bytes by
`send`; `run` lasts as long as the session. Each command is a task of its own: Ctrl-C cancels that,
a lost connection everything.
"""

import asyncio
from collections.abc import Callable, Mapping

from cucmsim.clock import Clock
from cucmsim.errors import RemoteProtocolError
from cucmsim.protocols.admin_editor import Terminal
from cucmsim.protocols.admin_events import (
    Answered,
    CommandEntered,
    Interrupted,
    OutputResumed,
    Question,
    SessionEnded,
)
from cucmsim.protocols.admin_session import State
from cucmsim.services.admin.commandline import OpenSession
from cucmsim.services.admin.shell import Outcome

__all__ = ["Console", "end_sessions"]


class Console:
    """A running session. Also the dialogue that its commands speak through."""

    def __init__(self, opened: OpenSession, clock: Clock, send: Callable[[bytes], None]) -> None:
        self.commands_given = 0
        self.has_succeeded = True
        self._opened = opened
        self._session = opened.session
        self._clock = clock
        self._send = send
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._command: asyncio.Task[Outcome] | None = None
        self._answer: asyncio.Future[str] | None = None
        self._resumed = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._timer: asyncio.TimerHandle | None = None
        self._has_ended = False
        self._is_leaving = False

    # what the carrier gets

    def receive_data(self, data: bytes) -> None:
        """Take keys; a client that types without end is left."""
        if self._has_ended:
            return
        try:
            self._session.receive_data(data, self._clock.monotonic())
        except RemoteProtocolError:
            self._session.close()
        self._pump()

    def receive_eof(self) -> None:
        """Note that no more keys come."""
        if not self._has_ended:
            self._session.receive_eof()
            self._pump()

    def resize(self, terminal: Terminal) -> None:
        """Note another size of the window."""
        self._session.resize(terminal)

    def pause(self) -> None:
        """Write no more for now: the client reads slowly."""
        self._writable.clear()

    def resume(self) -> None:
        """Write again."""
        self._writable.set()

    def leave(self) -> None:
        """End the session: at the prompt at once, else after the command that runs."""
        self._is_leaving = True
        if self._session.state in (State.PROMPT, State.ASKING, State.PAGING):
            self._session.close()
            self._pump()

    # the session

    async def run(self, banner: str) -> None:
        """Hold a session, from its banner to its end."""
        self._session.start(banner, self._clock.monotonic())
        await self._work()

    async def run_command(self, line: str) -> None:
        """Carry out one command without a prompt; `has_succeeded` tells how it went."""
        self._session.start_command(line, self._clock.monotonic())
        await self._work()

    async def _work(self) -> None:
        try:
            self._pump()
            while (line := await self._lines.get()) is not None:
                await self._execute(line)
        finally:
            self._has_ended = True
            if self._timer is not None:
                self._timer.cancel()

    async def _execute(self, line: str) -> None:
        self.commands_given += 1
        self._command = asyncio.create_task(self._opened.carry_out(line, self))
        try:
            await asyncio.wait([self._command])
        finally:
            if not self._command.done():
                self._command.cancel()
                await asyncio.wait([self._command])
        cancelled = self._command.cancelled()
        outcome = Outcome(succeeded=False) if cancelled else self._command.result()
        self._command = None
        self.has_succeeded = outcome.succeeded
        if self._session.state is State.CLOSED:
            return
        if outcome.leaves or self._is_leaving:
            self._session.close()
        else:
            self._session.finish(self._clock.monotonic())
        self._pump()

    def _pump(self) -> None:
        """Send what is to be sent, act on what happened, and set the time-out."""
        while (event := self._session.next_event()) is not None:
            match event:
                case CommandEntered(line):
                    self._lines.put_nowait(line)
                case Answered(text):
                    self._settle(text)
                case Interrupted():
                    self._cancel()
                case OutputResumed():
                    self._resumed.set()
                case SessionEnded():
                    self._has_ended = True
                    self._cancel()
                    self._lines.put_nowait(None)
        data = self._session.data_to_send()
        if data:
            self._send(data)
        self._set_timer()

    def _settle(self, text: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(text)

    def _cancel(self) -> None:
        if self._command is not None:
            self._command.cancel()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self._session.next_timeout()
        if due is not None:
            delay = max(due - self._clock.monotonic(), 0.0)
            self._timer = asyncio.get_running_loop().call_later(delay, self._time_out)

    def _time_out(self) -> None:
        self._session.handle_timeout(self._clock.monotonic())
        self._pump()

    # what commands use

    async def write(self, text: str) -> None:
        """Show text; returns when the pager and the client have taken it."""
        self._resumed.clear()
        self._session.write(text)
        self._pump()
        if self._session.state is State.PAGING:
            await self._resumed.wait()
        await self._writable.wait()

    async def ask(self, question: Question) -> str:
        """Ask, and wait for the answer."""
        self._answer = asyncio.get_running_loop().create_future()
        self._session.ask(question)
        self._pump()
        try:
            return await self._answer
        finally:
            self._answer = None


async def end_sessions(sessions: Mapping[asyncio.Task[None], Console], drain_s: float) -> None:
    """End sessions; commands that run get `drain_s` seconds to finish."""
    tasks = tuple(sessions)
    for console in tuple(sessions.values()):
        console.leave()
    if not tasks:
        return
    await asyncio.wait(tasks, timeout=drain_s)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
