"""The capture: off and on, what it drops, and how two runs are compared; the file it becomes."""

import struct
from datetime import UTC, datetime, timedelta

from cucmsim.formats.pcapng import encode_interface, encode_secrets
from cucmsim.services.capture import (
    Capture,
    End,
    Held,
    Kind,
    Sender,
    Tap,
    Transport,
    digest,
    lines,
)
from cucmsim.services.capturefile import pcapng_of

SERVER = End("127.0.1.1", 5060)


class Clock:
    """Each look at it takes a second."""

    def __init__(self, start: datetime = datetime(2026, 3, 1, tzinfo=UTC)) -> None:
        self.time = start

    def now(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time

    def monotonic(self) -> float:
        return 0.0


def capturing(limit: int = 1 << 20) -> Capture:
    capture = Capture(Clock(), limit)
    capture.start()
    return capture


def talk(
    capture: Capture, transport: Transport = Transport.TCP, port: int = 50000, text: bytes = b"hi"
) -> Held:
    """Let a client say something."""
    tap = Tap(capture, "pub", "callmanager", "192.0.2.1")
    held = tap.begin(transport, End("127.0.0.1", port), SERVER)
    assert held is not None
    capture.add(held, Sender.CLIENT, Kind.DATA, text)
    return held


def test_nothing_is_kept_until_it_is_on_and_after_it_is_off() -> None:
    capture = Capture(Clock())
    tap = Tap(capture, "pub", "tvs", "192.0.2.1")
    assert tap.begin(Transport.TCP, SERVER, SERVER) is None
    capture.add_secret(b"secret")
    capture.start()
    held = talk(capture)
    capture.stop()
    capture.add(held, Sender.SERVER, Kind.DATA, b"late")
    capture.add_plain(held, Sender.SERVER, b"late")
    assert (capture.state.on, capture.state.conversations, capture.state.packets) == (False, 1, 1)
    assert capture.snapshot().secrets == ()


def test_a_new_start_forgets_and_a_second_does_not() -> None:
    capture = capturing()
    old = talk(capture)
    capture.start()
    assert capture.state.conversations == 1
    capture.stop()
    capture.start()
    capture.add(old, Sender.CLIENT, Kind.DATA, b"of the last one")
    assert (capture.state.conversations, capture.state.size) == (0, 0)


def test_the_oldest_conversations_go_with_their_secrets_and_that_is_said() -> None:
    capture = capturing(1000)
    first = talk(capture, port=1)
    capture.add_secret(b"of the first")
    talk(capture, port=2)
    capture.add_secret(b"of the second")
    talk(capture, port=3, text=bytes(500))
    capture.add(first, Sender.CLIENT, Kind.DATA, bytes(2000))
    snapshot = capture.snapshot()
    assert [one.ends.client.port for one in snapshot.conversations] == [2, 3]
    assert (snapshot.secrets, snapshot.dropped) == ((b"of the second",), 1)
    assert capture.state.size == 64 + 64 + 2 + 64 + 13 + 64 + 64 + 500
    assert next(lines(snapshot)) == "1 conversations were dropped"
    assert b"1 older conversations were dropped" in pcapng_of(snapshot)


def test_a_conversation_larger_than_the_limit_is_dropped_itself() -> None:
    capture = capturing(1000)
    capture.add_plain(talk(capture), Sender.SERVER, bytes(1000))
    assert (capture.state.conversations, capture.state.size, capture.state.dropped) == (0, 0, 1)


def test_an_address_that_is_any_is_told_as_the_nodes() -> None:
    tap = Tap(capturing(), "pub", "tftp", "192.0.2.1")
    held = tap.begin(Transport.UDP, SERVER, End("0.0.0.0", 69))  # noqa: S104
    assert held is not None
    assert held.ends.server == End("192.0.2.1", 69)


def test_runs_that_differ_by_time_cuts_and_ports_are_alike() -> None:
    one, other = capturing(), Capture(Clock(datetime(2030, 1, 1, tzinfo=UTC)))
    other.start()
    talk(one, text=b"Via: 127.0.0.1:50000 of 127.0.1.1:5060")
    held = talk(other, port=51111, text=b"Via: 127.0.0.1:51111 of")
    other.add(held, Sender.SERVER, Kind.FINISH)
    other.add(held, Sender.CLIENT, Kind.DATA, b" 127.0.1.1:5060")
    assert list(lines(one.snapshot())) == [
        "1 pub callmanager tcp",
        f"> 000000 {b'Via: CLIENT of SERVER'.hex():<64} Via: CLIENT of SERVER",
    ]
    assert digest(one.snapshot()) == digest(other.snapshot())


def test_one_byte_more_makes_another_digest_and_the_lines_say_where() -> None:
    one, other = capturing(), capturing()
    talk(one, Transport.UDP, text=b"\0\4\0\1")
    held = talk(other, Transport.UDP, text=b"\0\4\0\1")
    other.add(held, Sender.SERVER, Kind.DATA, b"\0\3")
    assert digest(one.snapshot()) != digest(other.snapshot())
    assert [*lines(one.snapshot()), f"< 000000 {'0003':<64} .."] == list(lines(other.snapshot()))


def test_of_tls_what_was_inside_is_compared() -> None:
    one, other = capturing(), capturing()
    for capture, noise in ((one, b"random"), (other, b"chance")):
        held = talk(capture, Transport.TLS, text=noise)
        capture.add_plain(held, Sender.CLIENT, b"asked")
        capture.add_plain(held, Sender.SERVER, b"told")
    assert digest(one.snapshot()) == digest(other.snapshot())
    assert [line[:1] for line in lines(one.snapshot())] == ["1", ">", "<"]


def frames_of(file: bytes) -> list[tuple[int, int, bytes]]:
    """Return (interface, seconds, frame) of each packet of a capture file."""
    found, start = [], 0
    while start < len(file):
        kind, size = struct.unpack_from("<II", file, start)
        if kind == 6:
            interface, high, low, length = struct.unpack_from("<IIII", file, start + 8)
            data = file[start + 28 : start + 28 + length]
            found.append((interface, (high << 32 | low) // 1_000_000, data))
        start += size
    return found


def test_a_file_has_everything_in_the_order_in_which_it_was_seen() -> None:
    capture = capturing()
    first = talk(capture, Transport.TLS, port=1)
    other = Tap(capture, "sub", "tftp", "").begin(Transport.UDP, End("127.0.0.1", 2), SERVER)
    assert other is not None
    capture.add(other, Sender.CLIENT, Kind.DATA, b"asked")
    capture.add(first, Sender.SERVER, Kind.DATA, b"told")
    capture.add(other, Sender.SERVER, Kind.DATA, b"sent", 40000)
    for kind in (Kind.FINISH, Kind.FINISH, Kind.RESET, Kind.DATA):
        capture.add(first, Sender.SERVER, kind)
    capture.add_secret(b"CLIENT_RANDOM")
    file = pcapng_of(capture.snapshot())
    assert encode_interface("pub") + encode_interface("sub") in file
    assert encode_secrets([b"CLIENT_RANDOM"]) in file
    frames = frames_of(file)
    assert [one[0] for one in frames] == [0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0]
    ports = [struct.unpack_from("!HH", one[2], 34) for one in frames]
    assert (ports[5], ports[8]) == ((2, 5060), (40000, 2))
    assert [one[2][-4:] for one in frames if one[0]] == [b"sked", b"sent"]
    assert [time for _, time, _ in frames] == sorted(time for _, time, _ in frames)
