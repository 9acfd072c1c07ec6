"""Console lines of a 78xx or 88xx: what its log says of each event.

Texts of seed 002 (8861, firmware 10.3) and of phone.md 3.4 (7821, firmware 12.1), byte for byte
with their misspellings; the order is that of the events. From firmware 12 on `downd` does what
`dgetfile(<process>)` did before, and some lines more are there. Refusals, CAPF and registration
were never published in full: lines in the phone's own style are marked `(ours)`. So are downloads
over HTTPS: they have the lines of HTTP with `GHTTPS` in place of `GHTTP`.
"""

from functools import singledispatchmethod
from typing import TypeAlias

from cucmsim.phone import events
from cucmsim.phone import texts78xx_tls as tls
from cucmsim.phone.console import ConsoleLine, Level
from cucmsim.phone.dhcpevents import DhcpEvent
from cucmsim.phone.dhcptexts import dhcp_lines
from cucmsim.phone.moreevents import DirectoryAnswered
from cucmsim.phone.values import FileKind, Transport, TrustSource

__all__ = ["Texts78xx"]

Lines: TypeAlias = tuple[ConsoleLine, ...]

_SECURE_RETVAL = 9
_NONSECURE_RETVAL = 10
_LIMIT = "LIMIT downdload will be limited to 2048 KB"
_NEWEST_HEADER = (1, 1)
_PARENT = 620
_PROCESS_STEP = 7
_SECURE_CONFIG = 2
_TLV_OF_PAD = 15
_RELOADED = 8
_SECONDS_PER_HOUR = 3600
_HTTP = {Transport.HTTP: "GHTTP", Transport.HTTPS: "GHTTPS"}
_QUIET = {Level.INFORMATION, Level.DEBUG}


def _lines(module: str, *texts: str, level: Level = Level.NOTICE) -> Lines:
    return tuple(ConsoleLine(level, module, text) for text in texts)


class Texts78xx:
    """Renders events in order; it remembers the download and the connection under way.

    `firmware` is (major, minor) of the load; `first_process` the number of the first download.
    `debug` False leaves out what a phone without debugging leaves out of its TVS connections.
    """

    def __init__(
        self,
        firmware: tuple[int, int] = (12, 1),
        *,
        debug: bool = True,
        first_process: int = 870,
    ) -> None:
        self._is_new = firmware >= (12, 0)
        self._debug = debug
        self._process = first_process - _PROCESS_STEP
        self._kind = FileKind.OTHER
        self._pending: Lines = ()
        self._is_verified = False
        self._stands = False
        self._call_control = "SIPCC"

    @property
    def _getter(self) -> str:
        return "downd" if self._is_new else f"dgetfile({self._process})"

    def render(self, event: object) -> Lines:
        """Return the lines that the log shows for `event`."""
        return self._render(event)

    def _tls(self, lines: Lines, *, stands: bool = True) -> Lines:
        """Return lines about TVS, after those that waited for the connection if it `stands`."""
        before, self._pending = self._pending, ()
        whole = (*(before if stands else ()), *lines)
        return whole if self._debug else tuple(item for item in whole if item.level not in _QUIET)

    @singledispatchmethod
    def _render(self, event: object) -> Lines:  # noqa: ARG002 - an event without a line
        return ()

    @_render.register
    def _(self, event: DhcpEvent) -> Lines:
        return dhcp_lines(event)

    # --- downloads

    @_render.register
    def _(self, event: events.DownloadStarted) -> Lines:
        self._kind = event.kind
        self._process += _PROCESS_STEP
        execing = f"DDFORK - execing [/usr/sbin/dgetfile][-L{_PARENT}][ ]"
        target = f"{event.kind}File.tlv" if event.kind.is_trust_list else event.name
        wanted = _SECURE_CONFIG if event.secure and not event.kind.is_trust_list else 0
        return (
            *(() if self._is_new else _lines("downd", execing)),
            *_lines(
                self._getter,
                f"GETXXTP [GT{self._process}][src={event.name}][dest=/tmp/{target}]"
                f"[serv=][serv6=][sec={wanted}]",
                "In normal mode, call - > makeXXTPrequest (V6...)",
            ),
        )

    @_render.register
    def _(self, event: events.ServerSecurity) -> Lines:
        retval = _SECURE_RETVAL if event.secure else _NONSECURE_RETVAL
        return _lines(
            self._getter,
            f"AUTH.SRVR look up server - {event.index} - {event.server}",
            f"authentication retval = {retval}",
        )

    @_render.register
    def _(self, event: events.FileApproved) -> Lines:
        if not event.secure or self._kind.is_trust_list:
            return _lines(self._getter, "XXTP Non secure file requested")
        return _lines(
            self._getter,
            "XXTP Secure file requested",
            f"authenticated file approved - add .sgn if necessary -- {event.name}",
        )

    @_render.register
    def _(self, event: events.RequestSent) -> Lines:
        start = _lines(self._getter, f"XXTP start request, server {event.index + 1}")
        if event.transport is not Transport.TFTP:
            return (
                *start,
                *_lines(self._getter, "XXX arg[0] /usr/sbin/gethtp"),
                *_lines(_HTTP[event.transport], _LIMIT),
            )
        return (
            *start,
            *_lines(self._getter, "XXX arg[0] /usr/sbin/tftpd"),
            *_lines("TFTPD", _LIMIT),
            *_lines("TFTPD", "ai_family = 2, sockType = 2, protocol = 17", level=Level.ERROR),
            *_lines("TFTPD", f"Requesting {event.name} from {event.server} "),
        )

    @_render.register
    def _(self, event: events.RequestRetransmitted) -> Lines:
        return _lines("TFTPD", f"Timeout: retransmit the last packet ({event.count})")

    @_render.register
    def _(self, event: events.DownloadFinished) -> Lines:
        header = f"hdr->{event.status_line or 'HTTP/1.1 200 OK'}"
        return (
            *(_lines(_HTTP[event.transport], header) if event.transport in _HTTP else ()),
            *_lines(
                self._getter,
                "XXTP complete - status = 100",
                f"XXTP actualserver [{event.server}]",
            ),
        )

    @_render.register
    def _(self, event: events.DownloadFailed) -> Lines:
        if event.transport in _HTTP:
            said = event.status_line or event.text or event.failure
            return _lines(_HTTP[event.transport], f"http get [{said}]")
        if event.code is None:  # (ours)
            return (
                *_lines("TFTPD", f"Error: {event.text or event.failure} "),
                *_lines(self._getter, "XXTP complete - status = 1"),
            )
        return (
            *_lines("TFTPD", f"Error: ({event.code}+1){event.text or event.failure} "),
            *_lines(self._getter, f"XXTP complete - status = {event.code + 1}"),
        )

    # --- trust lists and signed files

    @_render.register
    def _(self, event: events.TrustListVerified) -> Lines:
        blind = event.source is TrustSource.BLIND
        padded = self._is_new and event.padding > 0
        major, minor = event.version
        return (
            *_notice("Using leap of faith to accept TL file", said=blind),
            *_notice(f"AUTH: start of pad ('T' 0x0d) at TLV {_TLV_OF_PAD}", said=padded),
            *_notice(
                f"AUTH: skipping {event.padding} trail bytes (pad and/or unknown TLVs)",
                said=padded,
            ),
            *_notice("Hashes match... authentication successful."),
            *tls.secure(
                Level.WARNING,
                *(
                    (
                        "AUTH: early exit from parser loop; old version header?",
                        f"AUTH: hdr ver {major}.{minor} (knows only upto 1.1)",
                    )
                    if event.version > _NEWEST_HEADER
                    else ()
                ),
            ),
            *_notice("updateFromFile: TL parse to table: CTL_SUCCESS"),
            *_notice("updateFromFile: Updating master TL table"),
            *tls.secure(Level.DEBUG, "TL file verified successfully."),
        )

    @_render.register
    def _(self, event: events.TrustListUpdated) -> Lines:
        updated = tls.secure(Level.INFORMATION, "TL file updated.")
        if not self._is_new:
            return updated
        return (
            *updated,
            *_lines(
                "JAVA",
                f"TL update Thread update{event.kind.capitalize()},result={_RELOADED}",
                f"ConfigManager update{event.kind}() rc={_RELOADED} retryCount=0, "
                "failReason:Success",
            ),
        )

    @_render.register
    def _(self, event: events.TrustListKept) -> Lines:
        return tls.secure(
            Level.INFORMATION,
            f"{event.kind}: Found identical existing certificate; no update made.",
        )

    @_render.register
    def _(self, event: events.TrustListRefused) -> Lines:  # the first: (ours)
        return tls.secure(
            Level.ERROR,
            f"{event.kind}: TL file verification failed, {event.reason}",
            f"{event.kind}: Failed to update configuration list.",
        )

    @_render.register
    def _(self, _event: events.TrustListsErased) -> Lines:  # (ours)
        return _notice("Erasing CTL and ITL files")

    @_render.register
    def _(self, event: events.SignatureVerified) -> Lines:  # (ours) as for trust lists
        del event
        return _notice("Hashes match... authentication successful.")

    @_render.register
    def _(self, event: events.VerificationFailed) -> Lines:  # (ours)
        return tls.secure(Level.ERROR, f"AUTH: {event.name} verification failed, {event.reason}")

    @_render.register
    def _(self, event: events.ConfigurationKept) -> Lines:  # (ours)
        kept = "keeping the one held" if event.held else "none held"
        return _lines("JAVA", f"ConfigManager {event.name} not taken, {event.reason}; {kept}")

    @_render.register
    def _(self, event: events.CertificateHashMismatch) -> Lines:  # (ours)
        return _lines("JAVA", f"ConfigManager certHash {event.expected} is of no certificate held")

    # --- TVS

    @_render.register
    def _(self, event: events.TvsConnecting) -> Lines:
        lines = self._tls(tls.connecting(event.server), stands=False)
        self._pending = tls.tcp_connected(event.server)
        self._is_verified = self._stands = False
        return lines

    @_render.register
    def _(self, event: events.DeviceCertificateUsed) -> Lines:
        self._pending = (*self._pending, *tls.certificate_used(event))
        return ()

    @_render.register
    def _(self, event: events.TlsHandshakeWaited) -> Lines:
        return self._tls(tls.handshake_waited(event.count))

    @_render.register
    def _(self, event: events.TvsServerVerified) -> Lines:
        del event
        self._is_verified = True
        return self._tls((*tls.server_verified(), *(tls.connected() if self._stands else ())))

    @_render.register
    def _(self, event: events.TvsServerRefused) -> Lines:
        del event
        return self._tls(tls.server_refused())

    @_render.register
    def _(self, event: events.TvsConnected) -> Lines:
        """Say so after the certificate was verified, whichever is told first."""
        del event
        self._stands = True
        return self._tls(tls.connected()) if self._is_verified else ()

    @_render.register
    def _(self, event: events.TvsRequestSent) -> Lines:
        return self._tls(tls.request_sent(event))

    @_render.register
    def _(self, event: events.TvsAnswerReceived) -> Lines:
        closed = tls.secure(
            Level.NOTICE,
            "Close and free connection handler",
            "Sec SSL Close Connection successful.",
        )
        return self._tls((*tls.answer_received(event), *(closed if self._is_new else ())))

    @_render.register
    def _(self, event: events.TvsCached) -> Lines:
        hours = event.time_to_live_s / _SECONDS_PER_HOUR
        return self._tls(
            tls.secure(
                Level.INFORMATION, f"TVS added cert to TVS cache - expires in {hours:g} hours"
            )
        )

    @_render.register
    def _(self, event: events.TvsFailed) -> Lines:  # (ours)
        server = f"[{event.server.address}]"
        return self._tls(
            tls.secure(Level.ERROR, f"TVS server {server} failed, {event.reason}"), stands=False
        )

    @_render.register
    def _(self, event: events.TvsGivenUp) -> Lines:
        return self._tls(tls.given_up(event), stands=False)

    # --- HTTPS, CAPF, registration: (ours)

    @_render.register
    def _(self, event: events.DirectoryRequested) -> Lines:
        return _lines("JAVA", f"Directory url {event.url}")

    @_render.register
    def _(self, event: DirectoryAnswered) -> Lines:
        return _lines("JAVA", f"listener.httpSucceed: {event.url}")

    @_render.register
    def _(self, event: events.HttpsConnecting) -> Lines:
        address, port = event.server.address, event.server.port
        return tls.secure(
            Level.INFORMATION, f"Attempting connect to HTTPS server addr [{address}], port [{port}]"
        )

    @_render.register
    def _(self, event: events.HttpsNotInTrustList) -> Lines:
        return tls.secure(Level.INFORMATION, f"HTTPS cert not in Trust list, [{event.server}]")

    @_render.register
    def _(self, event: events.HttpsAuthenticated) -> Lines:
        return _notice(f"Authenticated the HTTPS conn via {event.source}, [{event.server}]")

    @_render.register
    def _(self, event: events.HttpsRefused) -> Lines:
        return tls.secure(Level.ERROR, f"HTTPS cert refused, [{event.server}], {event.reason}")

    @_render.register
    def _(self, event: events.CapfStarted) -> Lines:
        server = event.server
        return _lines("CAPF", f"Connecting to CAPF server [{server.address}], port [{server.port}]")

    @_render.register
    def _(self, event: events.CapfSkipped) -> Lines:
        return _lines("CAPF", f"Not contacting CAPF, {event.reason}")

    @_render.register
    def _(self, event: events.CapfFinished) -> Lines:
        if event.succeeded:
            return _lines("CAPF", f"{event.what} complete")
        return _lines("CAPF", f"{event.what} failed, {event.detail}", level=Level.ERROR)

    @_render.register
    def _(self, event: events.Registering) -> Lines:
        self._call_control = "SCCP" if event.protocol == "SCCP" else "SIPCC"
        return _lines(self._call_control, f"registering with {', '.join(event.members)}")

    @_render.register
    def _(self, event: events.RegistrationSucceeded) -> Lines:
        return _lines(self._call_control, f"registered with {event.server}")

    @_render.register
    def _(self, event: events.RegistrationFailed) -> Lines:
        return _lines(self._call_control, f"not registered, {event.reason}", level=Level.ERROR)

    @_render.register
    def _(self, event: events.RegistrationLost) -> Lines:
        return _lines(self._call_control, f"lost {event.server}, {event.reason}", level=Level.ERROR)

    @_render.register
    def _(self, event: events.ResetReceived) -> Lines:
        return _lines(self._call_control, f"received {event.kind}")


def _notice(text: str, *, said: bool = True) -> Lines:
    return tls.secure(Level.NOTICE, text) if said else ()
