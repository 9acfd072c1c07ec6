"""The table `limits` of a description: time-outs, and how much of each thing at once."""

from pydantic import Field

from cucmsim.cluster.values import Number, Seconds, TableModel

__all__ = ["LimitSettings"]


class LimitSettings(TableModel):
    """How long a node waits for a peer, and how many it serves at once."""

    tftp_timeout_s: Seconds = Field(3.0, description="Until a TFTP packet is sent again")
    tftp_retransmissions: Number = Field(
        5, ge=0, le=100, description="Until a transfer is given up"
    )
    tftp_transfers: Number = Field(10_000, ge=1, le=1_000_000, description="Transfers at once")
    alternate_timeout_s: Seconds = Field(
        2.0, description="Silence of an alternate file location until the next one is asked"
    )
    alternate_file_size: Number = Field(
        4_194_304,
        ge=1024,
        le=67_108_864,
        description="Bytes of a file that comes from an alternate file location",
    )
    handshake_timeout_s: Seconds = Field(10.0, description="A TLS handshake, from first to last")
    idle_timeout_s: Seconds = Field(
        60.0, description="TVS, HTTP, web: until a whole request has come, and between two"
    )
    capf_idle_timeout_s: Seconds = Field(
        900.0, description="CAPF: silence while a phone makes its key"
    )
    connections: Number = Field(
        2000, ge=1, le=100_000, description="TVS, CAPF, HTTP, web: connections at once on each port"
    )
    http_head: Number = Field(
        16_384, ge=1024, le=1_048_576, description="HTTP, web: bytes of a request's lines"
    )
    registration_connections: Number = Field(
        10_000, ge=1, le=100_000, description="SIP, SCCP: connections at once on each port"
    )
    registration_idle_timeout_s: Seconds = Field(
        180.0, description="SIP, SCCP: silence, at least a minute more than the keepalive interval"
    )
    registration_message_timeout_s: Seconds = Field(
        30.0, description="SIP, SCCP: until a message that has begun is whole"
    )
    registration_burst: Number = Field(
        200, ge=1, le=100_000, description="SIP, SCCP: messages of a phone at once"
    )
    registration_rate: Number = Field(
        20, ge=1, le=100_000, description="SIP, SCCP: messages of a phone a second after that"
    )
    sip_head: Number = Field(
        16_384,
        ge=1024,
        le=1_048_576,
        description="SIP: bytes of a message's lines; a fourth for one",
    )
    sip_body: Number = Field(
        65_536, ge=1024, le=1_048_576, description="SIP: bytes of a message's body"
    )
    ssh_connections: Number = Field(50, ge=1, le=10_000, description="SSH connections at once")
    ssh_login_timeout_s: Seconds = Field(120.0, description="Until an SSH client has logged in")
    journal_exchanges: Number = Field(
        10_000, ge=1, le=1_000_000, description="The latest exchanges that the journal keeps"
    )
    capture_size: Number = Field(
        67_108_864,
        ge=1024,
        le=4_294_967_296,
        description="Bytes that a capture keeps; the oldest conversations go",
    )
    stop_timeout_s: Seconds = Field(4.0, description="To finish what runs when a node stops")
