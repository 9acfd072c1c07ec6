"""Damaged files raise FormatError and nothing else, whatever the damage."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cucmsim.errors import FormatError
from cucmsim.formats.encryptedfile import decode_encrypted_file
from cucmsim.formats.header import decode_header, encode_header, verify_file
from cucmsim.formats.listing import format_header, format_trust_list, kind_of
from cucmsim.formats.signedfile import decode_signed_file
from cucmsim.formats.tlv import encode_element
from cucmsim.formats.trustlist import decode_trust_list, encode_trust_list, verify_trust_list
from cucmsim.pki.signatures import Signer

VECTORS = Path(__file__).parent.parent / "vectors"
ITL = (VECTORS / "itl/ITL-sha1-v1.0.tlv").read_bytes()
CTL = (VECTORS / "ctl/CTL-sha1-1024.tlv").read_bytes()
SIGNED = (VECTORS / "sgn/SEPB000B4BA0AEE.cnf.xml.sgn").read_bytes()
ENCRYPTED = (VECTORS / "enc/SEPB000B4BA0AEE.cnf.xml.enc.sgn").read_bytes()
FILES = (ITL, CTL, SIGNED, ENCRYPTED)
HEADER_LENGTHS = {468: ITL, 340: CTL, 480: SIGNED, 820: ENCRYPTED}


def read_everything(data: bytes) -> str:
    """Read `data` as every kind of file in turn; return what went wrong, each time."""
    problems = [
        attempt(lambda: decode_signed_file(data)),
        attempt(lambda: decode_encrypted_file(data)),
        attempt(lambda: format_header(decode_header(data))),
        attempt(lambda: show(data)),
    ]
    return "; ".join(problem for problem in problems if problem)


def attempt(action: Callable[[], object]) -> str:
    try:
        action()
    except FormatError as error:
        return str(error)
    return ""


def show(data: bytes) -> str:
    trust_list = decode_trust_list(data)
    assert encode_trust_list(trust_list) == data
    modified = trust_list.header.modified
    assert modified is not None
    return format_trust_list(kind_of(trust_list), data, modified=modified)


@pytest.mark.parametrize("whole", FILES, ids=["itl", "ctl", "sgn", "enc"])
def test_a_file_cut_at_any_byte_of_its_header_is_refused(whole: bytes) -> None:
    length = decode_header(whole).length
    for size in range(length):
        with pytest.raises(FormatError) as raised:
            decode_header(whole[:size])
        assert 0 <= raised.value.offset <= size


@pytest.mark.parametrize("whole", [ITL, CTL], ids=["itl", "ctl"])
def test_a_trust_list_cut_at_any_byte_is_refused_or_has_lost_whole_records(whole: bytes) -> None:
    complete = decode_trust_list(whole)
    ends = {complete.header.length, *(record.offset for record in complete.records)}
    for size in range(complete.header.length, len(whole)):
        problem = attempt(lambda size=size: decode_trust_list(whole[:size]))  # type: ignore[misc]
        assert (problem == "") is (size in ends)


@pytest.mark.parametrize("length", HEADER_LENGTHS)
def test_any_byte_of_a_header_may_be_anything(length: int) -> None:
    whole = HEADER_LENGTHS[length]
    assert decode_header(whole).length == length
    for offset in range(length):
        for value in (0x00, 0x01, 0x0D, 0x7F, 0xFF, whole[offset] ^ 1, whole[offset] ^ 0x80):
            damaged = whole[:offset] + bytes((value,)) + whole[offset + 1 :]
            attempt(lambda damaged=damaged: format_header(decode_header(damaged)))  # type: ignore[misc]


@given(st.sampled_from(FILES), st.data())
def test_bytes_changed_anywhere_raise_nothing_else(whole: bytes, data: st.DataObject) -> None:
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    read_everything(bytes(damaged))


@given(st.binary(max_size=300))
def test_noise_raises_nothing_else(noise: bytes) -> None:
    read_everything(noise)
    read_everything(ITL[:468] + noise)


@given(st.integers(0, 0xFFFF))
def test_any_header_length_is_refused_or_kept(length: int) -> None:
    damaged = ITL[:8] + length.to_bytes(2) + ITL[10:]
    problem = attempt(lambda: decode_header(damaged))
    assert (problem == "") is (length == 468)


def test_a_header_of_64_kib_with_one_element_is_read(
    vector_signer: Callable[[str], Signer],
) -> None:
    rest = ITL[10:466]
    filler = encode_element(200, bytes(0xFFFF - 10 - len(rest) - 3))
    data = ITL[:8] + b"\xff\xff" + rest + filler
    header = decode_header(data)
    assert encode_header(header) == data
    assert not verify_file(data, vector_signer("callmanager-pub").certificate)


@pytest.mark.parametrize("tag", [3, 7, 12, 14])
def test_an_element_of_64_kib_that_is_not_there_is_refused(tag: int) -> None:
    header = decode_header(ITL)
    element = header.find(tag)
    assert element is not None
    damaged = ITL[: element.offset + 1] + b"\xff\xff" + ITL[element.offset + 3 :]
    with pytest.raises(FormatError, match="expected 65535 more bytes") as raised:
        decode_header(damaged)
    assert raised.value.offset == element.offset + 3


@pytest.mark.parametrize(
    ("offset", "change", "message"),
    [
        (0, b"\x02", "element 1 is missing"),
        (5, b"\x01", "element 2 is missing"),
        (2, b"\x03", "has 3 bytes, expected 2"),
        (467, b"\x00", "something else than padding"),
        (15, b"\x63", "element 3 is missing"),
        (444, b"\x0c", "element 12 is there 2 times"),
        (459, b"\x0e", "element 14 is there 2 times"),
        (10, b"\x0f", "element 15 is there 2 times"),
    ],
)
def test_a_damaged_header_is_refused_with_the_reason(
    offset: int, change: bytes, message: str
) -> None:
    damaged = ITL[:offset] + change + ITL[offset + len(change) :]
    with pytest.raises(FormatError, match=message):
        decode_header(damaged)


def test_a_header_without_timestamp_is_one_of_firmware() -> None:
    element = decode_header(SIGNED).find(15)
    assert element is not None
    cut = SIGNED[: element.offset] + SIGNED[element.end :]
    header = decode_header(cut[:8] + (480 - 7).to_bytes(2) + cut[10:])
    assert (header.timestamp, header.modified) == (None, None)


def test_a_damaged_certificate_of_the_signer_is_no_signer() -> None:
    trust_list = decode_trust_list(ITL)
    start = ITL.index(trust_list.records[0].certificate_der or b"-")
    for offset in range(start, start + 884):
        damaged = ITL[:offset] + bytes((ITL[offset] ^ 0xFF,)) + ITL[offset + 1 :]
        assert verify_trust_list(decode_trust_list(damaged)) is not True
