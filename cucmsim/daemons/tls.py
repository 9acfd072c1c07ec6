"""TLS for the daemons that phones reach over TCP: TVS, CAPF and what follows them.

pyOpenSSL over memory buffers: bytes go in and come out, sockets and the loop are `connection.py`'s.
The standard library cannot do this: it has no verify callback, so it cannot take any client
certificate and still read it, and old phones need TLS 1.0 with AES256-SHA at security level 0.

Source: the TVS reference (7900 phones speak TLS 1.0 with AES256-SHA only) and the performance
notes (the cipher string is set before a certificate of 1024 bits or with SHA-1 is loaded).
"""

import contextlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from functools import partial
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from OpenSSL import SSL

from cucmsim.errors import RemoteProtocolError, StartError

__all__ = [
    "DEFAULT_CIPHERS",
    "TlsChannel",
    "TlsIdentity",
    "TlsPolicy",
    "TlsVersion",
    "server_context",
]

DEFAULT_CIPHERS = "DEFAULT:AES256-SHA:@SECLEVEL=0"
"""Not `ALL`: that adds ciphers without authentication."""

_READ_SIZE = 65536


class TlsVersion(IntEnum):
    """TLS versions, by their numbers on the wire."""

    TLS_1_0 = 0x0301
    TLS_1_1 = 0x0302
    TLS_1_2 = 0x0303
    TLS_1_3 = 0x0304


@dataclass(frozen=True, slots=True)
class TlsIdentity:
    """What a server presents: its certificate, the key to it, and the issuers to send along."""

    certificate: x509.Certificate
    private_key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    chain: tuple[x509.Certificate, ...] = ()


@dataclass(frozen=True, slots=True)
class TlsPolicy:
    """Which TLS a server speaks.

    `ciphers` hold up to TLS 1.2, `suites` for TLS 1.3 ("": all of them).
    `request_client_certificate` asks for one and takes any, or none. `keylog` is a file that
    receives key-log lines for Wireshark, `secrets` takes them one by one.
    """

    minimum_version: TlsVersion = TlsVersion.TLS_1_0
    maximum_version: TlsVersion = TlsVersion.TLS_1_3
    ciphers: str = DEFAULT_CIPHERS
    suites: str = ""
    request_client_certificate: bool = False
    keylog: Path | None = None
    secrets: Callable[[bytes], None] | None = field(default=None, compare=False)


def server_context(name: str, identity: TlsIdentity, policy: TlsPolicy) -> SSL.Context:
    """Build what every connection of the service `name` shares.

    No session is ever resumed (seed 002: `caching disabled`), and no empty record is put before a
    message: phones stall on a message that arrives in two parts.
    Raises StartError when the policy or the identity cannot be used.
    """
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_options(
        SSL.OP_ALL
        | SSL.OP_DONT_INSERT_EMPTY_FRAGMENTS
        | SSL.OP_NO_COMPRESSION
        | SSL.OP_NO_RENEGOTIATION
        | SSL.OP_NO_TICKET
    )
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_session_id(b"cucmsim")
    try:
        context.set_min_proto_version(policy.minimum_version)
        context.set_max_proto_version(policy.maximum_version)
        context.set_cipher_list(policy.ciphers.encode())
        if policy.suites:
            context.set_tls13_ciphersuites(policy.suites.encode())
        _load_identity(context, identity)
    except SSL.Error as error:
        raise StartError(f"{name}: TLS cannot be set up: {_reason(error)}") from error
    if policy.request_client_certificate:
        context.set_verify(SSL.VERIFY_PEER, _accept_any)
    takers = [policy.secrets] if policy.secrets else []
    if policy.keylog is not None:
        takers.append(_keylog_writer(policy.keylog))
    if takers:
        context.set_keylog_callback(partial(_give_secret, takers))
    return context


def _give_secret(
    takers: Iterable[Callable[[bytes], None]], _connection: SSL.Connection, line: bytes
) -> None:
    for take in takers:
        take(line)


def _load_identity(context: SSL.Context, identity: TlsIdentity) -> None:
    """Give `context` its certificate, key and chain, after its ciphers."""
    context.use_certificate(identity.certificate)
    context.use_privatekey(identity.private_key)
    context.check_privatekey()
    for certificate in identity.chain:
        context.add_extra_chain_cert(certificate)


def _accept_any(*_verification: object) -> bool:
    """Accept whatever certificate a phone presents; services decide about it."""
    return True


def _keylog_writer(path: Path) -> Callable[[bytes], None]:
    """Return what appends a key-log line to `path`, a file only its owner may read.

    Raises StartError when it cannot be written.
    """
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    except OSError as error:
        raise StartError(f"cannot write the key log {path}: {error.strerror}") from error

    def write(line: bytes) -> None:
        # a full disk is no reason to end a connection, nor to print a traceback for each
        with contextlib.suppress(OSError), path.open("ab") as keylog:
            keylog.write(line + b"\n")

    return write


def _reason(error: SSL.Error) -> str:
    """Say in words what OpenSSL reports."""
    if error.args and isinstance(error.args[0], list):
        return "; ".join(entry[-1] for entry in error.args[0]) or "unknown error"
    return " ".join(str(part) for part in error.args) or type(error).__name__


class TlsChannel:
    """One server-side TLS connection between two buffers.

    Every method that consumes the peer's bytes raises RemoteProtocolError when TLS refuses them;
    `output()` then still holds the alert to send.
    """

    def __init__(self, context: SSL.Context) -> None:
        self._tls = SSL.Connection(context, None)
        self._tls.set_accept_state()
        self.established = False
        self.closed_by_peer = False
        self._broken = False

    def feed(self, ciphertext: bytes) -> None:
        """Take bytes that arrived."""
        self._tls.bio_write(ciphertext)

    def handshake(self) -> bool:
        """Go on with the handshake; return whether it is done."""
        try:
            self._tls.do_handshake()
        except SSL.WantReadError:
            return False
        except SSL.Error as error:
            self._broken = True
            raise RemoteProtocolError(f"TLS handshake failed: {_reason(error)}") from error
        self.established = True
        return True

    def read(self) -> bytes:
        """Return what is decrypted so far, b"" when there is nothing (or no more)."""
        try:
            return self._tls.recv(_READ_SIZE)
        except SSL.WantReadError:
            return b""
        except SSL.ZeroReturnError:
            self.closed_by_peer = True
            return b""
        except SSL.Error as error:
            self._broken = True
            raise RemoteProtocolError(f"TLS failed: {_reason(error)}") from error

    def write(self, message: bytes) -> None:
        """Encrypt one message: one TLS record as long as it fits into 16 KiB.

        Does nothing on a connection that does not stand (any more).
        """
        if self.established and not self._broken:
            self._tls.sendall(message)

    def output(self) -> bytes:
        """Return the bytes to send now."""
        parts = []
        try:
            while True:
                part = self._tls.bio_read(_READ_SIZE)
                parts.append(part)
                if len(part) < _READ_SIZE:
                    break
        except SSL.WantReadError:
            pass  # nothing, or nothing more
        return b"".join(parts)

    def close(self) -> None:
        """Put the close alert into the output, if the connection stands."""
        if self.established and not self._broken:
            self._tls.shutdown()

    @property
    def version(self) -> str:
        """The version agreed on, such as `TLSv1.2`."""
        return self._tls.get_protocol_version_name()

    @property
    def cipher(self) -> str:
        """The cipher agreed on, as OpenSSL names it."""
        return self._tls.get_cipher_name() or ""

    @property
    def peer_certificate(self) -> x509.Certificate | None:
        """The certificate the client presented, None without one or when it cannot be read."""
        try:
            return self._tls.get_peer_certificate(as_cryptography=True)
        except ValueError:
            return None
