"""A phone's flash in a directory; it survives being killed during every write.

Each piece is a file named by the SHA-256 of its bytes; `manifest.json` says which of them make the
flash. A piece is written under another name, made durable and renamed; the manifest last of all, in
the same way. So there is the old flash or the new one, never a mixture. What nothing names any more
is deleted by the next `store`. Files are readable by their owner only: private keys are among them.
One process at a time may write: a phone that runs has the lock (flashlock.py).
"""

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from cucmsim.phone.flash import Flash, FlashError
from cucmsim.phone.flashlock import FlashLock
from cucmsim.phone.values import Certified

__all__ = ["FileOperations", "FlashDirectory", "FlashError"]

_MANIFEST = "manifest.json"
_NEW = ".new"
_OURS = re.compile(r"[0-9a-f]{64}(\.new)?|manifest\.json\.new")
_Digest: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_PieceName: TypeAlias = Literal[
    "ctl", "itl", "config", "lsc.certificate", "lsc.key", "mic.certificate", "mic.key"
]


class FileOperations:
    """What is done to the file system, one method an operation, so that a test can stop between."""

    def write(self, path: Path, data: bytes) -> None:
        """Write a new file and make its bytes durable."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def rename(self, old: Path, new: Path) -> None:
        """Give a file its name, in one stroke."""
        old.replace(new)

    def sync_directory(self, path: Path) -> None:
        """Make the names in a directory durable."""
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def delete(self, path: Path) -> None:
        """Delete a file."""
        path.unlink(missing_ok=True)


class FlashDirectory:
    """The directory that holds one phone's flash; it need not exist yet."""

    def __init__(self, path: Path, operations: FileOperations | None = None) -> None:
        self.path = path
        self.lock = FlashLock(path)
        """Held by the process that runs a phone on it."""
        self._do = operations or FileOperations()

    def load(self) -> Flash:
        """Return what is stored, an empty flash where nothing is. Raises FlashError."""
        try:
            text = (self.path / _MANIFEST).read_text()
        except FileNotFoundError:
            return Flash()
        except ValueError as error:
            raise self._damaged(_MANIFEST, str(error)) from error
        except OSError as error:
            raise FlashError(f"{self.path / _MANIFEST}: {error}") from error
        try:
            return self._read(_Manifest.model_validate_json(text))
        except ValidationError as error:
            problems = "; ".join(each["msg"] for each in error.errors())
            raise self._damaged(_MANIFEST, problems) from error

    def store(self, flash: Flash) -> None:
        """Replace what is stored. Raises FlashError; then the old flash is still there."""
        pieces = _pieces(flash)
        digests = {name: _digest(piece) for name, piece in pieces.items()}
        manifest = _Manifest(pieces=digests, settings=flash.settings)
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name, piece in pieces.items():
                if not self._holds(digests[name]):
                    self._put(digests[name], piece)
            self._do.sync_directory(self.path)
            self._put(_MANIFEST, manifest.model_dump_json(indent=1).encode())
            self._do.sync_directory(self.path)
            self._clean(set(digests.values()))
        except OSError as error:
            raise FlashError(f"{self.path}: {error}") from error

    def _put(self, name: str, data: bytes) -> None:
        new = self.path / (name + _NEW)
        self._do.write(new, data)
        self._do.rename(new, self.path / name)

    def _holds(self, name: str) -> bool:
        """Tell whether a piece is there, whole."""
        try:
            return _digest((self.path / name).read_bytes()) == name
        except FileNotFoundError:
            return False

    def _clean(self, kept: set[str]) -> None:
        """Delete pieces that the manifest does not name; leave what is not ours."""
        for path in self.path.iterdir():
            if _OURS.fullmatch(path.name) and path.name not in kept:
                self._do.delete(path)

    def _read(self, manifest: "_Manifest") -> Flash:
        pieces = {key: self._piece(name) for key, name in manifest.pieces.items()}
        return Flash(
            ctl=pieces.get("ctl"),
            itl=pieces.get("itl"),
            config=pieces.get("config"),
            lsc=_certified(pieces.get("lsc.certificate"), pieces.get("lsc.key")),
            mic=_certified(pieces.get("mic.certificate"), pieces.get("mic.key")),
            settings=MappingProxyType(dict(manifest.settings)),
        )

    def _piece(self, name: str) -> bytes:
        path = self.path / name
        try:
            data = path.read_bytes()
        except FileNotFoundError as error:
            raise self._damaged(name, "No such file") from error
        except OSError as error:
            raise FlashError(f"{path}: {error}") from error
        if _digest(data) != name:
            raise self._damaged(name, "its bytes do not have this digest")
        return data

    def _damaged(self, name: str, problem: str) -> FlashError:
        """Return the error, with what to do about it."""
        return FlashError(
            f"{self.path / name}: damaged: {problem}; no phone can start from it: delete "
            f"{self.path}, or `cucmsim phone erase --all {self.path}`"
        )


class _Manifest(BaseModel):
    """What `manifest.json` holds: the digest of each piece, and the settings themselves."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    pieces: Mapping[_PieceName, _Digest]
    settings: Mapping[str, str] = {}


def _pieces(flash: Flash) -> dict[_PieceName, bytes]:
    """Return the pieces that `flash` is made of."""
    pieces: dict[_PieceName, bytes] = {}
    if flash.ctl is not None:
        pieces["ctl"] = flash.ctl
    if flash.itl is not None:
        pieces["itl"] = flash.itl
    if flash.config is not None:
        pieces["config"] = flash.config
    if flash.lsc is not None:
        pieces["lsc.certificate"] = flash.lsc.certificate_der
        pieces["lsc.key"] = flash.lsc.private_key_der
    if flash.mic is not None:
        pieces["mic.certificate"] = flash.mic.certificate_der
        pieces["mic.key"] = flash.mic.private_key_der
    return pieces


def _certified(certificate_der: bytes | None, private_key_der: bytes | None) -> Certified | None:
    if certificate_der is None or private_key_der is None:
        return None
    return Certified(certificate_der, private_key_der)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
