"""A lab of containers for a test session: started from docker-compose.yml, driven, removed.

Every lab has a project name, a network and published ports of its own, so that labs (another
session's, or the user's) do not meet. Works with `docker compose` and with `docker-compose`.
"""

import ipaddress
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
CONFIG = "/etc/cucmsim/compose.toml"
SERVICES = ("db", "dhcp", "publisher", "subscriber", "subscriber2")
_POLL_S = 0.02
_SLOW_POLL_S = 0.25
"""Where each look starts a program."""
_LABEL = "com.docker.compose"


class Node(NamedTuple):
    """A node of config/compose.toml; `number` is the last of its address."""

    name: str
    number: int


NODES = {
    "publisher": Node("cucm-pub", 11),
    "subscriber": Node("cucm-sub", 12),
    "subscriber2": Node("cucm-sub2", 13),
}


SECOND = ("second-publisher", "second-subscriber", "exchange")
"""The services of the profile `second-cluster`, but for its database."""
SECOND_CONFIG = "/etc/cucmsim/compose-second.toml"


def until(
    condition: Callable[[], bool], timeout_s: float, what: str, *, poll_s: float = _POLL_S
) -> float:
    """Wait until `condition` holds, looking every `poll_s`; return how many seconds that took."""
    begin = time.monotonic()
    while not condition():
        waited = time.monotonic() - begin
        assert waited < timeout_s, f"after {waited:.0f} s: not {what}"
        time.sleep(poll_s)
    return time.monotonic() - begin


def engine_problem() -> str | None:
    """Return why no container can be started here; None when one can."""
    if shutil.which("docker") is None:
        return "docker is not installed"
    if run(["docker", "info"], check=False).returncode:
        return "no Docker engine answers"
    return None if _compose_command() else "neither docker compose nor docker-compose is installed"


def run(
    command: Sequence[str],
    *,
    check: bool = True,
    environ: Mapping[str, str] | None = None,
    given: str | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; with `check`, one that fails fails the test with its output.

    `given` is what it reads.
    """
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environ,
        timeout=900,
        input=given,
    )
    if check and done.returncode:
        shown = f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        raise AssertionError(f"{' '.join(command)}: exit status {done.returncode}\n{shown}")
    return done


def read_first_block(port: int, name: str, *, timeout_s: float = 2.0) -> bytes | None:
    """Ask a published TFTP port for a file; return its first block, None for `file not found`.

    The socket takes answers from that very port only, as a translated address needs it.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(timeout_s)
        client.connect(("127.0.0.1", port))
        client.send(struct.pack("!H", 1) + name.encode() + b"\0octet\0")
        packet = client.recv(2048)
        opcode, number = struct.unpack_from("!HH", packet)
        if opcode == 5:
            assert number == 1, packet
            return None
        assert (opcode, number) == (3, 1), packet
        client.send(struct.pack("!HH", 5, 0) + b"enough\0")
        return packet[4:]


@dataclass
class Lab:
    """One project of containers. `settings` are the LAB_ variables of docker-compose.yml."""

    project: str
    settings: Mapping[str, str] = field(default_factory=dict)
    with_client: bool = True

    def __post_init__(self) -> None:
        self._environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("LAB_")},
            **dict.fromkeys(_PORTS, ""),
            "LAB_NET": free_network(),
            **self.settings,
            "COMPOSE_PROJECT_NAME": self.project,
        }

    @property
    def net(self) -> str:
        """The first three numbers of the lab's addresses."""
        return self._environ["LAB_NET"]

    def compose(
        self, *arguments: str, check: bool = True, override: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run Compose on this lab; `override` names one more file of this directory."""
        command = self._command(*arguments, override=override)
        return run(command, check=check, environ=self._environ)

    def start(self, *arguments: str, service: str) -> subprocess.Popen[bytes]:
        """Start a command in a container, without waiting for it."""
        return subprocess.Popen(["docker", "exec", self.container(service), *arguments])

    def exec(
        self, service: str, *arguments: str, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in a container."""
        return run(["docker", "exec", self.container(service), *arguments], check=check)

    def administer(self, service: str, *lines: str, config: str = CONFIG) -> str:
        """Type lines into the command line of a service's node; return what it printed."""
        command = ["docker", "exec", "-i", self.container(service), "cucmsim", "admin", config]
        node = f"--node={self.hostname(service)}"
        typed = "".join(f"{line}\n" for line in lines)
        done = subprocess.run(
            [*command, node], check=False, capture_output=True, text=True, input=typed, timeout=300
        )
        return done.stdout + done.stderr

    def hostname(self, service: str) -> str:
        """Return the host name of a service's container, which is its node's."""
        shown = ["docker", "inspect", "-f", "{{.Config.Hostname}}", self.container(service)]
        return run(shown).stdout.strip()

    def client(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command in the client's container."""
        return self.exec("client", *arguments, check=check)

    def address(self, service: str) -> str:
        """Return the address of a node."""
        return f"{self.net}.{NODES[service].number}"

    def certificate(self, service: str, unit: str) -> str:
        """Return the path, in the client's container, of a node's own certificate."""
        return f"/certs/{service}/{NODES[service].name}/{unit}.pem"

    def fetch(self, service: str, name: str) -> str:
        """Fetch a file over TFTP into the client's container; return its path there."""
        path = f"/tmp/{service}-{name}"  # noqa: S108  of a container that ends with the session
        self.client("cucmsim", "fetch", self.address(service), name, "-o", path)
        return path

    def inspect(self, path: str, certificate: str) -> Mapping[str, object]:
        """Hold a fetched file against a certificate that came another way."""
        words = ("cucmsim", "inspect", path, "--json", "--certificate", certificate)
        found: Mapping[str, object] = json.loads(self.client(*words, check=False).stdout)
        return found

    def add_phone(self, name: str) -> None:
        """Add a phone on the publisher."""
        self.exec("publisher", *f"cucmsim device add {CONFIG} {name} --model 7962".split())

    def up(self) -> None:
        """Build what changed, start everything, wait until it is healthy."""
        self.compose("up", "-d", "--build")
        self.wait_healthy()

    def wait_healthy(self, *services: str, timeout_s: float = 240) -> None:
        """Wait until the containers of `services` (all) are healthy."""
        for service in services or SERVICES:
            self.wait(partial(self._is_healthy, service), timeout_s, f"{service} healthy")

    def wait(self, condition: Callable[[], bool], timeout_s: float, what: str) -> None:
        """Wait until `condition` holds; one that does not fails with what services logged."""
        try:
            until(condition, timeout_s, what, poll_s=_SLOW_POLL_S)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.all_logs()}") from None

    def all_logs(self) -> str:
        """Return what all services logged last."""
        return self.compose(*_PROFILES, "logs", "--no-color", check=False).stdout[-6000:]

    def _is_healthy(self, service: str) -> bool:
        return self.health(service) == "healthy"

    def health(self, service: str) -> str:
        """Return what the healthcheck of a service says; how its container is without one."""
        state = self.state(service)
        health = state.get("Health")
        if state["Status"] != "running" or not isinstance(health, dict):
            return str(state["Status"])
        return str(health["Status"])

    def state(self, service: str) -> Mapping[str, object]:
        """Return the state of a service's container as `docker inspect` tells it."""
        found: Mapping[str, object] = json.loads(
            run(
                ["docker", "inspect", "--format", "{{json .State}}", self.container(service)]
            ).stdout
        )
        return found

    def container(self, service: str) -> str:
        """Return the id of a service's container."""
        found = self.containers(service)
        assert len(found) == 1, f"{len(found)} containers of {service}"
        return found[0]

    def containers(self, service: str) -> list[str]:
        """Return the ids of a service's containers."""
        return self._owned("ps", "-a", f"{_LABEL}.service={service}")

    def start_phones(self, count: int) -> None:
        """Start so many phones, each a container; wait until they have booted."""
        self.compose(*_PHONES, "up", "-d", "--no-recreate", "--scale", f"phone={count}", "phone")
        for phone in self.containers("phone"):
            self.wait(partial(_is_up, phone), 240, f"{phone} healthy")

    def start_second(self) -> None:
        """Start the second cluster and the SFTP server between both; wait until healthy."""
        self.compose(*_PROFILES, "up", "-d", "--no-recreate", *SECOND)
        self.wait_healthy(*SECOND)

    def remove_second(self) -> None:
        """Remove the second cluster and the SFTP server, with what they hold."""
        self.compose(*_PROFILES, "rm", "-f", "-s", "-v", *SECOND, "second-db", check=False)
        volumes = [f"{self.project}_{name}" for name in _SECOND_VOLUMES]
        run(["docker", "volume", "rm", "-f", *volumes], check=False)

    def move_option(self, servers: str) -> None:
        """Have DHCP name other TFTP servers by option 150, as LAB_OPTION_150 has them: `21 22`."""
        self._environ["LAB_OPTION_150"] = servers
        self.compose("up", "-d", "--no-deps", "dhcp")
        self.wait_healthy("dhcp")

    def remove_phones(self) -> None:
        """Stop and remove the containers of phones."""
        services = ("phone", "handset") if self.with_client else ("phone",)
        self.compose(*_PHONES, "rm", "-f", "-s", "-v", *services, check=False)

    def port(self, service: str, port: int, protocol: str = "udp") -> int:
        """Return the port of the host on which a port of a service is published."""
        shown = run(["docker", "port", self.container(service), f"{port}/{protocol}"]).stdout
        return int(shown.split()[0].rpartition(":")[2])

    def logs(self, service: str) -> str:
        """Return what a service has logged, in order."""
        return run(["sh", "-c", f"docker logs {self.container(service)} 2>&1"]).stdout

    def down(self) -> None:
        """Remove containers, network and volumes."""
        self.compose(*_PROFILES, "down", "-v", "--remove-orphans", "-t", "10", check=False)

    def leftovers(self) -> list[str]:
        """Return the containers, networks and volumes of this project that are there."""
        kinds = (("ps", "-a"), ("network", "ls"), ("volume", "ls"))
        return [f"{kind[0]} {name}" for kind in kinds for name in self._owned(*kind)]

    def _owned(self, *arguments: str) -> list[str]:
        """List the engine's things of this project; arguments with `=` are more labels."""
        listing = [argument for argument in arguments if "=" not in argument]
        labels = [f"{_LABEL}.project={self.project}", *(a for a in arguments if "=" in a)]
        filters = [word for label in labels for word in ("--filter", f"label={label}")]
        return run(["docker", *listing, "-q", *filters]).stdout.split()

    def _command(self, *arguments: str, override: str = "") -> list[str]:
        names = [*(_OVERRIDES if self.with_client else ()), *([override] if override else ())]
        files = ["-f", "docker-compose.yml"]
        files += [word for name in names for word in ("-f", f"tests/docker/{name}.yml")]
        return [*_compose_command(), *files, *arguments]


_OVERRIDES = ("client", "faults")
_PHONES = ("--profile", "phones")
_PROFILES = (*_PHONES, "--profile", "second-cluster")
_SECOND_VOLUMES = (
    "second-db",
    *(
        f"second-{node}-{what}"
        for node in ("publisher", "subscriber")
        for what in ("data", "certs")
    ),
    "exchange",
)
_PORTS = tuple(
    re.findall(r"LAB_[A-Z0-9]+_[A-Z_]+(?=-[0-9]+\}:)", (ROOT / "docker-compose.yml").read_text())
)
"""The variables of the ports that are published. Empty, the engine chooses."""


def _is_up(container: str) -> bool:
    shown = run(["docker", "inspect", "-f", "{{json .State.Health}}", container])
    return '"Status":"healthy"' in shown.stdout


@cache
def _compose_command() -> list[str]:
    """Return the Compose tool of this machine; empty when there is none."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) and not run([*command, "version"], check=False).returncode:
            return command
    return []


def free_network() -> str:
    """Return the first three numbers of a /24 that no network of the engine meets."""
    taken = list(_networks())
    for number in range(256):
        candidate = f"10.231.{(os.getpid() + number) % 256}"
        wanted = ipaddress.ip_network(f"{candidate}.0/24")
        if not any(wanted.overlaps(other) for other in taken):
            return candidate
    raise AssertionError("every network of 10.231.0.0/16 is taken")


def _networks() -> Iterator[ipaddress.IPv4Network]:
    """Yield the engine's IPv4 networks."""
    names = run(["docker", "network", "ls", "-q"]).stdout.split()
    shown = run(["docker", "network", "inspect", "-f", "{{json .IPAM.Config}}", *names]).stdout
    for line in shown.splitlines():
        for entry in json.loads(line) or []:
            network = ipaddress.ip_network(entry["Subnet"])
            if isinstance(network, ipaddress.IPv4Network):
                yield network
