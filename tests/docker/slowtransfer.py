"""A TFTP client that takes its time."""

import socket
import struct
import time

__all__ = ["SlowTransfer"]

_BLOCK = 512


class SlowTransfer:
    """Has asked a published port for a file, and got the first block of it."""

    def __init__(self, port: int, name: str, *, pause_s: float) -> None:
        self._pause_s = pause_s
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(5)
        self._socket.connect(("127.0.0.1", port))
        self._socket.send(struct.pack("!H", 1) + name.encode() + b"\0octet\0")
        self._block = self._receive(1)

    def rest(self) -> bytes:
        """Take the other blocks, with a pause before each; return the whole file."""
        received = [self._block]
        with self._socket:
            while len(received[-1]) == _BLOCK:
                time.sleep(self._pause_s)  # the slowness is what is tested
                self._acknowledge(len(received))
                received.append(self._receive(len(received) + 1))
            self._acknowledge(len(received))
        return b"".join(received)

    def _acknowledge(self, number: int) -> None:
        self._socket.send(struct.pack("!HH", 4, number))

    def _receive(self, number: int) -> bytes:
        """Return block `number`; one that is repeated meanwhile is passed over."""
        while True:
            packet = self._socket.recv(2048)
            opcode, found = struct.unpack_from("!HH", packet)
            assert opcode == 3, packet
            if found == number:
                return packet[4:]
