"""Security profiles over the management API, and what phones get of them by TFTP."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest

from cucmsim.cluster.cluster import Cluster
from cucmsim.cluster.management import management_app
from cucmsim.cluster.ports import ServiceName
from cucmsim.formats.signedfile import decode_signed_file
from tests.fixtures.clusters import (
    ADDRESSES,
    PUBLISHER,
    SIP_PHONE,
    SUBSCRIBER,
    Lab,
    TftpRefusedError,
    tftp_get,
)

pytestmark = pytest.mark.usefixtures("quiet")

NAME = "Floor 2/3 #1?"
URL = "/profiles/Floor%202%2F3%20%231%3F"
DESCRIBED = """
[[security_profiles]]
name = "Described"
authentication_mode = "existing-mic"
"""
SECURE = {"device_security_mode": "encrypted", "encrypted_config": True}


@asynccontextmanager
async def api_of(cluster: Cluster) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(management_app(cluster))
    async with httpx.AsyncClient(transport=transport, base_url="http://cluster") as client:
        yield client


async def fetch(cluster: Cluster, node: str, suffix: str) -> bytes:
    """Return the payload of a signed file of the SIP phone."""
    (held,) = [one for one in cluster.nodes[node].services() if one.name == ServiceName.TFTP]
    name = f"{SIP_PHONE}.cnf.xml{suffix}"
    data = await asyncio.to_thread(tftp_get, ADDRESSES[node], held.ports[0], name)
    return decode_signed_file(data).payload


async def mode_of(cluster: Cluster, node: str) -> str | None:
    found = re.search(rb"<deviceSecurityMode>(\d)<", await fetch(cluster, node, ".sgn"))
    return found[1].decode() if found else None


async def give_certificate(cluster: Cluster) -> None:
    """Let the cluster know an RSA certificate of the SIP phone."""
    replica = cluster.view.replica
    certificate = replica.own[PUBLISHER, "tomcat"].certificate_der
    async with cluster.operator().store.transaction() as transaction:
        await transaction.put_device(replace(replica.devices[SIP_PHONE], mic_der=certificate))
    await cluster.operator().newest()


async def test_a_changed_profile_changes_the_files_of_its_phones(any_lab: Lab) -> None:
    any_lab.mode = "mixed"
    async with any_lab.running() as cluster, api_of(cluster) as api:
        await give_certificate(cluster)
        made = await api.post("/profiles", json={"name": NAME})
        given = await api.patch(f"/devices/{SIP_PHONE}", json={"security_profile": NAME})
        before = await mode_of(cluster, SUBSCRIBER)
        with pytest.raises(TftpRefusedError):
            await fetch(cluster, SUBSCRIBER, ".enc.sgn")
        mode = await api.patch(URL, json={"device_security_mode": "encrypted"})
        after = [await mode_of(cluster, node) for node in (PUBLISHER, SUBSCRIBER)]
        encrypted = await api.patch(URL, json={"encrypted_config": True})
        assert await fetch(cluster, SUBSCRIBER, ".enc.sgn")
        stub = await fetch(cluster, SUBSCRIBER, ".sgn")
    assert (made.status_code, given.status_code) == (201, 200)
    assert (before, after) == ("1", ["3", "3"])
    assert b"<deviceSecurityMode>" not in stub
    assert mode.json()["transport"] == "tls"
    assert encrypted.json() == {
        "name": NAME,
        "device_security_mode": "encrypted",
        "transport": "tls",
        "encrypted_config": True,
        "authentication_mode": "null-string",
        "key_order": "rsa",
        "key_size_bits": 2048,
        "ec_size_bits": 384,
        "standard": False,
        "phones": 1,
    }


async def test_described_profiles_are_changed_as_others_and_stay_changed(lab: Lab) -> None:
    lab.extra = DESCRIBED
    async with lab.running() as cluster, api_of(cluster) as api:
        names = [one["name"] for one in (await api.get("/profiles")).json()]
        phone = {"mac": "001122334455", "model": "7841", "security_profile": "Described"}
        await api.post("/devices", json=phone)
        changed = await api.patch("/profiles/Described", json={**SECURE, "transport": "udp"})
        removed = await api.delete("/profiles/Described")
    async with lab.running() as cluster, api_of(cluster) as api:
        assert (await api.get("/profiles/Described")).json() == changed.json()
        assert cluster.view.replica.devices["SEP001122334455"].encrypted_config
        await api.delete("/devices/SEP001122334455")
        gone = await api.delete("/profiles/Described")
    async with lab.running() as cluster, api_of(cluster) as api:
        missing = await api.get("/profiles/Described")
    assert "Described" in names
    assert changed.json()["transport"] == "udp"
    assert (removed.status_code, gone.status_code, missing.status_code) == (409, 200, 404)


async def test_a_refusal_says_why_and_changes_nothing(lab: Lab) -> None:
    lab.extra = DESCRIBED
    async with lab.running() as cluster, api_of(cluster) as api:
        version = cluster.view.replica.version
        refused = [
            await api.post("/profiles", json={"name": "a'b", "key_size_bits": 100}),
            await api.post("/profiles", json={}),
            await api.post("/profiles", json={"name": "described"}),
            await api.patch("/profiles/Described", json={"name": "Other"}),
            await api.patch("/profiles/Described", json={"device_security_mode": "secure"}),
            await api.patch("/profiles/Describd", json={}),
            await api.delete("/profiles/Xyzzy"),
        ]
        assert (await cluster.operator().newest()).version == version
    assert [one.status_code for one in refused] == [422, 422, 409, 422, 422, 404, 404]
    details = [str(one.json()["detail"]) for one in refused]
    for text, detail in zip(
        (
            "key_size_bits",
            "name",
            "'Described' is there already",
            "a profile keeps its name",
            "device_security_mode",
            "did you mean 'Described'?",
            "no security profile 'Xyzzy'",
        ),
        details,
        strict=True,
    ):
        assert text in detail
