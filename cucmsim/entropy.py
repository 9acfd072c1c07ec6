"""Where random bytes come from: serial numbers, session ids, salts.

A run that is given a `SeededEntropy` draws the same bytes every time. Private keys are not drawn
from here: they come from the cryptography library.
"""

import hashlib
import secrets
from typing import Protocol

__all__ = ["Entropy", "SeededEntropy", "SystemEntropy"]


class Entropy(Protocol):
    """A source of random bytes."""

    def token(self, size: int) -> bytes:
        """Return `size` random bytes."""
        ...


class SystemEntropy:
    """The machine's own randomness."""

    def token(self, size: int) -> bytes:
        """Return `size` bytes from the operating system."""
        return secrets.token_bytes(size)


class SeededEntropy:
    """Bytes that follow from a seed: SHA-256 over seed and a counter. Not for real secrets."""

    def __init__(self, seed: int) -> None:
        self._seed = str(seed).encode()
        self._count = 0

    def token(self, size: int) -> bytes:
        """Return the next `size` bytes of the sequence."""
        drawn = b""
        while len(drawn) < size:
            self._count += 1
            drawn += hashlib.sha256(self._seed + b"/%d" % self._count).digest()
        return drawn[:size]
