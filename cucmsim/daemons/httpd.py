"""Files over HTTP: TCP 6970, and TLS 6971 and 6972, with the same files and rules as TFTP.

`protocols.http_files` says what may be said, a `FileSource` has the files. On the TLS ports a
signed configuration is served without its signature: TLS takes its place. 6971 shows a certificate
and asks for none; on 6972 a phone must present one that `is_trusted` accepts, else the connection
is closed. A file that TFTP would look for in other clusters is answered 503, and the phone goes on
to TFTP: so a centre never asks a centre that asks it over HTTP.

Source: phone.md 1.4; cucm.md 3.1 and 3.3.
"""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial

from cryptography import x509

from cucmsim.daemons.conversation import Arrival, Limits, PeerInfo, Record, Recorder
from cucmsim.daemons.filesource import FileSource, device_in
from cucmsim.daemons.stream import StreamServer
from cucmsim.daemons.tls import TlsIdentity, TlsPolicy, server_context
from cucmsim.errors import RemoteProtocolError
from cucmsim.protocols.http_files import LONGEST_HEAD, FileRequested, HttpFileServer

__all__ = ["HttpOptions", "IsTrusted", "http_server", "https_server"]

IsTrusted = Callable[[x509.Certificate], bool]
"""Tells whether a client with this certificate may fetch files."""

_SIGNED_CONFIG = ".cnf.xml.sgn"
_SEARCHING = 503


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """How files are answered.

    `missing_status` answers what is not there, 503 what TFTP `seeks` elsewhere; `longest_head`
    bounds a request's lines.
    """

    missing_status: int = 404
    longest_head: int = LONGEST_HEAD
    seeks: Callable[[str], bool] | None = None


def http_server(
    endpoint: tuple[str, int],
    files: FileSource,
    recorder: Recorder,
    *,
    options: HttpOptions | None = None,
    limits: Limits | None = None,
) -> StreamServer:
    """Return the server of plain HTTP."""
    factory = partial(_Conversation, files, options or HttpOptions(), None, unsigned=False)
    return StreamServer(endpoint, None, factory, recorder, limits)


def https_server(
    endpoint: tuple[str, int],
    files: FileSource,
    recorder: Recorder,
    identity: TlsIdentity,
    policy: TlsPolicy,
    *,
    is_trusted: IsTrusted | None = None,
    options: HttpOptions | None = None,
    limits: Limits | None = None,
) -> StreamServer:
    """Return the server of HTTPS; with `is_trusted` clients need a certificate that it accepts.

    Raises StartError when `identity` or `policy` cannot be used.
    """
    context = server_context(recorder.service, identity, policy)
    factory = partial(_Conversation, files, options or HttpOptions(), is_trusted, unsigned=True)
    return StreamServer(endpoint, context, factory, recorder, limits)


class _Conversation:
    """One connection; the `Conversation` of `daemons.conversation`."""

    def __init__(
        self,
        files: FileSource,
        options: HttpOptions,
        is_trusted: IsTrusted | None,
        arrival: Arrival,
        record: Record,
        *,
        unsigned: bool,
    ) -> None:
        self._files = files
        self._is_trusted = is_trusted
        self._arrival = arrival
        self._record = record
        self._unsigned = unsigned
        self._seeks = options.seeks
        self._protocol = HttpFileServer(
            missing_status=options.missing_status, longest_head=options.longest_head
        )

    @property
    def closed(self) -> bool:
        """Whether our side has nothing more to say."""
        return self._protocol.is_closed

    def on_handshake(self, peer: PeerInfo) -> None:
        """Turn away who needs a certificate and has none. Raises RemoteProtocolError."""
        if self._is_trusted is None:
            return
        if peer.certificate is None:
            raise RemoteProtocolError("found no client certificate, expected an LSC or MIC")
        if not self._is_trusted(peer.certificate):
            raise RemoteProtocolError("the client's certificate is of no authority trusted here")

    def receive_data(self, data: bytes) -> None:
        """Take decrypted bytes. Raises RemoteProtocolError."""
        self._protocol.receive_data(data)

    def decide(self) -> Coroutine[None, None, None] | None:
        """Answer from what is at hand; return a coroutine for what must be built."""
        while (asked := self._protocol.next_event()) is not None:
            name = self._name_of(asked)
            data = self._files.cached(name)
            if data is None:
                return self._fetch(asked, name)
            self._answer(asked, data)
        return None

    def data_to_send(self) -> Sequence[bytes]:
        """Return what to write now."""
        return self._protocol.data_to_send()

    def on_end(self, outcome: str) -> None:
        """Do nothing: every request was recorded when it was answered."""

    def _name_of(self, asked: FileRequested) -> str:
        """Return the name of the file to serve."""
        if self._unsigned and asked.name.endswith(_SIGNED_CONFIG):
            return asked.name.removesuffix(".sgn")
        return asked.name

    async def _fetch(self, asked: FileRequested, name: str) -> None:
        self._answer(asked, await self._files.fetch(name))

    def _answer(self, asked: FileRequested, data: bytes | None) -> None:
        said = "not found" if data is None else f"{len(data)} bytes"
        status = None
        if data is None and self._seeks is not None and self._seeks(asked.name):
            said, status = "not found, TFTP asks other clusters", _SEARCHING
        self._protocol.answer(data, missing_status=status)
        self._record(device_in(asked.name), f"{asked.method} {asked.name}", said)
