"""The command line on a Unix socket: which node answers, and a client that reads slowly."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from cucmsim.clock import SystemClock
from cucmsim.daemons.admind import AdminServer
from cucmsim.errors import StoreError
from cucmsim.protocols.admin_link import (
    Frame,
    FrameKind,
    FrameReader,
    Opening,
    encode_frame,
    size_frame,
)
from cucmsim.services.admin.command import Arguments, Command, Context, Steps
from cucmsim.services.admin.commandline import CommandLine
from tests.fixtures.clusters import PUBLISHER, SUBSCRIBER, Lab

WAIT_S = 60
LINES, LINE = 200, "x" * 50_000 + "\n"


@pytest_asyncio.fixture
async def lines(lab: Lab, quiet: None) -> AsyncIterator[dict[str, CommandLine]]:  # noqa: ARG001
    async with lab.running() as cluster:
        yield cluster.command_lines


async def _ask(path: Path, opening: Opening) -> list[Frame]:
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(opening.frame())
    data = await asyncio.wait_for(reader.read(), WAIT_S)
    writer.close()
    await writer.wait_closed()
    return FrameReader().read(data)


async def test_without_a_name_the_publisher_answers_or_else_the_first(
    lines: dict[str, CommandLine], tmp_path: Path
) -> None:
    opening = Opening(command="show hostname")
    for nodes, name in ((lines, PUBLISHER), ({SUBSCRIBER: lines[SUBSCRIBER]}, SUBSCRIBER)):
        server = AdminServer(tmp_path / "cli", nodes, SystemClock())
        await server.start()
        frames = await _ask(tmp_path / "cli", opening)
        assert frames == [
            Frame(FrameKind.DATA, f"hostname : {name}\n".encode()),
            Frame(FrameKind.EXIT, b"\0"),
        ]
        await server.stop(0)
        await server.stop(0)


async def test_a_process_without_the_node_says_which_it_runs(
    lines: dict[str, CommandLine], tmp_path: Path
) -> None:
    server = AdminServer(tmp_path / "cli", lines, SystemClock())
    await server.start()
    frames = await _ask(tmp_path / "cli", Opening(node="nowhere"))
    text = f"no node 'nowhere' in this process; it runs: {PUBLISHER}, {SUBSCRIBER}"
    assert frames == [Frame(FrameKind.ERROR, text.encode())]
    await server.stop(0)


async def test_a_session_that_cannot_be_opened_is_refused_in_words(
    lines: dict[str, CommandLine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StoreError("node 'pub' has no version in the store")

    monkeypatch.setattr(CommandLine, "open", fail)
    server = AdminServer(tmp_path / "cli", lines, SystemClock())
    await server.start()
    frames = await _ask(tmp_path / "cli", Opening())
    assert frames == [Frame(FrameKind.ERROR, b"node 'pub' has no version in the store")]
    await server.stop(0)


def _printing(line: CommandLine) -> tuple[CommandLine, list[str]]:
    """Add `print much` to the commands; what it has written so far is in the list."""
    written: list[str] = []

    async def print_much(_context: Context, _arguments: Arguments) -> Steps:
        for _ in range(LINES):
            written.append(LINE)
            yield LINE

    much = Command.of("print much", print_much)
    return replace(line, commands={**line.commands, much.syntax: much}), written


async def test_a_command_waits_for_a_client_that_does_not_read(
    lines: dict[str, CommandLine], tmp_path: Path
) -> None:
    line, written = _printing(lines[PUBLISHER])
    server = AdminServer(tmp_path / "cli", {PUBLISHER: line}, SystemClock())
    await server.start()
    reader, writer = await asyncio.open_unix_connection(str(tmp_path / "cli"))
    writer.write(Opening(command="print much").frame())
    await _ask(tmp_path / "cli", Opening(command="show hostname"))  # others are served meanwhile
    assert len(written) < LINES
    frames = FrameReader().read(await asyncio.wait_for(reader.read(), WAIT_S))
    assert b"".join(one.payload for one in frames[:-1]).decode() == LINE * LINES
    assert frames[-1] == Frame(FrameKind.EXIT, b"\0")
    writer.close()
    await writer.wait_closed()
    await server.stop(0)


async def test_stop_does_not_wait_for_a_client_that_does_not_read(
    lines: dict[str, CommandLine], tmp_path: Path
) -> None:
    line, written = _printing(lines[PUBLISHER])
    server = AdminServer(tmp_path / "cli", {PUBLISHER: line}, SystemClock())
    await server.start()
    _, writer = await asyncio.open_unix_connection(str(tmp_path / "cli"))
    writer.write(Opening(command="print much").frame())
    await _ask(tmp_path / "cli", Opening(command="show hostname"))
    await asyncio.wait_for(server.stop(0), WAIT_S)
    assert 0 < len(written) < LINES
    assert not (tmp_path / "cli").exists()
    writer.close()


async def test_a_command_ends_when_its_client_goes_away(
    lines: dict[str, CommandLine], tmp_path: Path
) -> None:
    gone = asyncio.Event()

    async def wait(_context: Context, _arguments: Arguments) -> Steps:
        try:
            yield "begun\n"
            await asyncio.Event().wait()
        finally:
            gone.set()

    waiting = Command.of("wait here", wait)
    line = replace(lines[PUBLISHER], commands={waiting.syntax: waiting})
    server = AdminServer(tmp_path / "cli", {PUBLISHER: line}, SystemClock())
    await server.start()
    reader, writer = await asyncio.open_unix_connection(str(tmp_path / "cli"))
    writer.write(Opening(command="wait here").frame())
    await asyncio.wait_for(reader.read(1), WAIT_S)
    writer.close()
    await asyncio.wait_for(gone.wait(), WAIT_S)
    await server.stop(0)


@pytest.mark.parametrize(
    "sent",
    [
        encode_frame(FrameKind.DATA, b"show itl"),
        b"",
        Opening().frame() + encode_frame(FrameKind.EXIT, b"\0"),
    ],
    ids=["no opening", "nothing", "a server's frame"],
)
async def test_a_client_that_breaks_the_protocol_is_left(
    lines: dict[str, CommandLine], tmp_path: Path, sent: bytes
) -> None:
    server = AdminServer(tmp_path / "cli", lines, SystemClock())
    await server.start()
    reader, writer = await asyncio.open_unix_connection(str(tmp_path / "cli"))
    writer.write(sent)
    writer.write_eof()
    frames = FrameReader().read(await asyncio.wait_for(reader.read(), WAIT_S))
    assert all(frame.kind is FrameKind.DATA for frame in frames)
    writer.close()
    await writer.wait_closed()
    await server.stop(0)


async def test_a_session_takes_keys_a_new_size_and_the_end_of_keys(
    lines: dict[str, CommandLine], tmp_path: Path
) -> None:
    server = AdminServer(tmp_path / "cli", lines, SystemClock())
    await server.start()
    reader, writer = await asyncio.open_unix_connection(str(tmp_path / "cli"))
    writer.write(Opening(None, None, "dumb", 80, 24).frame() + size_frame(100, 50))
    writer.write(encode_frame(FrameKind.DATA, b"show hostname\r"))
    writer.write(encode_frame(FrameKind.END))
    frames = FrameReader().read(await asyncio.wait_for(reader.read(), WAIT_S))
    assert f"hostname : {PUBLISHER}".encode() in b"".join(one.payload for one in frames)
    assert frames[-1].kind is FrameKind.EXIT
    writer.close()
    await writer.wait_closed()
    await server.stop(0)
