"""A phone's TLS connection to a server, with the old versions and ciphers old phones use.

pyOpenSSL over memory buffers between asyncio's streams. A link does not judge the server: it
reports the certificate it was shown, and the phone's trust decision is made elsewhere.
"""

import asyncio
import os
from dataclasses import dataclass, replace
from pathlib import Path
from socket import gaierror
from types import TracebackType
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from OpenSSL import SSL

from cucmsim.errors import CucmsimError
from cucmsim.formats.models import Generation
from cucmsim.phone.localends import LocalEnds, Streams, connect_stream

__all__ = [
    "TLS_VERSIONS",
    "Link",
    "LinkError",
    "LinkOptions",
    "UnusableOptionsError",
    "spoken_by",
    "unreached",
]

TLS_VERSIONS = {"1.0": 0x0301, "1.1": 0x0302, "1.2": 0x0303, "1.3": 0x0304}
"""TLS versions by the names of the command line, with their numbers on the wire."""

_READ_SIZE = 65536


class LinkError(CucmsimError):
    """The connection cannot be made, was cut, or the other end is silent; says which and where."""


class UnusableOptionsError(LinkError):
    """The options name ciphers, or a certificate and key, that TLS cannot work with."""


@dataclass(frozen=True, slots=True)
class LinkOptions:
    """How a phone connects.

    `tls_version` is a key of TLS_VERSIONS, None for the best both sides have. `certificate` and
    `private_key` (a LSC or a MIC) are presented when the server asks. `timeout_s` holds for
    connecting, for the handshake and for each message. `ends` says from where the phone speaks,
    over UDP and without TLS too; None: from wherever the system says.
    """

    timeout_s: float = 10.0
    tls_version: str | None = None
    ciphers: str = "DEFAULT:AES256-SHA:@SECLEVEL=0"
    certificate: x509.Certificate | None = None
    private_key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | None = None
    keylog: Path | None = None
    ends: LocalEnds | None = None


def spoken_by(generation: Generation, options: LinkOptions) -> LinkOptions:
    """Return `options` for a phone: a 79xx knows TLS 1.0 at most (phone.md 4.1)."""
    if generation is not Generation.SERIES_79XX or options.tls_version is not None:
        return options
    return replace(options, tls_version="1.0")


class Link:
    """An established connection; made by `Link.connect`, used with `async with`."""

    def __init__(
        self, where: str, streams: Streams, tls: SSL.Connection, options: LinkOptions
    ) -> None:
        self._where = where
        self._reader, self._writer = streams
        self._tls = tls
        self._timeout_s = options.timeout_s

    @classmethod
    async def connect(cls, host: str, port: int, options: LinkOptions | None = None) -> Self:
        """Connect and shake hands. Raises LinkError."""
        options = options or LinkOptions()
        where = f"{host}:{port}"
        tls = SSL.Connection(_client_context(options), None)
        tls.set_connect_state()
        try:
            async with asyncio.timeout(options.timeout_s):
                streams = await connect_stream(host, port, options.ends)
        except (OSError, TimeoutError) as error:
            raise LinkError(f"{where}: cannot connect: {unreached(error)}") from error
        link = cls(where, streams, tls, options)
        try:
            await link._shake_hands()
        except BaseException:
            await link.close()
            raise
        return link

    @property
    def server_certificate(self) -> x509.Certificate | None:
        """The certificate the server presented."""
        return self._tls.get_peer_certificate(as_cryptography=True)

    @property
    def local(self) -> tuple[str, int]:
        """Address and port of our end."""
        name = self._writer.get_extra_info("sockname")
        return str(name[0]), int(name[1])

    @property
    def tls_version(self) -> str:
        """The version agreed on, such as `TLSv1.2`."""
        return self._tls.get_protocol_version_name()

    @property
    def cipher(self) -> str:
        """The cipher agreed on, as OpenSSL names it."""
        return self._tls.get_cipher_name() or ""

    async def send(self, message: bytes) -> None:
        """Send one message in one TLS record. Raises LinkError."""
        try:
            self._tls.sendall(message)
        except SSL.Error as error:
            raise LinkError(f"{self._where}: {_reason(error)}") from error
        await self._flush()

    async def receive(self, *, patient: bool = False) -> bytes:
        """Return the next decrypted bytes, b"" once the server has closed. Raises LinkError.

        `patient`: however long it takes.
        """
        while True:
            try:
                return self._tls.recv(_READ_SIZE)
            except SSL.WantReadError:
                if not await self._fill(None if patient else self._timeout_s):
                    return b""
            except SSL.ZeroReturnError:
                return b""
            except SSL.Error as error:
                raise LinkError(f"{self._where}: {_reason(error)}") from error

    async def close(self) -> None:
        """Send the close alert, if that is still possible, and close."""
        try:
            self._tls.shutdown()
            await self._flush()
        except (SSL.Error, LinkError):
            pass  # what is being closed cannot fail to close
        self._writer.close()
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._writer.wait_closed()
        except (OSError, TimeoutError):
            self._writer.transport.abort()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def _shake_hands(self) -> None:
        """Complete the TLS handshake. Raises LinkError."""
        while True:
            try:
                self._tls.do_handshake()
            except SSL.WantReadError:
                await self._flush()
                if not await self._fill(self._timeout_s):
                    raise LinkError(f"{self._where}: closed during the TLS handshake") from None
            except SSL.Error as error:
                await self._flush()
                raise LinkError(f"{self._where}: TLS handshake: {_reason(error)}") from error
            else:
                await self._flush()
                return

    async def _fill(self, timeout_s: float | None) -> bool:
        """Wait for bytes and hand them to TLS; False at the end of the stream."""
        try:
            async with asyncio.timeout(timeout_s):
                data = await self._reader.read(_READ_SIZE)
        except TimeoutError as error:
            raise LinkError(f"{self._where}: no answer within {self._timeout_s:g} s") from error
        except OSError as error:
            raise LinkError(f"{self._where}: {error}") from error
        if data:
            self._tls.bio_write(data)
        return bool(data)

    async def _flush(self) -> None:
        """Write what TLS has to send."""
        try:
            self._writer.write(_output(self._tls))
            async with asyncio.timeout(self._timeout_s):
                await self._writer.drain()
        except (OSError, TimeoutError) as error:
            raise LinkError(f"{self._where}: cannot send: {error or 'timeout'}") from error


def unreached(error: OSError) -> str:
    """Say why a connection was not made, without asyncio's words for it; "" is a timeout."""
    if isinstance(error, gaierror):
        return error.strerror or str(error)
    return os.strerror(error.errno) if error.errno else str(error) or "no answer"


def _client_context(options: LinkOptions) -> SSL.Context:
    """Build the TLS context of one link. Raises UnusableOptionsError."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_options(SSL.OP_ALL | SSL.OP_LEGACY_SERVER_CONNECT)
    version = TLS_VERSIONS[options.tls_version] if options.tls_version else None
    try:
        context.set_min_proto_version(version or TLS_VERSIONS["1.0"])
        context.set_max_proto_version(version or TLS_VERSIONS["1.3"])
        context.set_cipher_list(options.ciphers.encode())
        if options.certificate is not None and options.private_key is not None:
            context.use_certificate(options.certificate)
            context.use_privatekey(options.private_key)
            context.check_privatekey()
    except SSL.Error as error:
        raise UnusableOptionsError(f"TLS cannot be set up: {_reason(error)}") from error
    keylog = options.keylog
    if keylog is not None:
        context.set_keylog_callback(lambda _tls, line: _append(keylog, line))
    return context


def _output(tls: SSL.Connection) -> bytes:
    """Return the bytes that TLS has to send now."""
    parts = []
    try:
        while True:
            parts.append(tls.bio_read(_READ_SIZE))
    except SSL.WantReadError:
        return b"".join(parts)


def _append(keylog: Path, line: bytes) -> None:
    """Append a key-log line to a file only its owner may read."""
    keylog.touch(mode=0o600, exist_ok=True)
    with keylog.open("ab") as file:
        file.write(line + b"\n")


def _reason(error: SSL.Error) -> str:
    """Say in words what OpenSSL reports."""
    if error.args and isinstance(error.args[0], list):
        return "; ".join(entry[-1] for entry in error.args[0]) or "unknown error"
    return " ".join(str(part) for part in error.args) or type(error).__name__
