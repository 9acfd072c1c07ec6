"""How many messages of a connection are taken, and when it is woken up for a deadline."""

import asyncio
from dataclasses import dataclass, field

from cucmsim.daemons.conversation import Arrival
from cucmsim.errors import RemoteProtocolError

__all__ = ["Pace"]


@dataclass(slots=True)
class Pace:
    """One connection's: `burst` messages at once, then `rate` a second, each in `message_s`.

    Times are monotonic seconds.
    """

    arrival: Arrival
    burst: int
    rate: float
    message_s: float
    counted_at: float
    partial_until: float | None = None
    _allowance: float = field(init=False)
    _timer: asyncio.TimerHandle | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Start with the whole burst."""
        self._allowance = float(self.burst)

    def count(self, now_s: float) -> None:
        """Let a message through. Raises RemoteProtocolError when there are too many."""
        earned = (now_s - self.counted_at) * self.rate
        self._allowance = min(self._allowance + earned, self.burst) - 1
        self.counted_at = now_s
        if self._allowance < 0:
            raise RemoteProtocolError(
                f"a flood: more than {self.burst} messages and {self.rate:g} a second"
            )

    def check_partial(self, now_s: float, *, is_between: bool) -> None:
        """See that a message does not take for ever. Raises RemoteProtocolError."""
        if is_between:
            self.partial_until = None
            self.arrival.settle()
        elif self.partial_until is None:
            self.partial_until = now_s + self.message_s
        elif self.partial_until <= now_s:
            raise RemoteProtocolError(f"no complete message within {self.message_s:g} s")

    def wake_at(self, now_s: float, *deadlines: float | None) -> None:
        """Wake the connection up at the first of `deadlines`, or when part of a message is late."""
        self.sleep()
        left = [each for each in (*deadlines, self.partial_until) if each is not None]
        if left:
            delay_s = max(min(left) - now_s, 0)
            self._timer = asyncio.get_running_loop().call_later(delay_s, self.arrival.wake)

    def sleep(self) -> None:
        """Wake nobody any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
