"""Digests: the hash functions of signatures, with the numbers trust lists and CAPF give them.

A `Digest` is at once the number on the wire (tag 8 of a file header, tag 19 of a CAPF message) and
the function itself. Source: formats.md section 2, capf.md (tag 19).
"""

from enum import IntEnum
from typing import Self

from cryptography.hazmat.primitives import hashes

__all__ = ["Digest"]


class Digest(IntEnum):
    """A hash function and its number on the wire.

    SHA384 has no number on any wire we know: 4 is ours, and stands for the digest of a
    certificate's own signature only.
    """

    SHA1 = 1
    SHA256 = 2
    SHA512 = 3
    SHA384 = 4

    @property
    def algorithm(self) -> hashes.HashAlgorithm:
        """Return the hash as `cryptography` knows it."""
        return _ALGORITHMS[self]

    @property
    def size(self) -> int:
        """Return the length of its output."""
        return self.algorithm.digest_size

    def hash(self, data: bytes) -> bytes:
        """Return the digest of `data`."""
        context = hashes.Hash(self.algorithm)
        context.update(data)
        return context.finalize()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the digest that `text` names: "SHA-1", "sha256", "SHA_512".

        Raises:
            ValueError: no digest has that name.

        """
        name = text.strip().upper().replace("-", "").replace("_", "")
        try:
            return cls[name]
        except KeyError:
            raise ValueError(f"{text!r} is no digest; expected SHA-1, -256, -384 or -512") from None


_ALGORITHMS: dict[Digest, hashes.HashAlgorithm] = {
    Digest.SHA1: hashes.SHA1(),
    Digest.SHA256: hashes.SHA256(),
    Digest.SHA512: hashes.SHA512(),
    Digest.SHA384: hashes.SHA384(),
}
