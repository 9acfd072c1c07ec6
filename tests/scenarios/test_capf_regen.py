"""Scenario capf-regen: CAPF made anew in a mixed cluster, and phones with LSCs of the old one.

Source: cucm.md 6 (last line) and 7 (row 7): the old LSC is reported as stale, works while the trust
stores hold the old CAPF certificate, and the CTL is to be updated before phones enrol again.
"""

import pytest

from cucmsim.clock import SystemClock
from cucmsim.cluster.cluster import Cluster
from cucmsim.entropy import SystemEntropy
from cucmsim.phone.device import PhoneOptions
from cucmsim.phone.factory import make_mic
from cucmsim.pki.certificates import load_certificate
from cucmsim.pki.chains import is_issued_by
from cucmsim.services.mirror import trust_file_names
from cucmsim.services.operations.capforders import CapfOrder, order_capf
from cucmsim.services.operations.trust import delete_certificate
from cucmsim.store.rows import PendingOperation
from tests.fixtures.adminlines import at_node
from tests.fixtures.clusters import PUBLISHER
from tests.fixtures.phonelab import PhoneLab
from tests.scenarios.bench import NEW, TFTP, TVS, Administrator, Handset
from tests.scenarios.trustlists import CALLMANAGER, operate, set_mixed_mode

CAPF = "Cisco Certificate Authority Proxy Function"
STORES = ("CAPF-trust", "CallManager-trust")
PHONE = f"""
[[security_profiles]]
name = "secured"
device_security_mode = "encrypted"

[[phones]]
mac = "{NEW.mac}"
model = "{NEW.model}"
protocol = "SIP"
security_profile = "secured"
pending_operation = "install"
lines = ["2002"]
"""

pytestmark = pytest.mark.usefixtures("quiet")


def by_capf_in_use(cluster: Cluster, der: bytes | None) -> bool:
    authority = cluster.view.replica.own[PUBLISHER, "CAPF"].certificate_der
    return der is not None and is_issued_by(load_certificate(der), load_certificate(authority))


async def forget_capf(cluster: Cluster, old: str) -> None:
    """Delete a CAPF certificate, by its hash, from both trust stores."""
    for store in STORES:
        names = trust_file_names(list(cluster.view.replica.in_store(store)))
        (name,) = [name for name, held in names.items() if held.hash == old]
        await delete_certificate(cluster.operator(), PUBLISHER, store, name)


async def test_capf_regen_a_stale_lsc_works_until_its_capf_is_forgotten_and_is_renewed(
    phones: PhoneLab,
) -> None:
    phones.lab.phones = PHONE
    mic = make_mic(NEW, SystemEntropy(), SystemClock().now())
    async with phones.lab.running() as cluster:
        admin, give = Administrator(cluster), at_node(cluster, PUBLISHER)
        await set_mixed_mode(admin)
        handset = Handset(NEW, phones.network(), registering=True, options=PhoneOptions(mic=mic))
        enrolled = await handset.boot()
        before = await give("utils capf stale-lsc list")

        old = cluster.view.replica.own[PUBLISHER, "CAPF"]
        await admin.regenerate("CAPF")
        await admin.restart(CAPF, TVS, TFTP, CALLMANAGER)
        listed = await give("utils capf stale-lsc list")
        still = await handset.boot()

        await forget_capf(cluster, old.hash)
        await admin.restart(CALLMANAGER)
        refused = await handset.boot()
        with_old = handset.flash.lsc

        await operate(admin, "ctl", task="update")
        await admin.restart(TFTP, CALLMANAGER)
        await order_capf(cluster.operator(), [NEW.name], CapfOrder(PendingOperation.INSTALL))
        again = await handset.boot()
        after = await give("utils capf stale-lsc list")
        lsc = handset.flash.lsc
        renewed = by_capf_in_use(cluster, None if lsc is None else lsc.certificate_der)
        await handset.phone.close()

    assert enrolled.registered == PUBLISHER
    assert before == "No stale LSC found\n"
    assert NEW.name in listed
    assert listed.endswith("Number of stale LSC : 1\n")
    assert still.registered == PUBLISHER
    assert refused.registered is None
    assert with_old is not None
    assert renewed
    assert again.registered == PUBLISHER
    assert after == "No stale LSC found\n"
