"""The cache of finished files: stamps, bounds, what goes first."""

import random

from cucmsim.services.filecache import FileCache, pack

SAMPLE = bytes(range(32, 127)) * 100
FILE = b"changed" + SAMPLE


def test_a_file_is_found_under_its_stamp_only() -> None:
    cache = FileCache(1 << 20)
    cache.put("a", "1", b"data")
    assert cache.get("a", "1") == b"data"
    assert cache.get("a", "2") is None
    assert cache.get("b", "1") is None


def test_a_packed_file_comes_out_as_it_went_in_and_is_small() -> None:
    cache = FileCache(1 << 20)
    packed = pack(FILE, SAMPLE)
    assert len(packed.data) < len(FILE) // 20
    cache.put_packed("a", "1", packed)
    assert cache.holds("a", "1")
    assert not cache.holds("a", "2")
    assert cache.get("a", "1") == FILE
    assert cache.get("a", "1") is cache.get("a", "1")


def test_the_file_used_longest_ago_goes_first() -> None:
    cache = FileCache(8000)
    for name in ("a", "b", "c"):
        cache.put(name, "", bytes(1000))
    cache.get("a", "")
    cache.put("d", "", bytes(1000))
    assert [name for name in "abcd" if cache.holds(name, "")] == ["a", "c", "d"]


def test_a_file_larger_than_the_cache_is_not_held_and_drives_out_nothing() -> None:
    cache = FileCache(8000)
    cache.put("a", "", bytes(1000))
    cache.put("large", "", bytes(5000))
    assert cache.get("large", "") is None
    assert cache.holds("a", "")


def test_a_file_too_large_takes_its_old_version_with_it() -> None:
    cache = FileCache(8000)
    cache.put("a", "1", bytes(1000))
    cache.put("a", "2", bytes(5000))
    assert cache.get("a", "1") is None
    assert cache.size == 0


def test_replacing_a_file_does_not_count_it_twice() -> None:
    cache = FileCache(1 << 20)
    cache.put("a", "1", bytes(1000))
    size = cache.size
    cache.put("a", "2", bytes(1000))
    assert cache.size == size


def test_the_bound_holds_whatever_is_put() -> None:
    cache = FileCache(100_000)
    draw = random.Random(3)  # noqa: S311  any sizes will do
    for number in range(500):
        data = draw.randbytes(draw.randrange(3000))
        cache.put(str(number % 70), str(number), data)
        cache.put_packed(str(number % 70), str(number), pack(data, SAMPLE))
        assert cache.size <= 100_000
    cache.clear()
    assert cache.size == 0


def test_room_ends_before_files_have_to_go() -> None:
    cache = FileCache(200_000)
    assert cache.has_room
    for number in range(200):
        cache.put_packed(str(number), "", pack(random.Random(number).randbytes(500), SAMPLE))  # noqa: S311
    assert not cache.has_room
