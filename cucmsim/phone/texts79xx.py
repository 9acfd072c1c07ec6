"""Console lines of a 79xx: what its log says of each event.

Texts of seeds 000 and 001 and of phone.md 3.3, byte for byte; the order is that of the events. The
level says little: `Authenticated the HTTPS conn via TVS` is an ERR. No log of a failed check was
ever published, so the lines of refusals are in the phone's own style, with the reason: those are
marked `(ours)`.
"""

import re
from functools import singledispatchmethod
from typing import TypeAlias

from cucmsim.phone import events
from cucmsim.phone.console import ConsoleLine, Level
from cucmsim.phone.dhcpevents import DhcpEvent
from cucmsim.phone.dhcptexts import dhcp_lines
from cucmsim.phone.moreevents import DirectoryAnswered
from cucmsim.phone.values import FileKind, Purpose, TrustSource

__all__ = ["Texts79xx"]

Lines: TypeAlias = tuple[ConsoleLine, ...]

_IPV4 = re.compile(r"[0-9]+(?:\.[0-9]+){3}")
_TVS_PORT = 2445
_DEFAULT_TIME_TO_LIVE_S = 86_400
_SIP_STACK = "cip.sipcc.SipCcAdapter"
_SCCP_STACK = "cip.sccp.SccpCcAdapter"  # (ours)
_LOADER = "Startup Module Loader|"


def _secd(*texts: str, level: Level = Level.NOTICE) -> Lines:
    return tuple(ConsoleLine(level, "SECD", text) for text in texts)


def _client(*texts: str) -> Lines:
    return tuple(ConsoleLine(Level.NOTICE, "tftpClient", text) for text in texts)


def _tftp(text: str, level: Level = Level.NOTICE) -> Lines:
    return (ConsoleLine(level, "TFTP", text),)


def _java(text: str, level: Level = Level.NOTICE) -> Lines:
    return (ConsoleLine(level, "JVM", f"{_LOADER}{text}"),)


def _mapped(server: str) -> str:
    """Return an IPv4 address as the TFTP client writes it, in IPv6's form; a name as it is."""
    return f"::ffff:{server}" if _IPV4.fullmatch(server) else server


class Texts79xx:
    """Renders events in order; it remembers what is being downloaded."""

    def __init__(self) -> None:
        self._kind = FileKind.OTHER
        self._call_control = _SIP_STACK

    @singledispatchmethod
    def render(self, event: object) -> Lines:  # noqa: ARG002 - an event without a line
        """Return the lines that the log shows for `event`; none for most of what is silent."""
        return ()

    @render.register
    def _(self, event: DhcpEvent) -> Lines:
        return dhcp_lines(event)

    @render.register
    def _(self, event: events.DownloadStarted) -> Lines:
        self._kind = event.kind
        if event.kind.is_trust_list:
            return _secd(f"tlRequestFile: Request {event.name}")
        limit = "" if event.size_limit is None else f" max size = {event.size_limit}"
        return _client(
            f"tftp request rcv'd from /usr/tmp/tftp, srcFile = {event.name}, "
            f"dstFile = /usr/ram/{event.name}{limit}"
        )

    @render.register
    def _(self, event: events.ServerSecurity) -> Lines:
        if self._kind.is_trust_list:
            return ()
        server = _mapped(event.server)
        return (
            *_client(f"auth server - tftpList[{event.index}] = {server}"),
            *_client(f"look up server - {event.index}"),
            *_looked_up(event),
            *_client(f"secVal = {'0x9' if event.secure else '0xa'}"),
            *_client(f"{server} is a {'secure' if event.secure else 'NONsecure'} server"),
            *(_client("retval = SRVR_SECURE") if event.secure else ()),
        )

    @render.register
    def _(self, event: events.FileApproved) -> Lines:
        if self._kind.is_trust_list:
            return ()
        if not event.secure:
            return _client(f"Non secure file approved -- {event.name}")
        return _client(
            "Secure file requested", f"authenticated file approved - add .sgn -- {event.name}"
        )

    @render.register
    def _(self, event: events.RequestSent) -> Lines:
        limit = "" if event.size_limit is None else f" with size limit of {event.size_limit}"
        return _tftp(f"[{event.number}]:Requesting {event.name} from {event.server}{limit}")

    @render.register
    def _(self, event: events.DownloadFinished) -> Lines:
        return _tftp(f"[{event.number}]:Finished --> rcvd {event.size} bytes")

    @render.register
    def _(self, event: events.DownloadFailed) -> Lines:  # (ours)
        reason = event.text or event.failure
        code = "" if event.code is None else f"({event.code})"
        return _tftp(f"[{event.number}]:Error --> {code}{reason}", Level.ERROR)

    @render.register
    def _(self, event: events.TrustListVerified) -> Lines:
        return _secd(f"File sign verify SUCCESS; header length <{event.header_length}>")

    @render.register
    def _(self, event: events.TrustListRefused) -> Lines:  # (ours)
        return _secd(
            f"EROR:File sign verify FAILED <{event.kind}File.tlv>, {event.reason}",
            level=Level.ERROR,
        )

    @render.register
    def _(self, _event: events.TrustListsErased) -> Lines:  # (ours)
        return _secd("Erasing CTL and ITL files")

    @render.register
    def _(self, event: events.CacheFlushed) -> Lines:
        size = event.request_size
        return _secd(
            "setupSocketToTvsProxy: Connected to TVS proxy server",
            f"tvsReqFlushTvsCertCache: Sent Request to TVS proxy, len: {size}",
            "clpTvsInit: Client message received on TVS proxy socket",
            f"processTvsClntReq: Success reading the client TVS request, len : {size}",
            "processTvsClntReq: TVS Certificate cache flush request received",
            "tvsFlushCertCache: Completed TVS Certificate cache flush request",
        )

    @render.register
    def _(self, event: events.TrustListsSearched) -> Lines:
        function = (
            "findByCertAndRoleInTL" if event.by_certificate else "findByIssuerAndSerialAndRoleInTL"
        )
        files = ("CTL",) if event.found is TrustSource.CTL else ("CTL", "ITL")
        needed = "srvr_cert_vfy: Server Certificate Validation needs to be done"
        return _secd(
            *((needed,) if event.purpose is Purpose.TVS_SERVER else ()),
            *(f"{function}: Searching TL from {name} file" for name in files),
        )

    @render.register
    def _(self, event: events.SignatureVerified) -> Lines:
        return _secd(f"verifyFile: verify SUCCESS </usr/ram/{event.name}>")

    @render.register
    def _(self, event: events.VerificationFailed) -> Lines:  # (ours)
        return _secd(
            f"EROR:verifyFile: verify FAILED </usr/ram/{event.name}>, {event.reason}",
            level=Level.ERROR,
        )

    @render.register
    def _(self, event: events.TvsStarted) -> Lines:  # a query: (ours)
        wanted = "Query" if event.is_query else "Authentication"
        return _secd(f"processTvsClntReq: TVS Certificate {wanted} request")

    @render.register
    def _(self, event: events.TvsCacheSearched) -> Lines:
        found = "Matching" if event.found else "No matching"  # found: (ours)
        return _secd(f"lookupAuthCertTvsCacheEntry: {found} entry found at cache")

    @render.register
    def _(self, event: events.TvsConnecting) -> Lines:
        default = " (default)" if event.server.port == _TVS_PORT else ""
        return _secd(
            "processTvsClntReq: No server sock exists, must be created",
            "secReq_initClient: clnt sock fd 11 bound to </tmp/secClnt_sec>",
            "getTvsServerInfo: Phone in IPv4 only mode",
            "getTvsServerInfo: Retrieving IPv4 address",
            "connectToTvsServer: Successfully started a TLS connection establishment to the TVS "
            f"server: IP:{event.server.address}, port:{event.server.port}{default}; "
            "Waiting for it to get connected.",
        )

    @render.register
    def _(self, event: events.TvsServerVerified) -> Lines:
        server = f"<{event.server.address}>"
        if event.by_hash:
            return _secd(
                "verifyCertWithHashFromTL: cert hash and hash in TL MATCH",
                f"tvs_cert_vfy: TVS cert verified with hash from TL, {server}",
            )
        return _secd(f"tvs_cert_vfy: TVS cert verified with cert from TL, {server}")  # (ours)

    @render.register
    def _(self, event: events.TvsServerRefused) -> Lines:  # (ours)
        return _secd(
            f"EROR:tvs_cert_vfy: TVS cert not in CTL, <{event.server.address}>", level=Level.ERROR
        )

    @render.register
    def _(self, event: events.TvsRequestSent) -> Lines:
        wanted = "Query" if event.is_query else "Authenticate"
        return _secd(
            f"sendTvsClientReqToSrvr: {wanted} Certificate : request sent to TVS server - "
            "waiting for response"
        )

    @render.register
    def _(self, event: events.TvsAnswerReceived) -> Lines:
        wanted = "Query" if event.is_query else "Authentication"
        return _secd(f"processTvsSrvrResponse: {wanted} Response received, status : {event.status}")

    @render.register
    def _(self, event: events.TvsCached) -> Lines:
        default = "default " if event.time_to_live_s == _DEFAULT_TIME_TO_LIVE_S else ""
        return _secd(
            f"saveCertToTvsCache: Saving certificate in TVS cache with {default}time-to-live "
            f"value: {event.time_to_live_s} seconds"
        )

    @render.register
    def _(self, event: events.TvsFailed) -> Lines:  # (ours)
        return _secd(
            "EROR:connectToTvsServer: Failed to connect to the TVS server: "
            f"IP:{event.server.address}, port:{event.server.port}, {event.reason}",
            level=Level.ERROR,
        )

    @render.register
    def _(self, event: events.TvsGivenUp) -> Lines:  # (ours)
        return _secd(f"EROR:processTvsClntReq: TVS failed, {event.reason}", level=Level.ERROR)

    @render.register
    def _(self, event: events.DirectoryRequested) -> Lines:
        return _java(f"cip.dir.TandunDirectories:? - Directory url {event.url}")

    @render.register
    def _(self, event: DirectoryAnswered) -> Lines:
        return _java(f"cip.http.ae:? - listener.httpSucceed: {event.url}", Level.ERROR)

    @render.register
    def _(self, event: events.HttpsConnecting) -> Lines:
        address, port = event.server.address, event.server.port
        return _secd(
            f"clpSetupSsl: Trying to connect to IPV4, IP: {address}, Port : {port}",
            f"clpSetupSsl: TCP connect() waiting, <{address}> c:8 s:9 port: {port}",
        )

    @render.register
    def _(self, event: events.HttpsConnected) -> Lines:
        place = f"<{event.server.address}> c:8 s:9"
        return _secd(
            f"clpSetupSsl: TCP connected, {place}",
            f"clpSetupSsl: start SSL/TLS handshake, {place}",
            "srvr_cert_vfy: Server Certificate Validation needs to be done",
        )

    @render.register
    def _(self, event: events.HttpsNotInTrustList) -> Lines:
        return _secd(
            f"EROR:https_cert_vfy: HTTPS cert not in CTL, <{event.server}>", level=Level.ERROR
        )

    @render.register
    def _(self, event: events.HttpsAuthenticated) -> Lines:
        via_tvs = event.source in {TrustSource.TVS, TrustSource.TVS_CACHE}
        via = "TVS" if via_tvs else f"{event.source} file"  # a trust list: (ours)
        return _secd(f"Authenticated the HTTPS conn via {via}", level=Level.ERROR)

    @render.register
    def _(self, event: events.HttpsRefused) -> Lines:  # (ours)
        return _secd(
            f"EROR:https_cert_vfy: HTTPS cert refused, <{event.server}>, {event.reason}",
            level=Level.ERROR,
        )

    @render.register
    def _(self, event: events.CapfStarted) -> Lines:  # (ours)
        server = event.server
        return _secd(
            f"capfClient: Connecting to CAPF server: IP:{server.address}, port:{server.port}"
        )

    @render.register
    def _(self, event: events.CapfFinished) -> Lines:  # (ours)
        if event.succeeded:
            return _secd(f"capfClient: {event.what} SUCCESS")
        return _secd(f"EROR:capfClient: {event.what} FAILED, {event.detail}", level=Level.ERROR)

    @render.register
    def _(self, event: events.Registering) -> Lines:  # (ours)
        self._call_control = _SCCP_STACK if event.protocol == "SCCP" else _SIP_STACK
        return _java(f"{self._call_control}:? - registering with {', '.join(event.members)}")

    @render.register
    def _(self, event: events.RegistrationSucceeded) -> Lines:  # (ours)
        return _java(f"{self._call_control}:? - registered with {event.server}")

    @render.register
    def _(self, event: events.RegistrationFailed) -> Lines:  # (ours)
        return _java(f"{self._call_control}:? - not registered, {event.reason}", Level.ERROR)

    @render.register
    def _(self, event: events.RegistrationLost) -> Lines:  # (ours)
        text = f"{self._call_control}:? - lost {event.server}, {event.reason}"
        return _java(text, Level.ERROR)

    @render.register
    def _(self, event: events.ResetReceived) -> Lines:  # (ours)
        return _java(f"{self._call_control}:? - received {event.kind}")


def _looked_up(event: events.ServerSecurity) -> Lines:
    if event.secure:
        return _secd("lookupCTL: TFTP SRVR secure")
    if event.holds_trust_list:
        return _secd("lookupCTL: TFTP SRVR NONsecure")  # (ours)
    return _secd("WARN:lookupCTL: ** no CTL, assume TFTP NONSECURE", level=Level.WARNING)
