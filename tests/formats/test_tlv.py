"""Elements: tag, length, value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cucmsim.errors import FormatError
from cucmsim.formats.reader import Reader
from cucmsim.formats.tlv import (
    Element,
    encode_element,
    encode_elements,
    read_element,
    read_elements,
)

ELEMENTS = st.lists(st.builds(Element, st.integers(0, 255), st.binary(max_size=40))).map(tuple)


def test_an_element_is_a_byte_of_tag_two_of_length_and_the_value() -> None:
    data = bytes.fromhex("14 0002 0100 ff")
    element = read_element(Reader(data))
    assert (element.tag, element.value, element.offset, element.end) == (20, b"\x01\x00", 0, 5)
    assert encode_element(20, b"\x01\x00") == data[:5]


@given(ELEMENTS)
def test_what_is_read_is_written_back_whatever_the_tags(elements: tuple[Element, ...]) -> None:
    data = encode_elements(elements)
    assert read_elements(Reader(data)) == elements


@given(ELEMENTS.filter(bool), st.data())
def test_a_cut_row_of_elements_is_an_error_or_a_shorter_row(
    elements: tuple[Element, ...], data: st.DataObject
) -> None:
    whole = encode_elements(elements)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    offset, read = len(cut), elements
    try:
        read = read_elements(Reader(cut))
    except FormatError as error:
        offset, read = error.offset, ()
    assert 0 <= offset <= len(cut)
    assert read == elements[: len(read)]
    assert len(read) < len(elements)


def test_the_longest_element_is_65535_bytes() -> None:
    longest = encode_element(1, bytes(65535))
    assert len(read_element(Reader(longest)).value) == 65535
    with pytest.raises(ValueError, match="65536 bytes, at most 65535"):
        encode_element(1, bytes(65536))


def test_elements_within_an_element_tell_offsets_of_the_whole_file() -> None:
    outer = read_element(Reader(b"xx" + encode_element(3, b"\x04\x00\x09"), 2))
    with pytest.raises(FormatError) as raised:
        read_elements(outer.reader())
    assert raised.value.offset == 8
