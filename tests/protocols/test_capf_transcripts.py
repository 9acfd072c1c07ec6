"""The conversations of capfd and capfc (tests/vectors/capf), byte by byte, on both sides."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cucmsim.formats.capf import (
    CertificateType,
    NestedCertificate,
    Tag,
    decode_message,
)
from cucmsim.pki.certificates import load_certificate
from cucmsim.pki.digests import Digest
from cucmsim.pki.keys import KeyAlgorithm, KeySpec, PublicKey, load_private_key
from cucmsim.pki.signatures import Signer, verify_bare_digest
from cucmsim.protocols.capf_client import (
    AuthenticationRequested,
    CapfClientConversation,
    ClientEvent,
    Credentials,
    DeleteRequested,
    FetchRequested,
    KeyRequested,
    SessionEnded,
    StoreRequested,
)
from cucmsim.protocols.capf_common import InProgress
from cucmsim.protocols.capf_server import (
    AuthenticationReceived,
    CapfServerConversation,
    DeleteAnswered,
    FetchAnswered,
    KeyAnswered,
    ServerEvent,
    StoreAnswered,
)

VECTORS = Path(__file__).parent.parent / "vectors"
TRANSCRIPTS = sorted(path.stem for path in (VECTORS / "capf").glob("*.json"))
CUTS = [1, 2, 7, 8, 100_000]


def transcript(name: str) -> list[tuple[str, bytes]]:
    lines = json.loads((VECTORS / "capf" / f"{name}.json").read_text())
    return [(line["from"], bytes.fromhex(line["hex"])) for line in lines]


def signer(name: str) -> Signer:
    keys = VECTORS / "keys"
    certificate = load_certificate((keys / f"{name}.crt.der").read_bytes())
    return Signer(certificate, load_private_key((keys / f"{name}.key.der").read_bytes()))


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def messages_of(lines: list[tuple[str, bytes]], message_type: int) -> bytes:
    """Return the only message of a type."""
    (found,) = [data for _, data in lines if data[1] == message_type]
    return found


# what capfd decided in each conversation, and what capfc had
RSA_2048 = KeySpec(KeyAlgorithm.RSA, 2048)


def decide_as_server(
    server: CapfServerConversation, event: ServerEvent, name: str, lines: list[tuple[str, bytes]]
) -> None:
    if isinstance(event, AuthenticationReceived):
        if "install" in name:
            server.request_key(RSA_2048)
        elif "fetch" in name:
            server.request_certificate()
        elif "delete" in name:
            server.request_deletion()
        else:
            server.end({"none": 0, "wrong-password": 7, "unknown-device": 9}[name[5:]])
    elif isinstance(event, KeyAnswered):
        assert event.public_key == decode_message(messages_of(lines, 4)).value(Tag.PUBLIC_KEY)
        given = decode_message(messages_of(lines, 9)).certificate()
        assert given is not None
        server.store_certificate(given.certificate_der)
    elif isinstance(event, StoreAnswered | DeleteAnswered):
        assert event.succeeded
        server.end(1)
    elif isinstance(event, FetchAnswered):
        server.end(0)
    else:
        assert event == InProgress()


def decide_as_client(
    client: CapfClientConversation, event: ClientEvent, name: str, lines: list[tuple[str, bytes]]
) -> None:
    if event == AuthenticationRequested(3, 0):
        by_lsc = "by-lsc" in name
        client.authenticate(
            Credentials(
                password="654321" if "password" in name.removesuffix("nopassword") else "",
                certificate=signer("lsc-SEPB000B4BA0AEE") if by_lsc else None,
                sudi=signer("mic-SEPB000B4BA0AEE") if by_lsc else None,
            )
        )
    elif event == KeyRequested(RSA_2048):
        client.report_progress()
        client.send_public_key(decode_message(messages_of(lines, 4)).value(Tag.PUBLIC_KEY))
    elif isinstance(event, StoreRequested):
        assert event.certificate.certificate_type == CertificateType.LSC
        client.certificate_stored()
    elif event == FetchRequested():
        lsc = (VECTORS / "keys" / "lsc-SEPB000B4BA0AEE.crt.der").read_bytes()
        client.send_certificate(NestedCertificate(CertificateType.LSC, lsc))
    elif event == DeleteRequested():
        client.certificate_deleted()
    else:
        assert isinstance(event, SessionEnded)


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_the_server_says_what_capfd_said(name: str, cut: int) -> None:
    lines = transcript(name)
    server = CapfServerConversation(int.from_bytes(lines[0][1][2:6]))
    server.start()
    sent = list(server.data_to_send())
    for side, data in lines:
        if side == "client":
            for piece in pieces(data, cut):
                server.receive_data(piece)
                while (event := server.next_event()) is not None:
                    decide_as_server(server, event, name, lines)
                sent += server.data_to_send()
    assert sent == [data for side, data in lines if side == "server"]
    assert server.is_ended


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_the_phone_says_what_capfc_said(name: str, cut: int) -> None:
    lines = transcript(name)
    device = "SEP000000000000" if "unknown" in name else "SEPB000B4BA0AEE"
    client = CapfClientConversation(device)
    sent: list[bytes] = []
    for side, data in lines:
        if side == "server":
            for piece in pieces(data, cut):
                client.receive_data(piece)
                while (event := client.next_event()) is not None:
                    decide_as_client(client, event, name, lines)
                sent += client.data_to_send()
    assert sent == [data for side, data in lines if side == "client"]
    assert client.is_ended
    assert client.session_id == int.from_bytes(lines[0][1][2:6])


def test_all_that_the_phone_sent_may_come_at_once() -> None:
    lines = transcript("capf-install-by-lsc")
    server = CapfServerConversation(4)
    server.start()
    server.receive_data(b"".join(data for side, data in lines if side == "client"))
    sent = list(server.data_to_send())
    while (event := server.next_event()) is not None:
        decide_as_server(server, event, "capf-install-by-lsc", lines)
        sent += server.data_to_send()
    assert sent == [data for side, data in lines if side == "server"]


def test_the_proofs_of_capfc_verify() -> None:
    lines = transcript("capf-install-by-lsc")
    server = CapfServerConversation(4)
    server.start()
    server.receive_data(lines[1][1])
    event = server.next_event()
    assert isinstance(event, AuthenticationReceived)
    assert event.certificate is not None
    assert event.signature_sha1 is not None
    assert event.sha2_signature is not None
    assert event.sudi is not None
    lsc = signer("lsc-SEPB000B4BA0AEE").certificate.public_key()
    mic = signer("mic-SEPB000B4BA0AEE").certificate.public_key()
    data = b"SEPB000B4BA0AEE\0" + event.certificate.certificate_der
    assert verifies(lsc, Digest.SHA1, event.signature_sha1, data)
    assert verifies(lsc, Digest.SHA512, event.sha2_signature.signature, data)
    data = b"\x04\0\0\0" + event.sudi.certificate_der
    assert verifies(mic, Digest.SHA1, event.sudi.signature_sha1, data)
    assert verifies(mic, Digest.SHA512, event.sudi.signature_sha512, data)


def verifies(public_key: object, digest: Digest, signature: bytes, data: bytes) -> bool:
    assert isinstance(public_key, PublicKey)
    return verify_bare_digest(public_key, digest, signature, data)
