"""Faults of TFTP: what happens to a datagram, a request or a file, and how the journal has it.

A listener asks `TftpFaults.is_active`, and nothing more while the plan is empty. What happened to
datagrams is noted one by one: `tftp-drop (fault 1): DATA 3, DATA 7`. `tftp_disturbed` does it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from cucmsim.daemons.filesource import FileFaults, device_in
from cucmsim.daemons.tftp_transfers import Ask
from cucmsim.services.faults.kinds import FaultKind
from cucmsim.services.faults.plan import Fault, FaultPlan, FaultRule, Scene

__all__ = ["FaultNotes", "Flow", "TftpFaults", "noted"]

_T = TypeVar("_T")

_DATAGRAMS: Final = (
    FaultKind.TFTP_DROP,
    FaultKind.TFTP_DELAY,
    FaultKind.TFTP_DUPLICATE,
    FaultKind.TFTP_REORDER,
    FaultKind.TFTP_CORRUPT,
)
_ANY_BLOCK = -1
_NAMES = {1: "request", 3: "DATA", 4: "ACK", 5: "ERROR", 6: "OACK"}
_NUMBERED = (3, 4, 5)
_BLOCKS = (3, 4)
_OACK = 6


class FaultNotes:
    """Which faults happened to which datagrams."""

    def __init__(self) -> None:
        self._noted: dict[str, list[str]] = {}

    def add(self, fault: Fault, datagram: bytes) -> None:
        """Note that a fault happened to a datagram."""
        self._noted.setdefault(str(fault), []).append(_name_of(datagram))

    def __str__(self) -> str:
        """Format as the journal has it; empty while nothing happened."""
        return "; ".join(f"{fault}: {', '.join(names)}" for fault, names in self._noted.items())


class Flow(Generic[_T]):
    """What comes of datagrams that follow one another; one may be held back for the next."""

    def __init__(self) -> None:
        self._held: list[_T] = []

    def passed(
        self, fault: Fault | None, item: _T, damaged: Callable[[int], _T]
    ) -> list[tuple[float, _T]]:
        """Return what arrives now that `item` was sent, each after how many seconds."""
        before, self._held = self._held, []
        arriving: list[tuple[float, _T]] = [(0.0, item)]
        if fault is not None:
            match fault.kind:
                case FaultKind.TFTP_DROP:
                    arriving = []
                case FaultKind.TFTP_DELAY:
                    arriving = [(fault.real("delay_s"), item)]
                case FaultKind.TFTP_DUPLICATE:
                    arriving = [(0.0, item), (0.0, item)]
                case FaultKind.TFTP_CORRUPT:
                    arriving = [(0.0, damaged(fault.whole("offset")))]
                case _:
                    arriving, self._held = [], [item]
        return [*arriving, *((0.0, one) for one in before)]

    def rest(self) -> list[_T]:
        """Return what is held back still; nothing follows it."""
        rest, self._held = self._held, []
        return rest


@dataclass(frozen=True, slots=True)
class TftpFaults:
    """The faults of a node's TFTP daemon."""

    plan: FaultPlan
    node: str
    files: FileFaults | None = None

    @property
    def is_active(self) -> bool:
        """Whether there is any rule at all."""
        return not self.plan.is_empty

    def concerns(self, ask: Ask) -> bool:
        """Tell whether datagrams of a transfer could go astray."""
        return self.plan.concerns(_DATAGRAMS, self.scene(ask))

    def concerns_file(self, ask: Ask) -> bool:
        """Tell whether the file could be spoilt."""
        return self.files is not None and self.files.concerns(ask.name, str(ask.peer[0]))

    def error(self, ask: Ask) -> Fault | None:
        """Return the fault by which the request is refused."""
        return self.plan.take((FaultKind.TFTP_ERROR,), self.scene(ask))

    def of_datagram(self, scene: Scene, datagram: bytes, direction: str) -> Fault | None:
        """Return what happens to a datagram of the `server` or the `phone`."""
        block = _block_of(datagram)

        def fits(rule: FaultRule) -> bool:
            return rule.value("direction") in (direction, "both") and (
                rule.value("block") in (_ANY_BLOCK, block)
            )

        return self.plan.take(_DATAGRAMS, scene, fits)

    def scene(self, ask: Ask) -> Scene:
        """Return where a request could go wrong."""
        return Scene(self.node, "tftp", device_in(ask.name), str(ask.peer[0]), ask.name)


def noted(fault: Fault | None, datagram: bytes) -> str:
    """Return how the journal has a fault of one datagram."""
    return "" if fault is None else f"{fault}: {_name_of(datagram)}"


def _name_of(datagram: bytes) -> str:
    """Return what a person calls a datagram: `DATA 3`."""
    opcode = int.from_bytes(datagram[:2])
    name = _NAMES.get(opcode, "datagram")
    return f"{name} {int.from_bytes(datagram[2:4])}" if opcode in _NUMBERED else name


def _block_of(datagram: bytes) -> int | None:
    """Return the block that a datagram is about, 0 for the options; None for none."""
    opcode = int.from_bytes(datagram[:2])
    if opcode in _BLOCKS:
        return int.from_bytes(datagram[2:4])
    return 0 if opcode == _OACK else None
