"""utils service: the list, what start, stop and restart show and do, activation, refusals."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from cucmsim.errors import StartError
from cucmsim.pki.release import Release
from cucmsim.services.admin.command import ServiceState
from cucmsim.services.operations.servicecontrol import ServiceAction
from tests.fixtures.adminlines import at_node
from tests.fixtures.clusters import PUBLISHER as LAB_PUBLISHER
from tests.fixtures.clusters import SUBSCRIBER as LAB_SUBSCRIBER
from tests.fixtures.clusters import Lab
from tests.services.admin.conftest import Desk
from tests.services.conftest import PUBLISHER

_PARTS = ("tvs", "tftp", "http", "callmanager", "web", "ssh")


def run(desk: Desk, *stopped: str, parts: Iterable[str] = _PARTS) -> None:
    """Have these services on the node, all but `stopped` started."""
    since = desk.operations.started
    desk.operations.states = [ServiceState(part, part not in stopped, since) for part in parts]
    replica = desk.context.view.replica
    node = replace(desk.context.node, services=tuple(parts))
    desk.context.view.replace(replace(replica, nodes={**replica.nodes, node.name: node}))


async def test_the_list_has_the_platform_s_services_first_then_all_others_by_name(
    desk: Desk,
) -> None:
    # cucm.md 1.7, "utils service list output order"
    run(desk, "tvs", "http")
    lines = (await desk.give("utils service list page")).splitlines()
    assert lines[:11] == [
        "Requesting service status, please wait...",
        "System SSH [STARTED]",
        "Cluster Manager [STARTED]",
        "Name Service Cache [STOPPED] Service Not Activated",
        "Entropy Monitoring Daemon [STARTED]",
        "Cisco SCSI Watchdog [STARTED]",
        "Service Manager [STARTED]",
        "Service Manager is running",
        "Getting list of all services",
        ">> Return code = 0",
        "A Cisco DB[STARTED]",
    ]
    names = [line.partition("[")[0] for line in lines[10:]]
    assert names == sorted(names)
    assert "Cisco Tftp[STOPPED]  Commanded Out of Service" in lines
    assert "Cisco Trust Verification Service[STOPPED]  Commanded Out of Service" in lines
    assert "Cisco DirSync[STOPPED]  Service Not Activated" in lines
    assert "Cisco Certificate Authority Proxy Function[STOPPED]  Service Not Activated" in lines


async def test_names_follow_release_and_role(desk: Desk, subscriber_desk: Desk) -> None:
    for one in (desk, subscriber_desk):
        run(one, parts=())
        one.context = replace(one.context, release=Release(15))
    assert "Cisco DRF Primary[STARTED]" in await desk.give("utils service list")
    shown = await subscriber_desk.give("utils service list")
    assert "DRF Primary" not in shown
    assert "Cisco HAProxy[STARTED]" in shown
    assert "System SSH [STOPPED] Service Not Activated" in shown
    assert "Trust Verification" not in shown


async def test_a_restart_shows_each_state_twice_with_two_blanks_behind(desk: Desk) -> None:
    # cucm.md 1.7, utils service restart
    run(desk)
    assert await desk.give("utils service restart Cisco Tftp") == (
        " Don't press Ctrl-c while the service is getting RESTARTED.If Service has not Restarted "
        "Properly, execute the same Command Again\n"
        "Service Manager is running\n"
        "Cisco Tftp[STOPPING]  \n"
        "Cisco Tftp[STOPPING]  \n"
        "Cisco Tftp[STARTING]  \n"
        "Cisco Tftp[STARTING]  \n"
        "Cisco Tftp[STARTED]  \n"
        "Cisco Tftp[STARTED]  \n"
    )
    assert desk.operations.acted == [
        (PUBLISHER, "Cisco Tftp", ServiceAction.STOP),
        (PUBLISHER, "Cisco Tftp", ServiceAction.START),
    ]


async def test_a_service_without_counterpart_keeps_its_state_until_the_node_comes_up_anew(
    desk: Desk,
) -> None:
    run(desk)
    shown = await desk.give('utils service stop "Cisco CTIManager"')
    assert shown.endswith("Cisco CTIManager[STOPPED]  Commanded Out of Service\n")
    stopped = "Cisco CTIManager[STOPPED]  Commanded Out of Service\n"
    assert stopped in await desk.give("utils service list")
    await desk.give("utils service start Cisco CTIManager")
    assert stopped not in await desk.give("utils service list")
    await desk.give("utils service stop Cisco CTIManager")
    desk.operations.started = desk.operations.started.replace(year=2030)
    assert stopped not in await desk.give("utils service list")
    assert desk.operations.acted == []


async def test_what_cannot_start_is_said(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    run(desk, "tvs")

    async def fail(*_: object) -> None:
        raise StartError("tvs: port 2445 is taken")

    monkeypatch.setattr(desk.operations, "act_on_service", fail)
    shown = await desk.give("utils service start Cisco Trust Verification Service")
    assert shown.endswith(
        "Cisco Trust Verification Service[STOPPED]  Component is not running\n"
        "tvs: port 2445 is taken\n"
    )
    assert not desk.outcome.succeeded


@pytest.mark.parametrize("verb", ["start", "stop", "restart", "activate", "deactivate"])
@pytest.mark.parametrize("name", ["tftp", "cisco tftp", "Cisco Tftp; ls", "x" * 200, "サービス"])
async def test_a_name_that_is_none_is_refused(desk: Desk, verb: str, name: str) -> None:
    run(desk)
    assert await desk.give(f"utils service {verb} {name}") == (
        f"Service Manager is running\nInvalid service name: {name}\n"
        "Executed command unsuccessfully\n"
    )


async def test_a_service_that_is_not_activated_does_not_start(desk: Desk) -> None:
    run(desk)
    shown = await desk.give("utils service start Cisco DirSync")
    assert shown.endswith("Cisco DirSync[STOPPED]  Service Not Activated\n")
    assert not desk.outcome.succeeded
    shown = await desk.give("utils service activate Cisco DirSync")
    assert shown == "Service Manager is running\nCisco DirSync[STARTED]  \n"
    assert "already activated" in await desk.give("utils service activate Cisco DirSync")
    await desk.give("utils service deactivate Cisco DirSync")
    assert "DirSync[STOPPED]  Service Not" in await desk.give("utils service list")


async def test_a_network_service_and_one_that_is_not_there_are_refused(desk: Desk) -> None:
    run(desk)
    shown = await desk.give("utils service deactivate Cisco Trust Verification Service")
    assert "is a network service and cannot be deactivated.\n" in shown
    shown = await desk.give("utils service activate Cisco Certificate Authority Proxy Function")
    assert "is not installed on this node.\n" in shown


@pytest.mark.usefixtures("quiet")
async def test_a_deactivated_tftp_is_stopped_and_stays_so_over_a_restart(lab: Lab) -> None:
    async with lab.running() as cluster:
        give = at_node(cluster, LAB_SUBSCRIBER)
        assert (await give("utils service deactivate Cisco Tftp")).endswith("Not Activated\n")
        assert "tftp" not in cluster.view.replica.node(LAB_SUBSCRIBER).services
    async with lab.running() as cluster:
        give = at_node(cluster, LAB_SUBSCRIBER)
        states = {one.name: one.state for one in cluster.nodes[LAB_SUBSCRIBER].services()}
        assert (states["tftp"], states["http"], states["tvs"]) == ("stopped", "stopped", "started")
        assert "Cisco Tftp[STOPPED]  Service Not" in await give("utils service list")
        assert (await give("utils service activate Cisco Tftp")).endswith("Tftp[STARTED]  \n")
        assert "Cisco Tftp[STARTED]\n" in await give("utils service list")
        give = at_node(cluster, LAB_PUBLISHER)
        assert (await give("utils service restart Cisco Tftp")).endswith("[STARTED]  \n")
