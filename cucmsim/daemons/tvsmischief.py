"""The faults of TVS's answers: what is said instead, and how its bytes are broken."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from cucmsim.daemons.mischief import Mischief
from cucmsim.formats.roles import Role
from cucmsim.pki.certificates import certificate_der
from cucmsim.services.faults.kinds import FaultKind
from cucmsim.services.faults.plan import Fault
from cucmsim.services.verification import Verdict

__all__ = ["TvsMischief"]

_ANSWERS: Final = (
    FaultKind.TVS_SILENT,
    FaultKind.TVS_SLOW,
    FaultKind.TVS_WRONG_SESSION,
    FaultKind.TVS_NOT_TRUSTED,
    FaultKind.TVS_MALFORMED,
    FaultKind.TVS_SPLIT,
)
_QUERIES: Final = (*_ANSWERS, FaultKind.TVS_WRONG_CERTIFICATE)
_EVERY_ROLE: Final = tuple(int(role) for role in Role)
_SESSION: Final = slice(4, 8)
_RUBBISH_SIZE: Final = 32


@dataclass(frozen=True, slots=True)
class TvsMischief:
    """What goes wrong at the answers of one TVS."""

    mischief: Mischief

    def take(self, address: str, device: str | None, *, is_query: bool) -> Fault | None:
        """Return the fault that happens to the answer for a device, if one does."""
        self.mischief.learn(address, device)
        return self.mischief.take(_QUERIES if is_query else _ANSWERS, address, device)

    def verdict(self, fault: Fault, verdict: Verdict) -> tuple[Verdict, str]:
        """Return the verdict to tell, and the journal's words for it, "" for the usual ones."""
        match fault.kind:
            case FaultKind.TVS_NOT_TRUSTED:
                return replace(verdict, trusted=False), "not trusted"
            case FaultKind.TVS_WRONG_CERTIFICATE:
                other = certificate_der(self.mischief.impostor(fault, "impostor").certificate)
                roles = verdict.roles or _EVERY_ROLE
                told = replace(verdict, trusted=True, certificate_der=other, roles=roles)
                return told, "another certificate, trusted"
            case _:
                return verdict, _TOLD.get(fault.kind, "")

    def messages(self, fault: Fault, messages: Sequence[bytes]) -> Sequence[bytes]:
        """Return what is written in place of the answer."""
        match fault.kind:
            case FaultKind.TVS_SILENT:
                return ()
            case FaultKind.TVS_WRONG_SESSION:
                return [_of_another_session(message) for message in messages]
            case FaultKind.TVS_MALFORMED:
                return [b"\0" + self.mischief.chance(fault).token(_RUBBISH_SIZE - 1)]
            case FaultKind.TVS_SPLIT:
                return [bytes([byte]) for message in messages for byte in message]
            case _:
                return messages


def _of_another_session(message: bytes) -> bytes:
    other = (int.from_bytes(message[_SESSION]) + 1) & 0xFFFFFFFF
    return message[: _SESSION.start] + other.to_bytes(4) + message[_SESSION.stop :]


_TOLD: Final = {
    FaultKind.TVS_SILENT: "nothing (silent)",
    FaultKind.TVS_WRONG_SESSION: "an answer of another session",
    FaultKind.TVS_MALFORMED: "bytes that are no answer",
}
