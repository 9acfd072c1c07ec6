"""The Trust Verification Service of a node: TLS on TCP 2445, one conversation a connection.

Phones make one request a connection and close; several are answered all the same. Every decision
is a look into `services/verification.py`'s caches, so none waits. Any client certificate is
accepted and logged when the policy asks for one.

Source: seeds 000, 001, 002; the public tvsd and tvsc tools.
"""

from collections.abc import Coroutine, Sequence

from cucmsim.daemons.stream import Arrival, Limits, PeerInfo, Record, Recorder, StreamServer
from cucmsim.daemons.tls import TlsIdentity, TlsPolicy, server_context
from cucmsim.daemons.tvstrace import ConnectionTrace
from cucmsim.formats.tvs import (
    QueryAnswer,
    Reason,
    VerificationAnswer,
    VerificationRequest,
)
from cucmsim.protocols import tvs
from cucmsim.services.journal import Trace
from cucmsim.services.verification import Verdict, Verification

__all__ = ["TvsServer"]


class TvsServer:
    """A node's TVS on `endpoint`; closes `verification` when it stops.

    `reserved` is what goes into byte 3 of each answer (real servers leave rubbish there). `trace`
    receives the trace lines of the real service; None saves the time it takes to write them.
    Raises StartError when `identity` or `policy` cannot be used.
    """

    name = "tvs"

    def __init__(
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
    ) -> None:
        self._verification = verification
        self._trace = trace
        self._reserved = reserved
        context = server_context(self.name, identity, policy or TlsPolicy())
        self._server = StreamServer(endpoint, context, self._converse, recorder, limits)

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
        trace = ConnectionTrace(self._trace, arrival)
        return _Conversation(
            self._verification, tvs.TvsServer(reserved=self._reserved), trace, record
        )


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
    ) -> None:
        self._verification = verification
        self._machine = machine
        self._trace = trace
        self._record = record
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
            device = _device(event.request.device_name)
            if isinstance(event.request, VerificationRequest):
                verdict = self._verification.verify(event.request.certificate_der)
                self._machine.answer(_verification_answer(verdict))
                self._record(device, f"verify {verdict.map_id}", _told(verdict))
            else:
                request = event.request
                verdict = self._verification.query(request.issuer, request.serial, request.subject)
                if verdict.certificate_der is not None:
                    self._trace.found(verdict.certificate_der)
                self._machine.answer(_query_answer(verdict))
                self._record(device, f"query {verdict.map_id}", _told(verdict))
        return None

    def data_to_send(self) -> Sequence[bytes]:
        """Return the answers, each in one piece."""
        messages = self._machine.data_to_send()
        for message in messages:
            self._trace.sending(message)
        return messages

    def on_end(self, outcome: str) -> None:
        """Nothing is left to do."""


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
