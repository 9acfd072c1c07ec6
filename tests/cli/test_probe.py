"""The healthcheck, against sockets that answer well, badly or not at all."""

import json
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cucmsim.cli import probe


@pytest.fixture
def data() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:  # a socket's path must be short
        yield Path(name)


@contextmanager
def _answering(path: Path, answer: bytes) -> Iterator[None]:
    """Answer one request on a socket with `answer`."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(path))
        listening.listen()
        thread = threading.Thread(target=_answer, args=(listening, answer))
        thread.start()
        yield
        thread.join()


def _answer(listening: socket.socket, answer: bytes) -> None:
    connection, _ = listening.accept()
    with connection:
        while not connection.recv(4096).endswith(b"\r\n\r\n"):
            pass
        connection.sendall(answer)


def _services(tftp: str) -> bytes:
    body = json.dumps({"cucm-pub": [{"name": "tftp", "state": tftp}]}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def test_is_content_when_every_service_is_started(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with _answering(data / "cucm-pub.sock", _services("started")):
        assert probe.main([str(data)]) == 0
    assert capsys.readouterr().out == "every service answers\n"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (_services("stopped"), "cucm-pub: tftp is stopped"),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\n{}", "found status 500, expected 200"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{", "Expecting property name"),
        (b"", "Remote end closed connection"),
    ],
)
def test_says_what_is_wrong(
    data: Path, capsys: pytest.CaptureFixture[str], answer: bytes, said: str
) -> None:
    with _answering(data / "cucm-pub.sock", answer):
        assert probe.main([str(data)]) == 1
    assert said in capsys.readouterr().out


def test_a_node_whose_services_are_stopped_is_alive(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with _answering(data / "cucm-pub.sock", _services("stopped")):
        assert probe.main(["--alive", str(data)]) == 0
    assert capsys.readouterr().out == "every process answers\n"


def test_a_socket_that_a_killed_process_left_is_no_health(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left:
        left.bind(str(data / "cucm-pub.sock"))
    for arguments in ([str(data)], ["--alive", str(data)]):
        assert probe.main(arguments) == 1
        assert "refused" in capsys.readouterr().out


def test_no_process_is_no_health(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert probe.main([str(data)]) == 1
    assert capsys.readouterr().out == f"no node runs in {data}\n"


@pytest.mark.parametrize("arguments", [[], ["--alive"], ["data", "--alive"]])
def test_asks_for_one_directory(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert probe.main(arguments) == 2
    assert "usage" in capsys.readouterr().err
