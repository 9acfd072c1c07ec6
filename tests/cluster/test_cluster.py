"""Whole clusters in this process, on both engines: start, serve, change, restart, stop."""

import asyncio
import gc
import socket
import weakref
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from structlog.testing import capture_logs

from cucmsim.clock import SystemClock
from cucmsim.cluster.cluster import Cluster, RunOptions
from cucmsim.cluster.node import ServiceAction, ServiceState
from cucmsim.cluster.ports import DEFAULT_SERVICES
from cucmsim.entropy import SystemEntropy
from cucmsim.errors import RefusedError, SettingsError, StartError, StoreError
from cucmsim.formats.names import serial_bytes
from cucmsim.formats.signedfile import decode_signed_file
from cucmsim.formats.trustlist import CTL_FILENAME, decode_trust_list, verify_file
from cucmsim.formats.tvs import QueryRequest
from cucmsim.phone.link import Link
from cucmsim.phone.tvsclient import ask
from cucmsim.pki.certificates import load_certificate
from cucmsim.pki.keys import dump_private_key
from cucmsim.pki.profiles import Unit
from cucmsim.services.certificates import make_own_certificates, plan_for_unit
from cucmsim.services.provisioning import Provisioning
from cucmsim.store.rows import TftpFile
from tests.fixtures.clusters import (
    ADDRESSES,
    PHONE,
    PUBLISHER,
    SIP_PHONE,
    SUBSCRIBER,
    Lab,
    TftpRefusedError,
    tftp_get,
)
from tests.fixtures.postgres import PostgresServer

NEW_PHONE: Mapping[str, object] = {"mac": "00258400000A", "model": "7841", "lines": ["2009"]}
ITL = f"ITL{PHONE}.tlv"
SIGNED = f"{SIP_PHONE}.cnf.xml.sgn"


def port_of(cluster: Cluster, node: str, service: str) -> int:
    for held in cluster.nodes[node].services():
        if held.name == service:
            return held.ports[0]
    raise AssertionError(service)


async def fetch(cluster: Cluster, node: str, name: str) -> bytes:
    port = port_of(cluster, node, "tftp")
    return await asyncio.to_thread(tftp_get, ADDRESSES[node], port, name)


async def tls_certificate(cluster: Cluster, node: str) -> x509.Certificate:
    async with await Link.connect(ADDRESSES[node], port_of(cluster, node, "tvs")) as link:
        found = link.server_certificate
    assert found is not None
    return found


def own_certificate(cluster: Cluster, node: str, unit: Unit) -> x509.Certificate:
    return cluster.view.replica.signer(node, unit.value).certificate


async def regenerate(cluster: Cluster, node: str, unit: Unit) -> x509.Certificate:
    """Put a new certificate of a unit into the store, as an administrator's command does."""
    replica, settings = cluster.view.replica, cluster.settings
    plan = plan_for_unit(
        replica.node(node),
        unit,
        release=settings.cluster.release,
        fields=settings.certificates.subject,
        publisher_fqdn=replica.publisher.fqdn,
        entropy=SystemEntropy(),
        settings=settings.certificates.of(unit),
    )
    (made,) = await make_own_certificates([plan], clock=SystemClock(), entropy=SystemEntropy())
    key = dump_private_key(made.private_key)
    version = replica.version
    async with cluster._store.transaction() as transaction:
        await transaction.put_own_certificate(node, unit.value, made.certificate_der, key)
    await changed(cluster, version)
    return made.certificate


async def changed(cluster: Cluster, version: int) -> None:
    """Wait until the cluster answers from a later version than `version`."""
    news = asyncio.Event()
    end = cluster.view.subscribe(lambda _, new: news.set() if new.version > version else None)
    if cluster.view.replica.version <= version:
        await asyncio.wait_for(news.wait(), 10)
    end()


@pytest.fixture
async def cluster(lab: Lab) -> AsyncIterator[Cluster]:
    """Run both nodes on SQLite."""
    async with lab.running() as running:
        yield running


# start and stop


async def test_both_nodes_serve_signed_files_and_trust_lists_naming_both(any_lab: Lab) -> None:
    async with any_lab.running() as cluster:
        for node in (PUBLISHER, SUBSCRIBER):
            signer = own_certificate(cluster, node, Unit.CALLMANAGER)
            itl = await fetch(cluster, node, ITL)
            assert verify_file(itl, signer)
            assert verify_file(await fetch(cluster, node, SIGNED), signer)
            roles = [record.role for record in decode_trust_list(itl).records]
            assert roles.count(21) == 2


async def test_ready_tells_the_ports_that_answer(cluster: Cluster) -> None:
    ready = {node.name: node for node in cluster.ready().nodes}
    assert ready.keys() == {PUBLISHER, SUBSCRIBER}
    keys = {
        str(spot[0])
        for service in DEFAULT_SERVICES
        for spot, _ in cluster.nodes[PUBLISHER].settings.ports.keyed(service)
    }
    assert keys >= {"tftp", "http", "https", "https_client", "tvs", "capf", "web"}
    assert ready[PUBLISHER].services.keys() == keys
    assert ready[SUBSCRIBER].services.keys() == keys - {"capf"}
    assert all(port > 0 for node in ready.values() for port in node.services.values())


async def test_status_counts_phones_and_names_versions(cluster: Cluster) -> None:
    status = cluster.status()
    assert (status.cluster, status.devices) == ("LabCluster", 2)
    assert {node.version for node in status.nodes} == {cluster.view.replica.version}


async def test_nothing_is_left_after_the_stop(lab: Lab) -> None:
    before = asyncio.all_tasks()
    async with lab.running() as cluster:
        port = port_of(cluster, PUBLISHER, "tvs")
    assert asyncio.all_tasks() == before
    with socket.create_server((ADDRESSES[PUBLISHER], port)):
        pass
    assert not (lab.data / "cluster.sock").exists()


async def test_the_memory_of_a_stopped_cluster_is_given_back(lab: Lab) -> None:
    async with lab.running() as cluster:
        held = weakref.ref(cluster)
    del cluster
    await asyncio.sleep(0)  # what the loop was about to call holds it still
    gc.collect()
    assert held() is None


async def test_a_second_start_changes_nothing(any_lab: Lab) -> None:
    async with any_lab.running() as cluster:
        first = cluster.view.replica
    with capture_logs() as logs:
        async with any_lab.running() as cluster:
            second = cluster.view.replica
    assert (second.version, second.certificates) == (first.version, first.certificates)
    told = {entry["event"] for entry in logs if entry["log_level"] != "debug"}
    assert told == {"service started", "service stopped"}


async def test_an_edited_file_is_applied_and_only_what_changed_is_named(any_lab: Lab) -> None:
    async with any_lab.running() as cluster:
        before = cluster.view.replica
    any_lab.phones = any_lab.phones.replace("Reception", "Front desk")
    with capture_logs() as logs:
        async with any_lab.running() as cluster:
            after = cluster.view.replica
    told = [entry["event"] for entry in logs if entry["event"].startswith(("added", "changed"))]
    assert told == [f"changed: 1 phone: {PHONE} (description)"]
    assert after.devices[PHONE].description == "Front desk"
    assert after.version == before.version + 1


async def test_a_change_at_run_time_survives_a_restart(any_lab: Lab) -> None:
    async with any_lab.running() as cluster:
        await cluster.administration().change_devices([PHONE], {"description": "Moved"})
        await cluster.administration().add_device(NEW_PHONE)
    async with any_lab.running() as cluster:
        assert cluster.devices()[PHONE].description == "Moved"
        assert "SEP00258400000A" in cluster.devices()


async def test_what_only_the_store_has_is_told_and_kept_unless_pruned(lab: Lab) -> None:
    async with lab.running() as cluster:
        await cluster.administration().add_device(NEW_PHONE)
    with capture_logs() as kept:
        async with lab.running():
            pass
    assert kept[0]["event"] == "only in the store, kept: 1 phone: SEP00258400000A"
    with capture_logs() as removed:
        async with lab.running(prune=True) as cluster:
            assert "SEP00258400000A" not in cluster.devices()
    assert removed[0]["event"] == "only in the store, removing: 1 phone: SEP00258400000A"
    with capture_logs() as nothing:
        async with lab.running(prune=True):
            pass
    assert not [entry for entry in nothing if "store" in entry["event"]]


@pytest.mark.parametrize("release", ["8.6", "10.5", "15"])
async def test_each_layout_of_trust_lists_is_served(lab: Lab, release: str) -> None:
    lab.release = release
    async with lab.running() as cluster:
        list_ = decode_trust_list(await fetch(cluster, SUBSCRIBER, ITL))
    assert list_.records


async def test_a_mixed_cluster_makes_its_ctl_once(lab: Lab) -> None:
    lab.mode = "mixed"
    async with lab.running() as cluster:
        first = await fetch(cluster, PUBLISHER, CTL_FILENAME)
        assert await fetch(cluster, SUBSCRIBER, f"CTL{PHONE}.tlv") == first
        assert cluster.view.replica.enterprise["ClusterSecurityMode"] == "1"
    async with lab.running() as cluster:
        assert await fetch(cluster, PUBLISHER, CTL_FILENAME) == first


async def test_certificates_and_keys_are_mirrored(cluster: Cluster, lab: Lab) -> None:
    mirrored = (lab.data / "certs" / PUBLISHER / "TVS.pem").read_bytes()
    assert load_certificate(mirrored) == own_certificate(cluster, PUBLISHER, Unit.TVS)


# what cannot start


async def test_a_port_in_use_is_named_and_nothing_is_left_running(lab: Lab) -> None:
    with socket.create_server((ADDRESSES[SUBSCRIBER], 0)) as other:
        port = other.getsockname()[1]
        lab.environ["CUCMSIM_NODES__CUCM_SUB__PORTS__TVS"] = str(port)
        before = asyncio.all_tasks()
        with pytest.raises(StartError, match=f"tvs: cannot listen on 127.0.1.2:{port}: .* in use"):
            async with lab.running():
                pass
    assert asyncio.all_tasks() == before
    async with lab.running() as cluster:
        assert port_of(cluster, SUBSCRIBER, "tvs") == port


async def test_a_management_port_in_use_stops_the_nodes_again(lab: Lab) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        lab.extra = f'[management]\nport = {port}\ntoken = "0123456789abcdef"'
        before = asyncio.all_tasks()
        with pytest.raises(StartError, match=f"management: cannot listen on 127.0.0.1:{port}"):
            async with lab.running():
                pass
    assert asyncio.all_tasks() == before


async def test_a_node_that_is_not_described_is_refused(lab: Lab) -> None:
    with pytest.raises(RefusedError, match="no node 'x'; it describes: cucm-pub, cucm-sub"):
        async with lab.running("x"):
            pass
    assert not lab.data.exists()


async def test_a_second_run_in_the_same_directory_is_refused(cluster: Cluster, lab: Lab) -> None:
    del cluster  # runs
    with pytest.raises(StartError, match="already running"):
        async with lab.running():
            pass


async def test_a_static_file_that_is_gone_is_named(lab: Lab) -> None:
    static = lab.directory / "ring.xml"
    static.write_text("<ring/>")
    lab.extra = '[[tftp_files]]\npath = "ring.xml"'
    settings = lab.settings()
    static.unlink()
    with pytest.raises(StartError, match=r"TFTP file .*ring\.xml: No such file"):
        async with Cluster.running(settings):
            pass


async def test_another_security_password_is_refused_and_changes_nothing(any_lab: Lab) -> None:
    async with any_lab.running() as cluster:
        version = cluster.view.replica.version
    any_lab.security_password = "another-password"
    with pytest.raises(StoreError, match="the security password is not the one it was"):
        async with any_lab.running():
            pass
    any_lab.security_password = Lab(any_lab.directory).security_password
    async with any_lab.running() as cluster:
        assert cluster.view.replica.version == version


# changes while it runs


async def test_a_phone_added_is_served_at_once_by_every_node(cluster: Cluster) -> None:
    with pytest.raises(TftpRefusedError, match="File not found"):
        await fetch(cluster, SUBSCRIBER, "SEP00258400000A.cnf.xml")
    await cluster.administration().add_device(NEW_PHONE)
    for node in (PUBLISHER, SUBSCRIBER):
        assert b"2009" in await fetch(cluster, node, "SEP00258400000A.cnf.xml")
    await cluster.administration().remove_device("SEP00258400000A")
    with pytest.raises(TftpRefusedError, match="File not found"):
        await fetch(cluster, SUBSCRIBER, "SEP00258400000A.cnf.xml")


async def test_a_changed_phone_is_served_changed(cluster: Cluster) -> None:
    before = await fetch(cluster, SUBSCRIBER, SIGNED)
    await cluster.administration().change_devices([SIP_PHONE], {"lines": ["2222"]})
    after = await fetch(cluster, SUBSCRIBER, SIGNED)
    assert b"2222" in after
    assert b"2222" not in before


async def test_changes_are_refused_in_words(cluster: Cluster) -> None:
    with pytest.raises(RefusedError, match="no phone 'SEPX'"):
        await cluster.administration().change_devices(["SEPX"], {})
    with pytest.raises(RefusedError, match="no phone 'SEPX'"):
        await cluster.administration().remove_device("SEPX")
    await cluster.administration().add_device(NEW_PHONE)
    with pytest.raises(RefusedError, match="is there already; `device set` changes it"):
        await cluster.administration().add_device(NEW_PHONE)
    with pytest.raises(SettingsError, match="model"):
        await cluster.administration().change_devices([PHONE], {"model": "7926"})
    with pytest.raises(RefusedError, match="no node 'x' in this process; it runs: cucm-pub"):
        await cluster.act_on_service("x", "tvs", ServiceAction.STOP)


async def test_tftp_keeps_its_signer_until_it_is_restarted(cluster: Cluster) -> None:
    old = own_certificate(cluster, SUBSCRIBER, Unit.CALLMANAGER)
    before = await fetch(cluster, SUBSCRIBER, ITL)
    new = await regenerate(cluster, SUBSCRIBER, Unit.CALLMANAGER)
    await cluster.administration().change_devices([SIP_PHONE], {"lines": ["2222"]})
    assert await fetch(cluster, SUBSCRIBER, ITL) == before
    signed = await fetch(cluster, SUBSCRIBER, SIGNED)
    assert b"2222" in decode_signed_file(signed).payload
    assert verify_file(signed, old)
    await cluster.act_on_service(SUBSCRIBER, "tftp", ServiceAction.RESTART)
    assert verify_file(await fetch(cluster, SUBSCRIBER, ITL), new)
    assert verify_file(await fetch(cluster, SUBSCRIBER, SIGNED), new)


async def test_tvs_keeps_its_tls_certificate_until_it_is_restarted(
    cluster: Cluster, lab: Lab
) -> None:
    old = own_certificate(cluster, PUBLISHER, Unit.TVS)
    new = await regenerate(cluster, PUBLISHER, Unit.TVS)
    assert await tls_certificate(cluster, PUBLISHER) == old
    itl = await fetch(cluster, PUBLISHER, ITL)
    assert serial_bytes(new) not in itl
    await cluster.act_on_service(PUBLISHER, "tvs", ServiceAction.RESTART)
    assert await tls_certificate(cluster, PUBLISHER) == new
    assert await fetch(cluster, PUBLISHER, ITL) == itl
    await cluster.act_on_service(PUBLISHER, "tftp", ServiceAction.RESTART)
    assert serial_bytes(new) in await fetch(cluster, PUBLISHER, ITL)
    mirrored = (lab.data / "certs" / PUBLISHER / "TVS.pem").read_bytes()
    assert load_certificate(mirrored) == new


async def test_a_stopped_service_answers_no_more_and_others_do(cluster: Cluster) -> None:
    port = port_of(cluster, PUBLISHER, "tvs")
    await cluster.act_on_service(PUBLISHER, "tvs", ServiceAction.STOP)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(ADDRESSES[PUBLISHER], port)
    assert await fetch(cluster, PUBLISHER, ITL)
    states = {held.name: held.state for held in cluster.nodes[PUBLISHER].services()}
    assert states["tvs"] is ServiceState.STOPPED


async def test_a_tftp_service_without_its_key_does_not_start(cluster: Cluster) -> None:
    await cluster.act_on_service(SUBSCRIBER, "tftp", ServiceAction.STOP)
    held = cluster.view.replica.own[SUBSCRIBER, "CallManager"]
    version = cluster.view.replica.version
    async with cluster._store.transaction() as transaction:
        await transaction.delete_certificate("CallManager", held.pkid)
    await changed(cluster, version)
    with pytest.raises(StoreError, match="has no CallManager certificate"):
        await cluster.act_on_service(SUBSCRIBER, "tftp", ServiceAction.START)


async def test_a_key_log_that_cannot_be_written_is_named(lab: Lab) -> None:
    lab.environ["CUCMSIM_CLUSTER__TLS_KEYLOG"] = str(lab.directory)
    with pytest.raises(StartError, match="cannot write the key log"):
        async with lab.running():
            pass


async def test_exchanges_are_recorded(cluster: Cluster) -> None:
    await fetch(cluster, SUBSCRIBER, SIGNED)
    request = QueryRequest(SIP_PHONE, "", "CN=nobody", b"\1")
    await ask(ADDRESSES[PUBLISHER], port_of(cluster, PUBLISHER, "tvs"), request)
    told = [(held.node, held.service, held.device) for _, held in cluster.journal.since()]
    assert (SUBSCRIBER, "tftp", SIP_PHONE) in told
    assert (PUBLISHER, "tvs", SIP_PHONE) in told


async def test_tvs_reads_the_ctl_where_it_lies(cluster: Cluster) -> None:
    version = cluster.view.replica.version
    async with cluster._store.transaction() as transaction:
        await transaction.put_tftp_file(TftpFile(name=CTL_FILENAME, data=b"x", node=PUBLISHER))
    await changed(cluster, version)
    request = QueryRequest(SIP_PHONE, "", "CN=nobody", b"\1")
    reply = await ask(ADDRESSES[PUBLISHER], port_of(cluster, PUBLISHER, "tvs"), request)
    assert reply.server_certificate is not None


# the management API


async def test_the_api_answers_on_the_socket(cluster: Cluster, lab: Lab) -> None:
    transport = httpx.AsyncHTTPTransport(uds=str(lab.data / "cluster.sock"))
    async with httpx.AsyncClient(transport=transport, base_url="http://cluster") as client:
        assert (await client.get("/ready")).json() == cluster.ready().model_dump()
        answer = await client.post("/services/cucm-sub/tvs/restart")
        assert {held["state"] for held in answer.json()[SUBSCRIBER]} == {"started"}


async def test_the_api_answers_on_tcp_with_the_token_only(lab: Lab) -> None:
    lab.extra = '[management]\nport = 0\ntoken = "0123456789abcdef"'
    async with lab.running() as cluster, httpx.AsyncClient() as client:
        assert cluster._management is not None
        url = f"http://127.0.0.1:{cluster._management.ports[0]}/openapi.json"
        assert (await client.get(url)).status_code == 401
        headers = {"Authorization": "Bearer 0123456789abcdef"}
        assert (await client.get(url, headers=headers)).status_code == 200


# faults inside


async def test_who_waits_for_the_end_hears_of_a_follower_that_failed(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_self: object) -> None:
        raise KeyError("odd")

    monkeypatch.setattr("cucmsim.cluster.following.Follower.run", fail)
    async with lab.running() as cluster:
        with pytest.raises(KeyError, match="odd"):
            await cluster.wait_stopped()


async def test_building_ahead_may_fail_and_files_are_served_all_the_same(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = asyncio.Event()

    async def fail(_self: Provisioning) -> None:
        failed.set()
        raise KeyError("odd")

    monkeypatch.setattr(Provisioning, "run", fail)
    with capture_logs() as logs:
        async with lab.running() as cluster:
            await failed.wait()
            assert await fetch(cluster, PUBLISHER, SIGNED)
    assert [
        entry["why"] for entry in logs if entry["event"] == "files are built ahead no more"
    ] == ["KeyError('odd')"] * 2


async def test_a_stop_can_be_asked_for(cluster: Cluster) -> None:
    cluster.stop()
    await cluster.wait_stopped()


# two processes' worth of nodes on PostgreSQL


async def test_a_subscriber_waits_for_the_publisher_and_follows_it(postgres_lab: Lab) -> None:
    lab = postgres_lab
    lab.mode = "mixed"
    async with AsyncExitStack() as stack:
        waiting = asyncio.create_task(stack.enter_async_context(lab.running(SUBSCRIBER)))
        publisher = await stack.enter_async_context(lab.running(PUBLISHER))
        subscriber = await waiting
        assert list(subscriber.nodes) == [SUBSCRIBER]
        ctl = await fetch(publisher, PUBLISHER, CTL_FILENAME)
        assert await fetch(subscriber, SUBSCRIBER, CTL_FILENAME) == ctl
        version = subscriber.view.replica.version
        await publisher.administration().add_device(NEW_PHONE)
        async with asyncio.timeout(1):
            await changed(subscriber, version)
        assert b"2009" in await fetch(subscriber, SUBSCRIBER, "SEP00258400000A.cnf.xml")
        with pytest.raises(RefusedError, match="made on the publisher, cucm-pub; this process"):
            await subscriber.administration().add_device(NEW_PHONE)


async def test_nodes_serve_on_without_the_database_and_catch_up(
    postgres_lab: Lab, postgres: PostgresServer
) -> None:
    lab = postgres_lab
    async with lab.running(PUBLISHER) as publisher, lab.running(SUBSCRIBER) as sub:
        await asyncio.to_thread(postgres.stop, "fast")
        try:
            assert await fetch(sub, SUBSCRIBER, SIGNED)
            with pytest.raises(StoreError):
                await publisher.administration().add_device(NEW_PHONE)
        finally:
            await asyncio.to_thread(postgres.start)
        version = sub.view.replica.version
        await publisher.administration().add_device(NEW_PHONE)
        await changed(sub, version)
        assert b"2009" in await fetch(sub, SUBSCRIBER, "SEP00258400000A.cnf.xml")


async def test_the_options_of_a_run_are_usual_when_none_are_given(lab: Lab, tmp_path: Path) -> None:
    assert RunOptions() == RunOptions(None, prune=False)
    async with Cluster.running(lab.settings()) as cluster:
        assert cluster.settings.cluster.data_directory == tmp_path / "data"
