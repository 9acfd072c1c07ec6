"""The frames between `cucmsim admin` and a running cluster."""

import pytest

from cucmsim.errors import RemoteProtocolError
from cucmsim.protocols.admin_editor import Terminal
from cucmsim.protocols.admin_link import (
    Frame,
    FrameKind,
    FrameReader,
    Opening,
    encode_frame,
    read_size,
    size_frame,
)

OPENING = Opening("cucm-pub", "show itl", "xterm", 80, 24)


@pytest.mark.parametrize("size", [1, 4, 1000])
def test_frames_are_read_however_they_are_cut(size: int) -> None:
    data = OPENING.frame() + encode_frame(FrameKind.DATA, b"x") + encode_frame(FrameKind.END)
    reader, frames = FrameReader(), list[Frame]()
    for start in range(0, len(data), size):
        frames += reader.read(data[start : start + size])
    assert Opening.read(frames[0].payload) == OPENING
    assert frames[1:] == [Frame(FrameKind.DATA, b"x"), Frame(FrameKind.END)]


def test_an_opening_names_its_terminal() -> None:
    assert OPENING.shown_on == Terminal("xterm", 80, 24)
    assert Opening.read(b"{}") == Opening()


def test_a_size_is_told_and_read() -> None:
    payload = FrameReader().read(size_frame(100, 30))[0].payload
    assert read_size(payload, Terminal("xterm")) == Terminal("xterm", 100, 30)


@pytest.mark.parametrize(
    "data", [b"\x00\x00\x00\x00\x00", b"\x07" + b"\0" * 4, b"\x02" + b"\xff" * 4]
)
def test_an_unknown_kind_or_a_giant_frame_is_refused(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="expected kinds 1 to 6"):
        FrameReader().read(data)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff",
        b"[]",
        b"[" * 100_000,
        b'{"node": 1}',
        b'{"columns": "80"}',
        b'{"rows": -1}',
        b'{"rows": 10001}',
    ],
)
def test_an_opening_that_is_none_is_refused(payload: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="found"):
        Opening.read(payload)
