"""Our TFTP daemon over the files of a directory, for bench/tftp.py.

    python bench/tftp_server.py DIRECTORY [--port PORT] [--single-port] [--loop asyncio|uvloop]

It is the whole daemon with its journal, without the cluster behind it: `cucmsim run` measures that.
"""

import argparse
import asyncio
import gc
import logging
import signal
from pathlib import Path

import structlog
import uvloop

from cucmsim.clock import SystemClock
from cucmsim.daemons.tftpd import TftpOptions, TftpServer
from cucmsim.services.journal import Journal


class Directory:
    """Every file of a directory, read once."""

    def __init__(self, path: Path) -> None:
        self._files = {file.name: file.read_bytes() for file in path.iterdir() if file.is_file()}

    def cached(self, name: str) -> bytes | None:
        """Return the file."""
        return self._files.get(name)

    async def fetch(self, name: str) -> bytes | None:
        """Return None: what is not in the cache is not there."""
        return self._files.get(name)


async def serve(arguments: argparse.Namespace) -> None:
    """Serve until SIGTERM."""
    server = TftpServer(
        Directory(arguments.directory),
        [(arguments.address, arguments.port)],
        node="bench",
        journal=Journal(),
        clock=SystemClock(),
        options=TftpOptions(single_port=arguments.single_port),
    )
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await server.start()
    gc.freeze()
    await stop.wait()
    await server.stop(0)


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=6969)
    parser.add_argument("--single-port", action="store_true")
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="uvloop")
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    if arguments.loop == "uvloop":
        uvloop.run(serve(arguments))
    else:
        asyncio.run(serve(arguments))


if __name__ == "__main__":
    main()
