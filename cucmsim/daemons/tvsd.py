"""The Trust Verification Service of a node: TLS on TCP 2445, one conversation a connection.

Phones make one request a connection and close; several are answered all the same. Every decision
is a look into `services/verification.py`'s caches, so none waits. Any client certificate is
accepted and logged when the policy asks for one.

Source: seeds 000, 001, 002; the public tvsd and tvsc tools.
"""

import asyncio
from collections.abc import Coroutine, Sequence

from cucmsim.daemons.mischief import Doorman, Mischief, TlsTerms
from cucmsim.daemons.stream import Arrival, Limits, PeerInfo, Record, Recorder, StreamServer
from cucmsim.daemons.tls import TlsIdentity, TlsPolicy, server_context
from cucmsim.daemons.tvsmischief import TvsMischief
from cucmsim.daemons.tvstrace import ConnectionTrace
from cucmsim.formats.tvs import (
    QueryAnswer,
    QueryRequest,
    Reason,
    VerificationAnswer,
    VerificationRequest,
)
from cucmsim.protocols import tvs
from cucmsim.services.faults.kinds import FaultKind
from cucmsim.services.faults.plan import Fault
from cucmsim.services.journal import Trace
from cucmsim.services.verification import Verdict, Verification

__all__ = ["TvsServer"]


class TvsServer:
    """A node's TVS on `endpoint`; closes `verification` when it stops.

    `reserved` is what goes into byte 3 of each answer (real servers leave rubbish there). `trace`
    receives the trace lines of the real service; None saves the time it takes to write them.
    `mischief` makes the faults of the plan happen.
    Raises StartError when `identity` or `policy` cannot be used.
    """

    name = "tvs"

    def __init__(  # noqa: PLR0913 - the parts it is made of
        self,
        endpoint: tuple[str, int],
        verification: Verification,
        identity: TlsIdentity,
        recorder: Recorder,
        *,
        policy: TlsPolicy | None = None,
        limits: Limits | None = None,
        trace: Trace | None = None,
        reserved: int = 0,
        mischief: Mischief | None = None,
    ) -> None:
        self._verification = verification
        self._trace = trace
        self._reserved = reserved
        self._mischief = None if mischief is None else TvsMischief(mischief)
        chosen = policy or TlsPolicy()
        context = server_context(self.name, identity, chosen)
        terms, refuses = TlsTerms(identity, chosen), (FaultKind.TVS_REFUSE,)
        doorman = None if mischief is None else Doorman(mischief, terms, refuses)
        self._server = StreamServer(endpoint, context, self._converse, recorder, limits, doorman)

    @property
    def ports(self) -> tuple[int, ...]:
        """The port bound; empty while stopped."""
        return self._server.ports

    async def start(self) -> None:
        """Bind and serve. Raises StartError naming the port."""
        await self._server.start()

    async def stop(self, drain_s: float) -> None:
        """Take nothing new, let requests under way finish, close."""
        await self._server.stop(drain_s)
        self._verification.close()

    def _converse(self, arrival: Arrival, record: Record) -> "_Conversation":
        machine, trace = (
            tvs.TvsServer(reserved=self._reserved),
            ConnectionTrace(self._trace, arrival),
        )
        return _Conversation(self._verification, machine, trace, record, arrival, self._mischief)


class _Conversation:
    """One phone's connection."""

    closed = False
    """The phone closes, or the server's idle deadline does."""

    def __init__(
        self,
        verification: Verification,
        machine: tvs.TvsServer,
        trace: ConnectionTrace,
        record: Record,
        arrival: Arrival,
        mischief: TvsMischief | None,
    ) -> None:
        self._verification = verification
        self._machine = machine
        self._trace = trace
        self._record = record
        self._arrival = arrival
        self._mischief = mischief
        self._spoiled: list[bytes] = []
        trace.accepted()

    def on_handshake(self, peer: PeerInfo) -> None:
        """Write the trace; the phone speaks first."""
        self._trace.handshake_done(peer)

    def receive_data(self, data: bytes) -> None:
        """Take decrypted bytes."""
        self._machine.receive_data(data)

    def decide(self) -> Coroutine[None, None, None] | None:
        """Answer every request that is complete. Raises RemoteProtocolError."""
        while event := self._machine.next_event():
            self._trace.received(event.data)
            request = event.request
            device = _device(request.device_name)
            verdict = self._verdict(request)
            fault = self._fault(device, request)
            if fault is not None:
                return self._misbehave(fault, device, request, verdict)
            self._machine.answer(_answer(request, verdict))
            self._record(device, _asked(request, verdict), _told(verdict))
        return None

    def data_to_send(self) -> Sequence[bytes]:
        """Return the answers, each in one piece unless a fault broke it."""
        messages = self._machine.data_to_send()
        for message in messages:
            self._trace.sending(message)
        spoiled, self._spoiled = self._spoiled, []
        return [*messages, *spoiled] if spoiled else messages

    def on_end(self, outcome: str) -> None:
        """Nothing is left to do."""

    def _verdict(self, request: VerificationRequest | QueryRequest) -> Verdict:
        """Ask the rules."""
        if isinstance(request, VerificationRequest):
            return self._verification.verify(request.certificate_der)
        verdict = self._verification.query(request.issuer, request.serial, request.subject)
        if verdict.certificate_der is not None:
            self._trace.found(verdict.certificate_der)
        return verdict

    def _fault(
        self, device: str | None, request: VerificationRequest | QueryRequest
    ) -> Fault | None:
        """Return the fault that happens to the answer, if one does."""
        if self._mischief is None:
            return None
        is_query = isinstance(request, QueryRequest)
        return self._mischief.take(self._arrival.address, device, is_query=is_query)

    async def _misbehave(
        self,
        fault: Fault,
        device: str | None,
        request: VerificationRequest | QueryRequest,
        verdict: Verdict,
    ) -> None:
        """Answer as the fault has it, late if it has it so."""
        if self._mischief is None:
            raise AssertionError("no fault without somebody who makes it happen")
        if fault.kind is FaultKind.TVS_SLOW:
            await asyncio.sleep(fault.real("delay_s"))
        # answers to what was asked before are in the machine still: they go first
        self._spoiled += self._machine.data_to_send()
        answered, told = self._mischief.verdict(fault, verdict)
        self._machine.answer(_answer(request, answered))
        self._spoiled += self._mischief.messages(fault, self._machine.data_to_send())
        self._record(device, _asked(request, verdict), told or _told(verdict), str(fault))


def _answer(
    request: VerificationRequest | QueryRequest, verdict: Verdict
) -> VerificationAnswer | QueryAnswer:
    if isinstance(request, VerificationRequest):
        return _verification_answer(verdict)
    return _query_answer(verdict)


def _asked(request: VerificationRequest | QueryRequest, verdict: Verdict) -> str:
    """Say for the journal what the phone asked."""
    verb = "verify" if isinstance(request, VerificationRequest) else "query"
    return f"{verb} {verdict.map_id}"


def _verification_answer(verdict: Verdict) -> VerificationAnswer:
    if not verdict.trusted:
        return VerificationAnswer(Reason.NOT_TRUSTED)
    return VerificationAnswer(Reason.TRUSTED, verdict.roles, verdict.time_to_live_s)


def _query_answer(verdict: Verdict) -> QueryAnswer:
    if not verdict.trusted:
        return QueryAnswer(Reason.NOT_TRUSTED)
    return QueryAnswer(
        Reason.TRUSTED, verdict.certificate_der, verdict.roles, verdict.time_to_live_s
    )


def _device(device_name: str) -> str | None:
    """Return `SEPB000B4BA0AEE` out of `CP-8861-SEPB000B4BA0AEE`."""
    return device_name.rpartition("-")[2] or None


def _told(verdict: Verdict) -> str:
    """Say for the journal what the phone was told."""
    if not verdict.trusted:
        return "not trusted"
    roles = ", ".join(str(role) for role in verdict.roles)
    return f"trusted, roles {roles}, for {verdict.time_to_live_s} s"
