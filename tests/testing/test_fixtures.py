"""The fixtures of the plugin, used as a stranger uses them: in plain and in async tests."""

import asyncio
import inspect
import socket
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from cucmsim.errors import RefusedError, SettingsError
from cucmsim.pki.certificates import certificate_der
from cucmsim.pki.profiles import OWN_UNITS
from cucmsim.testing import (
    AsyncClusterUnderTest,
    AsyncCucm,
    AsyncPhoneUnderTest,
    ClusterUnderTest,
    Cucm,
    PhoneUnderTest,
)
from cucmsim.testing.labs import Labs
from cucmsim.testing.wishes import make_wish

TFTP, TVS = "Cisco Tftp", "Cisco Trust Verification Service"


def test_a_phone_registers(cucm_phone: PhoneUnderTest) -> None:
    assert not cucm_phone.registered_at
    assert "not switched on" in repr(cucm_phone.registered_at)
    assert cucm_phone.boot().registered == "cucm-pub"
    assert cucm_phone.registered_at == "cucm-pub"
    assert cucm_phone.wait_registered("cucm-pub") == "cucm-pub"
    assert cucm_phone.follows
    assert not cucm_phone.is_locked
    assert "cucm-pub" in cucm_phone.console[-1]


async def test_a_phone_registers_while_the_loop_of_the_test_goes_on(
    cucm_phone: AsyncPhoneUnderTest, cucm_cluster: AsyncClusterUnderTest
) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    ticking = asyncio.create_task(tick())
    assert (await cucm_phone.boot()).registered == "cucm-pub"
    ticking.cancel()
    assert ticks > 10
    assert await cucm_phone.trusts("tomcat")
    assert (await cucm_cluster.wait_for(service="tvs")).device == cucm_phone.name
    assert (await cucm_phone.reset()).registered == "cucm-pub"
    assert "cucm-pub" in (await cucm_cluster.command("show status")).text


def test_what_a_phone_does_not_trust_says_why(
    cucm_phone: PhoneUnderTest, cucm_cluster: ClusterUnderTest
) -> None:
    cucm_phone.boot()
    assert cucm_phone.trusts("callmanager")
    number = cucm_cluster.faults.add("tvs-not-trusted", times=1)
    distrust = cucm_phone.trusts("tomcat")
    assert not distrust
    assert repr(distrust) == "<tomcat of cucm-pub is not trusted: TVS does not trust it>"
    assert cucm_cluster.wait_for(fault="tvs-not-trusted").service == "tvs"
    assert [held.used for held in cucm_cluster.faults.held] == [1]
    cucm_cluster.faults.remove(number)
    own = cucm_cluster.certificate("tomcat")
    assert cucm_phone.trusts(certificate_der(own))
    assert cucm_phone.trusts(own)
    assert cucm_phone.trusts_file("ITLFile.tlv")
    damaged = cucm_cluster.fetch("ITLFile.tlv")[:-1] + b"?"
    assert not cucm_phone.trusts_file("ITLFile.tlv", damaged)
    with pytest.raises(RefusedError, match="expected that of a signed file"):
        cucm_phone.trusts_file("XMLDefault.cnf.xml")


@pytest.mark.cucm(release="9.1", nodes=1)
def test_a_phone_that_is_off_while_both_certificates_are_regenerated_is_locked_out(
    cucm_phone: PhoneUnderTest, cucm_cluster: ClusterUnderTest
) -> None:
    cucm_phone.boot()
    cucm_phone.switch_off()
    cucm_cluster.regenerate("CallManager")
    cucm_cluster.advance(minutes=6)
    cucm_cluster.regenerate("TVS")
    cucm_cluster.restart(TVS, TFTP)
    cucm_phone.boot()
    assert cucm_phone.is_locked
    assert "refused ITLFile.tlv" in repr(cucm_phone.follows)
    cucm_phone.erase_trust_lists()
    assert cucm_phone.boot().registered
    assert cucm_phone.follows


@pytest.mark.cucm(release="14", mode="mixed", nodes=1, phones=["8845"], clock="manual")
def test_the_marker_says_what_cluster_there_is(
    cucm_phone: PhoneUnderTest, cucm_cluster: ClusterUnderTest
) -> None:
    assert (cucm_cluster.release, cucm_cluster.nodes) == ("14", ("cucm-pub",))
    assert cucm_phone.model == "8845"
    begin = cucm_cluster.now
    cucm_cluster.advance(days=2)
    assert cucm_cluster.now - begin == timedelta(days=2)
    assert cucm_phone.boot().registered
    (itl,) = cucm_cluster.journal.find(request="ITLSEP")
    assert itl.time == cucm_cluster.now


def test_a_real_clock_is_moved_in_the_cluster(cucm_cluster: ClusterUnderTest) -> None:
    begin = cucm_cluster.now
    cucm_cluster.advance(hours=1)
    assert cucm_cluster.now - begin >= timedelta(hours=1)


@pytest.mark.cucm(faults=["tvs-not-trusted"])
def test_a_wait_in_vain_shows_what_came(
    cucm_phone: PhoneUnderTest, cucm_cluster: ClusterUnderTest
) -> None:
    assert [held.rule.kind for held in cucm_cluster.faults.held] == ["tvs-not-trusted"]
    cucm_phone.boot()
    with pytest.raises(AssertionError, match="service 'capf' did not come in 0 s") as caught:
        cucm_cluster.wait_for(service="capf", timeout_s=0)
    assert f"{cucm_phone.name}.cnf.xml.sgn" in str(caught.value)
    assert "REGISTER" in str(cucm_cluster.journal)
    assert cucm_cluster.journal.find(after=cucm_cluster.journal.count) == []


def test_clusters_of_one_test_share_no_key_and_a_phone_moves_between_them(cucm: Cucm) -> None:
    old, new = cucm.cluster("old"), cucm.cluster("new")
    keys = [
        cluster.certificate(unit, node).public_key().public_numbers()  # type: ignore[union-attr]  # RSA
        for cluster in (old, new)
        for node in cluster.nodes
        for unit in ("CallManager", "TVS", "tomcat")
    ]
    assert len(set(keys)) == len(keys) == 12
    assert not set(old.environment["CUCM_TFTP_SERVERS"].split(",")) & {new.tftp_address}
    phone = cucm.phone(old)
    assert phone.boot().registered == "old-pub"
    phone.move(new)
    phone.boot()
    assert phone.is_locked


async def test_an_async_test_makes_clusters_too(cucm: AsyncCucm) -> None:
    cluster = await cucm.cluster("lab", nodes=1)
    phone = await cucm.phone(cluster, "8845")
    assert not (await phone.boot()).registered
    assert "is registered nowhere" in repr(phone)


def test_a_test_may_capture_and_save(cucm_cluster: ClusterUnderTest, tmp_path: Path) -> None:
    cucm_cluster.capture.start()
    cucm_cluster.fetch("ITLFile.tlv")
    cucm_cluster.capture.save(tmp_path / "wire.pcapng")
    assert b"ITLFile.tlv\0octet" in (tmp_path / "wire.pcapng").read_bytes()


def test_names_that_are_not_there_are_refused_with_the_nearest(
    cucm_cluster: ClusterUnderTest, cucm_phone: PhoneUnderTest
) -> None:
    with pytest.raises(SettingsError, match="did you mean 'tomcat'"):
        cucm_cluster.regenerate("tomcats")
    with pytest.raises(SettingsError, match="did you mean 'cucm-sub'"):
        cucm_cluster.address("cucm-sup")
    with pytest.raises(SettingsError, match="did you mean 'sip_tls'"):
        cucm_cluster.port("sip_tsl")
    with pytest.raises(SettingsError, match="did you mean 'tvs-silent'"):
        cucm_cluster.faults.add("tvs-silence")
    with pytest.raises(RefusedError, match="not registered here"):
        cucm_phone.reset()
    with pytest.raises(RefusedError, match="File not found"):
        cucm_cluster.fetch("nothing.bin")


def test_a_device_is_told_where_the_cluster_is(cucm_cluster: ClusterUnderTest) -> None:
    told = cucm_cluster.environment
    servers = told["CUCM_TFTP_SERVERS"].split(",")
    assert told["CUCM_TFTP"] == servers[0] == cucm_cluster.tftp_address
    packed = [socket.inet_aton(server) for server in servers]
    assert bytes.fromhex(told["CUCM_DHCP_OPTION_150"]) == b"".join(packed)
    assert told["CUCM_HOSTS"] == f"cucm-pub={servers[0]},cucm-sub={servers[1]}"
    assert told["CUCM_HTTP_URL"] == f"http://{servers[0]}:{cucm_cluster.port('http')}"


def test_a_cluster_starts_from_a_copy_of_a_store_and_keeps_nothing_of_the_one_before(
    cucm_labs: Labs,
) -> None:
    wish = make_wish({"nodes": 1, "release": "10.5"})
    served = []
    for description in ("changed", "anew"):
        with cucm_labs.bench() as bench:
            cluster = ClusterUnderTest(
                cucm_labs.thread.wait(bench.cluster(wish, "own")), cucm_labs.thread
            )
            assert "changed" not in cluster.command("run sql select description from device").text
            cluster.change_phone(cluster.phones[0], description=description)
            served.append(cluster.certificate("TVS"))
    assert served[0] == served[1]


def test_the_same_seed_gives_the_same_certificates(cucm_labs: Labs) -> None:
    small = {unit.value: {"key": "rsa-1024"} for unit in OWN_UNITS if "ECDSA" not in unit}
    served = []
    for seed in (7, 7, 8):
        wish = make_wish(
            {"nodes": 1, "seed": seed, "clock": "manual", "extra": {"certificates": small}}
        )
        with cucm_labs.bench() as bench:
            work = cucm_labs.thread.wait(bench.cluster(wish, "cucm"))
            served.append(cucm_labs.thread.wait(work.certificate_pem("TVS", "")))
    assert served[0] == served[1] != served[2]


@pytest.fixture(scope="module")
def seen() -> list[x509.Certificate]:
    return []


@pytest.mark.cucm(scope="module", nodes=1, faults=["tvs-slow"])
@pytest.mark.parametrize("number", [1, 2])
def test_a_shared_cluster_is_the_same_for_all_of_a_module_and_each_test_begins_anew(
    number: int,
    cucm_cluster: ClusterUnderTest,
    cucm_phone: PhoneUnderTest,
    seen: list[x509.Certificate],
) -> None:
    assert cucm_cluster.journal.find() == []
    assert [held.rule.kind for held in cucm_cluster.faults.held] == ["tvs-slow"]
    cucm_cluster.faults.clear()
    assert cucm_phone.boot().registered == "cucm-pub"
    seen.append(cucm_cluster.certificate("TVS"))
    assert number == 1 or seen[0] == seen[-1]


@pytest.mark.parametrize(
    ("plain", "awaited"),
    [
        (ClusterUnderTest, AsyncClusterUnderTest),
        (PhoneUnderTest, AsyncPhoneUnderTest),
        (Cucm, AsyncCucm),
    ],
)
def test_plain_and_async_tests_have_the_same_methods(plain: type, awaited: type) -> None:
    methods = {name: value for name, value in vars(plain).items() if inspect.isfunction(value)}
    others = {name: value for name, value in vars(awaited).items() if inspect.isfunction(value)}
    assert methods.keys() == others.keys()
    for name, method in methods.items():
        parameters = inspect.signature(method).parameters
        assert [*parameters] == [*inspect.signature(others[name]).parameters]
        assert inspect.iscoroutinefunction(others[name]) is not name.startswith("_")
        assert inspect.getdoc(method) == inspect.getdoc(others[name])
