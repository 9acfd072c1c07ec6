"""A connection without TLS, behind the same face as `tls.TlsChannel`: bytes pass as they are."""

from cryptography import x509

__all__ = ["PlainChannel"]


class PlainChannel:
    """One plain TCP connection between two buffers; it stands as soon as it is asked to."""

    version = ""
    cipher = ""
    peer_certificate: x509.Certificate | None = None
    closed_by_peer = False
    """Always so: the transport tells when the client closes."""

    def __init__(self) -> None:
        self.established = False
        self._received = bytearray()
        self._outgoing = bytearray()

    def feed(self, data: bytes) -> None:
        """Take bytes that arrived."""
        self._received += data

    def handshake(self) -> bool:
        """Return True: there is nothing to agree on."""
        self.established = True
        return True

    def read(self) -> bytes:
        """Return what arrived and was not read yet."""
        data = bytes(self._received)
        self._received.clear()
        return data

    def write(self, message: bytes) -> None:
        """Take one message to send."""
        self._outgoing += message

    def output(self) -> bytes:
        """Return the bytes to send now."""
        data = bytes(self._outgoing)
        self._outgoing.clear()
        return data

    def close(self) -> None:
        """Do nothing: plain TCP says no goodbye."""
