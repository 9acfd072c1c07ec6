"""Subscribers that come to a running cluster and leave it: in one process, and in their own."""

import asyncio
from collections.abc import Mapping

import pytest

from cucmsim.cli.client import publisher_client
from cucmsim.cluster.cluster import Cluster
from cucmsim.cluster.operationsapi import OutcomeOfOperation
from cucmsim.cluster.settings import NodePorts
from cucmsim.errors import CommandError, RefusedError, SettingsError
from cucmsim.pki.profiles import Unit
from cucmsim.services.operations.members import remove_node
from tests.fixtures.clusters import PHONE, PUBLISHER, SUBSCRIBER, Lab, Outcome, tftp_get

pytestmark = pytest.mark.usefixtures("quiet")
THIRD = "cucm-three"
ENTRY: Mapping[str, object] = {
    "name": THIRD,
    "address": "127.0.1.3",
    "ports": {key: 0 for key in NodePorts.model_fields if key != "offset"},
}


async def add(lab: Lab, entry: Mapping[str, object] = ENTRY, *groups: str) -> list[str]:
    """Return what the server says."""
    body, settings = {"entry": entry, "groups": list(groups)}, lab.settings()

    def ask() -> OutcomeOfOperation:
        answer = publisher_client(settings).post("/cluster/nodes", body)
        return OutcomeOfOperation.model_validate(answer)

    return (await asyncio.to_thread(ask)).lines


async def remove(lab: Lab, node: str, *options: str) -> Outcome:
    return await asyncio.to_thread(lab.cli, "cluster", "remove-node", "CONFIG", node, *options)


def own(cluster: Cluster, unit: Unit) -> bytes:
    return cluster.view.replica.own[THIRD, unit].certificate_der


async def fetch(cluster: Cluster, node: str, name: str) -> bytes:
    (ready,) = (one for one in cluster.ready().nodes if one.name == node)
    return await asyncio.to_thread(tftp_get, ready.address, ready.services["tftp"], name)


async def test_a_node_that_is_added_runs_and_stays_over_a_restart_without_being_described(
    lab: Lab,
) -> None:
    async with lab.running() as cluster:
        said = await add(lab, ENTRY, "Default")
        assert said[:2] == [
            f"{THIRD} ({THIRD}, 127.0.1.3) is in the cluster.",
            f"CallManager group Default: {PUBLISHER}, {SUBSCRIBER}, {THIRD} (2 phones)",
        ]
        assert said[-1] == "It runs."
        assert THIRD.encode() in await fetch(cluster, THIRD, f"{PHONE}.cnf.xml.sgn")
        tvs = own(cluster, Unit.TVS)[-128:]  # the record has its signature, not all of it
        assert tvs in await fetch(cluster, PUBLISHER, "ITLFile.tlv")
    async with lab.running() as cluster:
        assert set(cluster.nodes) == {PUBLISHER, SUBSCRIBER, THIRD}
        assert own(cluster, Unit.TVS)[-128:] == tvs
        assert (await remove(lab, THIRD)).errors == (
            f"cucmsim: {THIRD} runs: stop it first, or remove it by force\n"
        )
        removed = await remove(lab, THIRD, "--force")
        assert f"CallManager group Default: {PUBLISHER}, {SUBSCRIBER} (2 phones)" in removed.output
        assert tvs not in await fetch(cluster, PUBLISHER, "ITLFile.tlv")
        assert set(cluster.nodes) == {PUBLISHER, SUBSCRIBER}
        assert cluster.status().nodes[0].name == PUBLISHER
        await remove(lab, SUBSCRIBER, "--force")
    async with lab.running() as cluster:  # the description has the subscriber still
        assert set(cluster.nodes) == {PUBLISHER}


async def test_a_process_reads_its_node_from_the_store_and_ends_when_it_is_removed(
    postgres_lab: Lab,
) -> None:
    lab = postgres_lab
    lab.mode = "mixed"
    async with lab.running(PUBLISHER) as publisher:
        said = await add(lab)
        assert said[1] == "It is in no CallManager group: no phone registers with it."
        assert said[-2:] == [
            "Cluster is in mixed mode: run `utils ctl update CTLFile` before that.",
            f"`cucmsim run CONFIG --node {THIRD}` starts it.",
        ]
        with pytest.raises(SettingsError, match=r"found 'cucm-four', expected one of .*cucm-three"):
            async with lab.running("cucm-four"):
                pass
        async with lab.running(THIRD) as cluster:
            assert await fetch(cluster, THIRD, "ITLFile.tlv")
            assert "runs: stop it first" in (await remove(lab, THIRD)).errors
            assert (await remove(lab, THIRD, "--force")).status == 0
            async with asyncio.timeout(10):
                await cluster.wait_stopped()
        assert THIRD not in publisher.view.replica.nodes
        assert (await remove(lab, SUBSCRIBER)).status == 0  # no process runs it


REFUSED: tuple[tuple[Mapping[str, object], tuple[str, ...], str], ...] = (
    ({"name": "CUCM-SUB"}, (), "the cluster has a node cucm-sub already"),
    ({"host": "cucm-sub"}, (), "host name cucm-sub is that of cucm-sub"),
    ({}, ("Nix",), "no CallManager group 'Nix'; the cluster has: Default"),
    ({}, ("Full",), "group Full has three members already"),
    ({"address": "127.0.1.2", "ports": {"tvs": 4711}}, (), "ports 4711 is that of cucm-sub"),
    ({"address": "here"}, (), 'node: address: found "here"'),
    ({"role": "publisher"}, (), 'role: found "publisher"'),
    ({"services": ["capf"]}, (), '"capf" on a subscriber'),
)


async def test_a_node_that_cannot_be_is_refused(full: Lab) -> None:
    async with full.running() as cluster:
        version = cluster.view.replica.version
        for entry, groups, said in REFUSED:
            with pytest.raises(CommandError, match=said):
                await add(full, {**ENTRY, **entry}, *groups)
        assert cluster.view.replica.version == version


@pytest.fixture
def full(lab: Lab) -> Lab:
    """Describe a group of three, and a port that is none of chance."""
    third = lab.nodes[lab.nodes.rindex("[[nodes]]") :]
    lab.nodes = lab.nodes.replace("tvs = 0", "tvs = 4711", 2)
    lab.nodes += third.replace(SUBSCRIBER, "cucm-full").replace("127.0.1.2", "127.0.1.4")
    groups = (("Default", [PUBLISHER]), ("Full", [PUBLISHER, SUBSCRIBER, "cucm-full"]))
    lab.extra = "\n".join(
        f'[[callmanager_groups]]\nname = "{name}"\nmembers = {members}' for name, members in groups
    )
    return lab


async def test_neither_the_publisher_nor_the_last_of_a_group_can_be_removed(lab: Lab) -> None:
    lab.extra = f'[[callmanager_groups]]\nname = "Lone"\nmembers = ["{SUBSCRIBER}"]'
    async with lab.running() as cluster:
        for node, said in (
            (PUBLISHER, "is the publisher: it cannot be removed"),
            (SUBSCRIBER, "is the only member of CallManager group Lone"),
            ("cucm-none", "no node 'cucm-none'; the cluster has: cucm-pub, cucm-sub"),
        ):
            with pytest.raises(RefusedError, match=said):
                await remove_node(cluster.operator(), node)


async def test_the_command_asks_for_what_was_given(lab: Lab) -> None:
    options = ("--address", "127.0.1.2", "--bind", "127.0.1.9", "--domain", "lab.example")
    async with lab.running():
        refused = await asyncio.to_thread(
            lab.cli, "cluster", "add-node", "CONFIG", SUBSCRIBER, *options, "--port-offset", "1000"
        )
    assert refused.errors == f"cucmsim: the cluster has a node {SUBSCRIBER} already\n"
