"""`python -m cucmsim.cli.probe DIR`: tells whether the node whose data directory is DIR is well.

For healthchecks of containers, which run every few seconds: exit status 0 when every service of
every process there is started, else 1 with the reason. It imports nothing but Python's own modules,
so it costs a tenth of `cucmsim status CONFIG --quiet`, and asks the same.
"""

import json
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path

__all__ = ["main"]

_TIMEOUT_S = 3.0
_OK = 200


class _UnixConnection(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("node", timeout=_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket. Raises OSError."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_TIMEOUT_S)
        self.sock.connect(str(self._path))


def main(arguments: Sequence[str]) -> int:
    """Probe the data directory that `arguments` names; return the exit status."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m cucmsim.cli.probe DIR\n")
        return 2
    sockets = sorted(Path(arguments[0]).glob("*.sock"))
    problems = [problem for path in sockets for problem in _problems(path)]
    if not sockets:
        problems = [f"no node runs in {arguments[0]}"]
    sys.stdout.write("".join(f"{problem}\n" for problem in problems) or "every service answers\n")
    return 1 if problems else 0


def _problems(path: Path) -> Iterator[str]:
    """Yield what is wrong with the process behind a management socket."""
    connection = _UnixConnection(path)
    try:
        connection.request("GET", "/services")
        answer = connection.getresponse()
        body = json.loads(answer.read())
    except (OSError, HTTPException, ValueError) as error:
        yield f"{path}: {error or type(error).__name__}"
        return
    finally:
        connection.close()
    if answer.status != _OK:
        yield f"{path}: found status {answer.status}, expected {_OK}"
        return
    yield from _stopped(body)


def _stopped(nodes: Mapping[str, Sequence[Mapping[str, str]]]) -> Iterator[str]:
    """Yield each service that is not started."""
    for node, services in nodes.items():
        for service in services:
            if service["state"] != "started":
                yield f"{node}: {service['name']} is {service['state']}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
