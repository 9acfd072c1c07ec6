"""One process at a time runs a phone on a flash directory; another may ask it to erase.

The lock is an advisory one on the file `lock`, which names the process that holds it: the kernel
lets go of it when that process ends, however it ends. Whoever cannot have the lock leaves a file
`erase`; the phone that runs looks for it, and takes it away once it has erased.
"""

import fcntl
import os
from pathlib import Path

from cucmsim.phone.flash import FlashError

__all__ = ["FlashInUseError", "FlashLock"]

_LOCK = "lock"
_ERASE = "erase"
_LONGEST = 200


class FlashInUseError(FlashError):
    """Another process runs a phone on this flash; says which."""


class FlashLock:
    """The lock of one flash directory, and what is asked of whoever has it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._descriptor: int | None = None

    def take(self, holder: str) -> None:
        """Take the lock for `holder`, a phone's name; does nothing when it is ours already.

        Raises FlashInUseError, and FlashError where no file can be made.
        """
        if self._descriptor is not None:
            return
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._directory / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise FlashError(f"{self._directory}: {error}") from error
        try:
            self._lock(descriptor, holder)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        self.answer()  # what was asked of a phone that is gone is not asked of this one

    def drop(self) -> None:
        """Let go of the lock, if it is ours."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def ask(self) -> None:
        """Ask whoever has the lock to erase CTL and ITL. Raises FlashError."""
        try:
            (self._directory / _ERASE).touch(mode=0o600)
        except OSError as error:
            raise FlashError(f"{self._directory}: {error}") from error

    @property
    def is_asked(self) -> bool:
        """Whether somebody waits for an erasure."""
        return (self._directory / _ERASE).exists()

    def answer(self) -> None:
        """Say that it is done, or not wanted any more. Raises FlashError."""
        try:
            (self._directory / _ERASE).unlink(missing_ok=True)
        except OSError as error:
            raise FlashError(f"{self._directory}: {error}") from error

    def _lock(self, descriptor: int, holder: str) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            named = os.pread(descriptor, _LONGEST, 0).decode(errors="replace").strip()
            raise FlashInUseError(
                f"{self._directory}: in use by {named or 'another process'}"
            ) from None
        except OSError as error:
            raise FlashError(f"{self._directory / _LOCK}: {error}") from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{holder}, process {os.getpid()}\n".encode(), 0)
