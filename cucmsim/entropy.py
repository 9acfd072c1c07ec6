"""Where random bytes come from: serial numbers, session ids, salts.

A run that is given a `SeededEntropy` draws the same bytes every time. Tasks that draw at the same
time would take from each other's bytes in an order that nobody controls, so each draws from a
stream of its own (`stream_of`). Private keys: see `pki/keysource.py`.
"""

import hashlib
import secrets
from typing import Protocol, Self, runtime_checkable

__all__ = ["Entropy", "SeededEntropy", "StreamedEntropy", "SystemEntropy", "stream_of"]


class Entropy(Protocol):
    """A source of random bytes."""

    def token(self, size: int) -> bytes:
        """Return `size` random bytes."""
        ...


@runtime_checkable
class StreamedEntropy(Protocol):
    """A source of random bytes that others can be made from."""

    def stream(self, name: str) -> Entropy:
        """Return a source whose bytes do not depend on what others draw."""
        ...


def stream_of(entropy: Entropy, name: str) -> Entropy:
    """Return the stream of this name, or `entropy` itself when it has none."""
    return entropy.stream(name) if isinstance(entropy, StreamedEntropy) else entropy


class SystemEntropy:
    """The machine's own randomness."""

    def token(self, size: int) -> bytes:
        """Return `size` bytes from the operating system."""
        return secrets.token_bytes(size)


class SeededEntropy:
    """Bytes that follow from a seed: SHA-256 over seed and a counter. Not for real secrets."""

    def __init__(self, seed: int | str) -> None:
        self._seed = str(seed)
        self._count = 0
        self._streams: dict[str, int] = {}

    def token(self, size: int) -> bytes:
        """Return the next `size` bytes of the sequence."""
        drawn = b""
        while len(drawn) < size:
            self._count += 1
            drawn += hashlib.sha256(f"{self._seed}/{self._count}".encode()).digest()
        return drawn[:size]

    def stream(self, name: str) -> Self:
        """Return the stream of this name; when asked again, another one of the same name.

        So a service that is started again does not draw its first serial numbers once more.
        """
        number = self._streams[name] = self._streams.get(name, 0) + 1
        return type(self)(f"{self._seed}/{name}/{number}")
