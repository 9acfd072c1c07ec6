"""Answers about a phone that can be asserted, and that say why: `assert phone.trusts("tomcat")`."""

from dataclasses import dataclass

from cucmsim.phone.lookup import Decision
from cucmsim.phone.summary import BootSummary
from cucmsim.phone.trust import Accepted
from cucmsim.phone.values import FileKind

__all__ = ["Trust", "Verdict", "Whereabouts", "follows", "is_locked", "trust_of"]


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


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether something can be said of a phone, and what it did."""

    sentence: str
    holds: bool
    why: str

    def __bool__(self) -> bool:
        """Tell whether it holds."""
        return self.holds

    def __repr__(self) -> str:
        """Say it as a sentence."""
        return f"<{'' if self.holds else 'not so: '}{self.sentence}: {self.why}>"


@dataclass(frozen=True, slots=True, eq=False)
class Whereabouts:
    """Where a phone is registered: equal to the name of that node; false, and why, for nowhere."""

    phone: str
    node: str | None
    why: str

    def __bool__(self) -> bool:
        """Tell whether it is registered."""
        return self.node is not None

    def __eq__(self, other: object) -> bool:
        """Tell whether it is registered at a node of this name; None: nowhere."""
        return (other.node if isinstance(other, Whereabouts) else other) == self.node

    def __hash__(self) -> int:
        return hash(self.node)

    def __str__(self) -> str:
        """Return the node's name, "" for nowhere."""
        return self.node or ""

    def __repr__(self) -> str:
        """Say it as a sentence."""
        if self.node is None:
            return f"<{self.phone} is registered nowhere: {self.why}>"
        return f"<{self.phone} is registered at {self.node}>"


def follows(phone: str, summary: BootSummary | None) -> Verdict:
    """Return whether a phone took all it was given, and has a configuration it could check."""
    sentence = f"{phone} follows the cluster"
    if summary is None:
        return Verdict(sentence, holds=False, why="it was not switched on yet")
    has_configuration = any(each.kind is FileKind.CONFIG for each in summary.accepted)
    return Verdict(sentence, not summary.refused and has_configuration, _account(summary))


def is_locked(phone: str, summary: BootSummary | None) -> Verdict:
    """Return whether a phone took nothing of what it was given, and refused some."""
    sentence = f"{phone} is locked out"
    if summary is None:
        return Verdict(sentence, holds=False, why="it was not switched on yet")
    return Verdict(sentence, bool(summary.refused) and not summary.accepted, _account(summary))


def _account(summary: BootSummary) -> str:
    """Say what became of each file of a boot."""
    told = [f"refused {each.name} ({each.reason})" for each in summary.refused]
    for each in summary.accepted:
        because = f" ({each.source})" if each.source is not None else ""
        told.append(f"{'took' if each.is_new else 'kept'} {each.name}{because}")
    return ", ".join(told) or summary.failure or "it was given nothing"
