"""Asks a Trust Verification Service, as a phone does: connect, one request, its answer, close.

Seed 002 shows the exchange; the phone presents its LSC or MIC when it is asked for one.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography import x509

from cucmsim.errors import CucmsimError, RemoteProtocolError
from cucmsim.formats.tvs import QueryAnswer, QueryRequest, VerificationAnswer, VerificationRequest
from cucmsim.phone.link import Link, LinkError, LinkOptions
from cucmsim.protocols.tvs import Answered, TvsClient

__all__ = ["TvsReply", "WrongAnswerError", "ask"]


class WrongAnswerError(CucmsimError):
    """The other end answers, but not as a Trust Verification Service does."""


@dataclass(frozen=True, slots=True)
class TvsReply:
    """An answer, and who gave it: the phone still has to trust `server_certificate`."""

    answer: VerificationAnswer | QueryAnswer
    server_certificate: x509.Certificate | None
    tls_version: str
    cipher: str
    data: bytes = field(repr=False)


async def ask(
    host: str,
    port: int,
    request: VerificationRequest | QueryRequest,
    options: LinkOptions | None = None,
    client: TvsClient | None = None,
    on_connected: Callable[[Link], None] | None = None,
) -> TvsReply:
    """Ask one server one thing. Raises LinkError, WrongAnswerError.

    `on_connected` sees the link before anything is sent; what it raises ends the visit.
    """
    client = client or TvsClient()
    if isinstance(request, VerificationRequest):
        client.verify(request)
    else:
        client.query(request)
    async with await Link.connect(host, port, options) as link:
        if on_connected is not None:
            on_connected(link)
        for message in client.data_to_send():
            await link.send(message)
        try:
            answered = await _receive(link, client)
        except RemoteProtocolError as error:
            raise WrongAnswerError(f"{host}:{port}: {error}") from error
        return TvsReply(
            answered.answer, link.server_certificate, link.tls_version, link.cipher, answered.data
        )


async def _receive(link: Link, client: TvsClient) -> Answered:
    """Receive until the answer is complete. Raises LinkError, RemoteProtocolError."""
    while True:
        answered = client.next_event()
        if answered is not None:
            return answered
        data = await link.receive()
        if not data:
            client.receive_end()
            raise LinkError("the server closed without an answer")
        client.receive_data(data)
