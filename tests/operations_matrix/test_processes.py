"""Operations on nodes that run in a process each: what one does reaches the other by itself.

Release 14, whose nodes restart services by themselves after a new certificate. An operation is
given to the process of its node; afterwards the other process knows, shows and serves it.
"""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import pytest

from cucmsim.cluster.directory import socket_path
from cucmsim.formats.trustlist import ITL_FILENAME, decode_trust_list
from tests.fixtures.clusters import (
    ADDRESSES,
    PUBLISHER,
    SUBSCRIBER,
    TIMEOUT_S,
    Lab,
    TftpRefusedError,
    tftp_get,
)
from tests.fixtures.phonelab import PhoneLab

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
DEADLINE_S = 30


@dataclass
class Nodes:
    """Two nodes in two processes; ports of TFTP by node."""

    lab: Lab
    tftp: dict[str, int]

    def type(self, node: str, *typed: str) -> str:
        """Type lines at a node; return what was shown."""
        command = self.lab.command("admin", str(self.lab.config), "--node", node)
        done = subprocess.run(
            command,
            input="\n".join(typed),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        return done.stdout

    def ask(self, node: str, path: str) -> str:
        """Post to the management API of a node's process; return what it refuses with."""
        transport = httpx.HTTPTransport(uds=str(socket_path(self.lab.data, node)))
        with httpx.Client(transport=transport, base_url="http://cluster") as client:
            return str(client.post(path).json()["detail"])

    def names(self, node: str, serial: bytes) -> bool:
        """Tell whether the ITL that a node serves names a certificate; no while TFTP restarts."""
        try:
            data = tftp_get(ADDRESSES[node], self.tftp[node], ITL_FILENAME, 1.0)
        except (OSError, TftpRefusedError):
            return False
        return serial in [record.serial for record in decode_trust_list(data).records]


@pytest.fixture
def nodes(tmp_path: Path, empty_postgres_url: str) -> Iterator[Nodes]:
    phones = PhoneLab(tmp_path / "lab")  # whose ports stay the same when a service restarts
    phones.lab.database, phones.lab.release = empty_postgres_url, "14"
    with both(phones.lab):
        yield Nodes(phones.lab, {node: ports["tftp"] for node, ports in phones.ports.items()})


@contextmanager
def both(lab: Lab) -> Iterator[None]:
    """Run the nodes in a process each."""
    ready = str(lab.directory / "subscriber.json")
    subscriber = lab.spawn("--node", SUBSCRIBER, "--ready-file", ready)
    try:
        with lab.process("--node", PUBLISHER) as publisher:
            subscriber.wait_ready()
            yield
            assert "Traceback" not in publisher.errors
    finally:
        assert subscriber.stop() == 0


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait for what another process does by itself."""
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, what


def serial_in(shown: str) -> bytes:
    """Return the serial number that `show cert own` shows."""
    (line,) = [one for one in shown.splitlines() if "Serial Number" in one]
    return bytes.fromhex(line.split(":")[1].split("(")[0].strip())


def test_what_one_process_does_reaches_the_other_or_is_refused_in_plain_words(
    nodes: Nodes,
) -> None:
    for node, other in ((PUBLISHER, SUBSCRIBER), (SUBSCRIBER, PUBLISHER)):
        shown = nodes.type(node, "set cert regen TVS", "yes", "show cert own TVS")
        assert "Successfully Regenerated Certificate for TVS." in shown
        for each in (node, other):
            wanted = partial(nodes.names, each, serial_in(shown))
            until(wanted, f"{each} names the new TVS of {node}")
        assert f"TVS-trust/{node}.pem" in nodes.type(other, "show cert list trust")
    shown = nodes.type(SUBSCRIBER, "set network domain lab.local", "y", "show cert own TVS")
    assert "System services will restart in 1 minute" in shown
    until(partial(nodes.names, PUBLISHER, serial_in(shown)), "the publisher's TFTP restarts")
    shown = nodes.type(PUBLISHER, "utils ctl set-cluster mixed-mode", "y")
    assert "Cluster set to Mixed Mode" in shown
    shown = nodes.type(
        SUBSCRIBER, "show ctl", "utils itl reset localkey", "utils service restart Cisco Tftp"
    )
    assert "The CTL file was verified successfully." in shown
    assert "This is not a publisher node" in shown
    assert "Cisco Tftp[STARTED]" in shown
    refusal = nodes.ask(PUBLISHER, f"/services/{SUBSCRIBER}/tftp/restart")
    assert refusal == (
        f"node {SUBSCRIBER} runs in another process: give it the command there, not to {PUBLISHER}"
    )
    assert "no node 'nowhere'" in nodes.ask(PUBLISHER, "/services/nowhere/tftp/restart")
