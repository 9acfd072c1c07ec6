"""The memory of processes over time: samples, a straight line through them, a picture in text."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

__all__ = ["Memory", "Trend"]

_MIB: Final = 1024 * 1024
_WARM_S: Final = 90.0
_LEAST_S: Final = 150.0
_WIDTH: Final = 60
_BARS: Final = "▁▂▃▄▅▆▇█"
Sample = tuple[float, float]
"""Seconds since the soak began, and MiB."""


@dataclass(frozen=True, slots=True)
class Trend:
    """The memory of one process: how long it was watched after it was warm, and where it goes."""

    name: str
    seconds: float
    first_mib: float
    last_mib: float
    highest_mib: float
    mib_per_minute: float
    is_long: bool
    """Whether it was watched long enough to say whether it grows."""
    picture: str


@dataclass
class Memory:
    """Samples by process: the name of a node and which of its lives."""

    samples: dict[str, list[Sample]] = field(default_factory=lambda: defaultdict(list))

    def add(self, process: str, at_s: float, size: int) -> None:
        """Take a sample."""
        self.samples[process].append((at_s, size / _MIB))

    def trends(self) -> Iterator[Trend]:
        """Return what became of each process that was sampled."""
        for name, samples in self.samples.items():
            warm = [one for one in samples if one[0] >= samples[0][0] + _WARM_S] or samples
            seconds = warm[-1][0] - warm[0][0]
            yield Trend(
                name,
                seconds,
                warm[0][1],
                warm[-1][1],
                max(size for _, size in samples),
                _slope(warm) * 60,
                seconds >= _LEAST_S,
                _picture(samples),
            )


def _slope(samples: Sequence[Sample]) -> float:
    """Return MiB a second of the straight line that lies nearest."""
    count = len(samples)
    middle_at = sum(at for at, _ in samples) / count
    middle = sum(size for _, size in samples) / count
    spread = sum((at - middle_at) ** 2 for at, _ in samples)
    if not spread:
        return 0.0
    return sum((at - middle_at) * (size - middle) for at, size in samples) / spread


def _picture(samples: Sequence[Sample]) -> str:
    """Draw the samples from 0 to the highest, as bars."""
    step = max(1, -(-len(samples) // _WIDTH))
    shown = [
        max(size for _, size in samples[at : at + step]) for at in range(0, len(samples), step)
    ]
    top = max(shown)
    return "".join(_BARS[min(len(_BARS) - 1, int(size / top * len(_BARS)))] for size in shown)
