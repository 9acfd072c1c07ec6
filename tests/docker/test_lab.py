"""The lab of docker-compose.yml, asked from one more container and from the host."""

import hashlib
import json
import ssl
from collections.abc import Mapping

import pytest

from tests.docker.lab import CONFIG, NODES, Lab, read_first_block, until
from tests.fixtures.terminal import on_terminal

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

PHONE = "SEPB000B4BA0AEE"


def _records(inspected: Mapping[str, object], role: str) -> list[Mapping[str, object]]:
    records = inspected["records"]
    assert isinstance(records, list)
    return [record for record in records if record["role"] == role]


@pytest.mark.parametrize("service", NODES)
def test_a_node_runs_without_privileges_and_has_port_69(lab: Lab, service: str) -> None:
    assert lab.exec(service, "id", "-u").stdout.strip() != "0"
    status = json.loads(lab.exec(service, "cucmsim", "status", CONFIG, "--json").stdout)
    (node,) = status[0]["nodes"]
    ports = {held["name"]: held["ports"] for held in node["services"]}
    assert node["name"] == NODES[service].name
    assert ports["tftp"] == [69, 6969]


@pytest.mark.parametrize("service", NODES)
@pytest.mark.parametrize("name", [f"ITL{PHONE}.tlv", f"{PHONE}.cnf.xml.sgn", "ITLFile.tlv"])
def test_what_a_node_serves_is_signed_by_its_own_callmanager(
    lab: Lab, service: str, name: str
) -> None:
    inspected = lab.inspect(lab.fetch(service, name), lab.certificate(service, "CallManager"))
    assert inspected["signature"] == "valid"


def test_another_node_did_not_sign_it(lab: Lab) -> None:
    path = lab.fetch("subscriber", f"ITL{PHONE}.tlv")
    inspected = lab.inspect(path, lab.certificate("publisher", "CallManager"))
    assert inspected["signature"] == "unknown signer"


@pytest.mark.parametrize("service", NODES)
def test_the_ctl_is_the_publishers_on_every_node(lab: Lab, service: str) -> None:
    path = lab.fetch(service, f"CTL{PHONE}.tlv")
    inspected = lab.inspect(path, lab.certificate("publisher", "CallManager"))
    assert inspected["type"] == "CTL"
    assert inspected["signature"] == "valid"


def test_the_subscribers_itl_names_the_tvs_of_every_node(lab: Lab) -> None:
    path = lab.fetch("subscriber", f"ITL{PHONE}.tlv")
    inspected = lab.inspect(path, lab.certificate("subscriber", "CallManager"))
    hashes = {record["certificate_hash"] for record in _records(inspected, "TVS")}
    assert hashes == {_sha1(lab, lab.certificate(service, "TVS")) for service in NODES}


def _sha1(lab: Lab, path: str) -> str:
    pem = lab.client("openssl", "x509", "-in", path).stdout
    return hashlib.sha1(ssl.PEM_cert_to_DER_cert(pem), usedforsecurity=False).hexdigest()


@pytest.mark.parametrize("service", NODES)
@pytest.mark.parametrize("owner", NODES)
def test_tvs_of_each_node_trusts_the_callmanager_of_each(
    lab: Lab, service: str, owner: str
) -> None:
    certificate = lab.certificate(owner, "CallManager")
    said = lab.client("cucmsim", "tvs", "verify", lab.address(service), certificate).stdout
    assert "Trusted: yes" in said


def test_tvs_trusts_no_stranger(lab: Lab) -> None:
    made = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=stranger -keyout k -out s.pem"
    lab.client(*made.split())
    said = lab.client("cucmsim", "tvs", "verify", lab.address("subscriber"), "s.pem", check=False)
    assert said.returncode == 1
    assert "not trusted" in said.stderr


def test_a_phone_gets_an_lsc_that_capf_signed(lab: Lab) -> None:
    words = f"--device {PHONE} --out lsc.pem --key-out lsc.key".split()
    said = lab.client("cucmsim", "capf", "enrol", lab.address("publisher"), *words)
    assert "LSC installed" in said.stderr
    authority = lab.certificate("publisher", "CAPF")
    verified = lab.client("openssl", "verify", "-CAfile", authority, "lsc.pem")
    assert verified.stdout == "lsc.pem: OK\n"
    listed = lab.exec("publisher", "cucmsim", "device", "list", CONFIG, "--json").stdout
    (phone,) = (held for held in json.loads(listed) if held["name"] == PHONE)
    assert phone["pending_operation"] == "none"
    assert "CAPF" in phone["lsc_issuer"]


def test_a_phone_added_on_the_publisher_is_served_by_the_subscriber_within_a_second(
    lab: Lab,
) -> None:
    port = lab.port("subscriber", 69)
    name = "SEP00112233AABB.cnf.xml"
    assert read_first_block(port, name) is None
    words = f"cucmsim device add {CONFIG} SEP00112233AABB --model 7962 --line 3001".split()
    adding = lab.start(*words, service="publisher")
    until(lambda: adding.poll() is not None, 60, "added")
    assert adding.returncode == 0
    assert until(lambda: read_first_block(port, name) is not None, 10, "served") < 1


def test_changes_are_made_on_the_publisher_only(lab: Lab) -> None:
    words = f"cucmsim device add {CONFIG} SEP00112233AABC --model 7962".split()
    refused = lab.exec("subscriber", *words, check=False)
    assert refused.returncode != 0
    assert "the publisher, cucm-pub" in refused.stderr
    assert read_first_block(lab.port("subscriber", 69), "SEP00112233AABC.cnf.xml") is None


@pytest.mark.parametrize("service", NODES)
def test_the_host_fetches_from_the_port_it_asks(lab: Lab, service: str) -> None:
    block = read_first_block(lab.port(service, 69), f"ITL{PHONE}.tlv")
    assert block is not None
    assert len(block) == 512


def test_the_log_names_the_peer_of_each_exchange(lab: Lab) -> None:
    lab.fetch("subscriber", f"ITL{PHONE}.tlv")
    certificate = lab.certificate("subscriber", "CallManager")
    lab.client("cucmsim", "tvs", "verify", lab.address("subscriber"), certificate)
    client = f"peer={lab.net}.99:"

    def named(service: str) -> bool:
        lines = lab.logs("subscriber").splitlines()
        return any(client in line and f"service={service}" in line for line in lines)

    until(lambda: named("tftp"), 5, "a line of tftp with its peer")
    until(lambda: named("tvs"), 5, "a line of tvs with its peer")


@pytest.mark.parametrize("service", NODES)
def test_an_administrator_opens_ssh_from_the_host_and_types_show_itl(
    lab: Lab, service: str
) -> None:
    options = "-F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -tt"
    port = str(lab.port(service, 22, "tcp"))
    with on_terminal(["ssh", *options.split(), "-p", port, "admin@127.0.0.1"], rows=200) as shown:
        shown.expect("Password: ")
        shown.type("change-me-2222\r")
        shown.expect("admin:")
        shown.type("show itl\r")
        shown.expect("The ITL file was verified successfully.\r\nadmin:")
        shown.type("exit\r")
        assert shown.ends() == 0
