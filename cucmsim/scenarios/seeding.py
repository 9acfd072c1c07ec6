"""What a run has of time, chance, addresses and files, all of it from one number."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from cucmsim.clock import MovableClock, SystemClock
from cucmsim.cluster.cluster import RunOptions
from cucmsim.pki.keysource import SeededSource
from cucmsim.testing.clock import ManualClock
from cucmsim.testing.labcluster import Surroundings
from cucmsim.testing.places import GivenPlace, Place

__all__ = ["LARGEST_SEED", "draw_seed", "real_surroundings", "surroundings"]

LARGEST_SEED: Final = 999_999_999


def draw_seed() -> int:
    """Return a seed for a run that may be any."""
    return secrets.randbelow(LARGEST_SEED) + 1


@contextmanager
def surroundings(seed: int) -> Iterator[Surroundings]:
    """Give a run what follows from its seed; its files go with the block.

    The clock begins at a fixed moment and stands still until it is moved. Addresses are part of
    what is sent, so they follow from the seed too. Raises StartError while another run has them.
    """
    with TemporaryDirectory(prefix="cucmsim-") as directory, Place.take(seed) as place:
        clock, entropy = ManualClock(), SeededSource(seed)
        options = RunOptions(is_timed=False, capture=True)
        yield Surroundings(place, Path(directory), clock, entropy, options)


@contextmanager
def real_surroundings(addresses: Sequence[str] = ()) -> Iterator[Surroundings]:
    """Give a run what somebody's own phone or cluster needs: the machine's time and chance.

    `addresses` are those of the nodes, in order; none: of this machine alone.
    """
    with (
        TemporaryDirectory(prefix="cucmsim-") as directory,
        GivenPlace(addresses) if addresses else Place.take() as place,
    ):
        clock, options = MovableClock(SystemClock()), RunOptions(capture=True)
        yield Surroundings(place, Path(directory), clock, options=options)
