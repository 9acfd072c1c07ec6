"""CAPF operations by device: what is ordered of one phone or of many, under CAPF's rules.

An order is one transaction over all its phones. Rules, each refused with the phone's name: By
Authentication String needs a string of 4 to 10 digits, and cannot install the first LSC of a phone
whose profile is secure already in a mixed-mode cluster, as such a phone runs CAPF before it
registers and nobody could type the string; an operation ends at the moment given, else after the
days of CAPF Operation Expires in. Source: cucm.md 2.3 and 6.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from cucmsim.errors import RefusedError
from cucmsim.services.operations.operator import Operator
from cucmsim.services.parameters import ENTERPRISE_PARAMETERS
from cucmsim.services.trustlists import is_mixed_mode
from cucmsim.store.replica import Replica
from cucmsim.store.rows import (
    AuthenticationMode,
    CertificateStatus,
    Device,
    KeyOrder,
    PendingOperation,
    SecurityMode,
)

__all__ = ["EC_SIZES", "RSA_SIZES", "CapfOrder", "change_phones", "order_capf", "under_capf_rules"]

RSA_SIZES = (512, 1024, 2048, 3072, 4096)
EC_SIZES = (256, 384, 521)

_EXPIRES_IN = ENTERPRISE_PARAMETERS["CAPFOperationExpiresIn"]
_SHORTEST, _LONGEST = 4, 10
_NAMED = 5


@dataclass(frozen=True, slots=True)
class CapfOrder:
    """What CAPF is to do when the phones next come; None: as each phone has it.

    `expires` is an aware time, sizes are bits. PendingOperation.NONE withdraws an order.
    """

    operation: PendingOperation
    authentication_mode: AuthenticationMode | None = None
    authentication_string: str | None = field(default=None, repr=False)
    key_order: KeyOrder | None = None
    key_size_bits: int | None = None
    ec_size_bits: int | None = None
    expires: datetime | None = None


async def order_capf(
    operator: Operator, names: Collection[str], order: CapfOrder
) -> tuple[Device, ...]:
    """Order an operation of all these phones, or of none; return them. Raises RefusedError."""
    _check_order(order)
    return await change_phones(
        operator, names, lambda held, _: _ordered(held, order), is_order=True
    )


async def change_phones(
    operator: Operator,
    names: Collection[str],
    change: Callable[[Device, Replica], Device],
    *,
    is_order: bool,
) -> tuple[Device, ...]:
    """Change all these phones in one transaction; return them, in the order of `names`.

    Raises RefusedError for a name that no phone has, and what `change` raises; `is_order` as with
    `under_capf_rules`.
    """
    replica, now = await operator.newest(), operator.clock.now()
    async with operator.store.transaction() as transaction:
        held = await transaction.get_devices(names)
        _refuse_unknown([name for name in names if name not in held])
        await transaction.put_devices(
            [
                under_capf_rules(change(one, replica), replica, now, is_order=is_order)
                for one in held.values()
            ]
        )
    newest = (await operator.newest()).devices
    return tuple(newest[name] for name in dict.fromkeys(names) if name in newest)


def under_capf_rules(device: Device, replica: Replica, now: datetime, *, is_order: bool) -> Device:
    """Return a phone as it may be written; with `is_order` its operation ends at some time.

    Raises RefusedError when the operation cannot be ordered of it.
    """
    if device.pending_operation is PendingOperation.NONE:
        return replace(device, operation_expires=None)
    _refuse_string_before_registration(device, replica)
    if not is_order:
        return device
    days = int(replica.enterprise.get(_EXPIRES_IN.name, _EXPIRES_IN.default))
    expires = device.operation_expires or now + timedelta(days=days)
    if expires <= now:
        raise RefusedError(
            f"{device.name}: the operation would expire at {expires:%Y-%m-%d %H:%M:%S},"
            f" which is not after now, {now:%Y-%m-%d %H:%M:%S}"
        )
    return replace(device, operation_expires=expires, certificate_status=CertificateStatus.PENDING)


def _ordered(held: Device, order: CapfOrder) -> Device:
    """Return a phone with the order; a string that another mode has no use for is forgotten."""
    mode = order.authentication_mode or held.authentication_mode
    by_string = mode is AuthenticationMode.AUTHENTICATION_STRING
    string = (order.authentication_string or held.authentication_string) if by_string else ""
    is_pending = order.operation is not PendingOperation.NONE
    if by_string and is_pending and not string:
        raise RefusedError(
            f"{held.name}: By Authentication String needs an authentication string of 4 to 10"
            " digits; it has none"
        )
    if order.authentication_string is not None and not by_string:
        raise RefusedError(
            f"{held.name}: an authentication string was given, but its authentication mode is"
            f" {mode}"
        )
    return replace(
        held,
        pending_operation=order.operation,
        operation_expires=order.expires,
        certificate_status=held.certificate_status if is_pending else _withdrawn(held),
        authentication_mode=mode,
        authentication_string=string,
        key_type=order.key_order or held.key_type,
        key_size_bits=order.key_size_bits or held.key_size_bits,
        ec_size_bits=order.ec_size_bits or held.ec_size_bits,
    )


def _withdrawn(held: Device) -> CertificateStatus:
    """Return the status of a phone whose order is withdrawn; of a finished one it stays."""
    is_pending = held.certificate_status is CertificateStatus.PENDING
    return CertificateStatus.NONE if is_pending else held.certificate_status


def _check_order(order: CapfOrder) -> None:
    string = order.authentication_string
    if string is not None and not (
        string.isascii() and string.isdigit() and _SHORTEST <= len(string) <= _LONGEST
    ):
        raise RefusedError("the authentication string is not of 4 to 10 digits")
    for what, size, sizes in (
        ("RSA key size", order.key_size_bits, RSA_SIZES),
        ("EC key size", order.ec_size_bits, EC_SIZES),
    ):
        if size is not None and size not in sizes:
            expected = ", ".join(map(str, sizes))
            raise RefusedError(f"found {what} {size}, expected one of {expected}")


def _refuse_string_before_registration(device: Device, replica: Replica) -> None:
    if (
        device.authentication_mode is AuthenticationMode.AUTHENTICATION_STRING
        and device.pending_operation is PendingOperation.INSTALL
        and device.security_mode != SecurityMode.NON_SECURE
        and device.lsc_der is None
        and is_mixed_mode(replica)
    ):
        raise RefusedError(
            f"{device.name}: By Authentication String cannot install the first LSC of a phone with"
            f" the secure profile {device.security_profile!r}; take another mode, or a non-secure"
            " profile until it has one"
        )


def _refuse_unknown(names: list[str]) -> None:
    if names:
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        shown = ", ".join(repr(name) for name in names[:_NAMED])
        raise RefusedError(f"no phone {shown}{more}")
