"""A phone's boot, without I/O: trust lists, configuration, CAPF, registration.

CTL, then ITL, then the configuration, then the members of its CallManager group in order (phone.md
1.2). What is refused leaves in force what the phone held, which it goes on with: it still
registers with its old configuration. `Boot` is driven as `steps` says.
"""

from dataclasses import replace

from cucmsim.formats.header import Header, decode_header
from cucmsim.formats.models import PHONE_MODELS
from cucmsim.formats.names import decode_text
from cucmsim.phone.downloads import Downloaded, Wanted, download
from cucmsim.phone.events import (
    BootStarted,
    CacheFlushed,
    DeviceTlInfo,
    Registering,
    RegistrationFailed,
    RegistrationSucceeded,
    TrustListKept,
    TrustListMissing,
    TrustListRefused,
    TrustListsSummarised,
    TrustListUpdated,
    TrustListVerified,
)
from cucmsim.phone.lookup import ask_about_file, ask_about_peer
from cucmsim.phone.machine import Machine, Script, Session
from cucmsim.phone.retrieval import retrieve_configuration
from cucmsim.phone.steps import (
    FetchFailure,
    NotReached,
    Outcome,
    PeerUnproven,
    Register,
    Registered,
    RegistrationRefused,
)
from cucmsim.phone.summary import BootSummary, summarise
from cucmsim.phone.trust import Accepted, FileRequest, Refused
from cucmsim.phone.values import FileKind, Purpose, TrustSource
from cucmsim.pki.digests import Digest

__all__ = ["Boot", "Restart"]

_NO_SERVERS = "the phone has no configuration"
_NO_SECURE_SERVER = "no trust list names a CallManager to register with over TLS"
_NO_TRUSTED_SERVER = "no member shows a certificate that is trusted"


class Boot(Machine):
    """One boot of the phone in `session`, from the first file to registration."""

    def __init__(self, session: Session) -> None:
        super().__init__(session, _boot(session))

    @property
    def summary(self) -> BootSummary:
        """What the boot has led to so far."""
        return summarise(self._session.history)


class Restart(Machine):
    """Fetches the configuration and, unless told not to, registers again (sip.md, restart)."""

    def __init__(self, session: Session, *, registers: bool = True) -> None:
        super().__init__(session, _restart(session, registers=registers))

    @property
    def summary(self) -> BootSummary:
        """What it has led to so far."""
        return summarise(self._session.history)


def _boot(session: Session) -> Script[None]:
    session.emit(BootStarted(session.identity.name, session.servers))
    yield from _load_trust_list(session, FileKind.CTL)
    if session.identity.has_sbd:
        yield from _load_trust_list(session, FileKind.ITL)
    _sum_up(session)
    yield from retrieve_configuration(session)
    yield from _register(session)


def _restart(session: Session, *, registers: bool) -> Script[None]:
    yield from retrieve_configuration(session)
    if registers:
        yield from _register(session)


def _load_trust_list(session: Session, kind: FileKind) -> Script[None]:
    for name in _trust_list_names(session, kind):
        result = yield from download(session, Wanted(name, kind))
        if isinstance(result, Downloaded):
            yield from _take_trust_list(session, kind, result)
            return
        if result is not FetchFailure.NOT_FOUND:
            return
    session.emit(TrustListMissing(kind))


def _trust_list_names(session: Session, kind: FileKind) -> list[str]:
    """Return the names to ask for in turn, as long as they are not found (phone.md 1.2)."""
    switches, configuration = session.switches, session.configuration
    names = [f"{kind}{session.identity.name}.tlv"]
    if kind is FileKind.ITL:
        return names + [f"{kind}File.tlv"] * switches.itl_file_fallback
    if configuration is not None and configuration.security_mode > 1 and session.flash.ctl is None:
        names *= max(1, switches.secure_ctl_attempts)
    return names + [f"{kind}File.tlv"] * switches.ctl_file_fallback


def _take_trust_list(session: Session, kind: FileKind, file: Downloaded) -> Script[None]:
    held = session.flash.ctl if kind is FileKind.CTL else session.flash.itl
    if file.data == held:
        session.emit(TrustListKept(kind))
        return
    request = FileRequest(kind, file.name, file.data)
    decision = yield from ask_about_file(session, request)
    if isinstance(decision, Refused):
        session.emit(TrustListRefused(kind, decision.reason))
        _raise_alarm(session, session.switches.status_code_failed)
        return
    _install(session, kind, file.data, decision)


def _install(session: Session, kind: FileKind, data: bytes, decision: Accepted) -> None:
    """Put a trust list in force; the TVS cache, filled under the old ones, is forgotten."""
    session.emit(_verified(kind, decode_header(data), decision))
    old = session.flash
    replaced = (old.ctl if kind is FileKind.CTL else old.itl) is not None
    is_ctl = kind is FileKind.CTL
    session.store(replace(old, ctl=data) if is_ctl else replace(old, itl=data))
    session.emit(TrustListUpdated(kind, replaced, Digest.SHA1.hash(data)))
    if decision.source is not TrustSource.BLIND:
        session.cache.flush()
        session.vouched.clear()
        session.emit(CacheFlushed())
    _raise_alarm(session, session.switches.status_code_updated)


def _verified(kind: FileKind, header: Header, decision: Accepted) -> TrustListVerified:
    return TrustListVerified(
        kind,
        decision.source,
        header.length,
        header.version,
        header.padding,
        decode_text(header.signer.name),
    )


def _raise_alarm(session: Session, status_code: int) -> None:
    flash, lists = session.flash, session.lists
    session.emit(
        DeviceTlInfo(
            device_name=session.identity.name,
            ctl_sha1=None if flash.ctl is None else Digest.SHA1.hash(flash.ctl),
            ctl_server="" if lists.ctl is None else _signer_host(lists.ctl.header),
            itl_sha1=None if flash.itl is None else Digest.SHA1.hash(flash.itl),
            itl_server="" if lists.itl is None else _signer_host(lists.itl.header),
            status_code=status_code,
            at=session.now,
        )
    )


def _signer_host(header: Header) -> str:
    """Return the common name of who signed a list; the alarm gives a host name (phone.md 3.5)."""
    name = decode_text(header.signer.name)
    parts = name.replace(",", ";").split(";")
    return next((part[3:] for part in parts if part.upper().startswith("CN=")), name)


def _sum_up(session: Session) -> None:
    history = session.history
    session.emit(
        TrustListsSummarised(
            has_ctl=session.flash.ctl is not None,
            has_itl=session.flash.itl is not None,
            updated=any(isinstance(event, TrustListUpdated) for event in history),
            refused=any(isinstance(event, TrustListRefused) for event in history),
        )
    )


def _register(session: Session) -> Script[None]:
    step = _registration(session)
    if step is None:
        session.emit(RegistrationFailed(_NO_SERVERS))
        return
    members = tuple(member.process_node_name for member in step.members)
    session.emit(Registering(members, step.protocol, step.transport))
    if step.is_secure and not session.lists.names_call_manager:
        session.emit(RegistrationFailed(_NO_SECURE_SERVER))
        return
    outcome = yield step
    for _ in members:  # each may show a certificate of its own, but not another one each time
        if not isinstance(outcome, PeerUnproven):
            break
        yield from _ask_about(session, members[0], outcome.certificate_der)
        outcome = yield replace(step, check=session.check(Purpose.SIP_PEER))
    session.emit(_told(outcome))


def _ask_about(session: Session, server: str, certificate_der: bytes) -> Script[None]:
    """Ask TVS about a member; one that is not trusted is passed over from now on."""
    decision = yield from ask_about_peer(session, Purpose.SIP_PEER, server, certificate_der)
    if isinstance(decision, Refused):
        session.refused.add((Purpose.SIP_PEER, certificate_der))


def _told(outcome: Outcome) -> RegistrationSucceeded | RegistrationFailed:
    match outcome:
        case Registered():
            return RegistrationSucceeded(
                outcome.server, outcome.transport, outcome.number, outcome.expires_s
            )
        case RegistrationRefused():
            return RegistrationFailed(outcome.text)
        case NotReached():
            return RegistrationFailed(outcome.reason, unreachable=True)
        case _:
            return RegistrationFailed(_NO_TRUSTED_SERVER)


def _registration(session: Session) -> Register | None:
    configuration = session.configuration
    if configuration is None or not configuration.call_managers:
        return None
    protocols = PHONE_MODELS[session.identity.model].protocols
    return Register(
        members=configuration.call_managers,
        protocol=configuration.protocol or protocols[0],
        transport=configuration.transport,
        security_mode=configuration.security_mode,
        lines=configuration.lines,
        alarms=tuple(event for event in session.history if isinstance(event, DeviceTlInfo)),
        certified=session.flash.active_certificate,
        check=session.check(Purpose.SIP_PEER),
        reason=session.reason,
        timers=configuration.timers,
        version_stamp=configuration.version_stamp,
        load=configuration.load,
        inactive_load=configuration.inactive_load,
    )
