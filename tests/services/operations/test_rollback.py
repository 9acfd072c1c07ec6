"""The rollback parameter: what it asks for, by release."""

import pytest

from cucmsim.services.operations.operator import Restart
from cucmsim.services.operations.rollback import set_rollback_parameter
from cucmsim.services.trustlists import build_itl
from tests.fixtures.clusters import PUBLISHER, Lab

EVERYWHERE = (
    Restart("Cisco Trust Verification Service", every_node=True),
    Restart("Cisco Tftp", every_node=True),
)

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.mark.parametrize(
    ("release", "by_itself"), [("8.6", False), ("10.0", False), ("10.5", True)]
)
async def test_nodes_restart_their_services_themselves_from_10_5(
    lab: Lab, release: str, *, by_itself: bool
) -> None:
    lab.release = release
    async with lab.running() as cluster:
        on = await set_rollback_parameter(cluster.operator(), prepared=True)
        again = await set_rollback_parameter(cluster.operator(), prepared=True)
        off = await set_rollback_parameter(cluster.operator(), prepared=False)

    assert on == off
    assert (on.automatic if by_itself else on.restarts) == EVERYWHERE
    assert (on.restarts if by_itself else on.automatic) == ()
    assert on.resets_phones == by_itself
    assert again.restarts == again.automatic == ()


async def test_the_itl_is_emptied_and_filled_again(any_lab: Lab) -> None:
    async with any_lab.running() as cluster:
        operator = cluster.operator()
        sizes = []
        for prepared in (False, True, False):
            await set_rollback_parameter(operator, prepared=prepared)
            replica = cluster.view.replica
            now = operator.clock.now()
            sizes.append(len(build_itl(replica, PUBLISHER, operator.release, timestamp=now)))
    assert sizes[1] < sizes[0] == sizes[2]
