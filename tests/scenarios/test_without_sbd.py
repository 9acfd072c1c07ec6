"""Scenario ctl-regen for a phone without Security By Default (seed 001, lines 6 and 14).

A 7940 or 7960 has no ITL and asks no TVS: it refuses a CTL with another signer, keeps the old one,
and takes the new one only after somebody deleted that on the phone.
"""

import pytest

from cucmsim.phone.values import PhoneIdentity
from tests.fixtures.phonelab import PhoneLab
from tests.scenarios.bench import NEW, Handset, asked, refused

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
