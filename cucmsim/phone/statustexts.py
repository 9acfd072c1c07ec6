"""Which status message an event shows on the phone, in the words of its generation.

The 78xx and 88xx words are those of the 8800 guide's list, the 79xx ones those of the pages of real
phones, which name the file after a colon (phone.md 3.1). No number goes with any of them.
"""

from cucmsim.formats.models import Generation
from cucmsim.phone import events
from cucmsim.phone.steps import FetchFailure
from cucmsim.phone.values import FileKind, Transport

__all__ = ["status_message"]

_ACCESS_VIOLATION = 2
_CONFIGURATIONS = (FileKind.CONFIG, FileKind.ENCRYPTED_CONFIG)
_ALWAYS_THE_SAME: dict[type, str] = {
    events.DhcpTimedOut: "DHCP timeout",
    events.TrustListsErased: "Erasing CTL and ITL files",
    events.VerificationFailed: "Verification Failed",
}


def status_message(event: object, generation: Generation) -> str | None:
    """Return the message that `event` shows, None where the screen stays as it is."""
    is_old = generation is Generation.SERIES_79XX
    match event:
        case events.DownloadFailed():
            return _failed(event, is_old=is_old)
        case events.TrustListMissing():
            name = f"{event.kind}File.tlv"
            return f"File Not Found : {name}" if is_old else f"File Not Found <{name}>"
        case events.TrustListUpdated():
            return _either("Trust List Updated", "Trust List updated", is_old=is_old)
        case events.TrustListRefused():
            return _either("Trust List Update Failed", "Trust List update failed", is_old=is_old)
        case events.TrustListsSummarised():
            return _summary(event, is_old=is_old)
        case events.ConfigurationAccepted():
            return event.name
        case events.ResetReceived() if event.kind in {"reset", "restart"}:
            return "Restart requested by Cisco Unified Communications Manager"
        case _:
            return _ALWAYS_THE_SAME.get(type(event))


def _either(old: str, new: str, *, is_old: bool) -> str:
    return old if is_old else new


def _failed(event: events.DownloadFailed, *, is_old: bool) -> str | None:
    """Return what a failed download shows; HTTP's failure is silent, TFTP comes after it."""
    if event.failure == FetchFailure.TOO_LARGE and event.kind in _CONFIGURATIONS:
        return "CFG TFTP Size Error"
    if event.transport is not Transport.TFTP:
        return None
    if event.failure == FetchFailure.NOT_FOUND:
        return None if event.kind.is_trust_list else _not_found(event.name, is_old=is_old)
    if event.code == _ACCESS_VIOLATION:
        return _named("TFTP Access Error", "TFTP access error", event.name, is_old=is_old)
    if event.failure in {FetchFailure.TIMEOUT, FetchFailure.UNREACHABLE}:
        return _named("TFTP Timeout", "TFTP timeout", event.name, is_old=is_old)
    return _named("TFTP Error", "TFTP error", event.name, is_old=is_old)


def _not_found(name: str, *, is_old: bool) -> str:
    return f"File Not Found : {name}" if is_old else f"File not found <{name}>"


def _named(old: str, new: str, name: str, *, is_old: bool) -> str:
    return f"{old} : {name}" if is_old else new


def _summary(event: events.TrustListsSummarised, *, is_old: bool) -> str | None:
    if event.updated or event.refused:
        return None
    if event.has_ctl and event.has_itl:
        return _either("CTL and ITL Installed", "CTL and ITL installed", is_old=is_old)
    if event.has_ctl:
        return "CTL Installed"
    if event.has_itl:
        return _either("ITL Installed", "ITL installed", is_old=is_old)
    return _either("No Trust List Installed", "No Trust List installed", is_old=is_old)
