"""Sessions of the command line over no network at all: what a carrier and a command meet."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest
import pytest_asyncio

from cucmsim.clock import SystemClock
from cucmsim.daemons.console import Console, end_sessions
from cucmsim.protocols.admin_editor import Echo, Terminal
from cucmsim.protocols.admin_events import Question
from cucmsim.services.admin.command import Arguments, Command, Context, Steps
from cucmsim.services.admin.commandline import CommandLine
from tests.fixtures.clusters import PUBLISHER, Lab

WAIT_S = 30


@dataclass
class Screen:
    """What a console has sent, and a way to wait for more."""

    shown: str = ""
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def send(self, data: bytes) -> None:
        self.shown += data.decode()
        self.changed.set()

    async def until(self, text: str) -> None:
        async with asyncio.timeout(WAIT_S):
            while text not in self.shown:
                self.changed.clear()
                await self.changed.wait()


class Commands:
    """Commands that wait until a test lets them go."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.may_end = asyncio.Event()
        self.was_cancelled = False

    async def wait(self, _context: Context, _arguments: Arguments) -> Steps:
        yield "waiting\n"
        self.began.set()
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        yield "done\n"

    async def ask(self, _context: Context, _arguments: Arguments) -> Steps:
        answer = yield Question("Password: ", Echo.STARS)
        yield f"{len(answer)}\n"

    async def print_lines(self, _context: Context, _arguments: Arguments) -> Steps:
        for number in range(30):
            yield f"line {number}\n"

    def table(self) -> tuple[Command, ...]:
        return (
            Command.of("wait", self.wait),
            Command.of("ask", self.ask),
            Command.of("print", self.print_lines),
        )


@pytest_asyncio.fixture
async def line(lab: Lab, quiet: None) -> AsyncIterator[CommandLine]:  # noqa: ARG001  no log
    async with lab.running() as cluster:
        yield cluster.command_lines[PUBLISHER]


@pytest.fixture
def commands() -> Commands:
    return Commands()


@asynccontextmanager
async def _held(
    line: CommandLine, commands: Commands, timeout_s: float = 0.0
) -> AsyncIterator[tuple[Console, Screen, asyncio.Task[None]]]:
    table = dict(line.commands) | {one.syntax: one for one in commands.table()}
    opened = replace(line, commands=table).open("admin", 4, Terminal(rows=10))
    opened.context.session.timeout_s = timeout_s
    screen = Screen()
    console = Console(opened, SystemClock(), screen.send)
    task = asyncio.create_task(console.run("Welcome\n"))
    try:
        await screen.until("admin:")
        yield console, screen, task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_a_command_s_text_arrives_and_exit_ends_the_session(
    line: CommandLine, commands: Commands
) -> None:
    async with _held(line, commands) as (console, screen, task):
        console.receive_data(b"show cli pagination\rexit\r")
        await asyncio.wait_for(task, WAIT_S)
        assert screen.shown == (
            "Welcome\r\nadmin:show cli pagination\r\nAutomatic Pagination : On.\r\nadmin:exit\r\n"
        )
        assert (console.commands_given, console.has_succeeded) == (2, True)


async def test_ctrl_c_cancels_the_command_and_the_session_goes_on(
    line: CommandLine, commands: Commands
) -> None:
    async with _held(line, commands) as (console, screen, _):
        console.receive_data(b"wait\r")
        await asyncio.wait_for(commands.began.wait(), WAIT_S)
        console.receive_data(b"\x03")
        await screen.until("waiting\r\nadmin:")
        assert commands.was_cancelled
        assert not console.has_succeeded


async def test_an_answer_reaches_the_command_that_asked(
    line: CommandLine, commands: Commands
) -> None:
    async with _held(line, commands) as (console, screen, _):
        console.receive_data(b"ask\r")
        await screen.until("Password: ")
        console.receive_data(b"12345\r")
        await screen.until("*****\r\n5\r\nadmin:")
        console.receive_data(b"ask\rtyped ahead\r")
        await screen.until("11\r\nadmin:")


async def test_a_command_waits_for_the_pager(line: CommandLine, commands: Commands) -> None:
    async with _held(line, commands) as (console, screen, _):
        console.receive_data(b"print\r")
        await screen.until("to quit")
        assert "line 9\r\n" not in screen.shown
        console.receive_data(b" ")
        await screen.until("line 17\r\n\x1b[1mPress")
        console.receive_data(b"q")
        await screen.until("\x1b[Kadmin:")
        assert "line 18\r\n" not in screen.shown


async def test_a_command_waits_for_a_slow_client(line: CommandLine, commands: Commands) -> None:
    async with _held(line, commands) as (console, screen, _):
        console.pause()
        console.receive_data(b"wait\r")
        await screen.until("waiting\r\n")
        assert not commands.began.is_set()
        console.resume()
        await asyncio.wait_for(commands.began.wait(), WAIT_S)


async def test_a_lost_connection_cancels_the_command(line: CommandLine, commands: Commands) -> None:
    async with _held(line, commands) as (console, _, task):
        console.receive_data(b"wait\r")
        await asyncio.wait_for(commands.began.wait(), WAIT_S)
        task.cancel()
        await asyncio.wait([task])
        assert commands.was_cancelled
        console.receive_data(b"show itl\r")
        console.receive_eof()


async def test_a_session_without_keys_ends_by_itself_also_at_a_question(
    line: CommandLine, commands: Commands
) -> None:
    async with _held(line, commands, timeout_s=0.05) as (console, screen, task):
        console.receive_data(b"ask\r")
        await asyncio.wait_for(task, WAIT_S)
        assert screen.shown.endswith("Password: \r\n")


async def test_the_end_of_input_ends_the_session(line: CommandLine, commands: Commands) -> None:
    async with _held(line, commands) as (console, _, task):
        console.resize(Terminal(rows=5))
        console.receive_data(b"show cli pagination")
        console.receive_eof()
        await asyncio.wait_for(task, WAIT_S)
        assert console.commands_given == 1


async def test_a_client_that_types_without_end_is_left(
    line: CommandLine, commands: Commands
) -> None:
    async with _held(line, commands) as (console, _, task):
        console.receive_data(b"wait\r")
        await asyncio.wait_for(commands.began.wait(), WAIT_S)
        console.receive_data(b"x" * 1_000_001)
        await asyncio.wait_for(task, WAIT_S)
        assert commands.was_cancelled


async def test_at_a_stop_idle_sessions_end_at_once_and_commands_may_finish(
    line: CommandLine, commands: Commands
) -> None:
    async with _held(line, commands) as (idle, _, first), _held(line, commands) as held:
        busy, screen, second = held
        busy.receive_data(b"wait\r")
        await asyncio.wait_for(commands.began.wait(), WAIT_S)
        ending = asyncio.create_task(end_sessions({first: idle, second: busy}, WAIT_S))
        await asyncio.wait_for(first, WAIT_S)
        assert not second.done()
        commands.may_end.set()
        await asyncio.wait_for(ending, WAIT_S)
        assert screen.shown.endswith("done\r\n")
        assert not commands.was_cancelled


async def test_a_command_that_does_not_finish_is_cancelled_at_a_stop(
    line: CommandLine, commands: Commands
) -> None:
    async with _held(line, commands) as (busy, _, task):
        busy.receive_data(b"wait\r")
        await asyncio.wait_for(commands.began.wait(), WAIT_S)
        await end_sessions({task: busy}, 0)
        assert commands.was_cancelled
        await end_sessions({}, 0)
