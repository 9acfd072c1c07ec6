"""`cucmsim admin`: the command line of a node without a network, on a terminal or in a pipe."""

import os
import selectors
import signal
import socket
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer

from cucmsim.cli.options import ConfigArgument, DataOption, settings_for
from cucmsim.cluster.directory import admin_path, admin_paths
from cucmsim.cluster.settings import Settings
from cucmsim.errors import CommandError, UnreachableError
from cucmsim.protocols.admin_link import (
    FrameKind,
    FrameReader,
    Opening,
    encode_frame,
    size_frame,
)

__all__ = ["register"]

_CHUNK = 65536
_CONNECT_S = 10.0


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("admin")(_admin)


def _admin(
    config: ConfigArgument,
    command: Annotated[
        str | None,
        typer.Argument(metavar="COMMAND", help="Give this one command, as one argument."),
    ] = None,
    node: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The node; default: the publisher, else any here."),
    ] = None,
    data: DataOption = None,
) -> None:
    """Open the administrator's command line of a running node, or give it one command.

    Exit status 1 when the command, or the last one, fails.
    """
    settings = settings_for(config, data)
    terminal = _Terminal()
    opening = Opening(node, command, terminal.kind, *terminal.size())
    with _connected(settings, node) as link, terminal.raw(), terminal.resizes(link):
        link.sendall(opening.frame())
        status = _talk(link, terminal)
    raise typer.Exit(status)


class _Terminal:
    """Our own standard input and output, which may be pipes."""

    def __init__(self) -> None:
        self.input = sys.stdin.fileno()
        self.output = sys.stdout.fileno()
        is_terminal = os.isatty(self.input) and os.isatty(self.output)
        self.kind = os.environ.get("TERM", "dumb") if is_terminal else None

    def size(self) -> tuple[int, int]:
        """Return columns and rows; 0 where there is no terminal."""
        if self.kind is None:
            return 0, 0
        found = os.get_terminal_size(self.output)
        return found.columns, found.lines

    @contextmanager
    def raw(self) -> Iterator[None]:
        """Pass every key on as it is while the block runs."""
        if self.kind is None:
            yield
            return
        before = termios.tcgetattr(self.input)
        tty.setraw(self.input)
        try:
            yield
        finally:
            termios.tcsetattr(self.input, termios.TCSADRAIN, before)

    @contextmanager
    def resizes(self, link: socket.socket) -> Iterator[None]:
        """Tell `link` when the window's size changes."""
        if self.kind is None:
            yield
            return

        def tell(_number: int, _frame: object) -> None:
            with suppress(OSError):
                link.sendall(size_frame(*self.size()))

        before = signal.signal(signal.SIGWINCH, tell)
        try:
            yield
        finally:
            signal.signal(signal.SIGWINCH, before)

    def show(self, data: bytes) -> None:
        """Write all of `data`. Raises CommandError when nobody reads it any more."""
        try:
            while data:
                data = data[os.write(self.output, data) :]
        except BrokenPipeError:
            raise CommandError("nobody reads the output") from None


@contextmanager
def _connected(settings: Settings, node: str | None) -> Iterator[socket.socket]:
    """Connect to the process that runs the node. Raises UnreachableError."""
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with link:
        link.settimeout(_CONNECT_S)
        tried = _paths(settings, node)
        for path in tried:
            try:
                link.connect(str(path))
            except OSError:
                continue
            link.settimeout(None)
            yield link
            return
    raise UnreachableError(
        f"no cluster answers on {tried[0]}; `cucmsim run {settings.path}` starts it"
    )


def _paths(settings: Settings, node: str | None) -> tuple[Path, ...]:
    """Return where the process may listen: that of the whole cluster, or of the node alone.

    Where no node is named, any node that runs here takes the place of a publisher that does not.
    """
    data = settings.cluster.data_directory
    alone = admin_path(data, node or settings.publisher.name)
    others = admin_paths(data) if node is None else []
    return tuple(dict.fromkeys((admin_path(data, None), alone, *others)))


def _talk(link: socket.socket, terminal: _Terminal) -> int:
    """Carry keys and text between terminal and cluster; return the exit status."""
    frames = FrameReader()
    with selectors.DefaultSelector() as selector:
        selector.register(link, selectors.EVENT_READ)
        with suppress(PermissionError):  # a file is always ready, and epoll does not take one
            selector.register(terminal.input, selectors.EVENT_READ)
        if terminal.input not in selector.get_map():
            _send_all(link, terminal.input)
        while True:
            for key, _ in selector.select():
                if key.fileobj is not link:
                    if not _send_keys(link, terminal.input):
                        selector.unregister(terminal.input)
                    continue
                data = link.recv(_CHUNK)
                if not data:
                    raise UnreachableError("the cluster ended the session")
                for frame in frames.read(data):
                    match frame.kind:
                        case FrameKind.EXIT:
                            return frame.payload[0]
                        case FrameKind.ERROR:
                            raise CommandError(frame.payload.decode(errors="replace"))
                        case _:
                            terminal.show(frame.payload)


def _send_keys(link: socket.socket, source: int) -> bool:
    """Pass on what was typed; False at the end of it."""
    keys = os.read(source, _CHUNK)
    with suppress(BrokenPipeError):  # the session is over: its last frame is still to be read
        link.sendall(encode_frame(FrameKind.DATA, keys) if keys else encode_frame(FrameKind.END))
    return bool(keys)


def _send_all(link: socket.socket, source: int) -> None:
    while _send_keys(link, source):
        pass
