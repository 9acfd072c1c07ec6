"""Phones in containers: they find the cluster through DHCP, boot and register; so does the host."""

import json
import re
import socket
import ssl
import urllib.request
from collections.abc import Iterator

import pytest

from tests.docker.lab import CONFIG, NODES, Lab, run, until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

COUNT = 2
FIRST = 128
"""The first address that the engine gives a container, and the first phone of compose.toml."""


@pytest.fixture
def phones(lab: Lab) -> Iterator[dict[str, str]]:
    """Start phones; yield what each container printed, by its address."""
    lab.remove_phones()
    try:
        lab.start_phones(COUNT)
        yield {_address(lab, each): run(["docker", "logs", each]).stdout for each in _all(lab)}
    finally:
        lab.remove_phones()


def _all(lab: Lab) -> list[str]:
    return lab.containers("phone")


def _address(lab: Lab, container: str) -> str:
    shown = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    address = run(["docker", "inspect", "-f", shown, container]).stdout.strip()
    assert address.startswith(f"{lab.net}.")
    return address


def _name(address: str) -> str:
    return f"SEP0242C00000{int(address.rpartition('.')[2]):02X}"


def test_phones_find_the_cluster_through_dhcp_and_register(
    lab: Lab, phones: dict[str, str]
) -> None:
    servers = ", ".join(map(lab.address, NODES))
    assert len(phones) == COUNT
    for address, printed in phones.items():
        number = int(address.rpartition(".")[2])
        assert FIRST <= number < FIRST + 64, "beside what DHCP leases"
        assert "DHCP-INFORM sent on eth0\n" in printed
        assert f"ACK from {lab.net}.6, TFTP servers {servers} (option 150)\n" in printed
        assert f"{_name(address)} (Cisco 8861)" in printed
        assert re.search(rf"registered +with cucm-pub .* as 2{number}", printed)


def test_the_dhcp_server_knows_them_as_phones(lab: Lab, phones: dict[str, str]) -> None:
    said = lab.logs("dhcp")
    for address in phones:
        mac = ":".join(re.findall("..", _name(address)[3:].lower()))
        assert f"DHCPACK(eth0) {address} {mac}" in said
    assert "vendor class: Cisco Systems, Inc. IP Phone CP-8861" in said


def test_the_publisher_counts_them_until_they_are_gone(lab: Lab, phones: dict[str, str]) -> None:
    until(lambda: _registered(lab) == len(phones), 30, "registered")
    lab.remove_phones()
    until(lambda: _registered(lab) == 0, 30, "unregistered")


def _registered(lab: Lab) -> int:
    status = json.loads(lab.exec("publisher", "cucmsim", "status", CONFIG, "--json").stdout)
    return int(status[0]["nodes"][0]["registered"])


def test_the_pages_of_a_phone_show_what_dhcp_said(lab: Lab, phones: dict[str, str]) -> None:
    port = run(["docker", "port", _all(lab)[0], "80/tcp"]).stdout.split()[0].rpartition(":")[2]
    url = f"http://127.0.0.1:{port}/NetworkConfigurationX"
    with urllib.request.urlopen(url, timeout=30) as answer:
        page = answer.read().decode()
    assert f"<DHCPServer>{lab.net}.6</DHCPServer>" in page
    assert f"<TFTPServer1>{lab.address('publisher')}</TFTPServer1>" in page
    assert any(f"<IPAddress>{address}</IPAddress>" in page for address in phones)


@pytest.mark.parametrize("service", NODES)
def test_the_host_gets_files_over_http_and_https(lab: Lab, service: str) -> None:
    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    name = "ITLSEP0242C0000080.tlv"
    plain, tls = lab.port(service, 6970, "tcp"), lab.port(service, 6971, "tcp")
    urls = (f"http://127.0.0.1:{plain}/{name}", f"https://127.0.0.1:{tls}/{name}")
    files = []
    for url in urls:
        with urllib.request.urlopen(url, timeout=30, context=anybody) as answer:  # noqa: S310
            files.append(answer.read())
    assert files[0] == files[1]
    assert len(files[0]) > 1000


@pytest.mark.parametrize("service", NODES)
@pytest.mark.parametrize("port", [2000, 2443, 5060, 5061, 8443])
def test_the_host_reaches_sip_sccp_and_the_pages(lab: Lab, service: str, port: int) -> None:
    with socket.create_connection(("127.0.0.1", lab.port(service, port, "tcp")), 30) as client:
        assert client.getpeername()
