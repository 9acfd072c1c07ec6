"""Registers a phone with its CallManager group, by the protocol its configuration names.

Each `register` is a session of its own, with new connections; the one before is left first.
"""

import asyncio
from collections.abc import Callable

from cucmsim.clock import Clock, SystemClock
from cucmsim.entropy import Entropy, SystemEntropy, stream_of
from cucmsim.errors import FormatError
from cucmsim.formats.phonealarms import Alarm, OutOfServiceReason
from cucmsim.phone.events import Event
from cucmsim.phone.link import LinkOptions, spoken_by
from cucmsim.phone.memberlinks import route_of
from cucmsim.phone.names import Names
from cucmsim.phone.orders import Order
from cucmsim.phone.performer import RegisterOutcome, Standing
from cucmsim.phone.sccp import SccpDialect
from cucmsim.phone.session import Dialect, Session
from cucmsim.phone.sip import SipDialect
from cucmsim.phone.steps import NotReached, PeerUnproven, Register
from cucmsim.phone.values import PhoneIdentity

__all__ = ["PhoneRegistrar"]

_GOODBYE_S = 5.0
_PROTOCOLS = ("SIP", "SCCP")


class PhoneRegistrar:
    """A `Registrar`; `link` tells how long it waits for a connection, and how it speaks TLS.

    It waits `goodbye_s` for the answer when it unregisters.
    """

    def __init__(
        self,
        identity: PhoneIdentity,
        link: LinkOptions | None = None,
        *,
        clock: Clock | None = None,
        entropy: Entropy | None = None,
        goodbye_s: float = _GOODBYE_S,
    ) -> None:
        self._identity = identity
        self._link = spoken_by(identity.generation, link or LinkOptions())
        self._clock = clock or SystemClock()
        self._entropy = stream_of(entropy or SystemEntropy(), f"registrar/{identity.name}")
        self._goodbye_s = goodbye_s
        self._orders: asyncio.Queue[Order] = asyncio.Queue()
        self._listener: Callable[[Event], None] | None = None
        self._session: Session | None = None
        self._past: Session | None = None

    @property
    def standing(self) -> Standing:
        """Where the phone stands with its group."""
        return Standing() if self._session is None else self._session.standing

    def listen(self, tell: Callable[[Event], None]) -> None:
        """Tell `tell` from now on what happens after `register` has returned."""
        self._listener = tell

    async def register(self, step: Register, names: Names) -> RegisterOutcome:
        """Carry out the step; a registration made before is given up first."""
        await self.close()
        if step.protocol not in _PROTOCOLS:
            return NotReached(f"{step.protocol} is not spoken here")
        try:
            route = route_of(step, names, self._link)
        except FormatError as error:
            return NotReached(f"the LSC or MIC cannot be used: {error}")
        session = Session(
            self._dialect_for(step), step, route, self._clock, self._tell, self._take_order
        )
        self._session = session
        session.start(self._alarm(step.reason))
        outcome = await session.outcome()
        if isinstance(outcome, PeerUnproven):
            await self.close()
        else:
            self._past = session
        return outcome

    async def next_order(self) -> str:
        """Wait until there is reason to fetch and register again; return an `orders.Order`."""
        return await self._orders.get()

    async def close(self) -> None:
        """Unregister and let go of everything; orders not yet taken are forgotten."""
        session, self._session = self._session, None
        if session is not None:
            await session.stop(self._goodbye_s)
        self._orders = asyncio.Queue()

    def wake(self) -> None:
        """Do what is due: for whoever moves the clock."""
        if self._session is not None:
            self._session.wake()

    def _dialect_for(self, step: Register) -> Dialect:
        if step.protocol == "SCCP":
            return SccpDialect(self._identity, step)
        return SipDialect(self._identity, step, self._entropy)

    def _alarm(self, reason: OutOfServiceReason) -> Alarm | None:
        """Return what to tell of the service before this one."""
        return None if self._past is None else self._past.leaving_alarm(reason)

    def _tell(self, event: Event) -> None:
        if self._listener is not None:
            self._listener(event)

    def _take_order(self, order: Order) -> None:
        self._orders.put_nowait(order)
