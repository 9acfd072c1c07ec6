"""A booting phone's visit to CAPF: why, with which proof, at which server (phone.md 2.5, 5).

Why: an operation is pending, or the configuration is encrypted to a key that the phone does not
have. `capfAuthMode` says how it proves itself; by authentication string only when a person typed
one. The next server is tried when one cannot be reached, or breaks off, or is not trusted.
"""

from dataclasses import replace
from enum import IntEnum, StrEnum

from cucmsim.errors import FormatError
from cucmsim.formats.phonevalues import Endpoint
from cucmsim.phone.config import PhoneConfiguration
from cucmsim.phone.events import CapfFinished, CapfSkipped, CapfStarted
from cucmsim.phone.flash import Flash
from cucmsim.phone.lookup import with_peer
from cucmsim.phone.machine import Script, Session
from cucmsim.phone.steps import (
    CapfAnswered,
    CapfBusy,
    CapfOperation,
    NotReached,
    Outcome,
    RunCapf,
)
from cucmsim.phone.values import Certified, Purpose

__all__ = ["CapfMode", "CapfReason", "visit_capf"]


class CapfReason(StrEnum):
    """Why a phone visits CAPF."""

    PENDING = "operation pending"
    NO_KEY = "minimal configuration"
    PUBKEY_MISMATCH = "certHash of another certificate"
    DECRYPT_FILE_FAILED = "configuration does not open"


class CapfMode(IntEnum):
    """The numbers of `capfAuthMode`."""

    NONE = 0
    AUTHENTICATION_STRING = 1
    NULL_STRING = 2
    LSC_FIRST = 3
    MIC_FIRST = 4


def visit_capf(
    session: Session, configuration: PhoneConfiguration, why: CapfReason
) -> Script[bool]:
    """Visit CAPF; tell whether the phone's LSC changed."""
    obstacle = _obstacle(session, configuration)
    if obstacle is not None:
        session.emit(CapfSkipped(obstacle))
        return False
    for index, server in enumerate(configuration.capf_servers):
        session.emit(CapfStarted(server, configuration.capf_mode, why))
        step = _step(session, configuration.capf_mode, server, index)
        outcome = yield from with_peer(session, step, Purpose.CAPF_SERVER, server.address)
        finished = _finished(server, outcome)
        session.emit(finished)
        if isinstance(outcome, CapfAnswered):
            return finished.succeeded and _keep(session, outcome)
        if isinstance(outcome, CapfBusy):
            return False
    return False


def _keep(session: Session, answered: CapfAnswered) -> bool:
    """Keep what a successful visit led to; tell whether it is anything new."""
    lsc = session.flash.lsc
    if answered.operation is CapfOperation.DELETE:
        lsc = None
    elif answered.installed is not None:
        lsc = answered.installed
    if lsc == session.flash.lsc:
        return False
    session.store(replace(session.flash, lsc=lsc))
    return True


def _obstacle(session: Session, configuration: PhoneConfiguration) -> str | None:
    """Say what keeps the phone from going there at all."""
    if not configuration.capf_servers:
        return "no CAPF server in the configuration"
    mode = configuration.capf_mode
    if mode == CapfMode.AUTHENTICATION_STRING and session.authentication_string is None:
        return "the authentication string has to be typed on the phone"
    if mode in (CapfMode.LSC_FIRST, CapfMode.MIC_FIRST) and not session.flash.active_certificate:
        return "neither LSC nor MIC to authenticate with"
    return None


def _step(session: Session, mode: int, server: Endpoint, index: int) -> RunCapf:
    proof = _proof(session.flash, mode)
    by_string = mode == CapfMode.AUTHENTICATION_STRING
    return RunCapf(
        server=server,
        index=index,
        device_name=session.identity.name,
        password=(session.authentication_string or "") if by_string else "",
        proof=proof,
        proof_is_mic=proof is not None and proof is session.flash.mic,
        held=session.flash.lsc,
        check=session.check(Purpose.CAPF_SERVER),
    )


def _proof(flash: Flash, mode: int) -> Certified | None:
    if mode == CapfMode.LSC_FIRST:
        return flash.lsc or flash.mic
    if mode == CapfMode.MIC_FIRST:
        return flash.mic or flash.lsc
    return None


def _finished(server: Endpoint, outcome: Outcome) -> CapfFinished:
    """Put what came of a visit into words."""
    if isinstance(outcome, CapfAnswered):
        usable = _is_usable(outcome.installed)
        succeeded = outcome.succeeded and usable
        ended = _ended(outcome) if usable else "the new LSC cannot be read"
        detail = "" if succeeded else outcome.text or ended
        return CapfFinished(server, outcome.operation, succeeded, detail)
    if isinstance(outcome, CapfBusy):
        return CapfFinished(server, CapfOperation.NONE, succeeded=False, detail="server busy")
    if isinstance(outcome, NotReached):
        return CapfFinished(server, CapfOperation.NONE, succeeded=False, detail=outcome.reason)
    detail = "server is not trusted"
    return CapfFinished(server, CapfOperation.NONE, succeeded=False, detail=detail)


def _ended(answered: CapfAnswered) -> str:
    """Say how a session ended of which the server told no more than a number (phone.md 5.2)."""
    if answered.reason is None:
        return "the server told no reason"
    return f"the server ended the session with reason {answered.reason}"


def _is_usable(certified: Certified | None) -> bool:
    try:
        if certified is not None:
            certified.signer()
    except FormatError:
        return False
    return True
