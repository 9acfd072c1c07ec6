"""The servers a phone is not registered with: those above its own are watched, one below stands by.

Source: sip.md, failover and fallback.
"""

from collections.abc import Sequence

from cucmsim.protocols.sip_common import Instant
from cucmsim.protocols.sip_member import Member, MemberInput, MemberState
from cucmsim.protocols.sip_questions import Questions

__all__ = ["Others"]


class Others:
    """Looks after the members of a group besides the active one, whose index each call tells."""

    def __init__(self, members: Sequence[Member], ask: Questions) -> None:
        self._members = members
        self._ask = ask
        self._failed: set[int] = set()

    def watch(self, active: int, now: Instant) -> None:
        """Ask those connected for life, connect to those above, and to a standby below."""
        self._failed.clear()
        for member in self._members:
            if member.can(MemberInput.PROBE):
                self._ask.probe(member, now)
            elif member.index < active and member.can(MemberInput.CONNECT):
                self._ask.connect(member)
        self._connect_standby(active)

    def failed(self, index: int, active: int) -> None:
        """Take another standby for one that is not reached."""
        self._failed.add(index)
        self._connect_standby(active)

    def ask_for_token(self, below: int, now: Instant) -> None:
        """Ask the highest live member above index `below`, if any, for a token; one at a time."""
        if any(member.state is MemberState.ASKING for member in self._members):
            return
        for member in self._members[:below]:
            if member.can(MemberInput.ASK):
                self._ask.ask_for_token(member, now)
                return

    def _connect_standby(self, active: int) -> None:
        """Connect to the next member below, unless one below is connected already."""
        below = self._members[active + 1 :]
        if any(member.state is not MemberState.IDLE for member in below):
            return
        left = [member for member in below if member.index not in self._failed]
        if left:
            self._ask.connect(left[0])
