"""CAPF messages: the vectors of capfc and capfd both ways, and whatever damage can be done."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cucmsim.errors import FormatError
from cucmsim.formats.capf import (
    Curve,
    Message,
    MessageType,
    NestedCertificate,
    Reason,
    Sha2Signature,
    Sudi,
    Tag,
    byte_element,
    certificate_element,
    decode_message,
    encode_message,
    message_size,
    message_type_name,
    sha2_signature_element,
    short_element,
    sudi_element,
    text_element,
)
from cucmsim.formats.tlv import Element

if TYPE_CHECKING:
    from collections.abc import Callable

VECTORS = Path(__file__).parent.parent / "vectors"


def transcript(name: str) -> list[bytes]:
    lines = json.loads((VECTORS / "capf" / f"capf-{name}.json").read_text())
    return [bytes.fromhex(line["hex"]) for line in lines]


TRANSCRIPTS = sorted(path.stem.removeprefix("capf-") for path in (VECTORS / "capf").glob("*.json"))
MESSAGES = [message for name in TRANSCRIPTS for message in transcript(name)]


def read_everything(message: Message) -> None:
    for tag in Tag:
        for read in (message.byte, message.short, message.text):
            try:
                read(tag)
            except FormatError:
                continue
    for nested in (message.certificate, message.sha2_signature, message.sudi):
        try:
            nested()
        except FormatError:
            continue


def with_value(tag: int, value: bytes) -> Message:
    data = encode_message(Message(MessageType.AUTH_RESPONSE, 1, (Element(tag, value),)))
    return decode_message(data)


@pytest.mark.parametrize("data", MESSAGES)
def test_every_message_of_the_vectors_is_written_back_identical(data: bytes) -> None:
    assert encode_message(decode_message(data)) == data
    assert message_size(data) == len(data)
    assert message_size(data + b"U") == len(data)


def test_the_auth_request_is_read() -> None:
    message = decode_message(transcript("none")[0])
    assert message.message_type == MessageType.AUTH_REQUEST
    assert message.session_id == 7
    assert message.byte(Tag.VERSION) == 3
    assert message.byte(Tag.AUTHENTICATION_TYPE) == 0
    assert message.byte(Tag.REASON) is None


def test_the_auth_response_with_a_password_is_read() -> None:
    message = decode_message(transcript("wrong-password")[1])
    assert message.byte(Tag.REASON) == Reason.CERTIFICATE_UPDATED
    assert message.text(Tag.PASSWORD) == "654321"
    assert message.text(Tag.DEVICE_NAME) == "SEPB000B4BA0AEE"
    assert message.certificate() is None
    assert message.sudi() is None


def test_the_auth_response_by_certificate_is_read_and_made_again() -> None:
    data = transcript("install-by-lsc")[1]
    message = decode_message(data)
    certificate, signed, sudi = message.certificate(), message.sha2_signature(), message.sudi()
    assert certificate is not None
    assert signed is not None
    assert sudi is not None
    lsc = (VECTORS / "keys" / "lsc-SEPB000B4BA0AEE.crt.der").read_bytes()
    mic = (VECTORS / "keys" / "mic-SEPB000B4BA0AEE.crt.der").read_bytes()
    assert certificate == NestedCertificate(1, lsc)
    assert (signed.digest, len(signed.signature)) == (3, 256)
    assert sudi.certificate_der == mic
    assert (len(sudi.signature_sha1), len(sudi.signature_sha512)) == (256, 256)
    signature = message.value(Tag.SIGNED_DATA)
    assert signature is not None
    made = (
        byte_element(Tag.REASON, 1),
        certificate_element(certificate),
        Element(Tag.SIGNED_DATA, signature),
        byte_element(Tag.VERSION, 3),
        text_element(Tag.PASSWORD, ""),
        text_element(Tag.DEVICE_NAME, "SEPB000B4BA0AEE"),
        sudi_element(sudi),
        sha2_signature_element(signed),
    )
    assert encode_message(Message(MessageType.AUTH_RESPONSE, 4, made)) == data


def test_the_key_generate_request_is_read() -> None:
    message = decode_message(transcript("install-rsa2048-nopassword")[2])
    assert message.short(Tag.KEY_SIZE) == 2048
    assert message.byte(Tag.KEY_TYPE) == 0
    assert message.elements == (short_element(Tag.KEY_SIZE, 2048), byte_element(Tag.KEY_TYPE, 0))


def test_curves_tell_their_size() -> None:
    assert [curve.size_bits for curve in Curve] == [256, 384, 521]


def test_unknown_types_and_tags_survive_a_round_trip() -> None:
    data = bytes.fromhex("55c80000000900070e000101fe0000")
    message = decode_message(data)
    assert (message.message_type, message.value(14), message.value(254)) == (200, b"\x01", b"")
    assert encode_message(message) == data
    assert message_type_name(200) == "type 200"
    assert message_type_name(17) == "request in progress"


def test_the_first_of_two_equal_tags_counts_and_both_are_kept() -> None:
    elements = (byte_element(Tag.REASON, 1), byte_element(Tag.REASON, 9))
    message = decode_message(encode_message(Message(15, 1, elements)))
    assert message.byte(Tag.REASON) == 1
    assert message.elements == elements


def test_text_may_lack_its_nul() -> None:
    assert with_value(Tag.DEVICE_NAME, b"SEP001122334455").text(13) == "SEP001122334455"


def test_too_much_for_one_message_is_refused() -> None:
    elements = (Element(2, bytes(40000)), Element(2, bytes(40000)))
    with pytest.raises(ValueError, match="80006 bytes"):
        encode_message(Message(15, 1, elements))


def test_an_element_of_64_kib_is_carried() -> None:
    message = Message(2, 1, (Element(Tag.PASSWORD, bytes([65]) * 65532),))
    assert decode_message(encode_message(message)) == message


@pytest.mark.parametrize(
    ("tag", "value", "offset"),
    [
        (Tag.CERTIFICATE, "", 11),
        (Tag.CERTIFICATE, "010004000130", 14),  # longer inside than outside
        (Tag.CERTIFICATE, "01000200013030", 16),  # a tail
        (Tag.CERTIFICATE, "01000100", 15),  # no type
        (Tag.CERTIFICATE, "010000", 14),
        (Tag.SHA2_SIGNED_DATA, "03000401", 14),
        (Tag.SHA2_SIGNED_DATA, "0300010101", 15),
        (Tag.SUDI_DATA, "", 11),
        (Tag.SUDI_DATA, "000001 30 010001 30", 11),  # no part 3
        (Tag.SUDI_DATA, "000002 30", 14),
        (Tag.DEVICE_NAME, "534550 00 41 00", 14),
        (Tag.DEVICE_NAME, "5345 ff 00", 13),
        (Tag.REASON, "", 11),
        (Tag.REASON, "0101", 12),
        (Tag.KEY_SIZE, "08", 11),
    ],
)
def test_a_damaged_element_is_told_with_its_offset(tag: Tag, value: str, offset: int) -> None:
    message = with_value(tag, bytes.fromhex(value))
    reads: dict[Tag, Callable[[], object]] = {
        Tag.CERTIFICATE: message.certificate,
        Tag.SHA2_SIGNED_DATA: message.sha2_signature,
        Tag.SUDI_DATA: message.sudi,
        Tag.DEVICE_NAME: lambda: message.text(Tag.DEVICE_NAME),
        Tag.REASON: lambda: message.byte(Tag.REASON),
        Tag.KEY_SIZE: lambda: message.short(Tag.KEY_SIZE),
    }
    with pytest.raises(FormatError, match=f"element {tag}: ") as caught:
        reads[tag]()
    assert caught.value.offset == offset


def test_a_sudi_part_that_is_not_known_is_passed_over() -> None:
    value = bytes.fromhex("000001 30 010001 31 020001 99 030001 32")
    assert with_value(Tag.SUDI_DATA, value).sudi() == Sudi(b"0", b"1", b"2")


def test_another_protocol_is_refused_at_its_first_byte() -> None:
    with pytest.raises(FormatError, match="0x16, expected 0x55"):
        message_size(b"\x16")
    with pytest.raises(FormatError, match="0x16, expected 0x55"):
        decode_message(b"\x16" + MESSAGES[0][1:])
    assert message_size(b"") is None
    assert message_size(MESSAGES[0][:7]) is None
    assert message_size(MESSAGES[0][:8]) == len(MESSAGES[0])


@pytest.mark.parametrize("tail", [b"\0", b"\x07\x00\x01\x03"])
def test_a_tail_is_refused(tail: bytes) -> None:
    with pytest.raises(FormatError, match="the header says 8"):
        decode_message(MESSAGES[0] + tail)


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_a_message_cut_at_any_byte_raises_only_format_errors(name: str) -> None:
    for data in transcript(name):
        for size in range(len(data)):
            with pytest.raises(FormatError):
                decode_message(data[:size])


def test_a_changed_byte_anywhere_raises_only_format_errors() -> None:
    data = transcript("install-by-lsc")[1]
    for position in range(len(data)):
        for value in (0, 255, data[position] ^ 1):
            damaged = data[:position] + bytes([value]) + data[position + 1 :]
            try:
                read_everything(decode_message(damaged))
            except FormatError:
                continue


@given(st.binary(max_size=200))
def test_any_bytes_raise_only_format_errors(noise: bytes) -> None:
    for data in (noise, b"\x55" + noise, MESSAGES[1][:6] + len(noise).to_bytes(2) + noise):
        try:
            read_everything(decode_message(data))
        except FormatError:
            continue


def test_a_signature_value_shows_its_digest() -> None:
    assert sha2_signature_element(Sha2Signature(2, b"ab")) == Element(20, b"\x02\x00\x02ab")
