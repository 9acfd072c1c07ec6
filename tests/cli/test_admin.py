"""`cucmsim admin` against a running cluster: one command, pipes, a terminal; its exit status."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cucmsim.cli.admin import _paths
from cucmsim.cluster.cluster import Cluster
from cucmsim.cluster.directory import admin_path
from cucmsim.protocols.admin_link import FrameKind, FrameReader, Opening, encode_frame
from tests.fixtures.clusters import PUBLISHER, SUBSCRIBER, Lab, RunningProcess
from tests.fixtures.terminal import on_terminal

TIMEOUT_S = 60
UNKNOWN = "Executed command unsuccessfully\nNo valid command entered\n"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProcess]:
    with Lab(tmp_path_factory.mktemp("admin")).process() as process:
        yield process


def _admin(lab: Lab, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    command = lab.command("admin", str(lab.config), *arguments)
    return subprocess.run(
        command, input=typed, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )


def test_one_command_prints_its_output_and_ends_with_its_status(running: RunningProcess) -> None:
    done = _admin(running.lab, "show hostname")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"hostname : {PUBLISHER}\n", "")
    failed = _admin(running.lab, "show nothing")
    assert (failed.returncode, failed.stdout) == (1, UNKNOWN)


def test_another_node_is_chosen_by_name(running: RunningProcess) -> None:
    done = _admin(running.lab, "--node", SUBSCRIBER, "show hostname")
    assert done.stdout == f"hostname : {SUBSCRIBER}\n"
    missing = _admin(running.lab, "--node", "nowhere", "show hostname")
    assert missing.returncode == 1
    assert "no node 'nowhere' in this process; it runs: " in missing.stderr


def test_commands_may_come_through_a_pipe(running: RunningProcess) -> None:
    done = _admin(running.lab, typed="show cli pagination\nshow hostname")
    banner, *shown = done.stdout.split("admin:")
    assert banner.endswith("\t6144 Mbytes RAM\n\n")
    assert shown == ["Automatic Pagination : On.\n", f"hostname : {PUBLISHER}\n", ""]
    assert done.returncode == 0
    assert _admin(running.lab, typed="nothing\nexit\nshow itl\n").returncode == 0


def test_a_file_may_be_the_input(running: RunningProcess, tmp_path: Path) -> None:
    typed = tmp_path / "commands"
    typed.write_text("show hostname\n")
    with typed.open() as source:
        done = subprocess.run(
            running.lab.command("admin", str(running.lab.config)),
            stdin=source,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    assert f"admin:hostname : {PUBLISHER}\n" in done.stdout


def test_on_a_terminal_it_is_the_command_line_with_echo_and_pager(
    running: RunningProcess,
) -> None:
    with on_terminal(running.lab.command("admin", str(running.lab.config)), rows=10) as terminal:
        terminal.expect("admin:")
        terminal.type("show it\t\r")
        assert "show itl \r\n" in terminal.expect("to quit")
        terminal.type("q")
        terminal.expect("admin:")
        terminal.type("exit\r")
        assert terminal.ends() == 0


def test_a_cluster_that_does_not_run_is_unreachable(lab: Lab) -> None:
    lab.write()
    done = _admin(lab, "show hostname")
    assert done.returncode == 69
    assert "no cluster answers on " in done.stderr


@pytest.fixture
def socket_of(lab: Lab) -> Path:
    return admin_path(lab.data, None)


async def _answers(path: Path, *data: bytes) -> list[FrameKind]:
    """Send bytes to the socket; return the kinds of frames that come until it is closed."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    for one in data:
        writer.write(one)
    writer.write_eof()
    got = await asyncio.wait_for(reader.read(), TIMEOUT_S)
    writer.close()
    await writer.wait_closed()
    return [frame.kind for frame in FrameReader().read(got)]


@pytest.mark.usefixtures("quiet")
async def test_a_client_that_keeps_to_no_rules_is_left(lab: Lab, socket_of: Path) -> None:
    async with lab.running():
        assert await _answers(socket_of) == []
        assert await _answers(socket_of, b"rubbish") == []
        assert await _answers(socket_of, encode_frame(FrameKind.DATA)) == []
        kinds = await _answers(socket_of, Opening().frame(), encode_frame(FrameKind.EXIT))
        assert FrameKind.EXIT not in kinds
        assert os.stat(socket_of).st_mode & 0o777 == 0o600  # noqa: PTH116  at once


@pytest.mark.usefixtures("quiet")
async def test_a_session_ends_with_the_cluster(lab: Lab, socket_of: Path) -> None:
    async with lab.running() as cluster:
        assert isinstance(cluster, Cluster)
        reader, writer = await asyncio.open_unix_connection(str(socket_of))
        writer.write(Opening().frame())
        await asyncio.wait_for(reader.readuntil(b"admin:"), TIMEOUT_S)
    rest = FrameReader().read(await asyncio.wait_for(reader.read(), TIMEOUT_S))
    assert [frame.kind for frame in rest] == [FrameKind.EXIT]
    writer.close()
    await writer.wait_closed()
    assert not list(lab.data.glob("*.cli"))


def test_without_a_name_it_is_the_one_node_that_runs_here(lab: Lab) -> None:
    settings = lab.settings()
    lab.data.mkdir()
    here = lab.data / f"{SUBSCRIBER}.cli"
    here.touch()
    assert _paths(settings, None)[-1] == here
    assert here not in _paths(settings, PUBLISHER)
