"""Files that hold several certificates, read whoever made them."""

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    pkcs7,
    pkcs12,
)

from cucmsim.errors import FormatError, VerificationError
from cucmsim.pki.bundles import (
    KeyBundle,
    dump_key_bundle,
    dump_trust_bundle,
    load_certificates,
    load_key_bundle,
    load_trust_bundle,
)
from cucmsim.pki.certificates import certificate_pem, load_certificate
from cucmsim.pki.keys import load_private_key

KEYS = Path(__file__).parents[1] / "vectors" / "keys"


def certificate(name: str) -> x509.Certificate:
    """Read a certificate of tests/vectors/keys."""
    return load_certificate((KEYS / f"{name}.crt.der").read_bytes())


LEAF, AUTHORITY = certificate("callmanager-casigned"), certificate("enterprise-ca")
PAIR = KeyBundle(
    "ITLRecovery", certificate("capf"), load_private_key((KEYS / "capf.key.der").read_bytes())
)


def test_pem_is_read_in_its_order_with_text_between() -> None:
    data = b"subject=x\n" + certificate_pem(AUTHORITY) + b"\nrubbish\n" + certificate_pem(LEAF)
    assert load_certificates(data) == (AUTHORITY, LEAF)


def test_der_is_one_certificate() -> None:
    assert load_certificates((KEYS / "enterprise-ca.crt.der").read_bytes()) == (AUTHORITY,)


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
@pytest.mark.parametrize("certificates", [[AUTHORITY, LEAF], [LEAF, AUTHORITY], [AUTHORITY]])
def test_pkcs7_is_read_leaf_first(encoding: Encoding, certificates: list[x509.Certificate]) -> None:
    data = pkcs7.serialize_certificates(certificates, encoding)
    assert load_certificates(data) == tuple(one for one in (LEAF, AUTHORITY) if one in certificates)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"rubbish",
        b"-----BEGIN PKCS7-----\nMIIB\n-----END PKCS7-----\n",
        b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        pkcs7.serialize_certificates([LEAF], Encoding.DER)[:-9],
    ],
)
def test_what_holds_no_certificate_is_a_format_error(data: bytes) -> None:
    with pytest.raises(FormatError):
        load_certificates(data)


def test_a_trust_bundle_keeps_names_and_order_and_holds_no_key() -> None:
    entries = (("cucm-pub", LEAF), ("Prüfung", AUTHORITY))
    data = dump_trust_bundle(entries)
    assert load_trust_bundle(data) == entries
    assert pkcs12.load_pkcs12(data, None).key is None


@pytest.mark.parametrize("data", [b"", b"rubbish", dump_key_bundle(PAIR, "secret")])
def test_a_file_that_is_no_trust_bundle_is_a_format_error(data: bytes) -> None:
    with pytest.raises(FormatError, match="no PKCS#12 file without a password"):
        load_trust_bundle(data)


def test_an_entry_without_a_name_has_an_empty_one() -> None:
    nameless = [pkcs12.PKCS12Certificate(LEAF, None)]
    data = pkcs12.serialize_key_and_certificates(None, None, None, nameless, NoEncryption())
    assert load_trust_bundle(data) == (("", LEAF),)


def test_a_key_opens_with_its_password_only_and_shows_nothing() -> None:
    data = dump_key_bundle(PAIR, "the cluster's own")
    found = load_key_bundle(data, "the cluster's own")
    assert (found.name, found.certificate) == (PAIR.name, PAIR.certificate)
    assert found.private_key.private_numbers() == PAIR.private_key.private_numbers()
    assert "key" not in repr(found)
    for damaged, password in ((data, "another"), (data[:-1], "the cluster's own"), (b"", "x")):
        with pytest.raises(VerificationError, match="does not open"):
            load_key_bundle(damaged, password)


def test_a_file_without_a_key_is_a_format_error() -> None:
    encryption = BestAvailableEncryption(b"x")
    entries = [pkcs12.PKCS12Certificate(LEAF, b"x")]
    data = pkcs12.serialize_key_and_certificates(None, None, None, entries, encryption)
    with pytest.raises(FormatError, match="holds no certificate with"):
        load_key_bundle(data, "x")


@pytest.mark.interop
def test_openssl_reads_the_recovery_file(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.fail("no openssl is installed")
    path = tmp_path / "ITLRecovery.p12"
    path.write_bytes(dump_key_bundle(PAIR, "secret"))
    done = subprocess.run(
        [openssl, "pkcs12", "-in", path, "-passin", "pass:secret", "-nokeys"],
        check=True,
        capture_output=True,
        timeout=60,
    )
    assert load_certificates(done.stdout) == (PAIR.certificate,)
