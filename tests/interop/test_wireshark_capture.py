"""A capture of a running cluster, read by tshark: TFTP, TVS inside TLS, nothing to complain of."""

import asyncio
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from cucmsim.cluster.cluster import Cluster
from cucmsim.services.capture import Sender, Snapshot, Transport
from cucmsim.services.capturefile import pcapng_of
from tests.fixtures.clusters import ADDRESSES, PHONE, PUBLISHER, Lab, tftp_get
from tests.fixtures.programs import program

pytestmark = [pytest.mark.interop, pytest.mark.usefixtures("quiet")]
CHECKS = ("ip.check_checksum", "udp.check_checksum", "tcp.check_checksum")
WRONG = (
    "_ws.malformed || tcp.analysis.flags || ip.checksum.status == 0 || udp.checksum.status == 0"
    " || tcp.checksum.status == 0 || _ws.unreassembled"
)


@dataclass
class Captured:
    """A capture and the ports that were used."""

    file: Path
    snapshot: Snapshot
    tftp: int
    tvs: int

    def read(self, wanted: str, *fields: str) -> list[list[str]]:
        """Return fields of the packets that tshark finds."""
        command = [program("tshark"), "-r", str(self.file), "-Y", wanted, "-T", "fields"]
        for check in CHECKS:
            command += ["-o", f"{check}:TRUE"]
        for port, protocol in (
            (f"udp.port=={self.tftp}", "tftp"),
            (f"tcp.port=={self.tvs}", "tls"),
        ):
            command += ["-d", f"{port},{protocol}"]
        for field in fields or ("frame.number",):
            command += ["-e", field]
        told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
        return [line.split("\t") for line in told.stdout.splitlines()]


@pytest.fixture
async def captured(lab: Lab, tmp_path: Path) -> Captured:
    """Have a phone fetch its trust list, and ask TVS in TLS 1.2 and 1.3."""
    async with lab.running() as cluster:
        cluster.capture.start()
        tftp, tvs = _port(cluster, "tftp"), _port(cluster, "tvs")
        await asyncio.to_thread(tftp_get, ADDRESSES[PUBLISHER], tftp, f"ITL{PHONE}.tlv")
        certificate = str(cluster.settings.cluster.certs_directory / PUBLISHER / "tomcat.pem")
        for version in ("1.2", "1.3"):
            asked = ("tvs", "verify", f"{ADDRESSES[PUBLISHER]}:{tvs}", certificate)
            outcome = await asyncio.to_thread(lab.cli, *asked, "--tls", version)
            assert outcome.status == 0
    snapshot = cluster.capture.snapshot()
    file = tmp_path / "run.pcapng"
    file.write_bytes(pcapng_of(snapshot))
    return Captured(file, snapshot, tftp, tvs)


def _port(cluster: Cluster, service: str) -> int:
    (node,) = (node for node in cluster.ready().nodes if node.name == PUBLISHER)
    return node.services[service]


async def test_wireshark_reads_a_capture_and_complains_of_nothing(captured: Captured) -> None:
    assert captured.read(WRONG) == []
    assert captured.read("tftp.opcode == 1", "tftp.source_file", "frame.interface_name") == [
        [f"ITL{PHONE}.tlv", PUBLISHER]
    ]
    blocks = captured.read("tftp.opcode == 3", "tftp.block")
    assert [int(block, 0) for (block,) in blocks] == list(range(1, len(blocks) + 1))
    assert captured.read("frame.comment", "frame.comment") == [
        [f"{PUBLISHER} tftp"],
        [f"{PUBLISHER} tvs"],
        [f"{PUBLISHER} tvs"],
    ]
    # both connections to TVS are opened by the phone and end in order
    opened = captured.read("tcp.flags.syn == 1 && tcp.flags.ack == 0", "tcp.stream")
    ended = captured.read(f"tcp.flags.fin == 1 && ip.src == {ADDRESSES[PUBLISHER]}", "tcp.stream")
    assert opened == ended == [["0"], ["1"]]


async def test_wireshark_opens_tls_with_the_secrets_in_the_file(captured: Captured) -> None:
    within = [
        (sender, data)
        for conversation in captured.snapshot.conversations
        if conversation.ends.transport is Transport.TLS
        for sender, data in conversation.plain
    ]
    assert [sender for sender, _ in within] == [Sender.CLIENT, Sender.SERVER] * 2
    read = captured.read("tls.app_data && data.data", "data.data")
    assert [bytes.fromhex(text) for (text,) in read] == [data for _, data in within]
