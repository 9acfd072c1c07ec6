"""Scenario capf-install: an LSC by each authentication mode; TVS and TLS then present it."""

import pytest

from cucmsim.phone.device import PhoneOptions
from cucmsim.phone.values import FileKind, TrustSource
from cucmsim.store.rows import PendingOperation
from tests.fixtures.clusters import PUBLISHER, SUBSCRIBER
from tests.fixtures.phonelab import PhoneLab
from tests.scenarios.bench import NEW, Administrator, Handset, accepted, asked

STRING = "20482"
PROFILES = """
[[security_profiles]]
name = "secured"
device_security_mode = "encrypted"
"""

pytestmark = pytest.mark.usefixtures("quiet")


def phone(mode: str, *, operation: str = "install", extra: str = "") -> str:
    return f"""
[[phones]]
mac = "{NEW.mac}"
model = "{NEW.model}"
protocol = "SIP"
pending_operation = "{operation}"
authentication_mode = "{mode}"
lines = ["2002"]
{extra}
"""


@pytest.mark.parametrize("mode", ["authentication-string", "existing-mic"])
async def test_capf_install_gives_none_to_a_phone_without_the_proof(
    phones: PhoneLab, mode: str
) -> None:
    extra = f'authentication_string = "{STRING}"' if mode.startswith("auth") else ""
    phones.lab.phones = phone(mode, extra=extra)
    async with phones.lab.running() as cluster:
        handset = Handset(NEW, phones.network(), options=PhoneOptions(authentication_string="1"))
        await handset.boot()
        held = cluster.view.replica.devices[NEW.name]

    assert handset.flash.lsc is None
    assert held.lsc_der is None
    assert held.pending_operation is PendingOperation.INSTALL


async def test_capf_install_does_nothing_where_no_operation_is_pending(phones: PhoneLab) -> None:
    phones.lab.phones = phone("null-string", operation="none")
    async with phones.lab.running() as cluster:
        handset = Handset(NEW, phones.network())
        await handset.boot()

    assert handset.flash.lsc is None
    assert asked(cluster, "capf") == []


async def test_capf_install_the_lsc_is_shown_to_tvs(phones: PhoneLab) -> None:
    phones.lab.phones = phone("null-string")
    async with phones.lab.running():
        handset = Handset(NEW, phones.network())
        await handset.boot()
        moved = handset.moved(phones.network(SUBSCRIBER))
        summary = await moved.boot()

    assert accepted(summary)[0] == (FileKind.ITL, TrustSource.TVS)
    assert moved.says("type=LSC")
    assert moved.says(f"CN=SEP{NEW.mac}")


async def test_capf_install_is_what_opens_sip_over_tls(phones: PhoneLab) -> None:
    phones.lab.mode, phones.lab.extra = "mixed", PROFILES
    phones.lab.phones = phone("null-string", operation="none", extra='security_profile = "secured"')
    async with phones.lab.running() as cluster:
        handset = Handset(NEW, phones.network(), registering=True)
        summary = await handset.boot()
        await handset.phone.close()

    assert summary.registered is None
    assert not cluster.registrations[PUBLISHER].held


async def test_capf_regenerated_the_old_capf_stays_in_the_trust_stores(
    phones: PhoneLab,
) -> None:
    phones.lab.phones = phone("null-string")
    async with phones.lab.running() as cluster:
        handset, admin = Handset(NEW, phones.network()), Administrator(cluster)
        await handset.boot()
        old = cluster.view.replica.own[PUBLISHER, "CAPF"].certificate_der
        await admin.regenerate("CAPF")
        replica = cluster.view.replica

    assert replica.own[PUBLISHER, "CAPF"].certificate_der != old
    for store in ("CAPF-trust", "CallManager-trust"):
        held = [one.certificate_der for one in replica.in_store(store)]
        assert old in held
        assert replica.own[PUBLISHER, "CAPF"].certificate_der in held
