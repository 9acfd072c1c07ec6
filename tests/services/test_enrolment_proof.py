"""Proofs of possession: capfc's own, ours, and every way to get one wrong."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from cucmsim.entropy import SeededEntropy
from cucmsim.errors import VerificationError
from cucmsim.formats.capf import (
    CertificateType,
    NestedCertificate,
    Sha2Signature,
    Sudi,
    device_proof_data,
)
from cucmsim.pki.certificates import issue_lsc, load_certificate, new_serial
from cucmsim.pki.digests import Digest
from cucmsim.pki.keys import KeySpec, generate_key, load_private_key
from cucmsim.pki.signatures import Signer, sign_bare_digest
from cucmsim.protocols.capf_client import CapfClientConversation, Credentials
from cucmsim.protocols.capf_server import AuthenticationReceived, CapfServerConversation
from cucmsim.services.enrolment_proof import CertificateRules, string_matches
from cucmsim.store.rows import Device

VECTORS = Path(__file__).parent.parent / "vectors"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
NAME = "SEPB000B4BA0AEE"


def certificate(name: str) -> x509.Certificate:
    return load_certificate((VECTORS / "keys" / f"{name}.crt.der").read_bytes())


def signer(name: str) -> Signer:
    key = (VECTORS / "keys" / f"{name}.key.der").read_bytes()
    return Signer(certificate(name), load_private_key(key))


RULES = CertificateRules((certificate("capf"), certificate("manufacturing-ca")), NOW)


def receive(message: bytes, session_id: int) -> AuthenticationReceived:
    server = CapfServerConversation(session_id)
    server.start()
    server.receive_data(message)
    event = server.next_event()
    assert isinstance(event, AuthenticationReceived)
    return event


def claim_of(credentials: Credentials, session_id: int = 4) -> AuthenticationReceived:
    server, client = CapfServerConversation(session_id), CapfClientConversation(NAME)
    server.start()
    client.receive_data(b"".join(server.data_to_send()))
    client.next_event()
    client.authenticate(credentials)
    return receive(client.data_to_send()[0], session_id)


def capfc() -> AuthenticationReceived:
    lines = json.loads((VECTORS / "capf" / "capf-install-by-lsc.json").read_text())
    return receive(bytes.fromhex(lines[1]["hex"]), 4)


def ec_signer(issuer: Signer, name: str, size_bits: int) -> Signer:
    key = generate_key(KeySpec.parse(f"ec-{size_bits}"))
    serial = new_serial(SeededEntropy(size_bits))
    made = issue_lsc(
        issuer, name, key.public_key(), not_before=NOW - timedelta(days=1), serial=serial
    )
    return Signer(made, key)


def test_what_capfc_sent_is_accepted() -> None:
    RULES.check(capfc(), 4)


def test_an_lsc_alone_and_a_mic_alone_are_accepted() -> None:
    RULES.check(claim_of(Credentials(certificate=signer(f"lsc-{NAME}"))), 4)
    mic = signer(f"mic-{NAME}")
    RULES.check(claim_of(Credentials(certificate=mic, certificate_type=CertificateType.MIC)), 4)
    RULES.check(claim_of(Credentials(sudi=mic)), 4)


@pytest.mark.parametrize("size_bits", [256, 384, 521])
def test_an_ec_lsc_is_accepted(size_bits: int) -> None:
    lsc = ec_signer(signer("capf"), NAME, size_bits)
    RULES.check(claim_of(Credentials(certificate=lsc)), 4)


def test_the_digest_named_in_element_20_is_the_one_that_counts() -> None:
    lsc = signer(f"lsc-{NAME}")
    claim = claim_of(Credentials(certificate=lsc))
    assert claim.certificate is not None
    assert claim.sha2_signature is not None
    data = device_proof_data(NAME, claim.certificate.certificate_der)
    sha256 = sign_bare_digest(lsc.private_key, Digest.SHA256, data)
    RULES.check(replace(claim, sha2_signature=Sha2Signature(2, sha256)), 4)
    wrong = replace(claim, sha2_signature=Sha2Signature(2, claim.sha2_signature.signature))
    with pytest.raises(VerificationError, match="SHA256 signature is wrong"):
        RULES.check(wrong, 4)


def without_certificates(claim: AuthenticationReceived) -> AuthenticationReceived:
    return replace(claim, certificate=None, sudi=None)


def without_sha1(claim: AuthenticationReceived) -> AuthenticationReceived:
    return replace(claim, signature_sha1=None)


def without_sha2(claim: AuthenticationReceived) -> AuthenticationReceived:
    return replace(claim, sha2_signature=None)


def with_sha1_in_20(claim: AuthenticationReceived) -> AuthenticationReceived:
    return replace(claim, sha2_signature=Sha2Signature(1, bytes(256)))


def with_zero_signature(claim: AuthenticationReceived) -> AuthenticationReceived:
    return replace(claim, signature_sha1=bytes(256))


def with_short_signature(claim: AuthenticationReceived) -> AuthenticationReceived:
    return replace(claim, sha2_signature=Sha2Signature(3, b"\x01"))


def with_empty_signature(claim: AuthenticationReceived) -> AuthenticationReceived:
    return replace(claim, signature_sha1=b"")


def with_other_name(claim: AuthenticationReceived) -> AuthenticationReceived:
    return replace(claim, device_name="SEP000000000001")


def with_name_tail(claim: AuthenticationReceived) -> AuthenticationReceived:
    return replace(claim, device_name="A0AEE")


def with_garbage(claim: AuthenticationReceived) -> AuthenticationReceived:
    return replace(claim, certificate=NestedCertificate(1, b"no certificate"))


def with_garbage_sudi(claim: AuthenticationReceived) -> AuthenticationReceived:
    return replace(claim, sudi=Sudi(b"", b"", b""))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (without_certificates, "no certificate presented"),
        (without_sha1, "without both signatures"),
        (without_sha2, "without both signatures"),
        (with_sha1_in_20, "digest 1 in element 20"),
        (with_zero_signature, "SHA1 signature is wrong"),
        (with_short_signature, "SHA512 signature is wrong"),
        (with_empty_signature, "SHA1 signature is wrong"),
        (with_other_name, "is not that of SEP000000000001"),
        (with_name_tail, "is not that of A0AEE"),
        (with_garbage, "no certificate"),
        (with_garbage_sudi, "no certificate"),
    ],
)
def test_a_wrong_proof_is_refused_with_its_reason(
    damage: Callable[[AuthenticationReceived], AuthenticationReceived], message: str
) -> None:
    with pytest.raises(VerificationError, match=message):
        RULES.check(damage(capfc()), 4)


def test_a_sudi_signed_for_another_session_is_refused() -> None:
    with pytest.raises(VerificationError, match="the SUDI's SHA1 signature is wrong"):
        RULES.check(capfc(), 5)


def test_a_certificate_of_another_issuer_is_refused() -> None:
    claim = claim_of(Credentials(certificate=signer(f"mic-{NAME}")))
    with pytest.raises(VerificationError, match="unknown issuer"):
        CertificateRules((certificate("capf"),), NOW).check(claim, 4)


def test_an_expired_lsc_is_refused() -> None:
    late = replace(RULES, now=NOW + timedelta(days=400))
    with pytest.raises(VerificationError, match="expired"):
        late.check(claim_of(Credentials(certificate=signer(f"lsc-{NAME}"))), 4)


def test_the_key_of_another_certificate_is_refused() -> None:
    stolen = Signer(certificate(f"lsc-{NAME}"), signer(f"mic-{NAME}").private_key)
    with pytest.raises(VerificationError, match="signature is wrong"):
        RULES.check(claim_of(Credentials(certificate=stolen)), 4)


@pytest.mark.parametrize(
    ("expected", "given", "accepted"),
    [
        ("4711", "4711", True),
        ("4711", "4712", False),
        ("4711", "", False),
        ("4711", None, False),
        ("", "", False),
        ("", None, False),
        ("4711", "\uff14\uff17\uff11\uff11", False),
    ],
)
def test_a_string_counts_only_if_one_is_set_and_it_is_the_same(
    expected: str, given: str | None, *, accepted: bool
) -> None:
    device = Device(name=NAME, model="8861", authentication_string=expected)
    claim = AuthenticationReceived(NAME, 3, given)
    assert string_matches(device, claim) is accepted
