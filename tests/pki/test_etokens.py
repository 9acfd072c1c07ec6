"""Simulated tokens are named as those of seed 001, and known by that name."""

from datetime import UTC, datetime

import pytest

from cucmsim.formats.names import format_etoken_name, is_etoken
from cucmsim.pki.chains import is_issued_by
from cucmsim.pki.etokens import issue_etoken
from cucmsim.pki.keys import KeyAlgorithm, KeySpec, generate_key
from cucmsim.pki.manufacturing import manufacturing_ca

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SERIAL = bytes.fromhex("03E9080000005545AF31")
KEY = generate_key(KeySpec(KeyAlgorithm.RSA, 1024))


def test_a_token_is_named_as_in_seed_001_line_91() -> None:
    token = issue_etoken("ADN008580ef", KEY, not_before=NOW, serial=SERIAL)
    name = format_etoken_name(token.certificate.subject)
    assert name == 'cn="SAST-ADN008580ef        ";ou=IPCBU;o="Cisco Systems'
    assert token.certificate.serial_number == int.from_bytes(SERIAL, "big")
    assert token.name == "SAST-ADN008580ef"
    assert is_etoken(token.certificate)
    assert is_issued_by(token.certificate, manufacturing_ca().certificate)


@pytest.mark.parametrize(
    ("number", "moment", "text"),
    [
        ("", NOW, "letters and digits"),
        ("a b", NOW, "letters and digits"),
        ("A" * 33, NOW, "letters and digits"),
        ("A", datetime(2001, 1, 1, tzinfo=UTC), "2001-01-01"),
    ],
)
def test_what_no_token_can_be_is_refused(number: str, moment: datetime, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        issue_etoken(number, KEY, not_before=moment, serial=SERIAL)
