"""Scenario ctl-regen for a phone without Security By Default (seed 001, lines 6 and 14).

A 7940 or 7960 has no ITL and asks no TVS: it refuses a CTL with another signer, keeps the old one,
and takes the new one only after somebody deleted that on the phone.
"""

from dataclasses import replace

import pytest

from cucmsim.phone.values import FileKind, PhoneIdentity, Refusal, TrustSource
from tests.fixtures.phonelab import PhoneLab
from tests.scenarios.bench import NEW, TFTP, TVS, Administrator, Handset, accepted, asked, refused
from tests.scenarios.trustlists import CALLMANAGER, operate, set_mixed_mode

PLAIN = PhoneIdentity("0007EB463800", "7960")
PHONES = "\n".join(
    f"""
[[phones]]
mac = "{identity.mac}"
model = "{identity.model}"
lines = ["{number}"]
"""
    for identity, number in ((PLAIN, 2001), (NEW, 2002))
)

pytestmark = pytest.mark.usefixtures("quiet")


async def test_ctl_regen_a_7960_refuses_what_other_phones_accept_through_tvs(
    phones: PhoneLab,
) -> None:
    phones.lab.phones = PHONES
    async with phones.lab.running() as cluster:
        admin = Administrator(cluster)
        plain = Handset(PLAIN, phones.network())
        other = Handset(NEW, phones.network())
        await set_mixed_mode(admin)
        first = await plain.boot()
        old = plain.flash.ctl
        await other.boot()
        await admin.regenerate("CallManager")
        await admin.restart(TVS, TFTP)
        await operate(admin, "ctl", task="update")
        await admin.restart(TFTP, CALLMANAGER)
        asked_before = len(asked(cluster, "tvs"))
        locked = await plain.boot()
        asked_by_it = len(asked(cluster, "tvs")) - asked_before
        kept, messages = plain.flash.ctl, list(plain.messages)
        follows = await other.boot()
        plain.phone.flash = replace(plain.flash, ctl=None)
        freed = await plain.boot()

    assert accepted(first)[0] == (FileKind.CTL, TrustSource.BLIND)
    assert FileKind.ITL not in dict(accepted(first))
    assert plain.flash.itl is None
    assert refused(locked)[0] == (FileKind.CTL, Refusal.UNKNOWN_SIGNER)
    assert "Trust List Update Failed" in messages
    assert asked_by_it == 0
    assert kept == old
    assert accepted(follows)[0] == (FileKind.CTL, TrustSource.TVS)
    assert accepted(freed)[0] == (FileKind.CTL, TrustSource.BLIND)
    assert refused(freed) == []


async def test_without_a_ctl_a_7960_asks_for_no_trust_and_takes_any_configuration(
    phones: PhoneLab,
) -> None:
    phones.lab.phones = PHONES
    async with phones.lab.running() as cluster:
        handset = Handset(PLAIN, phones.network())
        summary = await handset.boot()
        names = asked(cluster, "tftp")

    assert refused(summary) == []
    assert handset.flash.config is not None
    assert names[0] == f"CTL{PLAIN.name}.tlv"
    assert not any(name.startswith("ITL") or name.endswith(".sgn") for name in names)
