"""`python -m cucmsim.cli.probe [--alive] DIR`: tells whether the node of a data directory is well.

For healthchecks of containers, which run every few seconds: exit status 0 when every service of
every process there is started, else 1 with the reason. It imports nothing but Python's own modules,
so it costs a tenth of `cucmsim status CONFIG --quiet`, and asks the same. With `--alive` it is
enough that every process answers: whoever kills one that does not should spare a node whose
administrator has stopped a service.
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
_ALIVE = "--alive"


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
    only_alive = _ALIVE in arguments[:1]
    directories = arguments[1:] if only_alive else arguments
    if len(directories) != 1:
        sys.stderr.write(f"usage: python -m cucmsim.cli.probe [{_ALIVE}] DIR\n")
        return 2
    sockets = sorted(Path(directories[0]).glob("*.sock"))
    problems = [problem for path in sockets for problem in _problems(path, only_alive=only_alive)]
    if not sockets:
        problems = [f"no node runs in {directories[0]}"]
    well = "every process answers\n" if only_alive else "every service answers\n"
    sys.stdout.write("".join(f"{problem}\n" for problem in problems) or well)
    return 1 if problems else 0


def _problems(path: Path, *, only_alive: bool) -> Iterator[str]:
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
    if not only_alive:
        yield from _stopped(body)


def _stopped(nodes: Mapping[str, Sequence[Mapping[str, str]]]) -> Iterator[str]:
    """Yield each service that is not started."""
    for node, services in nodes.items():
        for service in services:
            if service["state"] != "started":
                yield f"{node}: {service['name']} is {service['state']}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
