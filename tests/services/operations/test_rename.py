"""A node with another name has other certificates, all but ITLRecovery, and nothing half-done."""

import asyncio
from dataclasses import replace

import pytest

from cucmsim.errors import RefusedError
from cucmsim.pki.certificates import load_certificate
from cucmsim.pki.requests import common_name_of
from cucmsim.services.operations.aftermath import aftermath
from cucmsim.services.operations.operator import Operator
from cucmsim.services.operations.rename import rename_domain, rename_host
from cucmsim.store.replica import Replica
from tests.services.admin.conftest import Usual
from tests.services.operations.conftest import PUBLISHER, SUBSCRIBER


@pytest.fixture
def operating(operator: Operator) -> Operator:
    """Give a cluster whose description says nothing of keys."""
    return replace(operator, certificates=Usual())


def names(replica: Replica, node: str) -> dict[str, str]:
    """Return whom a node's certificates name, by unit; CAPF's digits left out."""
    return {
        unit: common_name_of(load_certificate(held.certificate_der).subject)[:30]
        for (owner, unit), held in replica.own.items()
        if owner == node and unit != "CAPF"
    }


async def test_all_certificates_of_the_node_but_itlrecovery_are_new(operating: Operator) -> None:
    before = await operating.store.load_replica()
    outcome = await rename_host(operating, PUBLISHER, "newHost")
    after = await operating.store.load_replica()
    kept = {place for place, held in before.own.items() if held.hash == after.own[place].hash}
    assert kept == {(PUBLISHER, "ITLRecovery"), (SUBSCRIBER, "CallManager")}
    named = names(after, PUBLISHER)
    assert {named[unit] for unit in ("CallManager", "TVS", "tomcat")} == {"newHost.lab.local"}
    assert after.node(PUBLISHER).fqdn == "newHost.lab.local"
    assert outcome.lines[-1] == "System services will restart in 1 minute"


async def test_the_domain_goes_into_the_names_too(operating: Operator) -> None:
    await rename_domain(operating, PUBLISHER, "example.com")
    replica = await operating.store.load_replica()
    assert names(replica, PUBLISHER)["TVS"] == "cucm-pub.example.com"
    await rename_domain(operating, PUBLISHER, "")
    replica = await operating.store.load_replica()
    assert names(replica, PUBLISHER)["TVS"] == "cucm-pub"


async def test_host_and_domain_at_once_leave_no_certificate_with_half_a_name(
    operating: Operator,
) -> None:
    done = await asyncio.gather(
        rename_host(operating, PUBLISHER, "other"),
        rename_domain(operating, PUBLISHER, "example.com"),
        return_exceptions=True,
    )
    (refused,) = (one for one in done if isinstance(one, BaseException))
    assert str(refused) == "cucm-pub was renamed by somebody else meanwhile. Please try again."
    replica = await operating.store.load_replica()
    assert names(replica, PUBLISHER)["TVS"] == replica.node(PUBLISHER).fqdn


async def test_services_of_the_node_and_every_tftp_restart(operating: Operator) -> None:
    before = await operating.store.load_replica()
    await rename_host(operating, SUBSCRIBER, "other")
    after = await operating.store.load_replica()
    due = aftermath(before, after, operating.release).restarts
    assert {node for node, service in due if service != "Cisco Tftp"} == {SUBSCRIBER}
    assert {(PUBLISHER, "Cisco Tftp"), (SUBSCRIBER, "Cisco Tftp")} <= set(due)


@pytest.mark.parametrize(
    ("node", "host", "text"),
    [
        (PUBLISHER, "", "not a valid hostname"),
        (PUBLISHER, "a b", "not a valid hostname"),
        (PUBLISHER, "-a", "not a valid hostname"),
        (PUBLISHER, "a" * 64, "not a valid hostname"),
        (PUBLISHER, "höst", "not a valid hostname"),
        (PUBLISHER, "CUCM-SUB", "not unique"),
        (PUBLISHER, "cucm-pub", "the name of the node already"),
        ("nobody", "host", "no node 'nobody'"),
    ],
)
async def test_a_host_name_that_cannot_be_is_refused(
    operating: Operator, node: str, host: str, text: str
) -> None:
    before = (await operating.store.load_replica()).version
    with pytest.raises(RefusedError, match=text):
        await rename_host(operating, node, host)
    assert (await operating.store.load_replica()).version == before


@pytest.mark.parametrize("domain", ["a..b", "a b", "lab.local", ".".join(["a" * 60] * 5)])
async def test_a_domain_name_that_cannot_be_is_refused(operating: Operator, domain: str) -> None:
    with pytest.raises(RefusedError):
        await rename_domain(operating, PUBLISHER, domain)
