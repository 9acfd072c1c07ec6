"""The simulated manufacturer: its published CA and the MICs that it issues."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from cucmsim.pki.certificates import certificate_public_key
from cucmsim.pki.chains import is_issued_by, verify_chain
from cucmsim.pki.keys import KeySpec, generate_key
from cucmsim.pki.manufacturing import MIC_VALIDITY, issue_mic, manufacturing_ca

NAME = "SEPB000B4BA0AEE"
START = datetime(2026, 11, 21, 12, 0, 0, 5, tzinfo=UTC)
SERIAL = b"\x10" + b"\x22" * 15
KEY = generate_key(KeySpec.parse("ec-256")).public_key()


def test_the_ca_is_the_same_everywhere_and_its_key_is_its_own() -> None:
    ca = manufacturing_ca()
    assert ca.certificate.subject.rfc4514_string() == "O=cucmsim,CN=cucmsim Manufacturing CA"
    assert isinstance(ca.private_key, rsa.RSAPrivateKey)
    assert ca.private_key.key_size == 2048
    assert certificate_public_key(ca.certificate) == ca.private_key.public_key()
    assert is_issued_by(ca.certificate, ca.certificate)
    life = ca.certificate.not_valid_after_utc - ca.certificate.not_valid_before_utc
    assert 10956 <= life / timedelta(days=1) <= 10958
    basic = ca.certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert basic.value.ca


def test_a_mic_names_model_and_phone_and_chains_to_the_ca() -> None:
    mic = issue_mic(NAME, "8861", KEY, not_before=START, serial=SERIAL)
    assert mic.subject.rfc4514_string() == f"O=cucmsim,CN=CP-8861-{NAME}"
    assert mic.serial_number == int.from_bytes(SERIAL, "big")
    assert mic.not_valid_after_utc - mic.not_valid_before_utc == MIC_VALIDITY
    assert certificate_public_key(mic) == KEY
    verify_chain(mic, [manufacturing_ca().certificate], START)


def test_a_mic_does_not_outlive_the_ca() -> None:
    last = manufacturing_ca().certificate.not_valid_after_utc
    late = last - timedelta(days=1)
    assert issue_mic(NAME, "7962", KEY, not_before=late, serial=b"\1").not_valid_after_utc == last
    with pytest.raises(ValueError, match="found 2044-01-01, expected 2014-01-01 to 2043"):
        issue_mic(NAME, "7962", KEY, not_before=last + timedelta(seconds=1), serial=b"\1")


@pytest.mark.parametrize("serial", [b"", b"\1" * 21])
def test_a_serial_number_that_no_certificate_has_is_refused(serial: bytes) -> None:
    with pytest.raises(ValueError, match=f"a serial number of {len(serial)} bytes"):
        issue_mic(NAME, "8861", KEY, not_before=START, serial=serial)
