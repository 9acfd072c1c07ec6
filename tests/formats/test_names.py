"""Names and serial numbers as files and messages carry them."""

from typing import Protocol

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from cucmsim.formats.names import (
    decode_text,
    display_serial,
    encode_text,
    escape_controls,
    format_etoken_name,
    format_name,
    is_etoken,
    issuer_text,
    rfc2253_name,
    serial_bytes,
    subject_text,
)
from cucmsim.pki.signatures import Signer

ATTRIBUTES = (
    (NameOID.COUNTRY_NAME, "PL"),
    (NameOID.ORGANIZATION_NAME, "Cisco"),
    (NameOID.ORGANIZATIONAL_UNIT_NAME, "TAC"),
    (NameOID.COMMON_NAME, "cucm-1051-a-pub"),
    (NameOID.STATE_OR_PROVINCE_NAME, "Malopolska"),
    (NameOID.LOCALITY_NAME, "Krakow"),
)


class Tokens(Protocol):
    """The part of a seed's certificates used here."""

    tokens: tuple[Signer, ...]
    callmanager: Signer


def name(*attributes: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes])


@given(st.permutations(ATTRIBUTES))
def test_the_order_is_fixed_whatever_the_certificates(
    attributes: list[tuple[x509.ObjectIdentifier, str]],
) -> None:
    expected = "CN=cucm-1051-a-pub;OU=TAC;O=Cisco;L=Krakow;ST=Malopolska;C=PL"
    assert format_name(name(*attributes)) == expected


def test_other_attributes_follow_in_the_certificates_order() -> None:
    formatted = format_name(
        name(
            (NameOID.SERIAL_NUMBER, "PID:CP-8861"),
            (NameOID.DOMAIN_COMPONENT, "lab"),
            (NameOID.COMMON_NAME, "host"),
        )
    )
    assert formatted == "CN=host;2.5.4.5=PID:CP-8861;DC=lab"


def test_attributes_of_one_type_keep_their_order() -> None:
    units = (NameOID.ORGANIZATIONAL_UNIT_NAME, "b"), (NameOID.ORGANIZATIONAL_UNIT_NAME, "a")
    assert format_name(name(*units)) == "OU=b;OU=a"


def test_an_attribute_of_bits_is_shown_as_hex() -> None:
    bits = x509.NameAttribute(
        NameOID.X500_UNIQUE_IDENTIFIER, b"\x01\xab", _type=x509.name._ASN1Type.BitString
    )
    assert format_name(x509.Name([bits])) == "2.5.4.45=01ab"


def test_the_database_keeps_the_certificates_order_reversed() -> None:
    assert rfc2253_name(name(*ATTRIBUTES)) == (
        "L=Krakow,ST=Malopolska,CN=cucm-1051-a-pub,OU=TAC,O=Cisco,C=PL"
    )


def test_an_etokens_names_are_those_of_seed_001(seed_001: Tokens) -> None:
    certificate = seed_001.tokens[1].certificate
    assert is_etoken(certificate)
    subject = 'cn="SAST-ADN008580ef        ";ou=IPCBU;o="Cisco Systems'
    assert subject_text(certificate) == subject
    assert issuer_text(certificate) == "cn=Cisco Manufacturing CA;o=Cisco Systems"
    assert len(encode_text(subject)) == 56


def test_a_token_without_blanks_in_its_name_is_one_too() -> None:
    assert format_etoken_name(name((NameOID.COMMON_NAME, "SAST-1"))) == "cn=SAST-1"


def test_other_certificates_have_ordinary_names(seed_001: Tokens) -> None:
    certificate = seed_001.callmanager.certificate
    assert not is_etoken(certificate)
    assert subject_text(certificate) == issuer_text(certificate)
    assert subject_text(certificate).startswith("CN=cucm-1051-a-pub;OU=TAC;")


def test_a_serial_number_is_written_without_a_sign_byte(seed_001: Tokens) -> None:
    serial = serial_bytes(seed_001.tokens[1].certificate)
    assert display_serial(serial) == "83:E9:08:00:00:00:55:45:AF:31"


@pytest.mark.parametrize(("serial", "expected"), [("01", b"\x01"), ("0A:DC", b"\x0a\xdc")])
def test_a_serial_number_is_as_long_as_it_must_be(
    make_signer: "MakeSigner", serial: str, expected: bytes
) -> None:
    assert serial_bytes(make_signer("CN=a", serial).certificate) == expected


@given(st.text(st.characters(codec="utf-8")).filter(lambda text: not text.endswith("\0")))
def test_texts_end_with_a_nul_that_is_not_part_of_them(text: str) -> None:
    assert encode_text(text)[-1:] == b"\0"
    assert decode_text(encode_text(text)) == text


def test_a_text_without_nul_or_in_no_utf_8_is_read_all_the_same() -> None:
    assert decode_text(b"abc") == "abc"
    assert decode_text(b"a\xffb\0") == r"a\xffb"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("CN=Łódź Inc.;OU=x", "CN=Łódź Inc.;OU=x"), ("a\nb\x1b[2J\u2028", r"a\nb\x1b[2J\u2028")],
)
def test_what_cannot_be_printed_is_escaped(text: str, expected: str) -> None:
    assert escape_controls(text) == expected


class MakeSigner(Protocol):
    """The fixture of conftest.py."""

    def __call__(self, subject: str, serial: str) -> Signer: ...
