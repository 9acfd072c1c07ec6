"""A phone's visit to CAPF: connect, prove who we are, do what the server has pending.

The conversation is `protocols.capf_client`; this module gives it a connection, makes the key in a
worker thread (saying "request in progress" first, as phones do) and keeps what came out of it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from cryptography import x509

from cucmsim.entropy import Entropy, SystemEntropy
from cucmsim.errors import FormatError
from cucmsim.formats.capf import NestedCertificate, Reason
from cucmsim.phone.link import Link, LinkError, LinkOptions
from cucmsim.pki.certificates import certificate_public_key, load_certificate
from cucmsim.pki.keys import PrivateKey, PublicKey, dump_public_key
from cucmsim.pki.keysource import key_job
from cucmsim.protocols.capf_client import (
    AuthenticationRequested,
    CapfClientConversation,
    ClientEvent,
    Credentials,
    DeleteRequested,
    FetchRequested,
    KeyRequested,
    RetryLater,
    SessionEnded,
    StoreRequested,
)

__all__ = ["CapfOperation", "CapfOutcome", "CapfPhone", "visit_capf"]


class CapfOperation(StrEnum):
    """What a server had pending for us."""

    NONE = "none"
    INSTALL = "install"
    FETCH = "fetch"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class CapfPhone:
    """A phone as CAPF sees it: its name, its proofs, and the certificate it holds, if any."""

    device_name: str
    credentials: Credentials = field(default_factory=Credentials)
    held: NestedCertificate | None = None


@dataclass(frozen=True, slots=True)
class CapfOutcome:
    """How a visit ended.

    `reason` is that of end session, None when the server was busy (`retry_delay` then holds what
    it said, if anything) or left without one. `confirmed`: we told it that we stored or deleted a
    certificate; that stands, whatever it says after. `private_key` and `certificate` are the new
    ones of an install; `server_certificate` is what the server presented in TLS.
    """

    operation: CapfOperation = CapfOperation.NONE
    reason: int | None = None
    text: str | None = None
    busy: bool = False
    retry_delay: int | None = None
    private_key: PrivateKey | None = field(default=None, repr=False)
    certificate: x509.Certificate | None = None
    confirmed: bool = False
    server_certificate: x509.Certificate | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the operation was done, to the server's content too.

        What the phone did and confirmed is done, even if the server then left without a word.
        """
        content = (
            self.confirmed if self.reason is None else self.reason == Reason.CERTIFICATE_UPDATED
        )
        if self.operation is CapfOperation.INSTALL:
            return content and self.certificate is not None
        if self.operation is CapfOperation.DELETE:
            return content
        return self.reason == Reason.NO_ACTION


async def visit_capf(
    host: str,
    port: int,
    phone: CapfPhone,
    options: LinkOptions | None = None,
    on_connected: Callable[[Link], None] | None = None,
    *,
    entropy: Entropy | None = None,
) -> CapfOutcome:
    """Visit the CAPF server at `host:port` and do what it has pending.

    `on_connected` sees the link before anything is sent; what it raises ends the visit. A key is
    the system's unless `entropy` says otherwise.

    Raises:
        LinkError: it cannot be reached, or the connection was cut before the end of the session.
        RemoteProtocolError: it broke the rules.

    """
    async with await Link.connect(host, port, options) as link:
        if on_connected is not None:
            on_connected(link)
        visit = _Visit(phone, link, entropy or SystemEntropy())
        while not visit.is_ended:
            try:
                data = await link.receive()
            except LinkError:
                if not visit.outcome.confirmed:
                    raise
                break
            if data:
                await visit.take(data)
            elif visit.outcome.confirmed:
                break
            else:
                raise LinkError(f"{host}:{port}: closed before the end of the session")
        return replace(visit.outcome, server_certificate=link.server_certificate)


class _Visit:
    """One conversation over a link, with what it has led to so far."""

    def __init__(self, phone: CapfPhone, link: Link, entropy: Entropy) -> None:
        self._phone = phone
        self._link = link
        self._entropy = entropy
        self._protocol = CapfClientConversation(phone.device_name)
        self.outcome = CapfOutcome()

    @property
    def is_ended(self) -> bool:
        """Whether the session is over."""
        return self._protocol.is_ended

    async def take(self, data: bytes) -> None:
        """Take bytes of the server and answer what they ask."""
        self._protocol.receive_data(data)
        while (event := self._protocol.next_event()) is not None:
            if isinstance(event, KeyRequested):
                await self._make_key(event)
            else:
                self._answer(event)
            await self._send()

    async def _send(self) -> None:
        for message in self._protocol.data_to_send():
            await self._link.send(message)

    async def _make_key(self, event: KeyRequested) -> None:
        self._note(operation=CapfOperation.INSTALL)
        self._protocol.report_progress()
        await self._send()
        key = await asyncio.to_thread(key_job(event.spec, self._entropy))
        self.outcome = replace(self.outcome, private_key=key)
        self._protocol.send_public_key(dump_public_key(key.public_key()))

    def _answer(self, event: ClientEvent) -> None:
        if isinstance(event, AuthenticationRequested):
            self._protocol.authenticate(self._phone.credentials)
        elif isinstance(event, StoreRequested):
            self._store(event.certificate)
        elif isinstance(event, FetchRequested):
            self._note(operation=CapfOperation.FETCH)
            self._protocol.send_certificate(self._phone.held)
        elif isinstance(event, DeleteRequested):
            self.outcome = replace(self.outcome, operation=CapfOperation.DELETE, confirmed=True)
            self._protocol.certificate_deleted()
        elif isinstance(event, SessionEnded):
            self.outcome = replace(self.outcome, reason=event.reason, text=event.text)
        elif isinstance(event, RetryLater):
            self.outcome = replace(self.outcome, busy=True, retry_delay=event.delay)

    def _note(self, *, operation: CapfOperation) -> None:
        self.outcome = replace(self.outcome, operation=operation)

    def _store(self, nested: NestedCertificate) -> None:
        """Keep the certificate if it is for our key; say whether we did."""
        try:
            certificate = load_certificate(nested.certificate_der)
            fits = certificate_public_key(certificate) == self._public_key()
        except FormatError:
            fits = False
        if not fits:
            self._protocol.certificate_stored(Reason.INVALID_ELEMENT)
            return
        self.outcome = replace(self.outcome, certificate=certificate, confirmed=True)
        self._protocol.certificate_stored()

    def _public_key(self) -> PublicKey | None:
        key = self.outcome.private_key
        return None if key is None else key.public_key()
