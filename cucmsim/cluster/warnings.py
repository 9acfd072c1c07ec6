"""What is allowed in a description, but leaves phones without what they are there for."""

from cucmsim.cluster.problems import Findings
from cucmsim.cluster.settings import Settings
from cucmsim.errors import Problem
from cucmsim.store.rows import AuthenticationMode, Device, PendingOperation

__all__ = ["locked_out_phones"]

_SHOWN = 3
_KEYLESS = (PendingOperation.NONE, PendingOperation.DELETE)
_BY_CERTIFICATE = (AuthenticationMode.EXISTING_LSC, AuthenticationMode.EXISTING_MIC)


def locked_out_phones(settings: Settings) -> tuple[Problem, ...]:
    """Return a problem for the phones that can never get their encrypted configuration.

    No key of theirs is known, CAPF has nothing to do for them, and they prove themselves to it
    without a certificate, from which it could learn one.
    """
    found = [phone.name for phone in settings.phones if _is_locked_out(phone)]
    findings = Findings(str(settings.path))
    if found:
        more = ", ..." if len(found) > _SHOWN else ""
        findings.add(
            ("phones",),
            f"{len(found)} with `encrypted_config` and no way to a key of theirs "
            f"({', '.join(found[:_SHOWN])}{more})",
            '`pending_operation = "install"`, or `authentication_mode = "existing-mic"`',
        )
    return tuple(findings.problems)


def _is_locked_out(phone: Device) -> bool:
    return (
        phone.encrypted_config
        and phone.lsc_der is None
        and phone.mic_der is None
        and phone.pending_operation in _KEYLESS
        and phone.authentication_mode not in _BY_CERTIFICATE
    )
