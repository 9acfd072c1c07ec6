"""The phone asks a real DHCP server, dnsmasq, in network namespaces of their own; needs root."""

import asyncio
import json
import os
import re
import subprocess
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cucmsim.phone.dhcpevents import ServerSource
from tests.fixtures.programs import program

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]

MAC = "001B54C25A01"
RANGE = "--dhcp-range=10.9.8.50,10.9.8.60,255.255.255.0,1h"
OPTION_150 = "--dhcp-option=150,10.9.8.11,10.9.8.12"
OPTION_66 = "--dhcp-option=66,cucm-pub.lab.example"
NEXT_SERVER = "--dhcp-boot=boot.bin,,10.9.8.11"
TIMEOUT_S = 60
_OPTIONS = (
    "--no-daemon --conf-file=/dev/null --port=0 --interface=cucmdhcp --no-ping --bind-interfaces "
    "--dhcp-authoritative --log-dhcp --user=root"
)
ASK = """
import asyncio, dataclasses, json, sys
from cucmsim.phone.dhcp import DhcpFinder
from cucmsim.phone.values import PhoneIdentity
told = []
finder = DhcpFinder("cucmphone", PhoneIdentity(sys.argv[1], "8861"))
answer = asyncio.run(finder.find(told.append))
events = [type(event).__name__ + getattr(event, "kind", "") for event in told]
print(json.dumps({"answer": dataclasses.asdict(answer), "events": events}))
"""


class Wire:
    """Two namespaces joined by a cable: dnsmasq at 10.9.8.1 and, at the other end, the phone."""

    def __init__(self) -> None:
        self.server, self.client = (f"cucm{os.getpid()}{end}" for end in "sc")
        self._ip = program("ip")

    def lay(self) -> None:
        for namespace in (self.server, self.client):
            self.ip("netns", "add", namespace)
        ends = f"cucmdhcp netns {self.server} type veth peer name cucmphone netns {self.client}"
        self.ip("link", "add", *ends.split())
        self.ip("-n", self.server, "address", "add", "10.9.8.1/24", "dev", "cucmdhcp")
        self.ip("-n", self.server, "link", "set", "cucmdhcp", "up")
        self.ip("-n", self.client, "link", "set", "cucmphone", "up")
        self.let_answers_in()

    def let_answers_in(self) -> None:
        """Switch off the filter that drops what comes to an interface without an address."""
        for name in ("all", "cucmphone"):
            switch = f"echo 0 >/proc/sys/net/ipv4/conf/{name}/rp_filter"
            subprocess.run(self.at(self.client, "sh", "-c", switch), check=False)

    def give_address(self) -> None:
        self.ip("-n", self.client, "address", "add", "10.9.8.99/24", "dev", "cucmphone")

    def cut(self) -> None:
        for namespace in (self.server, self.client):
            subprocess.run([self._ip, "netns", "delete", namespace], check=False)

    def ip(self, *words: str) -> None:
        subprocess.run([self._ip, *words], check=True)

    def at(self, namespace: str, *command: str) -> tuple[str, ...]:
        return (self._ip, "netns", "exec", namespace, *command)


@pytest.fixture
def wire() -> Iterator[Wire]:
    program("dnsmasq")
    if os.geteuid() != 0 and not os.environ.get("CI"):
        pytest.skip("network namespaces are for root")
    wire = Wire()
    try:
        wire.lay()
        yield wire
    finally:
        wire.cut()


class Dnsmasq:
    """The server's log, line by line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        self._output = process.stdout

    async def says(self, pattern: str) -> str:
        """Wait for a line; return it."""
        async with asyncio.timeout(TIMEOUT_S):
            while line := (await self._output.readline()).decode():
                if re.search(pattern, line):
                    return line
        raise AssertionError(f"dnsmasq ended without a line of {pattern}")


@asynccontextmanager
async def dnsmasq(wire: Wire, directory: Path, *options: str) -> AsyncIterator[Dnsmasq]:
    command = (
        *wire.at(wire.server, program("dnsmasq")),
        *_OPTIONS.split(),
        f"--dhcp-leasefile={directory / 'leases'}",
        f"--pid-file={directory / 'pid'}",
        *options,
    )
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=STDOUT)
    server = Dnsmasq(process)
    try:
        await server.says("sockets bound exclusively")
        yield server
    finally:
        process.terminate()
        await process.wait()


async def run(*command: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    async with asyncio.timeout(TIMEOUT_S):
        output, errors = await process.communicate()
    return process.returncode or 0, output.decode(), errors.decode()


async def ask(wire: Wire) -> tuple[dict[str, object], list[str]]:
    status, output, errors = await run(*wire.at(wire.client, sys.executable, "-c", ASK, MAC))
    assert status == 0, errors
    told = json.loads(output)
    return told["answer"], told["events"]


@pytest.mark.parametrize(
    ("options", "servers", "source"),
    [
        ([OPTION_150, OPTION_66], ["10.9.8.11", "10.9.8.12"], ServerSource.OPTION_150),
        ([OPTION_66, NEXT_SERVER], ["cucm-pub.lab.example"], ServerSource.OPTION_66),
        ([NEXT_SERVER], ["10.9.8.11"], ServerSource.NEXT_SERVER),
    ],
    ids=lambda value: value.name if isinstance(value, ServerSource) else "",
)
async def test_a_phone_with_an_address_is_informed(
    wire: Wire, tmp_path: Path, options: list[str], servers: list[str], source: ServerSource
) -> None:
    wire.give_address()
    async with dnsmasq(wire, tmp_path, RANGE, *options) as server:
        answer, events = await ask(wire)
        vendor = await server.says("vendor class")
        await server.says("DHCPACK.* 10.9.8.99 00:1b:54:c2:5a:01")
    assert (answer["tftp_servers"], answer["source"]) == (servers, source)
    assert (answer["server"], answer["subnet_mask"]) == ("10.9.8.1", "255.255.255.0")
    assert events == ["DhcpAskedINFORM", "DhcpAnswered"]
    assert vendor.rstrip().endswith("Cisco Systems, Inc. IP Phone CP-8861")
    assert (tmp_path / "leases").read_text() == ""


async def test_a_phone_without_an_address_takes_a_lease(wire: Wire, tmp_path: Path) -> None:
    async with dnsmasq(wire, tmp_path, RANGE, OPTION_150) as server:
        answer, events = await ask(wire)
        await server.says("DHCPACK")
    assert answer["tftp_servers"] == ["10.9.8.11", "10.9.8.12"]
    assert events == ["DhcpAskedDISCOVER", "DhcpOffered", "DhcpAskedREQUEST", "DhcpAnswered"]
    assert "00:1b:54:c2:5a:01" in (tmp_path / "leases").read_text()


async def test_the_command_names_the_servers_it_found(wire: Wire, tmp_path: Path) -> None:
    wire.give_address()
    command = f"-m cucmsim phone boot --dhcp cucmphone --mac {MAC} --model 7962"
    async with dnsmasq(wire, tmp_path, RANGE, "--dhcp-option=150,10.9.8.99"):
        words = wire.at(wire.client, sys.executable, *command.split())
        status, output, errors = await run(*words)
    assert status == 69
    assert "DHCP: ACK from 10.9.8.1, TFTP servers 10.9.8.99 (option 150)\n" in output
    assert "Request CTLSEP001B54C25A01.tlv" in output
    assert "no DHCP server answers on cucmphone, or no TFTP server it named" in errors
