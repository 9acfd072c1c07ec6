"""CAPF, TCP 3804: gives phones their locally significant certificates (LSC).

The server speaks first. What a phone may do is decided by `services.enrolment`, what may be said
when by `protocols.capf_server`; this module puts the two together on a `StreamServer`. No client
certificate is asked for: a phone proves itself within the conversation. While the database cannot
be used a phone is told to retry later.

Source: capf.md; phone.md 5.1; cucm.md 6 (keep-alive of 15 minutes).
"""

from collections.abc import Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING

from cucmsim.daemons.conversation import Arrival, Limits, PeerInfo, Record, Recorder
from cucmsim.daemons.mischief import Doorman, Mischief, TlsTerms
from cucmsim.daemons.stream import StreamServer
from cucmsim.daemons.tls import TlsIdentity, TlsPolicy, server_context
from cucmsim.entropy import Entropy, stream_of
from cucmsim.errors import RemoteProtocolError, StoreError
from cucmsim.formats.capf import Reason
from cucmsim.protocols.capf_common import Aborted
from cucmsim.protocols.capf_server import (
    AuthenticationReceived,
    CapfServerConversation,
    DeleteAnswered,
    FetchAnswered,
    KeyAnswered,
    ServerEvent,
    StoreAnswered,
)
from cucmsim.services.enrolment import Admission, Enrolment, Refusal
from cucmsim.services.faults.kinds import FaultKind
from cucmsim.store.rows import PendingOperation

if TYPE_CHECKING:
    from cucmsim.services.faults.plan import Fault

__all__ = ["CAPF_LIMITS", "CapfServer"]

CAPF_LIMITS = Limits(idle_s=900.0)
"""A phone may take minutes to make a key; the real server keeps a silent one for 15 minutes."""

_RETRY_DELAY_S = 30


class CapfServer(StreamServer):
    """The CAPF daemon of one node; `mischief` makes the faults of the plan happen.

    Raises StartError when its certificate cannot be used.
    """

    def __init__(
        self,
        endpoint: tuple[str, int],
        enrolment: Enrolment,
        recorder: Recorder,
        entropy: Entropy,
        *,
        policy: TlsPolicy | None = None,
        limits: Limits = CAPF_LIMITS,
        mischief: Mischief | None = None,
    ) -> None:
        issuer = enrolment.issuer
        identity = TlsIdentity(issuer.certificate, issuer.private_key)
        chosen = policy or TlsPolicy()
        context = server_context(recorder.service, identity, chosen)

        def factory(arrival: Arrival, record: Record) -> _Session:
            # a stream for each address: phones arrive in an order that no seed decides
            session_id = int.from_bytes(stream_of(entropy, f"capf/{arrival.address}").token(4))
            return _Session(enrolment, session_id, record, _Sender(mischief, arrival.address))

        doorman = None if mischief is None else Doorman(mischief, TlsTerms(identity, chosen))
        super().__init__(endpoint, context, factory, recorder, limits, doorman)


class _Sender:
    """Lets a session's messages pass until a fault drops one; `fault` is that fault."""

    def __init__(self, mischief: Mischief | None, address: str) -> None:
        self.fault: Fault | None = None
        self._mischief = mischief
        self._address = address
        self._count = 0

    def learn(self, device: str) -> None:
        """Take note of who is at the other end."""
        if self._mischief is not None:
            self._mischief.learn(self._address, device)

    def pass_on(self, messages: Sequence[bytes], device: str | None) -> Sequence[bytes]:
        """Return the messages to write: those before one that is dropped."""
        if self._mischief is None:
            return messages
        passed: list[bytes] = []
        for message in messages:
            if self.fault is None:
                self._count += 1
                self.fault = self._mischief.take(
                    (FaultKind.CAPF_DROP,),
                    self._address,
                    device,
                    fits=lambda rule: rule.value("message") == self._count,
                )
            if self.fault is None:
                passed.append(message)
        return passed

    def __str__(self) -> str:
        """Say what was dropped."""
        return f"closed instead of message {self._count}"


class _Session:
    """One phone's visit; the `Conversation` of `daemons.conversation`."""

    def __init__(
        self,
        enrolment: Enrolment,
        session_id: int,
        record: Record,
        sender: _Sender,
    ) -> None:
        self._enrolment = enrolment
        self._sender = sender
        self._protocol = CapfServerConversation(session_id)
        self._session_id = session_id
        self._record = record
        self._device: str | None = None
        self._admission: Admission | None = None
        self._lsc_der = b""
        self._outcome: str | None = None

    @property
    def closed(self) -> bool:
        """Whether the session is ended."""
        return self._protocol.is_ended or self._sender.fault is not None

    def on_handshake(self, peer: PeerInfo) -> None:  # noqa: ARG002 - phones show no certificate
        """Speak first."""
        self._protocol.start()

    def receive_data(self, data: bytes) -> None:
        """Take bytes of the phone. Raises RemoteProtocolError."""
        self._protocol.receive_data(data)

    def decide(self) -> Coroutine[None, None, None] | None:
        """Return what answers the next event that needs an answer. Raises RemoteProtocolError."""
        try:
            while (event := self._protocol.next_event()) is not None:
                if isinstance(event, Aborted):
                    self._outcome = "aborted by the phone"
                elif isinstance(event, _ANSWERED):
                    return self._answer(event)
        except RemoteProtocolError as error:
            self._outcome = f"protocol error: {error}"
            raise
        return None

    def data_to_send(self) -> Sequence[bytes]:
        """Return the messages to write now."""
        return self._sender.pass_on(self._protocol.data_to_send(), self._device)

    def on_end(self, outcome: str) -> Mapping[str, object] | None:
        """Note how the session ended, unless the phone never said who it was."""
        fault = self._sender.fault
        if self._device is None and self._outcome is None and fault is None:
            return None
        ended = self._outcome or outcome
        if fault is not None:
            ended = f"{self._outcome}, {self._sender}" if self._outcome else str(self._sender)
        operation = "authenticate" if self._admission is None else self._admission.operation.value
        self._record(self._device, operation, ended, str(fault or ""))
        return {"device": self._device, "operation": operation, "outcome": ended}

    async def _answer(self, event: ServerEvent) -> None:
        """Take the decision that `event` asks for."""
        try:
            if isinstance(event, AuthenticationReceived):
                await self._admit(event)
            elif self._admission is not None:
                await self._proceed(self._admission, event)
        except StoreError as error:
            self._outcome = f"database unusable: {error}"
            if isinstance(event, AuthenticationReceived):
                self._protocol.retry_later(_RETRY_DELAY_S)
            else:
                self._protocol.end(Reason.INVALID_ELEMENT)

    async def _admit(self, claim: AuthenticationReceived) -> None:
        """Decide who the phone is, and begin what is pending for it."""
        self._device = claim.device_name
        self._sender.learn(claim.device_name)
        decided = await self._enrolment.admit(claim, self._session_id)
        if isinstance(decided, Refusal):
            self._refuse(decided)
            return
        self._admission = decided
        if decided.key is not None:
            self._protocol.request_key(decided.key)
        elif decided.operation is PendingOperation.TROUBLESHOOT:
            self._protocol.request_certificate()
        elif decided.operation is PendingOperation.DELETE:
            self._protocol.request_deletion()
        else:
            self._end(Reason.NO_ACTION, "nothing pending")

    async def _proceed(self, admission: Admission, event: ServerEvent) -> None:
        """Go on with the operation under way."""
        if isinstance(event, KeyAnswered):
            await self._sign(admission, event)
        elif isinstance(event, StoreAnswered):
            await self._stored(admission, event)
        elif isinstance(event, FetchAnswered):
            await self._fetched(admission, event)
        elif isinstance(event, DeleteAnswered):
            await self._deleted(admission, event)

    async def _sign(self, admission: Admission, event: KeyAnswered) -> None:
        issued = await self._enrolment.issue(admission, event.public_key)
        if isinstance(issued, Refusal):
            await self._enrolment.record_failed(admission)
            self._refuse(issued)
            return
        self._lsc_der = issued
        self._protocol.store_certificate(issued)

    async def _stored(self, admission: Admission, event: StoreAnswered) -> None:
        if not event.succeeded:
            await self._failed(admission, event.reason)
            return
        await self._enrolment.record_installed(admission, self._lsc_der)
        self._end(Reason.CERTIFICATE_UPDATED, "LSC installed")

    async def _fetched(self, admission: Admission, event: FetchAnswered) -> None:
        refusal = await self._enrolment.record_fetched(admission, event.certificate)
        if refusal is not None:
            self._refuse(refusal)
            return
        found = "certificate fetched" if event.certificate else "the phone has no certificate"
        self._end(Reason.NO_ACTION, found)

    async def _deleted(self, admission: Admission, event: DeleteAnswered) -> None:
        if not event.succeeded:
            await self._failed(admission, event.reason)
            return
        await self._enrolment.record_deleted(admission)
        self._end(Reason.CERTIFICATE_UPDATED, "LSC deleted")

    async def _failed(self, admission: Admission, reason: int) -> None:
        await self._enrolment.record_failed(admission)
        self._end(Reason.INVALID_ELEMENT, f"the phone failed with reason {reason}")

    def _refuse(self, refusal: Refusal) -> None:
        self._end(refusal.reason, f"refused: {refusal.text}")

    def _end(self, reason: Reason, outcome: str) -> None:
        self._outcome = outcome
        self._protocol.end(reason)


_ANSWERED = (AuthenticationReceived, KeyAnswered, StoreAnswered, FetchAnswered, DeleteAnswered)
