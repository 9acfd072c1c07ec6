"""Console lines of a 78xx or 88xx about TLS and TVS: what SECUREAPP says.

Texts of seed 002 (8861, firmware 10.3) byte for byte, the role excepted: the seed prints 11 for
what the original document prints as 21. Where nothing was published the line is in the phone's own
style and marked `(ours)`; `Failed to ...` and `Not using TVS ...` are strings of real firmware
(phone.md 3.4).
"""

from typing import TypeAlias

from cucmsim.formats.phonevalues import Endpoint
from cucmsim.formats.roles import Role
from cucmsim.phone import events
from cucmsim.phone.console import ConsoleLine, Level
from cucmsim.phone.values import Purpose, Refusal

__all__ = [
    "answer_received",
    "certificate_used",
    "connected",
    "connecting",
    "given_up",
    "handshake_waited",
    "request_sent",
    "secure",
    "server_refused",
    "server_verified",
    "tcp_connected",
]

Lines: TypeAlias = tuple[ConsoleLine, ...]

_SOCKET = 11
_CONNECTION_HANDLE = 0x40E01270
_SIGNER_PURPOSES = {Purpose.TRUST_LIST, Purpose.SIGNED_FILE}
_NOT_USED = {
    Refusal.TVS_UNTRUSTED: "Not using TVS - TVS not in Trust list",
    Refusal.TVS_NOT_CONFIGURED: "VALIDATE CERT - TVS not enabled",
}


def secure(level: Level, *texts: str) -> Lines:
    """Return lines of SECUREAPP, all of one level."""
    return tuple(ConsoleLine(level, "SECUREAPP", text) for text in texts)


def _information(*texts: str) -> Lines:
    return secure(Level.INFORMATION, *texts)


def _debug(*texts: str) -> Lines:
    return secure(Level.DEBUG, *texts)


def connecting(server: Endpoint) -> Lines:
    """Return what is said before TCP stands."""
    address = server.address
    return _information(
        f"Attempting connect to TVS server addr [{address}], mode [IPv4]",
        f"TOS set to [96] on sock, [{address}][{_SOCKET}]",
    )


def tcp_connected(server: Endpoint) -> Lines:
    """Return what is said as soon as TCP stands."""
    address, port = server.address, server.port
    return (
        *_information(f"TCP connect() successful, [{address}] [{_SOCKET}]"),
        *_debug(f"BIO created with: addr:{address}, port:{port}, mode:IPv4"),
        *_information("Sec SSL Connection - TVS."),
    )


def certificate_used(event: events.DeviceCertificateUsed) -> Lines:
    """Return the phone's own certificate and the first look at the handshake."""
    setup = "SSL session setup - "
    kind = "MIC" if event.is_mic else "LSC"
    return (
        *_information(f"{setup}Requesting Cert"),
        *_debug("Obtaining certificate."),
        *_information(f"{setup}Get Active cert ok"),
        *_debug(
            f"{setup}cert len={event.certificate_length}, type={kind}",
            f"Certificate subject name = {event.subject}",
            f"{setup}Certificate issuer name = {event.issuer}",
        ),
        *_information(f"{setup}Requesting Pkey", f"{setup}Get private key ok"),
        *_debug(f"{setup}key len={event.key_length}"),
        *_information(
            "Setup SSL session - SSL use certificate okay",
            "Setup SSL session - SSL use private key okay",
        ),
        *_debug(
            f"Sec SSL Connection - Added SSL connection handle {_CONNECTION_HANDLE:#x}, "
            f"connDesc {_SOCKET} to table.",
            "Sec SSL Connection - check status & perform handshake.",
        ),
        *handshake_waited(0),
    )


def handshake_waited(count: int) -> Lines:
    """Return the next look at the handshake, half a second later."""
    return _debug(
        f"Blocked TVS Secure Connection - Waiting ({count}) ....",
        "Sec SSL Connection - check status & perform handshake.",
    )


def _validated(*, valid: bool) -> Lines:
    setup = "SSL session setup Cert Verification - "
    finding = "Certificate is valid." if valid else "Certificate is not valid."  # not: (ours)
    return (
        *_debug(f"{setup}Role is = {Role.TVS.value}"),
        *_information(
            f"{setup}Invoking certificate validation helper plugin.",
            f"{setup}Certificate validation helper plugin returned.",
        ),
        *secure(Level.INFORMATION if valid else Level.ERROR, f"{setup}{finding}"),
        *_debug(f"{setup}returning validation result = {int(valid)}"),
    )


def server_verified() -> Lines:
    """Return what is said of TVS's certificate when it is in a trust list."""
    return _validated(valid=True)


def server_refused() -> Lines:
    """Return the same when it is not."""
    return (
        *_validated(valid=False),
        *secure(Level.ERROR, "Sec SSL Connection - Handshake failed."),
    )


def connected() -> Lines:
    """Return the end of the handshake."""
    return (
        *secure(Level.NOTICE, "Sec SSL Connection - Handshake successful."),
        *_information("Sec SSL Connection - caching disabled, session not saved"),
        *_debug(
            "Connection to server succeeded",
            f"TVS provider Init - connect returned TVS srvr sock: {_SOCKET}",
        ),
    )


def request_sent(event: events.TvsRequestSent) -> Lines:
    """Return what is said of the request."""
    process = "TVS process request - "
    wanted = "Query Certificate" if event.is_query else "Verify Certificate"  # verify: (ours)
    return (
        *_debug(f"{process}processing TVS {wanted} request."),
        *secure(
            Level.NOTICE,
            f"{process}Successfully sent the TVS request to TVS server, "
            f"bytes written : {event.size}",
        ),
        *_debug(f"==== {process}request byte dump ==__, len = {event.size}"),
    )


def answer_received(event: events.TvsAnswerReceived) -> Lines:
    """Return what is said of the answer; a refusal by TVS in words of ours."""
    refused = secure(Level.ERROR, f"TVS process response - status : {event.status}")
    return (
        *_debug(
            f"TVS Service receives {event.size} bytes of data",
            f"==== TVS process response - response byte dump ==__, len = {event.size}",
            "Found the work order from pending req list element at index 0",
        ),
        *(refused if event.status else ()),
    )


def given_up(event: events.TvsGivenUp) -> Lines:
    """Return why TVS did not help."""
    wanted = "get signer" if event.purpose in _SIGNER_PURPOSES else "validate cert"
    unused = _NOT_USED.get(event.reason)
    reason = "" if unused else f", {event.reason}"
    return secure(
        Level.ERROR,
        *((unused,) if unused else ()),
        f"Failed to {wanted} using TVS{reason}",
    )
