"""Trust lists are operated through the management API of a whole cluster; refusals say why."""

from base64 import b64encode
from collections.abc import Mapping

import httpx
import pytest

from cucmsim.cluster.cluster import Cluster
from cucmsim.cluster.management import management_app
from tests.fixtures.clusters import PUBLISHER, Lab

pytestmark = pytest.mark.usefixtures("quiet")


async def post(cluster: Cluster, path: str, body: Mapping[str, object]) -> httpx.Response:
    transport = httpx.ASGITransport(management_app(cluster))
    async with httpx.AsyncClient(transport=transport, base_url="http://cluster") as client:
        return await client.post(path, json=body)


async def test_the_ctl_client_and_both_names_are_reached(lab: Lab) -> None:
    lab.release = "12.5"
    async with lab.running() as cluster:
        tokens: list[object] = []
        for number in ("ADN1", "ADN2"):
            made = (await post(cluster, "/etokens", {"number": number})).json()
            assert made["certificate"].startswith("-----BEGIN CERTIFICATE-----")
            tokens.append({"file": made["file"], "password": made["password"]})
        run = {"task": "mixed-mode", "tokens": tokens}
        told = (await post(cluster, "/operations/ctl-client", run)).json()
        lists = await cluster.trust_lists()
        domain = {"node": PUBLISHER, "domain": "example.com"}
        renamed = (await post(cluster, "/operations/rename", domain)).json()
        fqdn = cluster.view.replica.node(PUBLISHER).fqdn
    assert told["lines"][0] == "CTL File has been created."
    assert {"service": "Cisco Tftp", "every_node": True} in told["automatic"]
    assert lists[0].ctl == lists[1].ctl is not None
    assert fqdn == "cucm-pub.example.com"
    assert {"service": "Cisco CallManager", "every_node": False} in renamed["automatic"]


@pytest.mark.parametrize(
    ("path", "body", "status", "text"),
    [
        ("security-mode", {"node": PUBLISHER, "mode": "secure"}, 422, "mode"),
        ("security-mode", {"node": "nobody", "mode": "mixed"}, 409, "no node 'nobody'"),
        ("ctl", {"node": PUBLISHER, "task": "update"}, 409, "not in Mixed mode"),
        ("ctl", {"node": PUBLISHER, "task": "reset-localkey"}, 409, "comes with 12.0"),
        ("itl-reset/remotekey", {"node": PUBLISHER, "file": "%"}, 409, "cannot be read"),
        ("itl-reset/remotekey", {"node": PUBLISHER, "file": "AAAA"}, 409, "cannot be opened"),
        ("rename", {"node": PUBLISHER}, 422, "exactly one of host and domain"),
        ("rename", {"node": PUBLISHER, "host": "a", "domain": "b"}, 422, "exactly one"),
        ("rename", {"node": PUBLISHER, "host": "a b"}, 409, "not a valid hostname"),
        ("ctl-client", {"task": "update", "tokens": []}, 409, "At least two"),
        ("ctl-client", {"task": "update", "tokens": [{"file": "%"}]}, 409, "cannot be read"),
        (
            "ctl-client",
            {"task": "update", "tokens": [{"file": b64encode(b"rubbish").decode()}]},
            409,
            "cannot be read",
        ),
    ],
)
async def test_a_refusal_says_why_and_changes_nothing(
    lab: Lab, path: str, body: dict[str, object], status: int, text: str
) -> None:
    async with lab.running() as cluster:
        before = cluster.view.replica
        answer = await post(cluster, f"/operations/{path}", body)
        assert cluster.view.replica is before
    assert answer.status_code == status
    assert text in str(answer.json()["detail"])
