"""The faults of files over HTTP: another status, and an answer that ends too early."""

from dataclasses import dataclass
from typing import Final

from cucmsim.daemons.mischief import Mischief
from cucmsim.services.faults.kinds import FaultKind
from cucmsim.services.faults.plan import Fault

__all__ = ["HttpMischief", "shortened"]

_HEAD_END: Final = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class HttpMischief:
    """What goes wrong for the client at `address`; with `mischief` None nothing does."""

    mischief: Mischief | None
    address: str

    def status(self, name: str, device: str | None) -> Fault | None:
        """Return the fault that answers with a status of its own, if one does."""
        if self.mischief is not None:
            self.mischief.learn(self.address, device)
        return self._take((FaultKind.HTTP_STATUS,), name, device)

    def cut(self, name: str, device: str | None) -> Fault | None:
        """Return the fault that ends the answer too early, if one does."""
        return self._take((FaultKind.HTTP_STALL, FaultKind.HTTP_TRUNCATE), name, device)

    def _take(self, kinds: tuple[FaultKind, ...], name: str, device: str | None) -> Fault | None:
        if self.mischief is None:
            return None
        return self.mischief.take(kinds, self.address, device, name)


def shortened(fault: Fault, message: bytes) -> bytes:
    """Return the lines of an answer with as much of the file as stays: never all of it."""
    begin = message.index(_HEAD_END) + len(_HEAD_END)
    keep = min(fault.whole("keep"), max(len(message) - begin - 1, 0))
    return message[: begin + keep]
