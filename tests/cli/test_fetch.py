"""`cucmsim fetch` against our daemon, and against servers that misbehave."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer
from structlog.testing import capture_logs
from typer.testing import CliRunner

from cucmsim.cli import fetch
from cucmsim.clock import SystemClock
from cucmsim.daemons.tftpd import TftpServer
from cucmsim.errors import CommandError, UnreachableError
from cucmsim.services.journal import Journal

CONTENT = bytes(range(256)) * 30


class Files:
    def cached(self, name: str) -> bytes | None:
        return {"ITLFile.tlv": CONTENT, "US/tones.xml": b"<tones/>"}.get(name)

    async def fetch(self, _name: str) -> bytes | None:
        return None


@pytest.fixture
def server() -> Iterator[str]:
    """Run a daemon in a thread; give HOST:PORT."""
    ready: list[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = []
    started = threading.Event()

    async def serve() -> None:
        tftp = TftpServer(
            Files(), [("127.0.0.1", 0)], node="cucm1", journal=Journal(), clock=SystemClock()
        )
        await tftp.start()
        stop = asyncio.Event()
        ready.append((asyncio.get_running_loop(), stop, tftp.ports[0]))
        started.set()
        await stop.wait()
        await tftp.stop(0)

    with capture_logs():  # the daemon's lines are not what the command prints
        thread = threading.Thread(target=asyncio.run, args=(serve(),))
        thread.start()
        assert started.wait(10)
        loop, stop, port = ready[0]
        yield f"127.0.0.1:{port}"
        loop.call_soon_threadsafe(stop.set)
        thread.join()


@pytest.fixture
def liar() -> Iterator[Callable[[bytes], str]]:
    """Make servers that answer their first request with given bytes."""
    sockets: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def make(answer: bytes) -> str:
        bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        bound.bind(("127.0.0.1", 0))
        sockets.append(bound)

        def serve() -> None:
            _, peer = bound.recvfrom(2048)
            bound.sendto(answer, peer)

        thread = threading.Thread(target=serve)
        thread.start()
        threads.append(thread)
        return f"127.0.0.1:{bound.getsockname()[1]}"

    yield make
    for thread in threads:
        thread.join()
    for bound in sockets:
        bound.close()


def run(*arguments: str) -> tuple[bytes, BaseException | None]:
    app = typer.Typer()
    app.callback()(lambda: None)
    fetch.register(app)
    result = CliRunner().invoke(app, ["fetch", *arguments])
    return result.stdout_bytes, result.exception


@pytest.mark.parametrize("options", [(), ("--blksize", "1024")])
def test_a_file_is_written_where_asked(
    server: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "itl"
    output, error = run(server, "ITLFile.tlv", "-o", str(path), *options)
    assert error is None
    assert output.decode() == f"{path}: 7680 bytes\n"
    assert path.read_bytes() == CONTENT
    assert [entry.name for entry in tmp_path.iterdir()] == ["itl"]


def test_a_file_is_written_here_by_its_last_name(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(server, "/US/tones.xml")[1] is None
    assert (tmp_path / "tones.xml").read_bytes() == b"<tones/>"


def test_a_file_is_written_to_standard_output(server: str) -> None:
    assert run(server, "ITLFile.tlv", "-o", "-") == (CONTENT, None)


def test_what_the_server_refuses_is_shown_and_nothing_is_left(server: str, tmp_path: Path) -> None:
    _, error = run(server, "absent", "-o", str(tmp_path / "absent"))
    assert isinstance(error, CommandError)
    assert error.exit_status == 1
    assert str(error) == f"{server}: absent: error 1: File not found"
    _, error = run(server, "../passwd", "-o", str(tmp_path / "absent"))
    assert "error 2: Access violation" in str(error)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_survives_a_refusal(server: str, tmp_path: Path) -> None:
    path = tmp_path / "kept"
    path.write_bytes(b"old")
    run(server, "absent", "-o", str(path))
    assert path.read_bytes() == b"old"


def test_an_error_without_text_is_shown_by_its_code(liar: Callable[[bytes], str]) -> None:
    _, error = run(liar(b"\0\5\0\3"), "f", "-o", "-")
    assert isinstance(error, CommandError)
    assert str(error).endswith("f: error 3")


@pytest.mark.parametrize("answer", [b"\0\x09\0\0", b"\0\3\0", b"", b"\0\6x"])
def test_an_answer_that_is_no_tftp_is_a_refusal(
    answer: bytes, liar: Callable[[bytes], str]
) -> None:
    _, error = run(liar(answer), "f", "-o", "-", "--timeout", "0.1", "--retries", "1")
    assert isinstance(error, CommandError)
    assert error.exit_status in (1, 69)


def test_silence_is_unreachable(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        where = f"127.0.0.1:{silent.getsockname()[1]}"
        path = tmp_path / "f"
        _, error = run(where, "f", "-o", str(path), "--timeout", "0.1", "--retries", "1")
    assert isinstance(error, UnreachableError)
    assert error.exit_status == 69
    assert not path.exists()


def test_a_name_that_does_not_resolve_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_host: str) -> str:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "gethostbyname", fail)
    _, error = run("nowhere.invalid", "f", "-o", "-")
    assert isinstance(error, UnreachableError)
    assert "Name or service not known" in str(error)


@pytest.mark.parametrize("arguments", [("h:0", "f"), ("h:x", "f"), ("h", "/"), ("h", "a\nb")])
def test_a_wrong_argument_is_a_usage_error(arguments: tuple[str, str]) -> None:
    _, error = run(*arguments)
    assert isinstance(error, CommandError)
    assert error.exit_status == 2


def test_a_place_that_cannot_be_written_is_a_usage_error(server: str, tmp_path: Path) -> None:
    _, error = run(server, "ITLFile.tlv", "-o", str(tmp_path / "no" / "f"))
    assert isinstance(error, CommandError)
    assert error.exit_status == 2
    _, error = run(server, "ITLFile.tlv", "-o", str(tmp_path))
    assert isinstance(error, CommandError)
    assert list(tmp_path.parent.glob(".fetch-*")) == []
