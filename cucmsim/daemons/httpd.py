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
from cucmsim.daemons.filesource import FileFaults, FileSource, Served, device_in
from cucmsim.daemons.httpmischief import HttpMischief, shortened
from cucmsim.daemons.mischief import Doorman, Mischief, TlsTerms
from cucmsim.daemons.stream import StreamServer
from cucmsim.daemons.tls import TlsIdentity, TlsPolicy, server_context
from cucmsim.errors import RemoteProtocolError
from cucmsim.protocols.http_files import LONGEST_HEAD, FileRequested, HttpFileServer
from cucmsim.services.faults.kinds import FaultKind
from cucmsim.services.faults.plan import Fault

__all__ = ["HttpOptions", "IsTrusted", "http_server", "https_server"]

IsTrusted = Callable[[x509.Certificate], bool]
"""Tells whether a client with this certificate may fetch files."""

_SIGNED_CONFIG = ".cnf.xml.sgn"
_SEARCHING = 503


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """How files are answered.

    `missing_status` answers what is not there, 503 what TFTP `seeks` elsewhere; `longest_head`
    bounds a request's lines. `mischief` makes the faults of HTTP and TLS happen, `file_faults`
    those of files.
    """

    missing_status: int = 404
    longest_head: int = LONGEST_HEAD
    seeks: Callable[[str], bool] | None = None
    mischief: Mischief | None = None
    file_faults: FileFaults | None = None


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
    options = options or HttpOptions()
    context = server_context(recorder.service, identity, policy)
    factory = partial(_Conversation, files, options, is_trusted, unsigned=True)
    mischief, terms = options.mischief, TlsTerms(identity, policy)
    doorman = None if mischief is None else Doorman(mischief, terms)
    return StreamServer(endpoint, context, factory, recorder, limits, doorman)


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
        self._mischief = HttpMischief(options.mischief, arrival.address)
        self._file_faults = options.file_faults
        self._cut: Fault | None = None
        self._last: list[bytes] = []
        self._protocol = HttpFileServer(
            missing_status=options.missing_status, longest_head=options.longest_head
        )

    @property
    def closed(self) -> bool:
        """Whether our side has nothing more to say; what stalls stays."""
        if self._cut is not None:
            return self._cut.kind is FaultKind.HTTP_TRUNCATE
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
        if self._cut is None:
            self._protocol.receive_data(data)

    def decide(self) -> Coroutine[None, None, None] | None:
        """Answer from what is at hand; return a coroutine for what must be built."""
        while self._cut is None and (asked := self._protocol.next_event()) is not None:
            if self._refuse(asked):
                continue
            name = self._name_of(asked)
            data = self._files.cached(name)
            if data is None or self._is_spoilt(name):
                return self._fetch(asked, name, data)
            self._answer(asked, Served(data))
        return None

    def data_to_send(self) -> Sequence[bytes]:
        """Return what to write now."""
        if self._cut is None:
            return self._protocol.data_to_send()
        last, self._last = self._last, []
        return last

    def on_end(self, outcome: str) -> None:
        """Do nothing: every request was recorded when it was answered."""

    def _name_of(self, asked: FileRequested) -> str:
        """Return the name of the file to serve."""
        if self._unsigned and asked.name.endswith(_SIGNED_CONFIG):
            return asked.name.removesuffix(".sgn")
        return asked.name

    def _refuse(self, asked: FileRequested) -> bool:
        """Answer with a status, if a fault has it so; tell whether it does."""
        device = device_in(asked.name)
        fault = self._mischief.status(asked.name, device)
        if fault is None:
            return False
        status = fault.whole("status")
        self._protocol.answer(None, missing_status=status)
        self._record(device, f"{asked.method} {asked.name}", f"status {status}", str(fault))
        return True

    def _is_spoilt(self, name: str) -> bool:
        """Tell whether a fault could happen to the file."""
        faults = self._file_faults
        return faults is not None and faults.concerns(name, self._arrival.address)

    async def _fetch(self, asked: FileRequested, name: str, data: bytes | None) -> None:
        """Answer with what has to be built or to be spoilt."""
        data = await self._files.fetch(name) if data is None else data
        served = None if data is None else Served(data)
        if data is not None and self._file_faults is not None and self._is_spoilt(name):
            served = await self._file_faults.spoil(name, self._arrival.address, data)
        self._answer(asked, served)

    def _answer(self, asked: FileRequested, served: Served | None) -> None:
        if served is None:
            self._answer_missing(asked)
            return
        device = device_in(asked.name)
        self._protocol.answer(served.data)
        cut = None if asked.method == "HEAD" else self._mischief.cut(asked.name, device)
        said, fault = f"{len(served.data)} bytes", served.fault
        if cut is not None:
            said, fault = self._shorten(cut, said), ", ".join(filter(None, (fault, str(cut))))
        self._record(device, f"{asked.method} {asked.name}", said, fault)

    def _answer_missing(self, asked: FileRequested) -> None:
        said, status = "not found", None
        if self._seeks is not None and self._seeks(asked.name):
            said, status = "not found, TFTP asks other clusters", _SEARCHING
        self._protocol.answer(None, missing_status=status)
        self._record(device_in(asked.name), f"{asked.method} {asked.name}", said)

    def _shorten(self, cut: Fault, said: str) -> str:
        """Cut the answer just given; nothing is said after it. Return what the journal says."""
        *before, message = self._protocol.data_to_send()
        self._cut, self._last = cut, [*before, shortened(cut, message)]
        return f"{said}, cut after {cut.whole('keep')}"
