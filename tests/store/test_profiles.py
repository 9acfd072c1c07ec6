"""Security profiles by name: one for every protocol, read anew only when one changed."""

from dataclasses import replace

from cucmsim.store.rows import AuthenticationMode, Device, KeyOrder, PhoneSecurityProfile
from cucmsim.store.store import Store

PROFILE = PhoneSecurityProfile(
    name="Floor 2",
    security_mode=2,
    transport=3,
    encrypted_config=True,
    authentication_mode=AuthenticationMode.EXISTING_LSC,
    key_type=KeyOrder.EC_ONLY,
    key_size_bits=3072,
    ec_size_bits=521,
)
PHONE = Device(
    name="SEP001B54C25A01",
    model="7962",
    protocol="SCCP",
    security_profile="Floor 2",
    security_mode=2,
    transport=3,
    encrypted_config=True,
)


async def put(store: Store, profile: PhoneSecurityProfile, *phones: Device) -> None:
    async with store.transaction() as transaction:
        await transaction.put_profile(profile)
        await transaction.put_devices(phones)


async def rows(store: Store) -> list[tuple[object, ...]]:
    """Return protocol, mode, authentication mode and EC size of every row."""
    found = (await store.read_tables(["securityprofile"]))["securityprofile"]
    return sorted((row[3], row[4], row[7], row[10]) for row in found)


async def test_a_profile_comes_back_and_another_protocol_says_the_same_of_capf(
    lab: Store,
) -> None:
    await put(lab, PROFILE, PHONE)
    assert (await lab.load_replica()).profiles == {"Floor 2": PROFILE}
    assert await rows(lab) == [(0, 2, 3, 521), (11, 2, 3, 521)]
    await put(lab, replace(PROFILE, security_mode=3))
    assert await rows(lab) == [(0, 3, 3, 521), (11, 3, 3, 521)]


async def test_only_a_change_makes_a_version_and_only_of_files_a_stamp(lab: Store) -> None:
    await put(lab, PROFILE, PHONE)
    first = await lab.load_replica()
    await put(lab, PROFILE, PHONE)
    assert await lab.update_replica(first) is first
    await put(lab, replace(PROFILE, key_size_bits=4096))
    second = await lab.update_replica(first)
    assert second.devices is first.devices
    assert second.profiles["Floor 2"].key_size_bits == 4096
    await put(lab, replace(PROFILE, encrypted_config=False))
    third = await lab.update_replica(second)
    assert third.devices[PHONE.name].versionstamp != first.devices[PHONE.name].versionstamp
    assert third == await lab.load_replica()


async def test_what_is_not_there_is_not_deleted(lab: Store) -> None:
    async with lab.transaction() as transaction:
        assert not await transaction.delete_profile("Nobody")
