"""The web server of a node, TLS 8443: an ASGI application with the tomcat certificates.

Shows the RSA certificate to clients that know no other, the ECDSA one to those that prefer it. The
TLS is the standard library's, as uvicorn wants it; no client certificate is asked for here.
"""

import os
import ssl
import tempfile
import warnings
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding
from starlette.types import ASGIApp

from cucmsim.asgi import AsgiLimits, AsgiServer
from cucmsim.daemons.base import listen_tcp
from cucmsim.daemons.tls import TlsIdentity, TlsPolicy, TlsVersion
from cucmsim.daemons.webmischief import RecordedApp, WebReception, WebWatch
from cucmsim.errors import StartError
from cucmsim.pki.keys import dump_private_key_pem

__all__ = ["WebServer"]


class WebServer:
    """Serves `app` over TLS on `endpoint`; shows the first of `identities` that a client knows.

    With a `watch` requests stand in the journal, and the faults of TLS happen. Answers bear the
    date that `now` tells. Raises StartError when an identity or the policy cannot be used.
    """

    name = "web"

    def __init__(
        self,
        endpoint: tuple[str, int],
        app: ASGIApp,
        identities: Sequence[TlsIdentity],
        policy: TlsPolicy,
        limits: AsgiLimits | None = None,
        watch: WebWatch | None = None,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        self._limits = limits
        self._now = now
        self._endpoint = endpoint
        self._app = app if watch is None else RecordedApp(app, watch)
        self._context = _context(identities, policy)
        self._reception = None
        if watch is not None:
            self._reception = WebReception(watch, identities, policy, _context)
        self._server: AsgiServer | None = None
        self._ports: tuple[int, ...] = ()

    @property
    def ports(self) -> tuple[int, ...]:
        """The port bound; empty while stopped."""
        return self._ports

    async def start(self) -> None:
        """Bind and serve. Raises StartError naming the port."""
        bound = listen_tcp(self.name, *self._endpoint)
        self._ports = (bound.getsockname()[1],)
        self._server = AsgiServer(
            self._app, bound, self._context, self._limits, self._reception, self._now
        )
        await self._server.start()

    async def stop(self, drain_s: float) -> None:
        """Let running requests finish for `drain_s` seconds, then close."""
        server, self._server, self._ports = self._server, None, ()
        if server is not None:
            await server.stop(drain_s)


def _context(identities: Sequence[TlsIdentity], policy: TlsPolicy) -> ssl.SSLContext:
    """Build the standard library's context from what the other TLS daemons take."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.set_ciphers(policy.ciphers)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # TLS 1.0 is what old phones speak
            context.minimum_version = _VERSIONS[policy.minimum_version]
            context.maximum_version = _VERSIONS[policy.maximum_version]
        for identity in identities:
            _load(context, identity)
    except (ssl.SSLError, OSError, ValueError) as error:
        raise StartError(f"web: TLS cannot be set up: {error}") from error
    if policy.keylog is not None:
        context.keylog_filename = str(policy.keylog)
    return context


def _load(context: ssl.SSLContext, identity: TlsIdentity) -> None:
    """Give `context` a certificate with its key, by way of a file that only its owner can read."""
    chain = b"".join(
        certificate.public_bytes(Encoding.PEM)
        for certificate in (identity.certificate, *identity.chain)
    )
    descriptor, path = tempfile.mkstemp(prefix="cucmsim-", suffix=".pem")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(dump_private_key_pem(identity.private_key) + chain)
        context.load_cert_chain(path)
    finally:
        Path(path).unlink()


_VERSIONS = {
    TlsVersion.TLS_1_0: ssl.TLSVersion.TLSv1,
    TlsVersion.TLS_1_1: ssl.TLSVersion.TLSv1_1,
    TlsVersion.TLS_1_2: ssl.TLSVersion.TLSv1_2,
    TlsVersion.TLS_1_3: ssl.TLSVersion.TLSv1_3,
}
