"""The console log of a 78xx or 88xx: seed 002 line by line, the lines of firmware 12, and refusals.

Seed 002 prints `Role is = 11` where the original document has 21; line 3312 of it (`SOCKET accept
errno=4`) belongs to another process and is left out here.
"""

from collections.abc import Sequence

import pytest

from cucmsim.formats.phonevalues import Endpoint
from cucmsim.phone import events
from cucmsim.phone.console import ConsoleLine, Level
from cucmsim.phone.moreevents import DirectoryAnswered
from cucmsim.phone.steps import FetchFailure
from cucmsim.phone.texts import console_texts, firmware_of
from cucmsim.phone.texts78xx import Texts78xx
from cucmsim.phone.texts79xx import Texts79xx
from cucmsim.phone.values import FileKind, Generation, Purpose, Refusal, Transport, TrustSource
from tests.phone.excerpts import assert_reproduced

NAME = "SEPB000B4BA0AEE"
TVS = Endpoint("192.168.11.32", 2445)
OLD = "192.168.11.32"
NEW = "192.168.11.51"
CONFIG = f"{NAME}.cnf.xml"


def request(kind: FileKind, name: str, transport: Transport) -> events.RequestSent:
    return events.RequestSent(1, name, kind, NEW, 0, transport, 2048 * 1024)


def download(kind: FileKind, name: str) -> list[object]:
    return [
        events.DownloadStarted(name, kind, secure=False, size_limit=None),
        events.ServerSecurity(NEW, 0, secure=True, holds_trust_list=True),
        events.FileApproved(name, secure=False),
        request(kind, name, Transport.HTTP),
        events.DownloadFinished(1, name, kind, NEW, Transport.HTTP, 4947, "HTTP/1.1 200 OK"),
    ]


TVS_EXCHANGE = [
    events.TvsConnecting(TVS, 0),
    events.DeviceCertificateUsed(
        785,
        is_mic=False,
        subject="/serialNumber=PID:CP-8861 SN:FCH18198CNQ/C=AU/O=stormin/OU=IST"
        "/CN=CP-8861-SEPB000B4BA0AEE",
        issuer="/C=AU/O=stormin/OU=IST/CN=CAPF-a7fb32bf/ST=NSQ/L=Sydney",
        key_length=1191,
    ),
    events.TvsServerVerified(TVS, by_hash=True, source=TrustSource.ITL),
    events.TlsHandshakeWaited(TVS, 1),
    events.TvsConnected(TVS, 0),
    events.TvsRequestSent(TVS, is_query=True, size=153),
    events.TvsAnswerReceived(TVS, is_query=True, size=1480, status=0, roles=(0, 3)),
    events.TvsCached(is_query=True, time_to_live_s=86400),
]


def taken(kind: FileKind, source: TrustSource) -> list[object]:
    return [
        events.TrustListVerified(kind, source, 336, (1, 2), 1),
        events.TrustListUpdated(kind, replaced=True, sha1=bytes(20)),
    ]


MIGRATION: list[object] = [
    *download(FileKind.CTL, f"CTL{NAME}.tlv"),
    *TVS_EXCHANGE,
    *taken(FileKind.CTL, TrustSource.TVS),
    *download(FileKind.ITL, f"ITL{NAME}.tlv"),
    *taken(FileKind.ITL, TrustSource.CTL),
]

SEED_002_DOWNLOAD = """\
3232 NOT Nov 29 06:33:59.011270 downd-DDFORK - execing [/usr/sbin/dgetfile][-L620][ ]
3233 NOT Nov 29 06:33:59.033132 dgetfile(870)-GETXXTP \
[GT870][src=CTLSEPB000B4BA0AEE.tlv][dest=/tmp/CTLFile.tlv][serv=][serv6=][sec=0]
"""
SEED_002_TVS = """\
3287 INF Nov 29 06:33:59.395199 SECUREAPP-Attempting connect to TVS server addr [192.168.11.32], \
mode [IPv4]
3288 INF Nov 29 06:33:59.395294 SECUREAPP-TOS set to [96] on sock, [192.168.11.32][11]
3289 INF Nov 29 06:33:59.396011 SECUREAPP-TCP connect() successful, [192.168.11.32] [11]
3290 DEB Nov 29 06:33:59.396111 SECUREAPP-BIO created with: addr:192.168.11.32, port:2445, mode:IPv4
3291 INF Nov 29 06:33:59.396231 SECUREAPP-Sec SSL Connection - TVS.
3292 INF Nov 29 06:33:59.396379 SECUREAPP-SSL session setup - Requesting Cert
3293 DEB Nov 29 06:33:59.396402 SECUREAPP-Obtaining certificate.
3294 INF Nov 29 06:33:59.396444 SECUREAPP-SSL session setup - Get Active cert ok
3295 DEB Nov 29 06:33:59.396464 SECUREAPP-SSL session setup - cert len=785, type=LSC
3296 DEB Nov 29 06:33:59.396854 SECUREAPP-Certificate subject name = /serialNumber=PID:CP-8861 \
SN:FCH18198CNQ/C=AU/O=stormin/OU=IST/CN=CP-8861-SEPB000B4BA0AEE
3297 DEB Nov 29 06:33:59.396917 SECUREAPP-SSL session setup - Certificate issuer name = \
/C=AU/O=stormin/OU=IST/CN=CAPF-a7fb32bf/ST=NSQ/L=Sydney
3298 INF Nov 29 06:33:59.396947 SECUREAPP-SSL session setup - Requesting Pkey
3299 INF Nov 29 06:33:59.397024 SECUREAPP-SSL session setup - Get private key ok
3300 DEB Nov 29 06:33:59.397045 SECUREAPP-SSL session setup - key len=1191
3301 INF Nov 29 06:33:59.399181 SECUREAPP-Setup SSL session - SSL use certificate okay
3302 INF Nov 29 06:33:59.399477 SECUREAPP-Setup SSL session - SSL use private key okay
3303 DEB Nov 29 06:33:59.399974 SECUREAPP-Sec SSL Connection - Added SSL connection handle \
0x40e01270, connDesc 11 to table.
3304 DEB Nov 29 06:33:59.400225 SECUREAPP-Sec SSL Connection - check status & perform handshake.
3305 DEB Nov 29 06:33:59.401086 SECUREAPP-Blocked TVS Secure Connection - Waiting (0) ....
3306 DEB Nov 29 06:33:59.401796 SECUREAPP-Sec SSL Connection - check status & perform handshake.
3307 DEB Nov 29 06:33:59.403321 SECUREAPP-SSL session setup Cert Verification - Role is = 21
3308 INF Nov 29 06:33:59.403412 SECUREAPP-SSL session setup Cert Verification - Invoking \
certificate validation helper plugin.
3309 INF Nov 29 06:33:59.403662 SECUREAPP-SSL session setup Cert Verification - Certificate \
validation helper plugin returned.
3310 INF Nov 29 06:33:59.403731 SECUREAPP-SSL session setup Cert Verification - Certificate is \
valid.
3311 DEB Nov 29 06:33:59.403784 SECUREAPP-SSL session setup Cert Verification - returning \
validation result = 1
3313 DEB Nov 29 06:33:59.907337 SECUREAPP-Blocked TVS Secure Connection - Waiting (1) ....
3314 DEB Nov 29 06:33:59.907393 SECUREAPP-Sec SSL Connection - check status & perform handshake.
3315 NOT Nov 29 06:33:59.908586 SECUREAPP-Sec SSL Connection - Handshake successful.
3316 INF Nov 29 06:33:59.908696 SECUREAPP-Sec SSL Connection - caching disabled, session not saved
3317 DEB Nov 29 06:33:59.908752 SECUREAPP-Connection to server succeeded
3318 DEB Nov 29 06:33:59.908800 SECUREAPP-TVS provider Init - connect returned TVS srvr sock: 11
3319 DEB Nov 29 06:33:59.908848 SECUREAPP-TVS process request - processing TVS Query Certificate \
request.
3320 NOT Nov 29 06:33:59.909322 SECUREAPP-TVS process request - Successfully sent the TVS request \
to TVS server, bytes written : 153
3321 DEB Nov 29 06:33:59.909364 SECUREAPP-==== TVS process request - request byte dump ==__, \
len = 153
3322 DEB Nov 29 06:33:59.913075 SECUREAPP-TVS Service receives 1480 bytes of data
3323 DEB Nov 29 06:33:59.913270 SECUREAPP-==== TVS process response - response byte dump ==__, \
len = 1480
3324 DEB Nov 29 06:33:59.914466 SECUREAPP-Found the work order from pending req list element at \
index 0
3325 INF Nov 29 06:33:59.915121 SECUREAPP-TVS added cert to TVS cache - expires in 24 hours
3333 NOT Nov 29 06:34:00.411671 SECUREAPP-Hashes match... authentication successful.
3334 WRN Nov 29 06:34:00.412849 SECUREAPP-AUTH: early exit from parser loop; old version header?
3335 WRN Nov 29 06:34:00.412945 SECUREAPP-AUTH: hdr ver 1.2 (knows only upto 1.1)
3336 NOT Nov 29 06:34:00.413031 SECUREAPP-updateFromFile: TL parse to table: CTL_SUCCESS
3337 NOT Nov 29 06:34:00.413088 SECUREAPP-updateFromFile: Updating master TL table
3338 DEB Nov 29 06:34:00.413442 SECUREAPP-TL file verified successfully.
3339 INF Nov 29 06:34:00.413512 SECUREAPP-TL file updated.
3344 NOT Nov 29 06:34:00.458890 dgetfile(877)-GETXXTP \
[GT877][src=ITLSEPB000B4BA0AEE.tlv][dest=/tmp/ITLFile.tlv][serv=][serv6=][sec=0]
3345 NOT Nov 29 06:34:00.459122 dgetfile(877)-In normal mode, call - > makeXXTPrequest (V6...)
"""
SEED_002_FINISHED = """\
3281 NOT Dec 14 06:34:00.488697 dgetfile(851)-XXTP complete - status = 100
3282 NOT Dec 14 06:34:00.488984 dgetfile(851)-XXTP actualserver [192.168.11.51]
3287 NOT Nov 29 06:34:00.499372 SECUREAPP-Hashes match... authentication successful.
3288 WRN Nov 29 06:34:00.500821 SECUREAPP-AUTH: early exit from parser loop; old version header?
3289 WRN Nov 29 06:34:00.500987 SECUREAPP-AUTH: hdr ver 1.2 (knows only upto 1.1)
3290 NOT Nov 29 06:34:00.501083 SECUREAPP-updateFromFile: TL parse to table: CTL_SUCCESS
3291 NOT Nov 29 06:34:00.501147 SECUREAPP-updateFromFile: Updating master TL table
3292 DEB Nov 29 06:34:00.501584 SECUREAPP-TL file verified successfully.
3293 INF Nov 29 06:34:00.501699 SECUREAPP-TL file updated.
"""


def rendered(
    happened: Sequence[object],
    firmware: tuple[int, int] = (10, 3),
    *,
    debug: bool = True,
    first_process: int = 870,
) -> list[ConsoleLine]:
    texts = Texts78xx(firmware, debug=debug, first_process=first_process)
    return [line for event in happened for line in texts.render(event)]


def said(happened: Sequence[object], firmware: tuple[int, int] = (12, 1)) -> list[str]:
    return [f"{line.module}-{line.text}" for line in rendered(happened, firmware)]


def test_the_migration_of_seed_002() -> None:
    excerpt = (SEED_002_DOWNLOAD + SEED_002_TVS).splitlines()
    assert_reproduced(Generation.SERIES_88XX, rendered(MIGRATION), excerpt)


def test_the_trust_list_of_seed_002_that_needs_no_tvs() -> None:
    lines = rendered(MIGRATION[-7:], first_process=851)
    assert_reproduced(Generation.SERIES_88XX, lines, SEED_002_FINISHED.splitlines())


def test_a_download_over_http_as_firmware_12_logs_it() -> None:
    assert said(download(FileKind.CTL, f"CTL{NAME}.tlv")) == [
        f"downd-GETXXTP [GT870][src=CTL{NAME}.tlv][dest=/tmp/CTLFile.tlv][serv=][serv6=][sec=0]",
        "downd-In normal mode, call - > makeXXTPrequest (V6...)",
        f"downd-AUTH.SRVR look up server - 0 - {NEW}",
        "downd-authentication retval = 9",
        "downd-XXTP Non secure file requested",
        "downd-XXTP start request, server 1",
        "downd-XXX arg[0] /usr/sbin/gethtp",
        "GHTTP-LIMIT downdload will be limited to 2048 KB",
        "GHTTP-hdr->HTTP/1.1 200 OK",
        "downd-XXTP complete - status = 100",
        f"downd-XXTP actualserver [{NEW}]",
    ]


def test_http_that_fails_and_tftp_after_it() -> None:
    name = f"ITL{NAME}.tlv"
    http, tftp = Transport.HTTP, Transport.TFTP
    happened = [
        request(FileKind.ITL, name, http),
        events.DownloadFailed(
            1, name, FileKind.ITL, NEW, http, "error", "HTTP/1.1 503 Service Unavailable"
        ),
        request(FileKind.ITL, name, tftp),
        events.RequestRetransmitted(name, 1),
        events.DownloadFailed(
            1, name, FileKind.ITL, NEW, tftp, "not found", "", 1, "File not found"
        ),
    ]
    assert said(happened) == [
        "downd-XXTP start request, server 1",
        "downd-XXX arg[0] /usr/sbin/gethtp",
        "GHTTP-LIMIT downdload will be limited to 2048 KB",
        "GHTTP-http get [HTTP/1.1 503 Service Unavailable]",
        "downd-XXTP start request, server 1",
        "downd-XXX arg[0] /usr/sbin/tftpd",
        "TFTPD-LIMIT downdload will be limited to 2048 KB",
        "TFTPD-ai_family = 2, sockType = 2, protocol = 17",
        f"TFTPD-Requesting {name} from {NEW} ",
        "TFTPD-Timeout: retransmit the last packet (1)",
        "TFTPD-Error: (1+1)File not found ",
        "downd-XXTP complete - status = 2",
    ]


def test_a_signed_configuration_over_tftp() -> None:
    happened = [
        events.DownloadStarted(CONFIG, FileKind.CONFIG, secure=True, size_limit=2097152),
        events.ServerSecurity(NEW, 1, secure=True, holds_trust_list=True),
        events.FileApproved(f"{CONFIG}.sgn", secure=True),
        events.DownloadFinished(3, f"{CONFIG}.sgn", FileKind.CONFIG, NEW, Transport.TFTP, 7652),
        events.SignatureVerified(CONFIG, FileKind.CONFIG, TrustSource.ITL),
    ]
    assert said(happened) == [
        f"downd-GETXXTP [GT870][src={CONFIG}][dest=/tmp/{CONFIG}][serv=][serv6=][sec=2]",
        "downd-In normal mode, call - > makeXXTPrequest (V6...)",
        f"downd-AUTH.SRVR look up server - 1 - {NEW}",
        "downd-authentication retval = 9",
        "downd-XXTP Secure file requested",
        f"downd-authenticated file approved - add .sgn if necessary -- {CONFIG}.sgn",
        "downd-XXTP complete - status = 100",
        f"downd-XXTP actualserver [{NEW}]",
        "SECUREAPP-Hashes match... authentication successful.",
    ]


def test_no_trust_list_means_no_secure_server() -> None:
    happened = [
        events.DownloadStarted(CONFIG, FileKind.CONFIG, secure=False, size_limit=2097152),
        events.ServerSecurity(NEW, 0, secure=False, holds_trust_list=False),
        events.FileApproved(CONFIG, secure=False),
    ]
    assert said(happened)[-2:] == [
        "downd-authentication retval = 10",
        "downd-XXTP Non secure file requested",
    ]


def test_firmware_12_says_more_of_a_trust_list() -> None:
    assert said(taken(FileKind.ITL, TrustSource.BLIND)) == [
        "SECUREAPP-Using leap of faith to accept TL file",
        "SECUREAPP-AUTH: start of pad ('T' 0x0d) at TLV 15",
        "SECUREAPP-AUTH: skipping 1 trail bytes (pad and/or unknown TLVs)",
        "SECUREAPP-Hashes match... authentication successful.",
        "SECUREAPP-AUTH: early exit from parser loop; old version header?",
        "SECUREAPP-AUTH: hdr ver 1.2 (knows only upto 1.1)",
        "SECUREAPP-updateFromFile: TL parse to table: CTL_SUCCESS",
        "SECUREAPP-updateFromFile: Updating master TL table",
        "SECUREAPP-TL file verified successfully.",
        "SECUREAPP-TL file updated.",
        "JAVA-TL update Thread updateItl,result=8",
        "JAVA-ConfigManager updateITL() rc=8 retryCount=0, failReason:Success",
    ]


def test_a_header_that_the_firmware_knows_is_no_warning() -> None:
    event = events.TrustListVerified(FileKind.ITL, TrustSource.ITL, 300, (1, 1), 0)
    assert said([event])[:2] == [
        "SECUREAPP-Hashes match... authentication successful.",
        "SECUREAPP-updateFromFile: TL parse to table: CTL_SUCCESS",
    ]


def test_tvs_without_debugging_as_a_7821_logs_it() -> None:
    lines = rendered(TVS_EXCHANGE, (12, 1), debug=False)
    assert [line.text for line in lines] == [
        "Sec SSL Connection - Handshake successful.",
        (
            "TVS process request - Successfully sent the TVS request to TVS server, "
            "bytes written : 153"
        ),
        "Close and free connection handler",
        "Sec SSL Close Connection successful.",
    ]


def test_the_handshake_succeeds_after_the_certificate_is_verified() -> None:
    connecting, used, verified, waited, connected, *rest = TVS_EXCHANGE
    in_order = [connecting, used, verified, connected, *rest]
    assert rendered([connecting, used, connected, verified, *rest]) == rendered(in_order)
    assert len(rendered([*in_order, waited])) == len(rendered(TVS_EXCHANGE))


def test_a_tvs_that_does_not_answer() -> None:
    happened = [
        events.TvsConnecting(TVS, 0),
        TVS_EXCHANGE[1],
        events.TvsFailed(TVS, 0, "connection refused"),
        events.TvsConnecting(TVS, 1),
        events.TvsServerRefused(TVS, 1),
        events.TvsGivenUp(Purpose.SIGNED_FILE, Refusal.TVS_SILENT),
    ]
    lines = said(happened)
    assert lines[2] == f"SECUREAPP-TVS server [{OLD}] failed, connection refused"
    assert lines[5] == f"SECUREAPP-TCP connect() successful, [{OLD}] [11]"
    assert lines[-4:] == [
        "SECUREAPP-SSL session setup Cert Verification - Certificate is not valid.",
        "SECUREAPP-SSL session setup Cert Verification - returning validation result = 0",
        "SECUREAPP-Sec SSL Connection - Handshake failed.",
        "SECUREAPP-Failed to get signer using TVS, no TVS server answers",
    ]


@pytest.mark.parametrize(
    ("event", "last"),
    [
        (
            events.TvsGivenUp(Purpose.HTTPS_SERVICE, Refusal.TVS_NOT_CONFIGURED),
            ["VALIDATE CERT - TVS not enabled", "Failed to validate cert using TVS"],
        ),
        (
            events.TvsGivenUp(Purpose.TRUST_LIST, Refusal.TVS_UNTRUSTED),
            ["Not using TVS - TVS not in Trust list", "Failed to get signer using TVS"],
        ),
        (
            events.TrustListRefused(FileKind.CTL, Refusal.TVS_REFUSED),
            [
                "CTL: TL file verification failed, TVS does not trust it",
                "CTL: Failed to update configuration list.",
            ],
        ),
        (
            events.TrustListKept(FileKind.CTL),
            ["CTL: Found identical existing certificate; no update made."],
        ),
        (
            events.VerificationFailed(CONFIG, FileKind.CONFIG, Refusal.BAD_SIGNATURE),
            [f"AUTH: {CONFIG} verification failed, signature is wrong"],
        ),
        (
            events.ConfigurationKept(CONFIG, "not found", held=True),
            [f"ConfigManager {CONFIG} not taken, not found; keeping the one held"],
        ),
        (
            events.ConfigurationKept(CONFIG, "not found", held=False),
            [f"ConfigManager {CONFIG} not taken, not found; none held"],
        ),
        (
            events.CertificateHashMismatch("ab"),
            ["ConfigManager certHash ab is of no certificate held"],
        ),
        (
            events.DownloadFailed(1, "a", FileKind.OTHER, NEW, Transport.TFTP, "timeout"),
            ["Error: timeout ", "XXTP complete - status = 1"],
        ),
        (
            events.DownloadFailed(1, "a", FileKind.OTHER, NEW, Transport.HTTPS, "unreachable"),
            ["http get [unreachable]"],
        ),
        (
            events.TvsAnswerReceived(TVS, is_query=False, size=20, status=1, roles=()),
            [
                "TVS process response - status : 1",
                "Close and free connection handler",
                "Sec SSL Close Connection successful.",
            ],
        ),
        (events.TrustListsErased(), ["Erasing CTL and ITL files"]),
        (events.HttpsRefused(NEW, Refusal.TVS_REFUSED), None),
        (events.HttpsConnecting(TVS), None),
        (events.HttpsNotInTrustList(NEW), None),
        (events.HttpsAuthenticated(NEW, TrustSource.TVS), None),
        (events.DirectoryRequested("https://a"), None),
        (DirectoryAnswered("https://a"), None),
        (events.CapfStarted(TVS, 2, "boot"), None),
        (events.CapfSkipped("no server"), None),
        (events.CapfFinished(TVS, "install", succeeded=True), None),
        (events.CapfFinished(TVS, "install", succeeded=False, detail="busy"), None),
        (
            events.CapfFinished(TVS, "none", succeeded=False, detail="reason 7"),
            ["session failed, reason 7"],
        ),
        (events.Registering(("a",), "SIP", 1), None),
        (events.RegistrationSucceeded("a"), None),
        (events.RegistrationFailed("silent"), None),
        (events.ResetReceived("reset"), None),
        (events.RegistrationLost("a", "closed"), None),
    ],
)
def test_what_else_a_phone_says(event: object, last: list[str] | None) -> None:
    lines = [line.text for line in rendered([event], (12, 1))]
    assert lines
    assert last is None or lines[-len(last) :] == last


def test_errors_are_marked() -> None:
    (*_, failed) = rendered([events.TvsGivenUp(Purpose.TRUST_LIST, Refusal.TVS_SILENT)])
    assert failed.level is Level.ERROR


def test_what_no_log_mentions_is_silent() -> None:
    assert rendered([events.BootStarted(NAME, (NEW,)), object()]) == []


def test_the_texts_follow_generation_and_load() -> None:
    start = events.DownloadStarted("a", FileKind.OTHER, secure=False, size_limit=None)
    old = console_texts(Generation.SERIES_88XX, "sip88xx.10-3-1-20")
    new = console_texts(Generation.SERIES_78XX)
    assert isinstance(console_texts(Generation.SERIES_79XX, "SCCP42.9-4-2"), Texts79xx)
    assert (old.render(start)[0].text[:6], new.render(start)[0].text[:7]) == ("DDFORK", "GETXXTP")
    assert firmware_of("sip88xx.14-1-1-0001-125") == (14, 1)
    assert firmware_of("") is None


def test_https_is_told_from_http_and_says_why_its_server_is_refused() -> None:
    texts = Texts78xx()
    sent = request(FileKind.CONFIG, CONFIG, Transport.HTTPS)
    failed = events.DownloadFailed(
        1,
        CONFIG,
        FileKind.CONFIG,
        NEW,
        Transport.HTTPS,
        FetchFailure.ERROR,
        text="server is not trusted",
    )
    lines = [line for event in (sent, failed) for line in texts.render(event)]
    assert [line.text for line in lines if line.module == "GHTTPS"] == [
        "LIMIT downdload will be limited to 2048 KB",
        "http get [server is not trusted]",
    ]
    assert "GHTTP" not in {line.module for line in lines}


@pytest.mark.parametrize(
    ("generation", "protocol", "named"),
    [
        (Generation.SERIES_79XX, "SIP", "cip.sipcc.SipCcAdapter"),
        (Generation.SERIES_79XX, "SCCP", "cip.sccp.SccpCcAdapter"),
        (Generation.SERIES_78XX, "SIP", "SIPCC"),
        (Generation.SERIES_78XX, "SCCP", "SCCP"),
    ],
)
def test_registration_is_told_by_the_stack_of_its_protocol(
    generation: Generation, protocol: str, named: str
) -> None:
    texts = console_texts(generation)
    for event in (
        events.Registering(("pub",), protocol, 1),
        events.RegistrationSucceeded("pub"),
        events.RegistrationLost("pub", "closed"),
        events.RegistrationFailed("403"),
        events.ResetReceived("reset"),
    ):
        (line,) = texts.render(event)
        assert named in f"{line.module} {line.text}"
        assert ("sipcc" in f"{line.module} {line.text}".lower()) == (protocol == "SIP")
