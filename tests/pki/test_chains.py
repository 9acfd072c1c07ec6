"""Chains: the vectors' own, and SHA-1, MD5 and PSS certificates that `openssl` makes."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519

from cucmsim.errors import VerificationError
from cucmsim.pki.certificates import certificate_der, load_certificate, self_signed
from cucmsim.pki.chains import ChainReason, is_issued_by, verify_chain
from cucmsim.pki.keys import KeySpec, generate_key
from cucmsim.pki.profiles import CertificateProfile, SubjectFields, Unit

VECTORS = Path(__file__).parent.parent / "vectors" / "keys"
AT = datetime(2026, 12, 1, tzinfo=UTC)
LSC, MIC = "lsc-SEPB000B4BA0AEE", "mic-SEPB000B4BA0AEE"


def _vector(name: str) -> x509.Certificate:
    return load_certificate((VECTORS / f"{name}.crt.der").read_bytes())


@pytest.mark.parametrize(
    ("name", "issuer"),
    [
        (LSC, "capf"),
        (MIC, "manufacturing-ca"),
        ("callmanager-casigned", "enterprise-ca"),
        ("tvs-pub", "tvs-pub"),
        ("callmanager-pub-1024", "callmanager-pub-1024"),
    ],
)
def test_a_vector_is_issued_by_its_issuer_and_no_other(name: str, issuer: str) -> None:
    for path in VECTORS.glob("*.crt.der"):
        other = path.name.removesuffix(".crt.der")
        assert is_issued_by(_vector(name), _vector(other)) is (other == issuer)


@pytest.mark.parametrize("key", ["ec-256", "ec-384", "ec-521"])
def test_an_ec_certificate_is_issued_by_itself_until_it_is_damaged(key: str) -> None:
    spec = KeySpec.parse(key)
    fields = SubjectFields("TAC", "Cisco", "Krakow", "Malopolska", "PL")
    profile = CertificateProfile(Unit.TOMCAT_ECDSA, spec)
    made = self_signed(
        profile, "pub-EC", fields, generate_key(spec), not_before=AT, serial=b"\x01" * 16
    )
    assert is_issued_by(made, made)
    damaged = load_certificate(certificate_der(made).replace(b"\x01" * 16, b"\x02" * 16))
    assert not is_issued_by(damaged, made)


def test_an_anchor_and_what_it_issued_are_accepted() -> None:
    anchors = [_vector("manufacturing-ca"), _vector("capf")]
    verify_chain(_vector(LSC), anchors, AT)
    verify_chain(_vector(MIC), anchors, AT)
    verify_chain(_vector("capf"), anchors, AT)
    verify_chain(_vector("callmanager-casigned"), [_vector("callmanager-casigned")], AT)


def _reasons(certificate: x509.Certificate, anchor: str, at: datetime) -> tuple[str, ...]:
    with pytest.raises(VerificationError) as caught:
        verify_chain(certificate, [_vector(anchor)], at)
    for reason in caught.value.reasons:
        assert reason in str(caught.value)
    return caught.value.reasons


def test_a_certificate_of_somebody_else_is_refused() -> None:
    assert _reasons(_vector(LSC), "manufacturing-ca", AT) == (ChainReason.UNKNOWN_ISSUER,)


def test_the_right_name_with_the_wrong_key_is_refused() -> None:
    assert _reasons(_vector("tomcat"), "tvs-pub", AT) == (ChainReason.BAD_SIGNATURE,)


def test_a_certificate_counts_between_its_dates_only() -> None:
    lsc = _vector(LSC)
    first, last = lsc.not_valid_before_utc, lsc.not_valid_after_utc
    second = timedelta(seconds=1)
    verify_chain(lsc, [_vector("capf")], first)
    verify_chain(lsc, [_vector("capf")], last)
    assert _reasons(lsc, "capf", first - second) == (ChainReason.NOT_YET_VALID,)
    assert _reasons(lsc, "capf", last + second) == (ChainReason.EXPIRED,)
    both = (ChainReason.UNKNOWN_ISSUER, ChainReason.EXPIRED)
    assert _reasons(lsc, "enterprise-ca", last + second) == both


def test_a_certificate_signed_with_ed25519_is_issued_by_nobody() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    name = _vector("capf").subject
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, AT, AT).sign(key, None)
    assert not is_issued_by(made, made)
    assert not is_issued_by(made, _vector("capf"))


@pytest.mark.interop
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("sha1", ["-sha1"]),
        ("md5", ["-md5"]),
        ("pss", ["-sha256", "-sigopt", "rsa_padding_mode:pss"]),
    ],
)
def test_an_old_or_odd_certificate_of_openssl_is_read_and_checked(
    kind: str, options: list[str], tmp_path: Path
) -> None:
    request = ["openssl", "req", "-x509", "-newkey", "rsa:1024", "-nodes", "-subj", f"/CN={kind}"]
    files = ["-keyout", "key.pem", "-out", "certificate.pem", "-days", "10"]
    subprocess.run([*request, *files, *options], cwd=tmp_path, capture_output=True, check=True)
    certificate = load_certificate((tmp_path / "certificate.pem").read_bytes())
    assert is_issued_by(certificate, certificate)
    data = certificate_der(certificate)
    damaged = load_certificate(data[:-1] + bytes([data[-1] ^ 1]))
    assert not is_issued_by(damaged, certificate)
