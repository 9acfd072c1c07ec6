"""`cucmsim capture` and `run --pcap`: started, saved, refused."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.fixtures.clusters import ADDRESSES, PHONE, PUBLISHER, Lab, Outcome, tftp_get

SECTION = bytes.fromhex("0a0d0d0a")


async def cli(lab: Lab, *arguments: str) -> Outcome:
    return await asyncio.to_thread(lab.cli, "capture", *arguments)


@pytest.mark.usefixtures("quiet")
async def test_a_capture_is_started_saved_and_stopped(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "lab.pcapng"
    async with lab.running() as cluster:
        nothing = await cli(lab, "save", "CONFIG", str(file))
        started = await cli(lab, "start", "CONFIG")
        (node, _) = cluster.ready().nodes
        port = node.services["tftp"]
        await asyncio.to_thread(tftp_get, ADDRESSES[PUBLISHER], port, f"ITL{PHONE}.tlv")
        status = await cli(lab, "status", "CONFIG", "--json")
        stopped = await cli(lab, "stop", "CONFIG")
        saved = await cli(lab, "save", "CONFIG", str(file))
        nowhere = await cli(lab, "save", "CONFIG", str(tmp_path / "no" / "file"))
    assert (nothing.status, nothing.errors) == (
        1,
        "cucmsim: nothing was captured: `cucmsim capture start CONFIG` begins\n",
    )
    assert started.output == "cluster: on, 0 conversations, 0 packets, 0 of 67108864 bytes\n"
    (report,) = json.loads(status.output)
    assert (report["on"], report["conversations"], report["dropped"]) == (True, 1, 0)
    assert stopped.output.startswith(f"cluster: off, 1 conversation, {report['packets']} packets")
    assert saved.output == f"{file}: {report['packets']} packets.\n"
    assert file.read_bytes()[:4] == SECTION
    assert nowhere.errors.endswith("no/file: No such file or directory\n")


def test_a_run_writes_its_packets_at_its_end(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "run.pcapng"
    with lab.process("--pcap", str(file)) as process:
        port = process.ports[PUBLISHER]["tftp"]
        tftp_get(ADDRESSES[PUBLISHER], port, f"ITL{PHONE}.tlv")
    assert f"{file}: " in process.output
    written = file.read_bytes()
    assert written[:4] == SECTION
    assert f"ITL{PHONE}.tlv".encode() in written


def test_a_run_whose_packets_have_no_place_is_not_begun(lab: Lab, tmp_path: Path) -> None:
    refused = lab.run("--pcap", str(tmp_path))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == f"cucmsim: cannot write {tmp_path}: Is a directory\n"
