"""What a boot has led to, read off the events of it: for the end of `cucmsim phone boot`."""

from collections.abc import Iterable
from dataclasses import dataclass

from cucmsim.phone.events import (
    ConfigurationAccepted,
    ConfigurationKept,
    DownloadFailed,
    DownloadFinished,
    Event,
    RegistrationFailed,
    RegistrationSucceeded,
    TrustListKept,
    TrustListRefused,
    TrustListVerified,
    VerificationFailed,
)
from cucmsim.phone.steps import FetchFailure
from cucmsim.phone.values import FileKind, Refusal, TrustSource

__all__ = ["AcceptedFile", "BootSummary", "RefusedFile", "summarise"]

_SILENCES = (FetchFailure.TIMEOUT, FetchFailure.UNREACHABLE)


@dataclass(frozen=True, slots=True)
class AcceptedFile:
    """A file that is in force now. `source` None: unsigned; `is_new` False: held before.

    `tls_server`: it came unsigned, over HTTPS from this server, which the phone trusts.
    """

    kind: FileKind
    name: str
    source: TrustSource | None
    signer: str
    is_new: bool = True
    tls_server: str = ""


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file that the phone did not take."""

    kind: FileKind
    name: str
    reason: Refusal


@dataclass(frozen=True, slots=True)
class BootSummary:
    """What was accepted, what refused, and where the phone registered.

    `was_answered`: a TFTP server answered anything. `failure` is why the phone is not registered,
    `is_unreachable` that it is because no CallManager answers; `registration` how it is.
    `goes_on_after` is why it took no configuration and works with the one that it held.
    """

    accepted: tuple[AcceptedFile, ...]
    refused: tuple[RefusedFile, ...]
    registered: str | None
    failure: str
    was_answered: bool
    registration: RegistrationSucceeded | None = None
    is_unreachable: bool = False
    goes_on_after: str = ""


def summarise(history: Iterable[Event]) -> BootSummary:
    """Sum up the events of a boot."""
    events = tuple(history)
    registered = [each for each in events if isinstance(each, RegistrationSucceeded)]
    failures = [each for each in events if isinstance(each, RegistrationFailed)]
    kept = [each for each in events if isinstance(each, ConfigurationKept) and each.held]
    return BootSummary(
        accepted=tuple(taken for event in events if (taken := _accepted(event)) is not None),
        refused=tuple(left for event in events if (left := _refused(event)) is not None),
        registered=registered[-1].server if registered else None,
        failure=failures[-1].reason if failures else "",
        was_answered=any(map(_is_answer, events)),
        registration=registered[-1] if registered else None,
        is_unreachable=bool(failures) and failures[-1].unreachable,
        goes_on_after=kept[-1].reason if kept else "",
    )


def _accepted(event: Event) -> AcceptedFile | None:
    match event:
        case TrustListVerified(kind=kind, source=source, signer=signer):
            return AcceptedFile(kind, f"{kind}File.tlv", source, signer)
        case TrustListKept(kind=kind):
            return AcceptedFile(kind, f"{kind}File.tlv", None, "", is_new=False)
        case ConfigurationAccepted(name=name, source=source, signer=signer, tls_server=server):
            return AcceptedFile(FileKind.CONFIG, name, source, signer, tls_server=server)
        case _:
            return None


def _refused(event: Event) -> RefusedFile | None:
    match event:
        case TrustListRefused(kind=kind, reason=reason):
            return RefusedFile(kind, f"{kind}File.tlv", reason)
        case VerificationFailed(name=name, kind=kind, reason=reason):
            return RefusedFile(kind, name, reason)
        case _:
            return None


def _is_answer(event: Event) -> bool:
    if isinstance(event, DownloadFailed):
        return event.failure not in _SILENCES
    return isinstance(event, DownloadFinished)
