"""The faults of registration, SIP and SCCP alike: a refusal, or a reset at a moment."""

from typing import Final

from cucmsim.daemons.conversation import Arrival, Record
from cucmsim.daemons.mischief import Mischief
from cucmsim.services.faults.kinds import FaultKind
from cucmsim.services.faults.plan import Fault

__all__ = ["FAULT_WORDS", "RegistrationMischief"]

FAULT_WORDS: Final = "Refused by the fault plan"
"""What a phone is told; a RegisterReject has 33 bytes for it."""

_REFUSED: Final = (FaultKind.SIP_REFUSE,)
_RESET: Final = (FaultKind.SIP_RESET,)


class RegistrationMischief:
    """What goes wrong on one connection; with `mischief` None nothing does.

    `is_silenced` tells that nothing more is to be sent.
    """

    def __init__(self, mischief: Mischief | None, arrival: Arrival, record: Record) -> None:
        self.is_silenced = False
        self._mischief = mischief
        self._arrival = arrival
        self._record = record

    def connected(self) -> None:
        """Reset a connection that has just come about, if it is to be."""
        fault = self._at("connect", None)
        if fault is not None:
            self._reset(fault.rule.device or None, "connection", "reset", fault)

    def asked(self, device: str, request: str, *, is_refresh: bool) -> bool:
        """Reset the connection in place of an answer, if it is to be; tell whether it is."""
        if self._mischief is not None:
            self._mischief.learn(self._arrival.address, device)
        fault = self._at("refresh" if is_refresh else "register", device)
        if fault is None:
            return False
        self.is_silenced = True
        self._reset(device, request, "nothing (connection reset)", fault)
        return True

    def answered(self, device: str) -> None:
        """Reset the connection after an answer, if it is to be."""
        fault = self._at("answered", device)
        if fault is not None:
            self._reset(device, "connection", "reset after the answer", fault)

    def refusal(self, device: str) -> Fault | None:
        """Return the fault that has a phone refused, if one does."""
        if self._mischief is None:
            return None
        return self._mischief.take(_REFUSED, self._arrival.address, device)

    def _at(self, moment: str, device: str | None) -> Fault | None:
        if self._mischief is None:
            return None
        return self._mischief.take(
            _RESET,
            self._arrival.address,
            device,
            fits=lambda rule: rule.value("moment") == moment,
        )

    def _reset(self, device: str | None, request: str, answer: str, fault: Fault) -> None:
        self._record(device, request, answer, str(fault))
        self._arrival.reset("reset by a fault")
