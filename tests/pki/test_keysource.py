"""Keys that follow from a seed, held against the cryptography library's and openssl's checks."""

import subprocess

import pytest

from cucmsim.entropy import SeededEntropy
from cucmsim.pki.keys import KeySpec, PrivateKey, dump_private_key, key_spec, load_private_key
from cucmsim.pki.keysource import KeySource, SeededSource, derive_key, key_job


def made(source: SeededSource, text: str) -> PrivateKey:
    return key_job(KeySpec.parse(text), source)()


@pytest.mark.parametrize("text", ["rsa-1024", "rsa-1032", "rsa-2048", "ec-256", "ec-384", "ec-521"])
def test_a_seed_makes_the_same_sound_key_of_the_kind_asked_for(text: str) -> None:
    key = made(SeededSource(1), text)
    assert key_spec(key) == KeySpec.parse(text)
    key_der = dump_private_key(key)
    assert key_der == dump_private_key(made(SeededSource(1), text))
    assert key_der != dump_private_key(made(SeededSource(2), text))
    load_private_key(
        key_der
    )  # OpenSSL's own check: parts that fit together, factors that are prime


def test_openssl_finds_nothing_wrong_with_such_keys() -> None:
    for number in range(8):
        key_der = dump_private_key(derive_key(KeySpec.parse("rsa-1024"), b"%d" % number))
        check = ["openssl", "pkey", "-inform", "DER", "-check", "-noout"]
        found = subprocess.run(check, input=key_der, capture_output=True, check=False)
        assert b"Key is valid" in found.stdout, found.stderr


def test_keys_are_drawn_when_the_job_is_asked_for_not_when_it_runs() -> None:
    spec = KeySpec.parse("ec-256")
    there, back = SeededSource(3), SeededSource(3)
    in_order = [there.key_job(spec), there.key_job(spec)]
    reversed_order = [back.key_job(spec), back.key_job(spec)]
    second = [dump_private_key(job()) for job in (reversed_order[1], reversed_order[0])]
    assert [dump_private_key(job()) for job in in_order] == second[::-1]
    assert second[0] != second[1]


def test_a_stream_of_a_source_of_keys_is_one_too() -> None:
    assert isinstance(SeededSource(1).stream("capf"), KeySource)


def test_an_entropy_that_makes_no_keys_leaves_them_to_the_system() -> None:
    spec, entropy = KeySpec.parse("ec-256"), SeededEntropy(1)
    keys = {dump_private_key(key_job(spec, entropy)()) for _ in range(2)}
    assert len(keys) == 2
    assert entropy.token(32) == SeededEntropy(1).token(32)
