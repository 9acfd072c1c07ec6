"""Phones: every field there and back, stamps, lines, profiles, and many at once."""

import gc
import hashlib
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import func, select

from cucmsim.errors import StoreError
from cucmsim.store.rows import (
    AuthenticationMode,
    CertificateStatus,
    Device,
    KeyOrder,
    Line,
    PendingOperation,
)
from cucmsim.store.schema import TABLES
from cucmsim.store.store import Store
from tests.store.conftest import KEYS, FixedClock

MOMENT = datetime(2026, 4, 5, 6, 7, 8, tzinfo=UTC)
FULL = Device(
    name="SEP0011223344AA",
    model="8861",
    protocol="SIP",
    device_pool="Default",
    description="Büro 7",
    security_profile="Secure 8861",
    security_mode=3,
    transport=3,
    encrypted_config=True,
    authentication_mode=AuthenticationMode.AUTHENTICATION_STRING,
    authentication_string="12345",
    pending_operation=PendingOperation.INSTALL,
    certificate_status=CertificateStatus.PENDING,
    key_type=KeyOrder.EC_PREFERRED,
    key_size_bits=3072,
    ec_size_bits=521,
    operation_expires=MOMENT,
    wrong_strings=3,
    locked_until=MOMENT + timedelta(minutes=10),
    lsc_der=b"\x30\x82lsc",
    mic_der=b"\x30\x82mic",
    lsc_valid_until=MOMENT + timedelta(days=1825),
    lsc_issuer="CN=CAPF-12345678",
    lsc_issuer_valid_until=MOMENT + timedelta(days=1000),
    load_information="sip88xx.12-5-1",
    lines=(Line("1001", "Desk", "Ada"), Line("1002")),
    ctiid=548,
)
PLAIN = Device(name="SEP000000000001", model="7962", protocol="SCCP")


async def put(store: Store, *devices: Device) -> int:
    async with store.transaction() as transaction:
        return await transaction.put_devices(devices)


async def held(store: Store, name: str) -> Device:
    return (await store.load_replica()).devices[name]


async def test_every_field_of_a_phone_is_read_back(lab: Store) -> None:
    assert await put(lab, FULL) == 1
    read = await held(lab, FULL.name)
    assert replace(read, pkid="", versionstamp="") == FULL
    assert len(read.pkid) == 36
    assert read.pkid == read.pkid.lower()


async def test_a_secret_of_a_phone_is_not_in_its_repr() -> None:
    assert "12345'" not in repr(FULL)


async def test_a_plain_phone_gets_a_standard_profile(lab: Store) -> None:
    await put(lab, PLAIN, replace(PLAIN, name="SEP2", model="Cisco 7962", security_mode=3))
    read, secure = await held(lab, PLAIN.name), await held(lab, "SEP2")
    assert read.security_profile == "Cisco 7962 - Standard SCCP Non-Secure Profile"
    assert secure.security_profile == "Cisco 7962 - Standard SCCP Encrypted Profile"
    assert (read.model, secure.model, secure.security_mode) == ("7962", "7962", 3)


async def test_a_phone_of_an_unknown_model_keeps_its_model(lab: Store) -> None:
    other = replace(PLAIN, name="SEP3", model="Toaster 9000")
    await put(lab, replace(PLAIN, model="Toaster 9000"), other)
    assert (await held(lab, PLAIN.name)).model == "Toaster 9000"
    assert (await held(lab, "SEP3")).model == "Toaster 9000"


async def test_the_same_phone_again_changes_nothing(lab: Store) -> None:
    await put(lab, FULL, PLAIN)
    version = lab.version
    microseconds = replace(FULL, operation_expires=MOMENT.replace(microsecond=5))
    assert await put(lab, microseconds, PLAIN) == 0
    assert lab.version == version


async def test_a_changed_phone_keeps_its_pkid_and_gets_a_new_stamp(
    lab: Store, clock: FixedClock
) -> None:
    await put(lab, PLAIN)
    before = await held(lab, PLAIN.name)
    assert before.versionstamp.startswith(f"{int(clock.at.timestamp())}-")
    clock.at += timedelta(seconds=5)
    await put(lab, replace(PLAIN, description="new", lines=(Line("7"),), lsc_der=b"1"))
    after = await held(lab, PLAIN.name)
    assert after.versionstamp.startswith(f"{int(clock.at.timestamp())}-")
    assert after.pkid == before.pkid
    assert (after.description, after.lines, after.lsc_der) == ("new", (Line("7"),), b"1")


async def test_counting_wrong_strings_keeps_the_stamp(lab: Store) -> None:
    await put(lab, PLAIN)
    before = await held(lab, PLAIN.name)
    async with lab.transaction() as transaction:
        device = await transaction.get_device(PLAIN.name)
        assert device == before
        assert await transaction.put_device(replace(before, wrong_strings=1, locked_until=MOMENT))
        assert await transaction.get_device("SEPFFFFFFFFFFFF") is None
    after = await held(lab, PLAIN.name)
    assert after == replace(before, wrong_strings=1, locked_until=MOMENT)
    await put(lab, before)
    assert await held(lab, PLAIN.name) == before


async def test_phones_may_share_a_line_and_lose_it(lab: Store) -> None:
    await put(lab, FULL, replace(PLAIN, lines=(Line("1001", "Mine"),)))
    assert (await held(lab, PLAIN.name)).lines == (Line("1001", "Mine"),)
    await put(lab, replace(FULL, lines=()))
    assert (await held(lab, FULL.name)).lines == ()
    assert (await held(lab, PLAIN.name)).lines == (Line("1001", "Mine"),)


async def test_phones_alike_share_one_profile_row(lab: Store) -> None:
    await put(lab, *(replace(PLAIN, name=f"SEP{number}") for number in range(5)))
    await put(lab, replace(PLAIN, name="SEPX", transport=2))
    async with lab._database.session() as session:
        rows = await session.scalar(select(func.count()).select_from(TABLES["securityprofile"]))
    assert rows == 2


async def test_a_phone_in_an_unknown_pool_is_refused_with_the_known_ones(lab: Store) -> None:
    with pytest.raises(StoreError, match=r"device pool 'Nowhere'.*known pools: Default"):
        await put(lab, FULL, replace(PLAIN, device_pool="Nowhere"))
    assert (await lab.load_replica()).devices == {}


async def test_a_deleted_phone_leaves_its_number(lab: Store) -> None:
    await put(lab, FULL)
    before = await lab.load_replica()
    async with lab.transaction() as transaction:
        assert await transaction.delete_device(FULL.name)
        assert not await transaction.delete_device(FULL.name)
    assert (await lab.update_replica(before)).devices == {}
    async with lab._database.session() as session:
        rows = await session.scalar(select(func.count()).select_from(TABLES["numplan"]))
    assert rows == 2


async def test_one_changed_phone_leaves_the_others_the_same_objects(lab: Store) -> None:
    await put(lab, *(replace(PLAIN, name=f"SEP{number}") for number in range(20)))
    first = await lab.load_replica()
    await put(lab, replace(PLAIN, name="SEP7", description="changed"), replace(PLAIN, name="SEPX"))
    second = await lab.update_replica(first)
    assert second.devices["SEP7"].description == "changed"
    assert all(
        second.devices[name] is device for name, device in first.devices.items() if name != "SEP7"
    )
    assert second == await lab.load_replica()
    async with lab.transaction() as transaction:
        await transaction.delete_device("SEP3")
    assert "SEP3" not in (await lab.update_replica(second)).devices


async def test_a_thousand_phones_stay_under_2_kib_each(lab: Store) -> None:
    phones = [
        Device(
            name=f"SEP{number:012X}",
            model="8861",
            description=f"Phone {number}",
            lines=(Line(f"{number + 10000}", "Line 1"),),
        )
        for number in range(1_000)
    ]
    assert await put(lab, *phones) == 1_000
    del phones
    tracemalloc.start()
    try:
        replica = await lab.load_replica()
        assert len(replica.devices) == 1_000
        held = _traced()
        del replica  # what stays is the reading's, and other people's
        size = held - _traced()
    finally:
        tracemalloc.stop()
    assert 200 < size / 1_000 < 2048


def _traced() -> int:
    """Return the memory held since tracing began, without garbage."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


async def test_the_hash_of_the_certificate_stands_in_its_column(lab: Store) -> None:
    await put(lab, FULL, PLAIN, replace(PLAIN, name="SEP000000000002", mic_der=b"mic"))
    device = TABLES["device"]
    async with lab._database.session() as session:
        rows = await session.rows(select(device.c.md5hash).order_by(device.c.name))
    expected = [None, hashlib.md5(b"mic").hexdigest(), hashlib.md5(FULL.lsc_der or b"").hexdigest()]
    assert [row[0] for row in rows] == expected


async def test_the_public_key_of_a_certificate_stands_in_its_column(lab: Store) -> None:
    mic = (KEYS / "capf.crt.der").read_bytes()
    await put(lab, PLAIN, replace(PLAIN, name="SEP000000000002", mic_der=mic))
    await put(lab, replace(PLAIN, name="SEP000000000003", mic_der=b"rubbish"))
    device = TABLES["device"]
    async with lab._database.session() as session:
        rows = await session.rows(select(device.c.publickey).order_by(device.c.name))
    key = x509.load_der_x509_certificate(mic).public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    assert [row[0] for row in rows] == [None, pem, None]
