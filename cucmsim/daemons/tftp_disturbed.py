"""Transfers and requests of TFTP whose datagrams are lost, late, doubled, overtaken or damaged.

Only a transfer that a rule concerns when it begins is a `FaultyTransfer`: every datagram of it is
an opportunity, in both directions. A request is a datagram of the phone, an ERROR one of the
server. `tftp_faults` says what happens.
"""

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from cucmsim.daemons.tftp_faults import FaultNotes, Flow, TftpFaults, noted
from cucmsim.daemons.tftp_transfers import Ask, Channel, Peer, Segments, Transfer
from cucmsim.protocols.tftp import Outcome
from cucmsim.protocols.tftp_requests import Limits, Terms
from cucmsim.services.faults.files import turned
from cucmsim.services.faults.kinds import FaultKind

__all__ = ["Disturbance", "FaultyRequests", "FaultyTransfer", "Later", "Timer"]


class Timer(Protocol):
    """What is to be done later, and may be called off."""

    def cancel(self) -> None:
        """Do not do it."""
        ...


Later = Callable[[float, Callable[[], object]], Timer]
"""Does something after so many seconds: `call_later` of the loop."""


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What a disturbed transfer needs besides."""

    faults: TftpFaults
    later: Later


class FaultyTransfer(Transfer):
    """A transfer whose datagrams may go astray; what is late still when it ends is lost."""

    __slots__ = (
        "_faults",
        "_from_phone",
        "_inbox",
        "_later",
        "_notes",
        "_real",
        "_scene",
        "_timers",
        "_to_phone",
    )

    def __init__(
        self,
        ask: Ask,
        content: bytes,
        terms: Terms,
        limits: Limits,
        channel: Channel,
        now: Callable[[], float],
        ended: Callable[[Transfer, Outcome, str], None],
        disturbance: Disturbance,
    ) -> None:
        self._faults = disturbance.faults
        self._later = disturbance.later
        self._real = channel
        self._scene = disturbance.faults.scene(ask)
        self._notes = FaultNotes()
        self._to_phone: Flow[bytes] = Flow()
        self._from_phone: Flow[bytes] = Flow()
        self._inbox: deque[bytes] = deque()
        self._timers: list[Timer] = []
        disturbed = channel._replace(
            send=self._pass_on,
            send_segments=self._pass_each_on,
            receive=None if channel.receive is None else self._hear,
            close=self._close,
        )
        super().__init__(ask, content, terms, limits, disturbed, now, ended)

    @property
    def fault(self) -> str:
        """The faults that happened, to the request, to the file and to datagrams."""
        return self.ask.with_fault(str(self._notes)).fault

    def take(self, data: bytes) -> None:
        """Take what becomes of one datagram that arrived at a port shared by all transfers."""
        for delay_s, one in self._disturbed(self._from_phone, data, "phone"):
            if delay_s:
                self._after(delay_s, partial(self._take_late, one))
            elif not self.over:
                super().take(one)

    def _take_late(self, data: bytes) -> None:
        if not self.over:
            super().take(data)

    def _pass_on(self, datagram: bytes) -> None:
        """Send what becomes of a datagram."""
        for delay_s, one in self._disturbed(self._to_phone, datagram, "server"):
            if delay_s:
                self._after(delay_s, partial(self._send_late, one))
            else:
                self._real.send(one)

    def _send_late(self, datagram: bytes) -> None:
        with suppress(OSError):  # lost, as any datagram may be
            self._real.send(datagram)

    def _pass_each_on(self, packets: Sequence[bytes], _control: Segments) -> None:
        """Send what becomes of the datagrams of a window, which the kernel was to cut."""
        for packet in packets:
            self._pass_on(packet)

    def _hear(self, size: int) -> bytes:
        """Return the next datagram that arrives at the transfer's own port. Raises OSError."""
        receive = self._real.receive
        assert receive is not None  # noqa: S101  else there is nobody to call this
        while not self._inbox:
            for delay_s, one in self._disturbed(self._from_phone, receive(size), "phone"):
                if delay_s:
                    self._after(delay_s, partial(self._arrive, one))
                else:
                    self._inbox.append(one)
        heard = self._inbox.popleft()
        if self._inbox:
            self._after(0, self._read_on)
        return heard

    def _arrive(self, datagram: bytes) -> None:
        self._inbox.append(datagram)
        self._read_on()

    def _read_on(self) -> None:
        if not self.over:
            self.readable()

    def _disturbed(
        self, flow: Flow[bytes], datagram: bytes, direction: str
    ) -> list[tuple[float, bytes]]:
        """Return what becomes of a datagram, and note why."""
        fault = self._faults.of_datagram(self._scene, datagram, direction)
        if fault is not None:
            self._notes.add(fault, datagram)
        return flow.passed(fault, datagram, partial(turned, datagram))

    def _after(self, delay_s: float, action: Callable[[], object]) -> None:
        self._timers.append(self._later(delay_s, action))

    def _close(self) -> None:
        """Send what waits for a datagram that will not come, and call off the rest."""
        for datagram in self._to_phone.rest():
            self._send_late(datagram)
        for timer in self._timers:
            timer.cancel()
        self._real.close()


class FaultyRequests:
    """What becomes of the requests that reach a port, and of the errors that answer them.

    `accept` takes what arrives of a request, `lost` is told of one that does not, `send` answers.
    """

    def __init__(
        self,
        faults: TftpFaults,
        later: Later,
        accept: Callable[[bytes, Ask], None],
        lost: Callable[[Ask], None],
        send: Callable[[bytes, Peer], object],
    ) -> None:
        self._faults = faults
        self._later = later
        self._accept = accept
        self._lost = lost
        self._send = send
        self._requests: Flow[tuple[bytes, Ask]] = Flow()
        self._errors: Flow[tuple[bytes, Peer]] = Flow()
        self._timers: set[Timer] = set()

    def arrived(self, ask: Ask) -> None:
        """Take a request."""
        fault = self._faults.of_datagram(self._faults.scene(ask), ask.data, "phone")
        told = ask.with_fault(noted(fault, ask.data))

        def damaged(offset: int) -> tuple[bytes, Ask]:
            return turned(ask.data, offset), told

        arriving = self._requests.passed(fault, (ask.data, told), damaged)
        if fault is not None and fault.kind in (FaultKind.TFTP_DROP, FaultKind.TFTP_REORDER):
            self._lost(told)
        for delay_s, one in arriving:
            if delay_s:
                self._after(delay_s, partial(self._accept, *one))
            else:
                self._accept(*one)

    def refuse(self, ask: Ask, packet: bytes) -> Ask:
        """Send an ERROR; return the request with the faults that it met."""
        fault = self._faults.of_datagram(self._faults.scene(ask), packet, "server")

        def damaged(offset: int) -> tuple[bytes, Peer]:
            return turned(packet, offset), ask.peer

        for delay_s, one in self._errors.passed(fault, (packet, ask.peer), damaged):
            if delay_s:
                self._after(delay_s, partial(self._send, *one))
            else:
                self._send(*one)
        return ask.with_fault(noted(fault, packet))

    def close(self) -> None:
        """Call off what is late."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _after(self, delay_s: float, action: Callable[[], object]) -> None:
        def act() -> None:
            self._timers.discard(timer)
            action()

        timer = self._later(delay_s, act)
        self._timers.add(timer)
