"""A component of a backup as bytes: a tar, compressed, and sealed under the security password.

    "CUCMSIM DRS 1" LF . salt (16) . what `pki/sealing.py` seals

Of the sealed tar nothing can be changed, nor what the list of the backup says of its server: both
are bound to each other by the key.
"""

import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cucmsim.entropy import Entropy
from cucmsim.errors import RefusedError, VerificationError
from cucmsim.pki.sealing import SALT_SIZE, SealingKey

__all__ = ["Sealer", "pack", "unpack", "unseal"]

_MAGIC = b"CUCMSIM DRS 1\n"
_PRIVATE = 0o600


def pack(files: Mapping[str, bytes], made: datetime) -> bytes:
    """Return a compressed tar of files by name. Blocks."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = len(data), _PRIVATE, int(made.timestamp())
            tar.addfile(entry, io.BytesIO(data))
    return written.getvalue()


def unpack(data: bytes, name: str) -> dict[str, bytes]:
    """Return the files of a tar by name. Blocks.

    Raises:
        RefusedError: it is none; `name` is what it is called.

    """
    files = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as tar:
            for entry in tar:
                held = tar.extractfile(entry)
                files[entry.name] = held.read() if held else b""
    except (tarfile.TarError, OSError, EOFError) as error:
        raise RefusedError(f"{name} is not a tar file: {error}") from error
    return files


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals the tars of one backup; deriving its key blocks for some 60 ms."""

    key: SealingKey
    salt: bytes = field(repr=False)
    entropy: Entropy

    @classmethod
    def of(cls, password: str, entropy: Entropy) -> "Sealer":
        """Make the key of a new backup."""
        salt = entropy.token(SALT_SIZE)
        return cls(SealingKey.derive(password, salt), salt, entropy)

    def seal(self, data: bytes, bound_to: str) -> bytes:
        """Return `data` sealed, bound to a text."""
        return _MAGIC + self.salt + self.key.seal(data, self.entropy, bound_to.encode())


def unseal(data: bytes, name: str, password: str, bound_to: str) -> bytes:
    """Open what `Sealer.seal` made. Blocks for some 60 ms.

    Raises:
        RefusedError: it is nothing of a backup, was made under another password, or was altered.

    """
    start = len(_MAGIC) + SALT_SIZE
    if not data.startswith(_MAGIC) or len(data) <= start:
        raise RefusedError(f"{name} is not a file of a backup.")
    key = SealingKey.derive(password, data[len(_MAGIC) : start])
    try:
        return key.open(data[start:], bound_to.encode())
    except VerificationError as error:
        raise RefusedError(
            f"{name} cannot be opened: wrong cluster security password or altered file"
        ) from error
