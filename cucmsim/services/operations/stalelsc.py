"""Stale LSCs: those that a CAPF certificate signed which the cluster has replaced since.

A phone goes on with one as long as the old CAPF certificate lies in CAPF-trust and
CallManager-trust (cucm.md 6). `delete` forgets them in the database; the phones keep what they
have until CAPF installs new ones.
"""

from dataclasses import replace

from cryptography import x509

from cucmsim.errors import FormatError
from cucmsim.pki.certificates import load_certificate
from cucmsim.pki.chains import is_issued_by
from cucmsim.pki.profiles import Unit
from cucmsim.services.operations.operator import Operator
from cucmsim.store.replica import Replica
from cucmsim.store.rows import Device

__all__ = ["delete_stale_lscs", "stale_lscs"]


def stale_lscs(replica: Replica) -> tuple[Device, ...]:
    """Return the phones with such an LSC, by name."""
    authorities = [
        load_certificate(held.certificate_der)
        for (_, unit), held in replica.own.items()
        if unit == Unit.CAPF
    ]
    return tuple(
        device for _, device in sorted(replica.devices.items()) if _is_stale(device, authorities)
    )


def _is_stale(device: Device, authorities: list[x509.Certificate]) -> bool:
    if device.lsc_der is None:
        return False
    try:
        lsc = load_certificate(device.lsc_der)
    except FormatError:
        return True
    return not any(is_issued_by(lsc, authority) for authority in authorities)


async def delete_stale_lscs(operator: Operator) -> int:
    """Forget the stale LSCs of all phones; return how many. Raises StoreError."""
    async with operator.store.transaction() as transaction:
        stale = stale_lscs(await transaction.replica())
        await transaction.put_devices(_without_lsc(device) for device in stale)
    await operator.newest()
    return len(stale)


def _without_lsc(device: Device) -> Device:
    return replace(
        device, lsc_der=None, lsc_valid_until=None, lsc_issuer="", lsc_issuer_valid_until=None
    )
