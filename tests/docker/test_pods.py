"""The pods of k8s/ run: unprivileged, on volumes of their group, with a root that is read-only."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docker.pods import Pods
from tests.kubernetes.manifests import K8S, render

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]
CONFIG = "/etc/cucmsim/cluster.toml"
NODES = ("cucm-pub", "cucm-sub", "cucm-sub2")
PHONE = ("--mac", "B000B4BA0AEE", "--model", "8861", "--flash", "/tmp/phone")  # noqa: S108


@pytest.fixture
def pods(_engine: None, tmp_path: Path) -> Iterator[Pods]:
    pods = Pods(render(K8S / "overlays" / "lab"), tmp_path / "cluster")
    try:
        pods.prepare()
        yield pods
    finally:
        pods.remove()


def _certificates(pods: Pods) -> str:
    words = ("sh", "-c", "cat /var/lib/cucmsim/certs/cucm-pub/*.pem")
    return hashlib.sha256(pods.exec("cucm-pub", *words).encode()).hexdigest()


def test_the_pods_of_the_manifests_are_a_cluster_that_phones_register_with(pods: Pods) -> None:
    for name in ("db", *NODES):
        pods.start(name)
    pods.wait_ready(*NODES)
    booted = pods.exec("cucm-sub2", "cucmsim", "phone", "boot", "--tftp", "cucm-sub", *PHONE)
    assert "registered     with cucm-pub" in booted
    # a service that an administrator stops: phones may find the others, and nobody kills the node
    admin = ("cucmsim", "admin", CONFIG, "--node", "cucm-sub")
    pods.exec("cucm-sub", *admin, "utils service stop Cisco Tftp")
    assert not pods.probe("cucm-sub", "readinessProbe")
    # without the database every node is as ready as before
    assert pods.stop("db") == 0
    for name in NODES:
        assert pods.probe(name, "livenessProbe")
    for name in ("cucm-pub", "cucm-sub2"):
        assert pods.probe(name, "readinessProbe")
        fetch = f"cucmsim fetch {name} ITLFile.tlv -o - | wc -c"
        assert int(pods.exec("cucm-sub", "sh", "-c", fetch)) > 1000
    # a pod in the place of another, as in an upgrade, is the same node
    pods.start("db")
    before = _certificates(pods)
    assert pods.stop("cucm-pub") == 0
    pods.start("cucm-pub")
    pods.wait_ready("cucm-pub")
    assert _certificates(pods) == before
