"""Releases: reading, writing, comparing."""

import pytest

from cucmsim.pki.release import Release


@pytest.mark.parametrize(
    ("text", "release", "written"),
    [
        ("8.6", Release(8, 6), "8.6(1)"),
        ("10.5(2)", Release(10, 5, 2), "10.5(2)"),
        ("12.5SU3", Release(12, 5, 1, 3), "12.5(1)SU3"),
        ("12.5(1) su5a", Release(12, 5, 1, 5), "12.5(1)SU5"),
        ("14", Release(14), "14"),
        (" 14SU1 ", Release(14, 0, 1, 1), "14SU1"),
        ("15", Release(15), "15"),
    ],
)
def test_a_release_is_read_and_written_as_cisco_writes_it(
    text: str, release: Release, written: str
) -> None:
    assert Release.parse(text) == release
    assert str(release) == written
    assert Release.parse(written) == release


def test_releases_follow_one_another() -> None:
    written = ["8.6", "9.1(2)", "10.5", "10.5(2)", "11.0", "12.5", "12.5SU3", "14", "14SU1", "15"]
    releases = [Release.parse(text) for text in written]
    assert releases == sorted(releases)
    assert len(set(releases)) == len(releases)


@pytest.mark.parametrize("text", ["", "ten", "7.1", "16", "10.5.2", "10.5(2", "1000"])
def test_what_is_no_release_is_refused_with_what_was_found(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected .*14|expected 8\.0 to 15"):
        Release.parse(text)
