"""The console log of a 79xx: seeds 000 and 001 line by line, and what no document shows.

Seed 000 prints addresses as `14 . 48 . 44 . 80`, `t1RequestFile` and `cInt` where letters were
misread; the lines here have them as the phone writes them.
"""

import pytest

from cucmsim.formats.phonevalues import Endpoint
from cucmsim.phone import events
from cucmsim.phone.console import Level
from cucmsim.phone.moreevents import DirectoryAnswered
from cucmsim.phone.texts79xx import Texts79xx
from cucmsim.phone.values import FileKind, Generation, Purpose, Refusal, Transport, TrustSource
from tests.phone.excerpts import assert_reproduced

NAME = "SEP0011215A1AE3"
CONFIG = f"{NAME}.cnf.xml"
SERVER = "14.48.44.80"
TVS = Endpoint(SERVER, 2445)
DIRECTORY = Endpoint(SERVER, 8443)

BOOT = [
    events.DownloadStarted(f"CTL{NAME}.tlv", FileKind.CTL, secure=False, size_limit=None),
    events.ServerSecurity(SERVER, 0, secure=True, holds_trust_list=True),
    events.FileApproved(f"CTL{NAME}.tlv", secure=False),
    events.RequestSent(27, f"CTL{NAME}.tlv", FileKind.CTL, SERVER, 0, Transport.TFTP, None),
    events.DownloadFinished(27, f"CTL{NAME}.tlv", FileKind.CTL, SERVER, Transport.TFTP, 4762),
    events.DownloadStarted(f"ITL{NAME}.tlv", FileKind.ITL, secure=False, size_limit=None),
    events.RequestSent(28, f"ITL{NAME}.tlv", FileKind.ITL, SERVER, 0, Transport.TFTP, None),
    events.DownloadFinished(28, f"ITL{NAME}.tlv", FileKind.ITL, SERVER, Transport.TFTP, 5438),
    events.TrustListVerified(FileKind.ITL, TrustSource.CTL, 296, (1, 2), 2),
    events.DownloadStarted(CONFIG, FileKind.CONFIG, secure=True, size_limit=550001),
    events.ServerSecurity(SERVER, 0, secure=True, holds_trust_list=True),
    events.FileApproved(f"{CONFIG}.sgn", secure=True),
    events.RequestSent(10, f"{CONFIG}.sgn", FileKind.CONFIG, SERVER, 0, Transport.TFTP, 550001),
    events.DownloadFinished(10, f"{CONFIG}.sgn", FileKind.CONFIG, SERVER, Transport.TFTP, 7652),
    events.SignatureVerified(CONFIG, FileKind.CONFIG, TrustSource.ITL),
]

SEED_000_BOOT = """\
837: NOT 09:13:17.561856 SECD: tlRequestFile: Request CTLSEP0011215A1AE3.tlv
846: NOT 09:13:17.670439 TFTP: [27]:Requesting CTLSEP0011215A1AE3.tlv from 14.48.44.80
847: NOT 09:13:17.685264 TFTP: [27]:Finished --> rcvd 4762 bytes
868: NOT 09:13:17.860613 TFTP: [28]:Requesting ITLSEP0011215A1AE3.tlv from 14.48.44.80
869: NOT 09:13:17.875059 TFTP: [28]:Finished --> rcvd 5438 bytes
"""
SEED_000_VERIFIED = "File sign verify SUCCESS; header length <296>"
SEED_000_CONFIG = """\
917: NOT 09:13:18.433411 tftpClient: tftp request rcv'd from /usr/tmp/tftp, \
srcFile = SEP0011215A1AE3.cnf.xml, dstFile = /usr/ram/SEP0011215A1AE3.cnf.xml max size = 550001
918: NOT 09:13:18.457949 tftpClient: auth server - tftpList[0] = ::ffff:14.48.44.80
919: NOT 09:13:18.458937 tftpClient: look up server - 0
920: NOT 09:13:18.462479 SECD: lookupCTL: TFTP SRVR secure
921: NOT 09:13:18.466658 tftpClient: secVal = 0x9
922: NOT 09:13:18.467762 tftpClient: ::ffff:14.48.44.80 is a secure server
923: NOT 09:13:18.468614 tftpClient: retval = SRVR_SECURE
924: NOT 09:13:18.469485 tftpClient: Secure file requested
925: NOT 09:13:18.471217 tftpClient: authenticated file approved - add .sgn \
-- SEP0011215A1AE3.cnf.xml.sgn
926: NOT 09:13:18.540562 TFTP: [10]:Requesting SEP0011215A1AE3.cnf.xml.sgn \
from 14.48.44.80 with size limit of 550001
927: NOT 09:13:18.559326 TFTP: [10]:Finished --> rcvd 7652 bytes
937: NOT 09:13:18.656906 SECD: verifyFile: verify SUCCESS </usr/ram/SEP0011215A1AE3.cnf.xml>
"""

DIRECTORY_BUTTON = [
    events.DirectoryRequested(f"https://{SERVER}:8443/ccmcip/xmldirectory.jsp"),
    events.HttpsConnecting(DIRECTORY),
    events.HttpsConnected(DIRECTORY),
    events.TrustListsSearched(Purpose.HTTPS_SERVICE, by_certificate=True, found=None),
    events.HttpsNotInTrustList(SERVER),
    events.TvsStarted(Purpose.HTTPS_SERVICE, is_query=False),
    events.TvsCacheSearched(found=False),
    events.TvsConnecting(TVS, 0),
    events.TrustListsSearched(Purpose.TVS_SERVER, by_certificate=False, found=TrustSource.ITL),
    events.TvsServerVerified(TVS, by_hash=True, source=TrustSource.ITL),
    events.TvsConnected(TVS, 0),
    events.TvsRequestSent(TVS, is_query=False, size=1000),
    events.TvsAnswerReceived(TVS, is_query=False, size=30, status=0, roles=(7,)),
    events.TvsCached(is_query=False, time_to_live_s=86400),
    events.HttpsAuthenticated(SERVER, TrustSource.TVS),
    DirectoryAnswered(f"https://{SERVER}:8443/ccmcip/xmldirectoryinput.jsp?name={NAME}"),
]

SEED_000_DIRECTORY = """\
1184: NOT 15:20:55.219275 JVM: Startup Module Loader|cip.dir.TandunDirectories:? - \
Directory url https://14.48.44.80:8443/ccmcip/xmldirectory.jsp
1205: NOT 15:20:59.404971 SECD: clpSetupSsl: Trying to connect to IPV4, IP: 14.48.44.80, Port : 8443
1206: NOT 15:20:59.406896 SECD: clpSetupSsl: TCP connect() waiting, \
<14.48.44.80> c:8 s:9 port: 8443
1207: NOT 15:20:59.408136 SECD: clpSetupSsl: TCP connected, <14.48.44.80> c:8 s:9
1208: NOT 15:20:59.409393 SECD: clpSetupSsl: start SSL/TLS handshake, <14.48.44.80> c:8 s:9
1209: NOT 15:20:59.423386 SECD: srvr_cert_vfy: Server Certificate Validation needs to be done
1213: NOT 15:20:59.429176 SECD: findByCertAndRoleInTL: Searching TL from CTL file
1214: NOT 15:20:59.430315 SECD: findByCertAndRoleInTL: Searching TL from ITL file
1215: ERR 15:20:59.431314 SECD: EROR:https_cert_vfy: HTTPS cert not in CTL, <14.48.44.80>
1220: NOT 15:20:59.444517 SECD: processTvsClntReq: TVS Certificate Authentication request
1221: NOT 15:20:59.445507 SECD: lookupAuthCertTvsCacheEntry: No matching entry found at cache
1222: NOT 15:20:59.446518 SECD: processTvsClntReq: No server sock exists, must be created
1223: NOT 15:20:59.451378 SECD: secReq_initClient: clnt sock fd 11 bound to </tmp/secClnt_sec>
1224: NOT 15:20:59.457643 SECD: getTvsServerInfo: Phone in IPv4 only mode
1225: NOT 15:20:59.458706 SECD: getTvsServerInfo: Retrieving IPv4 address
1230: NOT 15:20:59.472628 SECD: connectToTvsServer: Successfully started a TLS connection \
establishment to the TVS server: IP:14.48.44.80, port:2445 (default); \
Waiting for it to get connected.
1244: NOT 15:20:59.529938 SECD: srvr_cert_vfy: Server Certificate Validation needs to be done
1245: NOT 15:20:59.533412 SECD: findByIssuerAndSerialAndRoleInTL: Searching TL from CTL file
1246: NOT 15:20:59.534936 SECD: findByIssuerAndSerialAndRoleInTL: Searching TL from ITL file
1247: NOT 15:20:59.537359 SECD: verifyCertWithHashFromTL: cert hash and hash in TL MATCH
1248: NOT 15:20:59.538726 SECD: tvs_cert_vfy: TVS cert verified with hash from TL, <14.48.44.80>
1264: NOT 15:20:59.789738 SECD: sendTvsClientReqToSrvr: Authenticate Certificate : \
request sent to TVS server - waiting for response
1273: NOT 15:20:59.825648 SECD: processTvsSrvrResponse: Authentication Response received, status : 0
1279: NOT 15:20:59.837086 SECD: saveCertToTvsCache: Saving certificate in TVS cache \
with default time-to-live value: 86400 seconds
1287: ERR 15:20:59.859993 SECD: Authenticated the HTTPS conn via TVS
1302: ERR 15:21:01.959700 JVM: Startup Module Loader|cip.http.ae:? - listener.httpSucceed: \
https://14.48.44.80:8443/ccmcip/xmldirectoryinput.jsp?name=SEP0011215A1AE3
"""

SEED_001_FLUSH = """\
8074: NOT 23:00:22.335499 SECD: setupSocketToTvsProxy: Connected to TVS proxy server
8075: NOT 23:00:22.336918 SECD: tvsReqFlushTvsCertCache: Sent Request to TVS proxy, len: 3708
8089: NOT 23:00:22.601218 SECD: clpTvsInit: Client message received on TVS proxy socket
8090: NOT 23:00:22.602785 SECD: processTvsClntReq: Success reading the client TVS request, \
len : 3708
8091: NOT 23:00:22.603901 SECD: processTvsClntReq: TVS Certificate cache flush request received
8092: NOT 23:00:22.605720 SECD: tvsFlushCertCache: Completed TVS Certificate cache flush request
"""


def rendered(happened: list[object]) -> list[tuple[Level, str, str]]:
    texts = Texts79xx()
    return [line for event in happened for line in texts.render(event)]


def assert_seed(happened: list[object], excerpt: str) -> None:
    texts = Texts79xx()
    lines = [line for event in happened for line in texts.render(event)]
    assert_reproduced(Generation.SERIES_79XX, lines, excerpt.splitlines())


def test_the_boot_of_seed_000() -> None:
    assert_seed([*BOOT], SEED_000_BOOT + SEED_000_CONFIG)


def test_the_trust_list_is_verified_before_the_configuration_is_asked_for() -> None:
    lines = [text for _, _, text in rendered([*BOOT])]
    assert lines.index(SEED_000_VERIFIED) == lines.index("[28]:Finished --> rcvd 5438 bytes") + 1


def test_the_directory_button_of_seed_000() -> None:
    assert_seed([*DIRECTORY_BUTTON], SEED_000_DIRECTORY)


def test_the_cache_flush_of_seed_001() -> None:
    assert_seed([events.CacheFlushed()], SEED_001_FLUSH)
    assert len(rendered([events.CacheFlushed()])) == 6


def test_a_phone_without_trust_list_asks_for_the_plain_file() -> None:
    happened = [
        events.DownloadStarted(CONFIG, FileKind.CONFIG, secure=False, size_limit=550001),
        events.ServerSecurity(SERVER, 0, secure=False, holds_trust_list=False),
        events.FileApproved(CONFIG, secure=False),
    ]
    assert rendered([*happened])[3:] == [
        (Level.WARNING, "SECD", "WARN:lookupCTL: ** no CTL, assume TFTP NONSECURE"),
        (Level.NOTICE, "tftpClient", "secVal = 0xa"),
        (Level.NOTICE, "tftpClient", f"::ffff:{SERVER} is a NONsecure server"),
        (Level.NOTICE, "tftpClient", f"Non secure file approved -- {CONFIG}"),
    ]


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (
            events.DownloadFailed(
                3, CONFIG, FileKind.CONFIG, SERVER, Transport.TFTP, "not found", "", 1, "File gone"
            ),
            "[3]:Error --> (1)File gone",
        ),
        (
            events.DownloadFailed(3, CONFIG, FileKind.CONFIG, SERVER, Transport.TFTP, "timeout"),
            "[3]:Error --> timeout",
        ),
        (
            events.TrustListRefused(FileKind.ITL, Refusal.TVS_SILENT),
            "EROR:File sign verify FAILED <ITLFile.tlv>, no TVS server answers",
        ),
        (
            events.VerificationFailed(CONFIG, FileKind.CONFIG, Refusal.BAD_SIGNATURE),
            f"EROR:verifyFile: verify FAILED </usr/ram/{CONFIG}>, signature is wrong",
        ),
        (
            events.TvsServerRefused(TVS, 0),
            f"EROR:tvs_cert_vfy: TVS cert not in CTL, <{SERVER}>",
        ),
        (
            events.TvsFailed(TVS, 0, "refused"),
            (
                "EROR:connectToTvsServer: Failed to connect to the TVS server: "
                f"IP:{SERVER}, port:2445, refused"
            ),
        ),
        (
            events.TvsGivenUp(Purpose.TRUST_LIST, Refusal.TVS_SILENT),
            "EROR:processTvsClntReq: TVS failed, no TVS server answers",
        ),
        (
            events.HttpsRefused(SERVER, Refusal.TVS_REFUSED),
            f"EROR:https_cert_vfy: HTTPS cert refused, <{SERVER}>, TVS does not trust it",
        ),
        (events.RegistrationFailed("silent"), None),
        (events.CapfFinished(TVS, "install", succeeded=False, detail="busy"), None),
        (
            events.CapfFinished(TVS, "none", succeeded=False, detail="reason 7"),
            "EROR:capfClient: session FAILED, reason 7",
        ),
    ],
)
def test_failures_are_errors_with_their_reason(event: object, text: str | None) -> None:
    ((level, _, said),) = rendered([event])
    assert level is Level.ERROR
    assert text in {None, said}


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (
            events.TvsStarted(Purpose.TRUST_LIST, is_query=True),
            "processTvsClntReq: TVS Certificate Query request",
        ),
        (
            events.TvsCacheSearched(found=True),
            "lookupAuthCertTvsCacheEntry: Matching entry found at cache",
        ),
        (
            events.TvsServerVerified(TVS, by_hash=False, source=TrustSource.ITL),
            f"tvs_cert_vfy: TVS cert verified with cert from TL, <{SERVER}>",
        ),
        (
            events.TvsCached(is_query=True, time_to_live_s=60),
            (
                "saveCertToTvsCache: Saving certificate in TVS cache with time-to-live value: "
                "60 seconds"
            ),
        ),
        (
            events.TrustListsSearched(
                Purpose.SIGNED_FILE, by_certificate=False, found=TrustSource.CTL
            ),
            "findByIssuerAndSerialAndRoleInTL: Searching TL from CTL file",
        ),
        (
            events.HttpsAuthenticated(SERVER, TrustSource.ITL),
            "Authenticated the HTTPS conn via ITL file",
        ),
        (
            events.RequestSent(10, "a", FileKind.OTHER, SERVER, 0, Transport.TFTP, None),
            f"[10]:Requesting a from {SERVER}",
        ),
        (events.TrustListsErased(), "Erasing CTL and ITL files"),
        (events.CapfStarted(TVS, 2, "boot"), None),
        (events.CapfFinished(TVS, "install", succeeded=True), None),
        (events.Registering(("a", "b"), "SIP", 1), None),
        (events.RegistrationSucceeded("a"), None),
        (events.ResetReceived("restart"), None),
        (events.RegistrationLost("a", "closed"), None),
    ],
)
def test_one_line_says_what_happened(event: object, text: str | None) -> None:
    ((_, _, said),) = rendered([event])
    assert text in {None, said}


def test_another_port_than_the_usual_is_not_called_default() -> None:
    lines = rendered([events.TvsConnecting(Endpoint("192.0.2.7", 12445), 1)])
    assert "IP:192.0.2.7, port:12445; Waiting" in lines[-1][2]


def test_a_file_without_limit_and_a_server_that_is_not_listed() -> None:
    lines = rendered(
        [
            events.DownloadStarted("g3-tones.xml", FileKind.OTHER, secure=False, size_limit=None),
            events.ServerSecurity("tftp.lab.test", 1, secure=False, holds_trust_list=True),
        ]
    )
    assert lines[0][2].endswith("dstFile = /usr/ram/g3-tones.xml")
    assert lines[1][2] == "auth server - tftpList[1] = tftp.lab.test"
    assert lines[3][2] == "lookupCTL: TFTP SRVR NONsecure"


def test_what_no_log_mentions_is_silent() -> None:
    assert rendered([events.BootStarted(NAME, (SERVER,)), object()]) == []
