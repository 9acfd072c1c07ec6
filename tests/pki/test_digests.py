"""Digests against the published values for "abc" (FIPS 180-4)."""

import pytest

from cucmsim.pki.digests import Digest

OF_ABC = {
    Digest.SHA1: "a9993e364706816aba3e25717850c26c9cd0d89d",
    Digest.SHA256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    Digest.SHA384: "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
    "8086072ba1e7cc2358baeca134c825a7",
    Digest.SHA512: "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
}


@pytest.mark.parametrize(("digest", "expected"), OF_ABC.items())
def test_a_digest_is_the_published_one(digest: Digest, expected: str) -> None:
    assert digest.hash(b"abc").hex() == expected
    assert digest.size == len(expected) // 2


def test_numbers_are_those_of_tag_8() -> None:
    assert [Digest(number).name for number in (1, 2, 3)] == ["SHA1", "SHA256", "SHA512"]


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        ("sha-1", Digest.SHA1),
        ("SHA256", Digest.SHA256),
        (" Sha_384 ", Digest.SHA384),
        ("SHA-512", Digest.SHA512),
    ],
)
def test_a_digest_is_read_however_it_is_spelt(text: str, digest: Digest) -> None:
    assert Digest.parse(text) is digest


def test_an_unknown_digest_is_refused_with_what_was_found() -> None:
    with pytest.raises(ValueError, match="'md5' is no digest"):
        Digest.parse("md5")
