"""Phone security profiles listed, made, changed and removed while the cluster runs.

As System > Security > Phone Security Profile of the administration pages does. A change reaches
every phone of the profile: security mode, transport and encrypted configuration at once, what it
says of CAPF where a phone held the profile's former value. No trust list changes.
Source: cucm.md 2.3, 4, 6 and 7 (17).
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import structlog

from cucmsim.errors import RefusedError
from cucmsim.formats.models import PHONE_MODELS
from cucmsim.services.operations.capforders import under_capf_rules
from cucmsim.services.operations.operator import Operator
from cucmsim.store.devicerows import standard_profile
from cucmsim.store.replica import Replica
from cucmsim.store.rows import (
    AuthenticationMode,
    Device,
    PendingOperation,
    PhoneSecurityProfile,
    SecurityMode,
)
from cucmsim.store.store import Transaction

__all__ = [
    "HeldProfile",
    "add_profile",
    "change_profile",
    "held_profile",
    "held_profiles",
    "is_standard",
    "remove_profile",
    "under_profile",
]

_STANDARD = frozenset(
    standard_profile(model.name, protocol.value, mode)
    for model in PHONE_MODELS.values()
    for protocol in model.protocols
    for mode in SecurityMode
)
_CAPF_FIELDS = ("authentication_mode", "key_type", "key_size_bits", "ec_size_bits")


@dataclass(frozen=True, slots=True)
class HeldProfile:
    """A profile, and how many phones use it."""

    profile: PhoneSecurityProfile
    phones: int

    @property
    def is_standard(self) -> bool:
        """Whether it is one of CUCM's own."""
        return is_standard(self.profile.name)


def is_standard(name: str) -> bool:
    """Whether CUCM has a profile of this name for one of its models by itself."""
    return name in _STANDARD


def held_profiles(replica: Replica) -> Iterator[HeldProfile]:
    """Yield every profile of the cluster by name; of CUCM's own those that phones have used."""
    used = Counter(device.security_profile for device in replica.devices.values())
    for name in sorted(replica.profiles):
        yield HeldProfile(replica.profiles[name], used[name])


def held_profile(replica: Replica, name: str) -> HeldProfile:
    """Return the profile of this name. Raises RefusedError when there is none."""
    if name not in replica.profiles:
        raise RefusedError(f"no security profile {name!r}")
    return HeldProfile(replica.profiles[name], len(_users(replica, name)))


def under_profile(device: Device, profile: PhoneSecurityProfile | None) -> Device:
    """Return a phone as its profile has it; without a profile, as it is."""
    if profile is None:
        return device
    return replace(
        device,
        security_mode=profile.security_mode,
        transport=profile.transport,
        encrypted_config=profile.encrypted_config,
    )


async def add_profile(operator: Operator, profile: PhoneSecurityProfile) -> HeldProfile:
    """Make a profile.

    Raises:
        RefusedError: its name is one of CUCM's own, is taken in any case of letters, or cannot be
            printed.
        StoreError: nothing was changed.

    """
    _check_name(profile.name)
    async with operator.store.transaction() as transaction:
        taken = {name.lower(): name for name in await transaction.profiles()}
        other = taken.get(profile.name.lower())
        if other is not None:
            raise RefusedError(
                f"security profile {other!r} is there already; `profile set` changes it"
            )
        await transaction.put_profile(profile)
    structlog.get_logger().info("security profile added", name=profile.name)
    return held_profile(await operator.newest(), profile.name)


async def change_profile(operator: Operator, profile: PhoneSecurityProfile) -> HeldProfile:
    """Change the profile of this name, and all its phones, in one transaction.

    Raises:
        RefusedError: there is none, it is one of CUCM's own, or a phone's pending CAPF operation
            cannot be with it.
        StoreError: nothing was changed.

    """
    replica = await operator.newest()
    async with operator.store.transaction() as transaction:
        held = await _changeable(transaction, profile.name)
        phones = await transaction.get_devices(_users(replica, profile.name))
        changed = [
            under_capf_rules(
                _followed(phone, held, profile), replica, operator.clock.now(), is_order=False
            )
            for phone in phones.values()
            if phone.security_profile == profile.name
        ]
        await transaction.put_profile(profile)
        await transaction.put_devices(changed)
    structlog.get_logger().info("security profile changed", name=profile.name, phones=len(changed))
    return held_profile(await operator.newest(), profile.name)


async def remove_profile(operator: Operator, name: str) -> None:
    """Remove a profile that no phone uses.

    Raises:
        RefusedError: there is none, phones use it, or it is one of CUCM's own.
        StoreError: nothing was changed.

    """
    count = len(_users(await operator.newest(), name))
    async with operator.store.transaction() as transaction:
        await _changeable(transaction, name)
        if count:
            phones = "1 phone" if count == 1 else f"{count} phones"
            raise RefusedError(
                f"security profile {name!r} is in use by {phones}; give them another one first"
            )
        await transaction.delete_profile(name)
    structlog.get_logger().info("security profile removed", name=name)
    await operator.newest()


def _check_name(name: str) -> None:
    if not name.isprintable() or not name or name != name.strip():
        raise RefusedError(
            f"found name {name!r}, expected printable characters without blanks around them"
        )
    if is_standard(name):
        raise RefusedError(f"{name!r} is the name of a standard profile; expected another one")


async def _changeable(transaction: Transaction, name: str) -> PhoneSecurityProfile:
    """Return the profile as it is. Raises RefusedError when it cannot be changed."""
    if is_standard(name):
        raise RefusedError(f"{name!r} is a standard profile; expected one that was made here")
    held = (await transaction.profiles()).get(name)
    if held is None:
        raise RefusedError(f"no security profile {name!r}")
    return held


def _users(replica: Replica, name: str) -> list[str]:
    """Return the names of the phones that use a profile."""
    return [phone for phone, held in replica.devices.items() if held.security_profile == name]


def _followed(phone: Device, held: PhoneSecurityProfile, wanted: PhoneSecurityProfile) -> Device:
    """Return a phone of `held` when that becomes `wanted`; what is its own stays. May refuse."""
    same = [name for name in _CAPF_FIELDS if getattr(phone, name) == getattr(held, name)]
    following = replace(
        under_profile(phone, wanted), **{name: getattr(wanted, name) for name in same}
    )
    if following.authentication_mode is not AuthenticationMode.AUTHENTICATION_STRING:
        return replace(following, authentication_string="")
    is_pending = phone.pending_operation is not PendingOperation.NONE
    if is_pending and not phone.authentication_string:
        raise RefusedError(
            f"{phone.name}: By Authentication String needs an authentication string of 4 to 10"
            " digits; it has none"
        )
    return following
