"""Seeded bytes and the streams made from them."""

from cucmsim.entropy import SeededEntropy, SystemEntropy, stream_of


def test_a_seed_draws_the_same_bytes_again_and_another_seed_others() -> None:
    first, again = SeededEntropy(7), SeededEntropy(7)
    drawn = [first.token(40), first.token(3)]
    assert drawn == [again.token(40), again.token(3)]
    assert SeededEntropy(8).token(40) != drawn[0]


def test_a_stream_does_not_depend_on_what_others_draw() -> None:
    alone, shared = SeededEntropy(7), SeededEntropy(7)
    shared.token(100)
    shared.stream("tvs").token(5)
    assert alone.stream("capf").token(16) == shared.stream("capf").token(16)


def test_a_stream_asked_for_again_is_another_one() -> None:
    entropy = SeededEntropy(7)
    drawn = {entropy.stream(name).token(16) for name in ("capf", "capf", "tvs")}
    assert len({*drawn, entropy.token(16)}) == 4


def test_the_machines_randomness_has_no_streams() -> None:
    entropy = SystemEntropy()
    assert stream_of(entropy, "capf") is entropy
