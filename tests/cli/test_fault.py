"""`cucmsim fault`: added to every process, listed, cleared, refused."""

import asyncio
import json

import pytest

from cucmsim.services.faults.kinds import KINDS
from tests.fixtures.clusters import PHONE, PUBLISHER, SUBSCRIBER, Lab, Outcome, run_cli

pytestmark = pytest.mark.usefixtures("quiet")


async def cli(lab: Lab, command: str, *arguments: str) -> Outcome:
    return await asyncio.to_thread(lab.cli, "fault", command, "CONFIG", *arguments)


async def test_faults_reach_every_process_of_a_cluster(postgres_lab: Lab) -> None:
    lab = postgres_lab
    async with lab.running(PUBLISHER) as first, lab.running(SUBSCRIBER) as second:
        options = ("--device", PHONE.lower(), "--times", "2", "--file", "*.sgn")
        added = await cli(lab, "add", "tftp-delay", *options, "delay_s=0.5", "block=3")
        await cli(lab, "add", "tvs-silent")
        assert [len(one.faults.held) for one in (first, second)] == [2, 2]
        assert first.faults.held[0].rule == second.faults.held[0].rule
        told = f"tftp-delay device={PHONE} file=*.sgn times=2 block=3 delay_s=0.5"
        assert added.output == f"fault 1: {told}\n" * 2
        second.faults.held[0].used = 1
        listed = await cli(lab, "list")
        assert [line.split() for line in listed.output.splitlines()] == [
            ["Number", "Fault", "Seen", "Used"],
            ["1", *told.split(), "0", "1"],
            ["2", "tvs-silent", "0", "0"],
        ]
        assert (await cli(lab, "clear", "1")).output == "fault 1 cleared\n"
        shown = json.loads((await cli(lab, "list", "--json")).output)
        assert shown == [{"number": 2, "rule": {"kind": "tvs-silent"}, "seen": 0, "used": 0}]
        again = await cli(lab, "clear", "1")
        assert (again.status, again.errors) == (1, "cucmsim: no fault 1; in force: 2\n")
        assert (await cli(lab, "clear")).output == "1 fault cleared\n"
        assert first.faults.is_empty
        assert second.faults.is_empty


async def test_what_makes_no_sense_is_refused_before_any_process_has_it(lab: Lab) -> None:
    async with lab.running() as cluster:
        refused = [
            await cli(lab, "add", "tftp-dorp"),
            await cli(lab, "add", "tftp-drop", "block=three", "--node", "cucm-pup"),
            await cli(lab, "add", "tftp-drop", "block"),
        ]
        assert cluster.faults.is_empty
    assert [one.status for one in refused] == [2, 2, 2]
    assert refused[0].errors.endswith("did you mean 'tftp-drop'?\n")
    assert refused[1].errors == (
        'cucmsim: fault: block: found "three", expected an integer from -1 to 65535\n'
        'cucmsim: fault: node: found "cucm-pup", expected a node: cucm-pub, cucm-sub;'
        " did you mean 'cucm-pub'?\n"
    )
    assert refused[2].errors == "cucmsim: found 'block', expected NAME=VALUE\n"
    gone = await cli(lab, "list")
    assert gone.status == 69


def test_kinds_are_shown_without_a_cluster() -> None:
    lines = run_cli("fault", "kinds").output.splitlines()
    assert [line.split()[0] for line in lines[1:]] == [kind.value for kind in KINDS]
    assert "http-status" in json.loads(run_cli("fault", "kinds", "--json").output)[27]["kind"]
