"""A device under test that is a command: told where the cluster is, judged by its traffic."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cucmsim.testing import ClusterUnderTest

DEVICE = [sys.executable, str(Path(__file__).parents[1] / "device" / "acme_phone.py")]
MAC = "00DEADBEEF01"
PHONES = [{"mac": MAC, "model": "8861"}]


def run(cluster: ClusterUnderTest) -> subprocess.CompletedProcess[str]:
    """Run the device until it ends."""
    return subprocess.run(
        [*DEVICE, MAC],
        env={**os.environ, **cluster.environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.cucm(phones=PHONES)
def test_the_device_loads_its_files_and_registers(cucm_cluster: ClusterUnderTest) -> None:
    done = run(cucm_cluster)
    assert done.returncode == 0, done.stdout + done.stderr
    device = f"SEP{MAC}"
    assert cucm_cluster.wait_for(device=device, request=f"ITL{device}.tlv").service == "tftp"
    assert cucm_cluster.wait_for(device=device, request="REGISTER").answer.startswith("200")


@pytest.mark.cucm(phones=PHONES, faults=[{"kind": "sip-refuse", "node": "cucm-pub", "status": 503}])
def test_the_device_goes_to_the_subscriber_when_the_publisher_refuses(
    cucm_cluster: ClusterUnderTest,
) -> None:
    done = run(cucm_cluster)
    assert "cucm-pub: SIP/2.0 503" in done.stdout
    assert "cucm-sub: SIP/2.0 200" in done.stdout


@pytest.mark.cucm(phones=PHONES, faults=[{"kind": "tftp-drop", "times": 1}])
def test_the_device_asks_again_when_a_packet_is_lost(cucm_cluster: ClusterUnderTest) -> None:
    assert run(cucm_cluster).returncode == 0
    assert cucm_cluster.faults.held[0].used == 1


@pytest.mark.cucm(phones=["8861"])
def test_a_device_that_the_cluster_does_not_know_gets_no_configuration(
    cucm_cluster: ClusterUnderTest,
) -> None:
    done = run(cucm_cluster)
    assert (done.returncode, done.stderr.strip()) == (1, "no configuration")
