"""Answers to whether a phone trusts something, which can be asserted and say why not."""

from dataclasses import dataclass

from cucmsim.phone.lookup import Decision
from cucmsim.phone.trust import Accepted

__all__ = ["Trust", "trust_of"]


@dataclass(frozen=True, slots=True)
class Trust:
    """Whether something is trusted, and why: `assert phone.trusts(...)` shows it."""

    subject: str
    is_trusted: bool
    why: str

    def __bool__(self) -> bool:
        """Tell whether it is trusted."""
        return self.is_trusted

    def __repr__(self) -> str:
        """Say it as a sentence."""
        verb = "is trusted" if self.is_trusted else "is not trusted"
        return f"<{self.subject} {verb}: {self.why}>"


def trust_of(subject: str, decision: Decision) -> Trust:
    """Return what a phone decided about something."""
    if isinstance(decision, Accepted):
        return Trust(subject, is_trusted=True, why=f"by {decision.source}")
    return Trust(subject, is_trusted=False, why=str(decision.reason))
