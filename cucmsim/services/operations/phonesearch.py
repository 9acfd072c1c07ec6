"""Find phones by what CAPF knows of them, as the pages Find and List Phones and CAPF Report do.

What can be asked for: the status of the last operation, the operation pending, who issued the LSC,
when LSC and issuer end, and whether the LSC is stale. Source: cucm.md 2.3 (columns), 6.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from cucmsim.services.operations.stalelsc import stale_lscs
from cucmsim.store.replica import Replica
from cucmsim.store.rows import CertificateStatus, Device, PendingOperation

__all__ = ["PhoneSearch", "find_phones"]


@dataclass(frozen=True, slots=True)
class PhoneSearch:
    """What a phone has to be; None and empty texts say nothing. Texts are looked for within.

    `expires_before` and `issuer_expires_before` are aware times; a phone without LSC has neither.
    """

    name: str = ""
    status: CertificateStatus | None = None
    operation: PendingOperation | None = None
    issued_by: str = ""
    has_lsc: bool | None = None
    expires_before: datetime | None = None
    issuer_expires_before: datetime | None = None
    is_stale: bool = False


def find_phones(replica: Replica, search: PhoneSearch) -> tuple[Device, ...]:
    """Return the phones that are all of this, by name."""
    devices: Mapping[str, Device] = replica.devices
    if search.is_stale:
        devices = {device.name: device for device in stale_lscs(replica)}
    return tuple(devices[name] for name in sorted(devices) if all(_answers(devices[name], search)))


def _answers(device: Device, search: PhoneSearch) -> Iterator[bool]:
    yield search.name.upper() in device.name
    yield search.status in (None, device.certificate_status)
    yield search.operation in (None, device.pending_operation)
    yield search.issued_by.lower() in device.lsc_issuer.lower()
    yield search.has_lsc in (None, device.lsc_valid_until is not None)
    yield _ends_before(device.lsc_valid_until, search.expires_before)
    yield _ends_before(device.lsc_issuer_valid_until, search.issuer_expires_before)


def _ends_before(end: datetime | None, moment: datetime | None) -> bool:
    return moment is None or (end is not None and end < moment)
