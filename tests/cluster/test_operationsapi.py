"""Operations through the management API of a whole cluster, and what nodes do by themselves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from operator import eq

import httpx
import pytest

from cucmsim.cluster.cluster import Cluster
from cucmsim.cluster.management import management_app
from tests.fixtures.clusters import PUBLISHER, SUBSCRIBER, Lab

pytestmark = pytest.mark.usefixtures("quiet")


@asynccontextmanager
async def api_of(cluster: Cluster) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(management_app(cluster))
    async with httpx.AsyncClient(transport=transport, base_url="http://cluster") as client:
        yield client


async def test_an_outcome_is_told_with_the_services_to_restart(lab: Lab) -> None:
    async with lab.running() as cluster, api_of(cluster) as api:
        wanted = {"node": SUBSCRIBER, "unit": "tomcat", "key": "rsa-1536", "digest": "SHA-384"}
        told = (await api.post("/operations/regenerate", json=wanted)).json()
        rollback = (await api.post("/operations/rollback", json={"prepared": False})).json()
    assert told["lines"][0] == "Successfully Regenerated Certificate for tomcat."
    assert told["restarts"] == [
        {"service": "Cisco Tomcat", "every_node": False},
        {"service": "Cisco Tftp", "every_node": False},
    ]
    assert (told["automatic"], told["resets_phones"]) == ([], False)
    assert rollback["lines"] == ["Update Successful"]


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({"node": "nobody", "unit": "TVS"}, 409, "no node 'nobody'"),
        ({"node": PUBLISHER, "unit": "TVS", "key": "ec-384"}, 409, "expected an RSA key"),
        ({"node": PUBLISHER, "unit": "tvs"}, 422, "unit"),
        ({"node": PUBLISHER, "unit": "TVS", "key": "rsa-7"}, 422, "key"),
        ({"node": PUBLISHER, "unit": "TVS", "digest": "MD5"}, 422, "digest"),
        ({"node": PUBLISHER, "unit": "TVS", "size": 2048}, 422, "size"),
        ({"unit": "TVS"}, 422, "node"),
    ],
)
async def test_a_refusal_says_why(
    lab: Lab, body: dict[str, object], status: int, text: str
) -> None:
    async with lab.running() as cluster, api_of(cluster) as api:
        answer = await api.post("/operations/regenerate", json=body)
    assert answer.status_code == status
    assert text in str(answer.json()["detail"])


async def test_services_go_by_ciscos_names_too(lab: Lab) -> None:
    async with lab.running() as cluster, api_of(cluster) as api:
        stopped = (await api.post(f"/services/{PUBLISHER}/Cisco Tftp/stop")).json()
        started = (await api.post(f"/services/{PUBLISHER}/Cisco Tftp/start")).json()
        unknown = await api.post(f"/services/{PUBLISHER}/Cisco CTIManager/restart")
    states = [
        {held["name"]: held["state"] for held in told[PUBLISHER]} for told in (stopped, started)
    ]
    assert [(one["tftp"], one["http"], one["tvs"]) for one in states] == [
        ("stopped", "stopped", "started"),
        ("started", "started", "started"),
    ]
    assert unknown.status_code == 409


async def test_from_14_services_take_up_a_new_certificate_by_themselves(lab: Lab) -> None:
    lab.release = "14"
    async with lab.running() as cluster, api_of(cluster) as api:
        before = [held.itl for held in await cluster.trust_lists()]
        wanted = {"node": PUBLISHER, "unit": "TVS"}
        told = (await api.post("/operations/regenerate", json=wanted)).json()
        async with asyncio.timeout(30):
            while any(map(eq, before, [held.itl for held in await cluster.trust_lists()])):
                await asyncio.to_thread(tuple)  # lets the loop turn
    assert told["restarts"] == []
    assert {"service": "Cisco Tftp", "every_node": True} in told["automatic"]


async def test_before_14_the_old_itl_is_served_until_tftp_is_restarted(lab: Lab) -> None:
    async with lab.running() as cluster, api_of(cluster) as api:
        before = [held.itl for held in await cluster.trust_lists()]
        await api.post("/operations/regenerate", json={"node": PUBLISHER, "unit": "TVS"})
        still = [held.itl for held in await cluster.trust_lists()]
        await api.post(f"/services/{PUBLISHER}/Cisco Tftp/restart")
        after = [held.itl for held in await cluster.trust_lists()]
    assert still == before
    assert [one == other for one, other in zip(before, after, strict=True)] == [False, True]
