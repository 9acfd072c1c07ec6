"""The bounded reader."""

import pytest

from cucmsim.errors import FormatError
from cucmsim.formats.reader import Reader


def test_numbers_are_big_endian_and_offsets_advance() -> None:
    reader = Reader(bytes.fromhex("01 0203 04050607 ff"))
    assert (reader.u8(), reader.u16(), reader.u32()) == (1, 0x0203, 0x04050607)
    assert (reader.offset, reader.remaining, reader.peek()) == (7, 1, 0xFF)
    assert reader.take(1) == b"\xff"
    reader.expect_end()


@pytest.mark.parametrize("size", [-1, 3])
def test_what_is_not_there_cannot_be_taken(size: int) -> None:
    with pytest.raises(FormatError) as raised:
        Reader(b"abcd", 1, 3).take(size)
    assert raised.value.offset == 1


@pytest.mark.parametrize("method", ["u8", "u16", "u32", "peek"])
def test_an_empty_stretch_gives_nothing(method: str) -> None:
    with pytest.raises(FormatError) as raised:
        getattr(Reader(b"abcd", 2, 2), method)()
    assert raised.value.offset == 2


@pytest.mark.parametrize(("start", "end"), [(-1, None), (5, None), (0, 5), (3, 2)])
def test_a_stretch_outside_the_data_is_refused(start: int, end: int | None) -> None:
    with pytest.raises(FormatError):
        Reader(b"abcd", start, end)


def test_a_nested_reader_stays_within_and_tells_offsets_of_the_whole() -> None:
    reader = Reader(b"abcdef", 1, base=100)
    nested = reader.nested(2)
    assert nested.take(2) == b"bc"
    assert (nested.offset, nested.remaining, reader.offset) == (103, 0, 103)
    with pytest.raises(FormatError) as raised:
        nested.u8()
    assert raised.value.offset == 103


def test_bytes_left_over_are_an_error_where_the_end_is_expected() -> None:
    with pytest.raises(FormatError, match="2 bytes too many"):
        Reader(b"ab").expect_end()
