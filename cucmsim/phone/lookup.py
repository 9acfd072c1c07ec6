"""Finding out whether to trust: trust lists, then the cache, then TVS (phone.md 2.2).

`trust.py` decides; this is the way to what it needs to know: up to three TVS servers of the
configuration in force, in order, the next one when one cannot be reached or shows a certificate
that no trust list has with role 21. A phone without Security By Default asks nobody. Source of the
order of events: seeds 000 and 002.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cucmsim.errors import FormatError
from cucmsim.formats.header import SignerId, decode_header
from cucmsim.formats.names import decode_text, serial_bytes
from cucmsim.formats.phonevalues import Endpoint
from cucmsim.formats.tvs import QueryAnswer, QueryRequest, Reason, VerificationRequest
from cucmsim.phone.events import (
    DeviceCertificateUsed,
    HttpsAuthenticated,
    HttpsNotInTrustList,
    HttpsRefused,
    TrustListsSearched,
    TvsAnswerReceived,
    TvsCached,
    TvsCacheSearched,
    TvsConnected,
    TvsConnecting,
    TvsFailed,
    TvsGivenUp,
    TvsRequestSent,
    TvsServerRefused,
    TvsServerVerified,
    TvsStarted,
)
from cucmsim.phone.machine import Machine, Script, Session
from cucmsim.phone.steps import (
    AskTvs,
    Fetch,
    NotReached,
    Outcome,
    PeerRefused,
    PeerUnproven,
    RunCapf,
    TvsAnswered,
)
from cucmsim.phone.trust import (
    PEERS,
    Accepted,
    FileRequest,
    NeedsTvs,
    PeerRequest,
    Refused,
    TvsDistrusts,
    TvsKnowledge,
    TvsNotAsked,
    TvsSilent,
    TvsVouches,
    Verdict,
    judge_file,
    judge_peer,
    purpose_of,
)
from cucmsim.phone.tvscache import CacheEntry
from cucmsim.phone.values import Certified, Purpose, Refusal
from cucmsim.pki.certificates import load_certificate

__all__ = ["Check", "Decision", "HttpsCheck", "ask_about_file", "ask_about_peer", "with_peer"]

Decision: TypeAlias = Accepted | Refused

_HTTPS = (Purpose.HTTPS_SERVICE, Purpose.HTTPS_PROVISIONING)
_SHORT_NAMES = {"2.5.4.5": "serialNumber", "1.2.840.113549.1.9.1": "emailAddress"}


@dataclass(frozen=True, slots=True)
class _Question:
    """What TVS is asked, and what for; `signer` where it is a query."""

    purpose: Purpose
    request: VerificationRequest | QueryRequest
    signer: SignerId | None = None

    @property
    def is_query(self) -> bool:
        return self.signer is not None


class Check(Machine):
    """Decides about one certificate or file, asking TVS if need be.

    A connection may wait meanwhile. A second check within the time to live asks nobody, if
    `session` has the same cache (seed 000: 86,400 s).
    """

    def __init__(self, session: Session, question: Script[Decision]) -> None:
        super().__init__(session, self._check(question))
        self.decision: Decision | None = None

    def _check(self, question: Script[Decision]) -> Script[None]:
        self.decision = yield from question


class HttpsCheck(Check):
    """Decides about the certificate that an HTTPS server, such as the directory, showed."""

    def __init__(self, session: Session, server: str, certificate_der: bytes) -> None:
        purpose = Purpose.HTTPS_SERVICE
        super().__init__(session, ask_about_peer(session, purpose, server, certificate_der))


def ask_about_file(session: Session, request: FileRequest) -> Script[Decision]:
    """Decide about a signed file or trust list, asking TVS where only that can tell."""
    lists = session.lists

    def judge(knowledge: TvsKnowledge) -> Verdict:
        return judge_file(lists, request, knowledge, session.switches)

    first = judge(TvsNotAsked())
    purpose = purpose_of(request.kind)
    if _was_searched(first):
        found = first.source if isinstance(first, Accepted) else None
        session.emit(TrustListsSearched(purpose, by_certificate=False, found=found))
    if not isinstance(first, NeedsTvs):
        return first
    signer = decode_header(request.data).signer
    query = QueryRequest(
        session.identity.device_id,
        decode_text(signer.name),
        decode_text(signer.ca_name),
        signer.serial,
    )
    return (yield from _resolve(session, judge, _Question(purpose, query, signer)))


def ask_about_peer(
    session: Session, purpose: Purpose, server: str, certificate_der: bytes
) -> Script[Decision]:
    """Decide about the certificate of a TLS server named `server`."""
    lists, request = session.lists, PeerRequest(purpose, certificate_der)
    found = lists.find_certificate(certificate_der, PEERS[purpose])
    source = None if found is None else found.source
    session.emit(TrustListsSearched(purpose, by_certificate=True, found=source))
    if found is None and purpose in _HTTPS:
        session.emit(HttpsNotInTrustList(server))
    question = _Question(purpose, VerificationRequest(session.identity.device_id, certificate_der))
    decision = yield from _resolve(
        session, lambda knowledge: judge_peer(lists, request, knowledge), question
    )
    if isinstance(decision, Accepted):
        session.vouched.add((purpose, certificate_der))
    if purpose in _HTTPS:
        session.emit(
            HttpsAuthenticated(server, decision.source)
            if isinstance(decision, Accepted)
            else HttpsRefused(server, decision.reason)
        )
    return decision


def with_peer(
    session: Session, step: Fetch | RunCapf, purpose: Purpose, server: str
) -> Script[Outcome]:
    """Carry out a step over TLS; if its server is unproven ask TVS, and then once again."""
    outcome = yield step
    if not isinstance(outcome, PeerUnproven):
        return outcome
    decision = yield from ask_about_peer(session, purpose, server, outcome.certificate_der)
    if isinstance(decision, Refused):
        return PeerRefused(outcome.certificate_der)
    outcome = yield replace(step, check=session.check(purpose))
    if isinstance(outcome, PeerUnproven):  # another certificate than a moment ago
        return PeerRefused(outcome.certificate_der)
    return outcome


def _was_searched(verdict: Verdict) -> bool:
    """Tell whether a verdict comes from looking for the signer."""
    if isinstance(verdict, Accepted):
        return verdict.found is not None
    return isinstance(verdict, NeedsTvs) or verdict.reason is Refusal.UNKNOWN_SIGNER


def _resolve(
    session: Session, judge: Callable[[TvsKnowledge], Verdict], question: _Question
) -> Script[Decision]:
    verdict = judge(TvsNotAsked())
    if isinstance(verdict, NeedsTvs) and not session.identity.has_sbd:
        return Refused(Refusal.UNKNOWN_SIGNER if question.is_query else Refusal.UNKNOWN_CERTIFICATE)
    while isinstance(verdict, NeedsTvs):
        knowledge = yield from _learn(session, question)
        verdict = judge(knowledge)
    return verdict


def _learn(session: Session, question: _Question) -> Script[TvsKnowledge]:
    """Find out what TVS says, out of the cache if it said so before."""
    session.emit(TvsStarted(question.purpose, question.is_query))
    entry = _remembered(session, question)
    session.emit(TvsCacheSearched(found=entry is not None))
    if entry is not None:
        return TvsVouches(entry.certificate_der, entry.roles, cached=True)
    return (yield from _ask_servers(session, question))


def _remembered(session: Session, question: _Question) -> CacheEntry | None:
    if question.signer is not None:
        return session.cache.find_signer(question.signer, session.now)
    return session.cache.find_certificate(_asked_der(question) or b"", session.now)


def _asked_der(question: _Question) -> bytes | None:
    request = question.request
    return request.certificate_der if isinstance(request, VerificationRequest) else None


def _ask_servers(session: Session, question: _Question) -> Script[TvsKnowledge]:
    configuration = session.configuration
    servers = () if configuration is None else configuration.tvs_servers
    reason = Refusal.TVS_SILENT if servers else Refusal.TVS_NOT_CONFIGURED
    for index, server in enumerate(servers[: session.switches.tvs_servers]):
        step = _tvs_step(session, question, index, server)
        session.emit(TvsConnecting(server, index))
        if step.certified is not None:
            session.emit(_describe(step.certified, is_mic=session.flash.lsc is None))
        outcome = yield step
        if isinstance(outcome, TvsAnswered):
            knowledge = _hear(session, question, step, outcome)
            if knowledge is not None:
                return knowledge
        if isinstance(outcome, NotReached):
            session.emit(TvsFailed(server, index, outcome.reason))
        else:
            session.emit(TvsServerRefused(server, index))
            reason = Refusal.TVS_UNTRUSTED
    session.emit(TvsGivenUp(question.purpose, reason))
    return TvsSilent(reason)


def _tvs_step(session: Session, question: _Question, index: int, server: Endpoint) -> AskTvs:
    shown = session.flash.active_certificate if session.switches.show_certificate_to_tvs else None
    return AskTvs(
        server=server,
        index=index,
        request=question.request,
        tags=session.switches.query_tags,
        certified=shown,
        check=session.check(Purpose.TVS_SERVER),
    )


def _hear(
    session: Session, question: _Question, step: AskTvs, outcome: TvsAnswered
) -> TvsKnowledge | None:
    """Take the answer of one server; None if it is not one that may be believed."""
    server, answer = step.server, outcome.answer
    roles = PEERS[Purpose.TVS_SERVER]
    found = session.lists.find_certificate(outcome.certificate_der or b"", roles)
    if found is None:
        return None
    session.emit(TvsConnected(server, step.index))
    session.emit(TrustListsSearched(Purpose.TVS_SERVER, by_certificate=False, found=found.source))
    session.emit(TvsServerVerified(server, found.by_hash, found.source))
    session.emit(TvsRequestSent(server, question.is_query, outcome.sent_size))
    session.emit(
        TvsAnswerReceived(
            server, question.is_query, outcome.received_size, answer.reason, answer.roles
        )
    )
    certificate_der = _asked_der(question)
    if isinstance(answer, QueryAnswer):
        certificate_der = answer.certificate_der
    if answer.reason != Reason.TRUSTED or certificate_der is None:
        return TvsDistrusts()
    if not _is_asked_for(question, certificate_der):
        return TvsVouches(certificate_der, answer.roles)  # refused, and not to be remembered
    seconds = session.cache.save(
        certificate_der,
        answer.roles,
        session.now,
        time_to_live_s=answer.time_to_live_s,
        signer=question.signer,
    )
    session.emit(TvsCached(question.is_query, seconds))
    return TvsVouches(certificate_der, answer.roles)


def _is_asked_for(question: _Question, certificate_der: bytes) -> bool:
    """Tell whether a certificate is that of the signer asked about, by its serial number."""
    if question.signer is None:
        return True
    try:
        return serial_bytes(load_certificate(certificate_der)) == question.signer.serial
    except FormatError:
        return False


def _describe(certified: Certified, *, is_mic: bool) -> DeviceCertificateUsed:
    """Say what the phone presents. Source of the form: seed 002."""
    signer = certified.signer()
    key = signer.private_key.private_bytes(
        Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    )
    return DeviceCertificateUsed(
        certificate_length=len(certified.certificate_der),
        is_mic=is_mic,
        subject=_one_line(signer.certificate.subject),
        issuer=_one_line(signer.certificate.issuer),
        key_length=len(key),
    )


def _one_line(name: x509.Name) -> str:
    """Write a name as OpenSSL's one-line form does."""
    return "".join(
        f"/{_SHORT_NAMES.get(attribute.oid.dotted_string, attribute.rfc4514_attribute_name)}"
        f"={attribute.value!s}"
        for attribute in name
    )
