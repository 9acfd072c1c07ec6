"""Phones added and changed while the cluster runs, under the rules of the file."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cucmsim.cluster.phonechanges import changed_phone, new_phone
from cucmsim.errors import SettingsError
from cucmsim.store.replica import Replica
from cucmsim.store.rows import (
    AuthenticationMode,
    CertificateStatus,
    Device,
    DevicePool,
    Line,
    PendingOperation,
    PhoneSecurityProfile,
    SecurityMode,
    Transport,
)

SECURE = PhoneSecurityProfile(
    name="Secure",
    security_mode=SecurityMode.ENCRYPTED.value,
    transport=Transport.TLS.value,
    encrypted_config=True,
)
REPLICA = Replica(
    device_pools={"Default": DevicePool(name="Default", callmanager_group="Default")},
    profiles={"Secure": SECURE},
)


@pytest.fixture
def phone() -> Device:
    entry = {"mac": "001B54C25A01", "model": "7962", "lines": ["2001"], "description": "Desk"}
    return replace(new_phone(entry, REPLICA), pkid="1")


def test_a_phone_is_described_as_in_the_file(phone: Device) -> None:
    assert (phone.name, phone.protocol, phone.device_pool) == ("SEP001B54C25A01", "SCCP", "Default")
    assert phone.lines == (Line("2001"),)


def test_every_problem_is_found_and_named_without_a_place_in_a_list() -> None:
    entry = {"mac": "001B", "model": "7962x", "device_pool": "Nowhere", "colour": "red"}
    with pytest.raises(SettingsError) as refused:
        new_phone(entry, REPLICA)
    keys = [problem.key for problem in refused.value.problems]
    assert keys == ["mac", "model", "colour", "device_pool"]
    assert str(refused.value).startswith("device: ")


@pytest.mark.parametrize("key", ["count", "file"])
def test_one_phone_is_no_range_and_no_file(key: str) -> None:
    with pytest.raises(SettingsError, match="expected one phone"):
        new_phone({"mac": "001B54C25A01", "model": "7962", key: 2}, REPLICA)


def test_what_is_not_given_stays(phone: Device) -> None:
    changed = changed_phone(phone, {"description": "Hall"}, REPLICA)
    assert changed == replace(phone, description="Hall")


def test_a_phone_keeps_its_address(phone: Device) -> None:
    with pytest.raises(SettingsError, match="a phone keeps its address"):
        changed_phone(phone, {"mac": "001B54C25A02"}, REPLICA)


def test_another_model_takes_its_own_protocol_and_profile(phone: Device) -> None:
    changed = changed_phone(phone, {"model": "8861"}, REPLICA)
    assert (changed.protocol, changed.security_profile) == (
        "SIP",
        "Cisco 8861 - Standard SIP Non-Secure Profile",
    )


def test_a_profile_of_the_file_stays_with_another_protocol(phone: Device) -> None:
    secure = changed_phone(phone, {"security_profile": "Secure"}, REPLICA)
    assert (secure.security_mode, secure.encrypted_config) == (SecurityMode.ENCRYPTED, True)
    changed = changed_phone(secure, {"protocol": "SIP"}, REPLICA)
    assert changed.security_profile == "Secure"


def test_a_security_mode_chooses_a_profile_of_its_own(phone: Device) -> None:
    changed = changed_phone(phone, {"device_security_mode": "authenticated"}, REPLICA)
    assert changed.security_profile.endswith("Standard SCCP Authenticated Profile")


def test_the_string_goes_with_its_mode(phone: Device) -> None:
    by_string = {"authentication_mode": "authentication-string", "authentication_string": "2468"}
    changed = changed_phone(phone, by_string, REPLICA)
    assert changed.authentication_string == "2468"
    back = changed_phone(changed, {"authentication_mode": "null-string"}, REPLICA)
    assert back.authentication_mode is AuthenticationMode.NULL_STRING
    assert back.authentication_string == ""


def test_a_string_without_its_mode_is_refused(phone: Device) -> None:
    with pytest.raises(SettingsError, match='authentication_mode = "authentication-string"'):
        changed_phone(phone, {"authentication_string": "2468"}, REPLICA)


def test_what_capf_knows_stays_until_an_operation_is_ordered(phone: Device) -> None:
    known = replace(
        phone,
        lsc_der=b"lsc",
        lsc_issuer="CN=CAPF",
        wrong_strings=3,
        locked_until=datetime(2026, 1, 1, tzinfo=UTC),
        certificate_status=CertificateStatus.UPGRADE_SUCCESS,
    )
    assert changed_phone(known, {"description": "x"}, REPLICA) == replace(known, description="x")
    ordered = changed_phone(known, {"pending_operation": "delete"}, REPLICA)
    assert ordered.pending_operation is PendingOperation.DELETE
    assert ordered.certificate_status is CertificateStatus.PENDING
    assert ordered.lsc_der == b"lsc"
