"""Security profiles made, changed and removed while the cluster runs (cucm.md 2.3, 6, 7 (17))."""

from dataclasses import replace

import pytest

from cucmsim.errors import RefusedError, StoreError
from cucmsim.services.operations.operator import Operator
from cucmsim.services.operations.profiles import (
    HeldProfile,
    add_profile,
    change_profile,
    held_profile,
    held_profiles,
    remove_profile,
    under_profile,
)
from cucmsim.store.rows import (
    AuthenticationMode,
    Device,
    KeyOrder,
    PendingOperation,
    PhoneSecurityProfile,
    Protocol,
    SecurityMode,
    Transport,
)
from cucmsim.store.store import Store

SIP_PHONE, SCCP_PHONE, OTHER = "SEPB000B4BA0AEE", "SEP001B54C25A01", "SEP001B54C25A02"
STANDARD = "Cisco 7962 - Standard SCCP Non-Secure Profile"
BY_STRING = AuthenticationMode.AUTHENTICATION_STRING
OPEN = PhoneSecurityProfile(name="Floor 2", authentication_mode=AuthenticationMode.EXISTING_MIC)
SECURE = replace(
    OPEN,
    security_mode=SecurityMode.ENCRYPTED.value,
    transport=Transport.TLS.value,
    encrypted_config=True,
)


async def put(store: Store, *devices: Device) -> None:
    async with store.transaction() as transaction:
        await transaction.put_devices(devices)


def phone(name: str, model: str, protocol: Protocol, profile: PhoneSecurityProfile) -> Device:
    device = Device(name=name, model=model, protocol=protocol.value, security_profile=profile.name)
    return replace(under_profile(device, profile), authentication_mode=profile.authentication_mode)


async def have_phones(store: Store, profile: PhoneSecurityProfile = OPEN) -> None:
    await put(
        store,
        phone(SIP_PHONE, "8861", Protocol.SIP, profile),
        phone(SCCP_PHONE, "7962", Protocol.SCCP, profile),
        Device(name=OTHER, model="7962", protocol="SCCP"),
    )


async def test_a_profile_is_made_and_removed_without_phones(
    store: Store, operator: Operator
) -> None:
    assert await add_profile(operator, SECURE) == HeldProfile(SECURE, phones=0)
    found = list(held_profiles(await store.load_replica()))
    assert found == [HeldProfile(SECURE, phones=0)]
    assert not found[0].is_standard
    await remove_profile(operator, SECURE.name)
    assert (await operator.newest()).profiles == {}


async def test_a_change_reaches_the_phones_of_the_profile_alone(
    store: Store, operator: Operator
) -> None:
    await add_profile(operator, OPEN)
    await have_phones(store)
    before = await operator.newest()
    assert await change_profile(operator, SECURE) == HeldProfile(SECURE, phones=2)
    after = await operator.newest()
    assert after.version == before.version + 1
    for name in (SIP_PHONE, SCCP_PHONE):
        old, new = before.devices[name], after.devices[name]
        assert (new.security_mode, new.transport, new.encrypted_config) == (3, 3, True)
        assert new.versionstamp != old.versionstamp
        assert new.protocol == old.protocol
    assert after.devices[OTHER] == before.devices[OTHER]
    assert (await store.load_replica()).devices == after.devices
    assert {one.profile.name: one.phones for one in held_profiles(after)} == {
        "Floor 2": 2,
        STANDARD: 1,
    }
    await change_profile(operator, SECURE)
    assert (await operator.newest()).version == after.version


async def test_what_it_says_of_capf_reaches_phones_without_their_own(
    store: Store, operator: Operator
) -> None:
    await add_profile(operator, OPEN)
    await have_phones(store)
    replica = await operator.newest()
    own = replace(replica.devices[SIP_PHONE], key_size_bits=4096)
    await put(store, own)
    stamp = (await operator.newest()).devices[SCCP_PHONE].versionstamp
    wanted = replace(OPEN, key_size_bits=3072, key_type=KeyOrder.EC_PREFERRED, ec_size_bits=521)
    await change_profile(operator, wanted)
    devices = (await operator.newest()).devices
    assert (devices[SIP_PHONE].key_size_bits, devices[SCCP_PHONE].key_size_bits) == (4096, 3072)
    assert {devices[name].ec_size_bits for name in (SIP_PHONE, SCCP_PHONE)} == {521}
    assert devices[SIP_PHONE].key_type is KeyOrder.EC_PREFERRED
    assert devices[SCCP_PHONE].versionstamp != stamp


async def test_a_string_goes_with_its_mode(store: Store, operator: Operator) -> None:
    by_string = replace(OPEN, authentication_mode=BY_STRING)
    await add_profile(operator, by_string)
    device = phone(SIP_PHONE, "8861", Protocol.SIP, by_string)
    await put(store, replace(device, authentication_string="2048"))
    await change_profile(operator, OPEN)
    assert (await operator.newest()).devices[SIP_PHONE].authentication_string == ""
    await change_profile(operator, by_string)
    pending = replace(
        (await operator.newest()).devices[SIP_PHONE], pending_operation=PendingOperation.INSTALL
    )
    await change_profile(operator, OPEN)
    await put(store, replace(pending, authentication_mode=OPEN.authentication_mode))
    with pytest.raises(RefusedError, match=f"{SIP_PHONE}: By Authentication String needs"):
        await change_profile(operator, by_string)
    assert (await operator.newest()).profiles[OPEN.name] == OPEN


async def test_a_first_lsc_by_string_keeps_a_profile_from_getting_secure(
    store: Store, operator: Operator
) -> None:
    by_string = replace(OPEN, authentication_mode=BY_STRING)
    await add_profile(operator, by_string)
    ordered = replace(
        phone(SIP_PHONE, "8861", Protocol.SIP, by_string),
        authentication_string="2048",
        pending_operation=PendingOperation.INSTALL,
    )
    await put(store, ordered)
    async with store.transaction() as transaction:
        await transaction.set_enterprise_parameter("ClusterSecurityMode", "1")
    before = await operator.newest()
    with pytest.raises(RefusedError, match="cannot install the first LSC"):
        await change_profile(operator, replace(SECURE, authentication_mode=BY_STRING))
    assert (await operator.newest()).version == before.version


async def test_a_profile_in_use_stays(store: Store, operator: Operator) -> None:
    await add_profile(operator, OPEN)
    await have_phones(store)
    with pytest.raises(RefusedError, match="'Floor 2' is in use by 2 phones; give them another"):
        await remove_profile(operator, OPEN.name)
    async with store.transaction() as transaction:
        await transaction.delete_device(SCCP_PHONE)
    with pytest.raises(RefusedError, match="in use by 1 phone;"):
        await remove_profile(operator, OPEN.name)
    with pytest.raises(StoreError, match=r"in use by 1 phone$"):
        async with store.transaction() as transaction:
            await transaction.delete_profile(OPEN.name)
    await put(store, Device(name=SIP_PHONE, model="8861"))
    await remove_profile(operator, OPEN.name)
    assert OPEN.name not in (await store.load_replica()).profiles


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("floor 2", "security profile 'Floor 2' is there already; `profile set` changes it"),
        (STANDARD, "is the name of a standard profile"),
        ("bad\x7fname", "expected printable characters"),
        (" Floor", "without blanks around"),
        ("", "found name ''"),
    ],
)
async def test_a_name_that_cannot_be_is_refused(operator: Operator, name: str, words: str) -> None:
    await add_profile(operator, OPEN)
    before = await operator.newest()
    with pytest.raises(RefusedError, match=words):
        await add_profile(operator, replace(OPEN, name=name))
    assert (await operator.newest()).version == before.version


async def test_standard_and_unknown_profiles_are_neither_changed_nor_removed(
    store: Store, operator: Operator
) -> None:
    await have_phones(store)
    for name, words in ((STANDARD, "is a standard profile"), ("None", "no security profile")):
        with pytest.raises(RefusedError, match=words):
            await change_profile(operator, replace(SECURE, name=name))
        with pytest.raises(RefusedError, match=words):
            await remove_profile(operator, name)
    assert held_profile(await operator.newest(), STANDARD).is_standard
    with pytest.raises(RefusedError, match="no security profile 'None'"):
        held_profile(await operator.newest(), "None")
