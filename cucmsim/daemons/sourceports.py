"""From which ports a node asks other clusters for files: a range, where it has one.

The range is that of its TFTP transfers, taken from its other end, so that both find free ports and
a run that is had again has the same.
"""

import errno
import os
import socket
from itertools import cycle, islice

__all__ = ["SourcePorts"]


class SourcePorts:
    """The ports of `address` in turn, the last of the range first."""

    def __init__(self, address: str, ports: range) -> None:
        self._address = address
        self._count = len(ports)
        kinds = socket.SOCK_DGRAM, socket.SOCK_STREAM
        self._next = {kind: cycle(reversed(ports)) for kind in kinds}

    def bind(self, kind: socket.SocketKind) -> socket.socket:
        """Return a socket on the next port that is free. Raises OSError when none is."""
        for port in islice(self._next[kind], self._count):
            bound = socket.socket(socket.AF_INET, kind)
            bound.setblocking(False)  # noqa: FBT003 - the standard library's signature
            if kind is socket.SOCK_STREAM:
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                bound.bind((self._address, port))
            except OSError as error:
                bound.close()
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                return bound
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
