"""Keys that are used again are never with two at a time."""

from cucmsim.pki.keys import KeyAlgorithm, KeySpec, PrivateKey, generate_key
from cucmsim.pki.keysource import SeededSource
from cucmsim.testing.keypool import KeyPool, RememberingSource

_SPEC = KeySpec(KeyAlgorithm.EC, 256)
_OTHER = KeySpec(KeyAlgorithm.EC, 384)


def test_no_key_is_with_two_leases_and_released_ones_are_used_again() -> None:
    made: list[PrivateKey] = []

    def generate(spec: KeySpec) -> PrivateKey:
        made.append(generate_key(spec))
        return made[-1]

    pool = KeyPool(generate)
    first, second = pool.lease(), pool.lease()
    held = [first.key_job(_SPEC)(), first.key_job(_SPEC)(), second.key_job(_SPEC)()]
    assert len({id(key) for key in held}) == len(held)
    first.release()
    third = pool.lease()
    assert [third.key_job(_SPEC)() for _ in range(2)] == held[:2]
    assert third.key_job(_SPEC)() not in held
    assert third.key_job(_OTHER)().key_size == 384
    assert len(made) == 5


def test_a_remembered_key_is_the_one_that_the_seed_gives() -> None:
    specs = (_SPEC, _OTHER, _SPEC)
    source = SeededSource("7")
    expected = [source.key_job(spec)().private_numbers() for spec in specs]
    for _ in range(2):
        again = RememberingSource("7")
        assert [again.key_job(spec)().private_numbers() for spec in specs] == expected
    assert type(RememberingSource("7").stream("x")) is RememberingSource
