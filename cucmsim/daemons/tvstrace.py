"""What the real Trust Verification Service writes into its trace files about a connection.

The words and their order are those of seed 002 (a whole connection), seed 000 (a verification) and
seed 001 (the timer line); what the service looks up is traced by `services/verification.py`. A
dump shows at most 50 bytes, 8 to a line, under a `HEX_DUMP` line that belongs to the line before.
`Session Id : 0` is what the service prints whatever the session id is.
"""

from cucmsim.daemons.conversation import Arrival, PeerInfo
from cucmsim.formats.tvs import Message, MessageType, Tag, decode_message
from cucmsim.services.journal import Trace

__all__ = ["ConnectionTrace"]

_DUMPED = 50
_ROW = 8


class ConnectionTrace:
    """Writes the lines about one connection; with no `trace`, nothing."""

    def __init__(self, trace: Trace | None, arrival: Arrival) -> None:
        self._trace = trace
        self._arrival = arrival
        self._phone = f"{arrival.descriptor}:UNKNOWN"

    def accepted(self) -> None:
        """Write that the TCP connection was accepted."""
        fd, number, address = (
            self._arrival.descriptor,
            self._arrival.number,
            self._arrival.address,
        )
        self._say(
            f"Accepted TCP connection from socket 0x{fd:08x}, fd = {fd}",
            f"Total Session attempted = {number} accepted = {number}",
            "tvsGetNextThread",
            "Recd event",
            f"new ph on fd {fd}",
            f"{number}:UNKNOWN:Got a new SCB from RBTree",
            f"ipAddrStr (Phone) {address}",
            f"{self._phone}:Got a new ph conn {address} on {fd}, Total Acc = {number}..",
            f"added {fd} to readset",
        )

    def handshake_done(self, peer: PeerInfo) -> None:
        """Write that TLS stands."""
        fd, address = self._arrival.descriptor, self._arrival.address
        self._say(
            f"after select, {fd} was set",
            f"ipAddrStr (Phone) {address}",
            "tvsSSLHandShakeNotify",
            f"{address}: tvsSSLHandShake Session ciphers - {peer.cipher}",
            f"added {fd} to readset",
            "Recd event",
            "TLS HS Done for ph_conn",
        )

    def received(self, data: bytes) -> None:
        """Write that a whole request arrived."""
        if self._trace is None:
            return
        message = decode_message(data)
        self._dump(f"{self._phone}:Incoming Phone Msg:", data)
        self._decoded(message)
        event = message.type.trace_name.replace("TVS_MSG_", "TVS_EV_")
        self._say(
            f"{self._phone}:TVS CORE: Rcvd Event: {event} in State: TVS_STATE_AWAIT_REQ",
        )

    def found(self, certificate_der: bytes) -> None:
        """Write that a certificate was found for a query.

        The real line shows an address in memory; ours follows from the certificate,
        so that a run can be had again.
        """
        self._say(f"convertX509ToDER -x509cert : 0x{_address_of(certificate_der):x}")

    def sending(self, data: bytes) -> None:
        """Write that an answer is about to be sent."""
        if self._trace is None:
            return
        message = decode_message(data)
        name = message.type.trace_name
        self._say(f"{self._phone}:Sending {name.removeprefix('TVS_MSG_')} msg")
        self._decoded(message)
        reason = message.find(Tag.REASON)
        if reason is not None:
            self._say(f"ReasonInfo : {reason.value.hex()}$")
        self._certificates(message)
        self._time_to_live(message)
        self._dump("Sending TLS Msg ..", data)
        query = message.type is MessageType.QUERY_RESPONSE
        handler = "tvsHandleQueryCertReq" if query else "tvsHandleCertVerificationReq"
        self._say(
            f"ipAddrStr (Phone) {self._arrival.address}",
            f"{handler}: Timer started from tvsHandleNewPhConnection",
        )

    def _say(self, *lines: str) -> None:
        if self._trace is not None:
            for line in lines:
                self._trace(line)

    def _decoded(self, message: Message) -> None:
        self._say(
            "tvsPhoneDecodeMsg -\nDecoded Phone Msg:",
            "Protocol Discriminator: 57",
            f"MsgType : {message.type.trace_name}",
            "Session Id : 0",
            f"Length : {message.length}",
        )

    def _certificates(self, message: Message) -> None:
        """Write the certificate of an answer; the labels come from CAPF's decoder."""
        certificate = message.find(Tag.CERTIFICATE)
        if certificate is not None:
            self._say("Number of Certs : 1", "Cert[0] :")
            self._dump("Cert Type : 0", certificate.value)

    def _time_to_live(self, message: Message) -> None:
        """Write the time to live, which the service calls a public key."""
        element = message.find(Tag.TIME_TO_LIVE)
        if element is not None:
            self._say("Version : 0")
            self._dump("PublicKey :", element.value)

    def _dump(self, title: str, data: bytes) -> None:
        shown = data[:_DUMPED]
        rows = (shown[start : start + _ROW] for start in range(0, len(shown), _ROW))
        self._say(f"{title}\nHEX_DUMP: Len = {len(data)}:", *(row.hex(" ") for row in rows))


def _address_of(certificate_der: bytes) -> int:
    """Return a number of 28 bits that looks like an address and follows from the certificate."""
    return int.from_bytes(certificate_der[-4:]) >> 4
