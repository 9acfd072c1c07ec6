"""What is the same of a cluster and a phone for plain and for async tests: whatever takes no time.

Each call does its work in the thread of the cluster's loop, and returns at once.
"""

import ipaddress
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

from cucmsim.cluster.journaltext import lines_of
from cucmsim.errors import Problem, SettingsError
from cucmsim.services.faults.plan import HeldRule
from cucmsim.services.journal import Exchange, JournalQuery
from cucmsim.services.wording import nearest, show
from cucmsim.testing.clusterwork import ClusterWork
from cucmsim.testing.handset import Handset
from cucmsim.testing.labcluster import LabCluster
from cucmsim.testing.loopthread import LoopThread
from cucmsim.testing.phonework import PhoneWork
from cucmsim.testing.verdicts import Verdict, Whereabouts, follows, is_locked

__all__ = ["CaptureFace", "ClusterFace", "FaultsFace", "JournalFace", "PhoneFace"]

_SCHEMES: Final[Mapping[str, str]] = MappingProxyType(
    {"tftp": "tftp", "http": "http", "https": "https", "https_client": "https", "web": "https"}
)


class JournalFace:
    """What crossed the wire since the test began."""

    def __init__(self, work: ClusterWork, thread: LoopThread) -> None:
        self._work, self._thread = work, thread

    @property
    def count(self) -> int:
        """The number of the last exchange; what comes later is `after` it."""
        return self._thread.call(lambda: self._work.lab.journal.count)

    def find(
        self,
        *,
        node: str = "",
        service: str = "",
        device: str = "",
        request: str = "",
        fault: str = "",
        after: int | None = None,
    ) -> list[Exchange]:
        """Return the exchanges wanted, oldest first; `request` and `fault` are parts of texts.

        `fault` "any" is whatever fault there was; `after` is an earlier `count`.
        """
        query = JournalQuery(node, service, device, fault, request)
        found = self._thread.call(lambda: self._work.found(query, after))
        return [exchange for _, exchange in found]

    def __str__(self) -> str:
        """Format all of it, a line an exchange."""
        return "\n".join(lines_of(self._thread.call(lambda: self._work.found(JournalQuery()))))


class FaultsFace:
    """What is to go wrong in a cluster: docs/faults.md has the kinds and their parameters."""

    def __init__(self, work: ClusterWork, thread: LoopThread) -> None:
        self._work, self._thread = work, thread

    def add(self, kind: str, **given: str | float) -> int:
        """Put a fault in force: `add("tvs-not-trusted", device="SEP...", times=1)`.

        Returns its number. Raises SettingsError with the nearest names.
        """
        return self._thread.call(lambda: self._work.add_fault(kind, dict(given)))

    def remove(self, number: int) -> None:
        """Take a fault back."""
        self._thread.call(lambda: self._work.remove_fault(number))

    def clear(self) -> None:
        """Take every fault back."""
        self._thread.call(self._work.lab.faults.clear)

    @property
    def held(self) -> tuple[HeldRule, ...]:
        """The faults in force; `used` says how often one has happened."""
        return self._thread.call(lambda: self._work.lab.faults.held)


class CaptureFace:
    """What crosses the wire, byte for byte, from `start` on; with `--cucm-captures` all of it."""

    def __init__(self, work: ClusterWork, thread: LoopThread) -> None:
        self._work, self._thread = work, thread

    def start(self) -> None:
        """Capture from now on."""
        self._thread.call(self._work.lab.cluster.capture.start)

    def save(self, path: Path) -> None:
        """Write what was captured, with the secrets of TLS, for Wireshark (pcapng)."""
        path.write_bytes(self._thread.call(self._work.pcapng))


class ClusterFace:
    """Where a cluster is, what crossed the wire, and what is to go wrong."""

    def __init__(self, work: ClusterWork, thread: LoopThread) -> None:
        self._work, self._thread = work, thread
        self.journal = JournalFace(work, thread)
        """What crossed the wire since the test began."""
        self.faults = FaultsFace(work, thread)
        """What is to go wrong."""
        self.capture = CaptureFace(work, thread)
        """What crosses the wire, for Wireshark."""

    @property
    def lab(self) -> LabCluster:
        """The cluster itself. It belongs to another thread's loop: look, do not touch."""
        return self._work.lab

    @property
    def release(self) -> str:
        """The release it was started with."""
        return self._work.lab.shape.release

    @property
    def publisher(self) -> str:
        """The name of the publisher."""
        return self._work.lab.publisher

    @property
    def nodes(self) -> tuple[str, ...]:
        """The names of the nodes, the publisher's first."""
        return tuple(self._work.lab.nodes)

    @property
    def phones(self) -> tuple[str, ...]:
        """The names of the phones that it was started with."""
        return tuple(phone.identity.name for phone in self._work.lab.shape.phones)

    @property
    def now(self) -> datetime:
        """The time of day there."""
        return self._work.clock.now()

    # where it is

    def address(self, node: str = "") -> str:
        """Return the address of a node, by default of the publisher."""
        return self._work.lab.addresses[self._work.node(node)]

    def port(self, service: str, node: str = "") -> int:
        """Return a port as a description calls it: tftp, http, https, tvs, capf, sip, sip_tls...

        Raises SettingsError with the nearest name.
        """
        ports = self._work.lab.nodes[self._work.node(node)].services
        if service in ports:
            return ports[service]
        expected, near = "one of " + ", ".join(ports), nearest(service, ports)
        raise SettingsError((Problem("cucm", "port", show(service), expected, near),))

    def url(self, service: str = "http", node: str = "") -> str:
        """Return the address of a service with scheme and port, without a slash at its end."""
        return f"{_SCHEMES.get(service, service)}://{self.address(node)}:{self.port(service, node)}"

    @property
    def tftp_address(self) -> str:
        """The TFTP server that a device is told first: the publisher."""
        return self.address()

    @property
    def tftp_port(self) -> int:
        """The UDP port of TFTP there."""
        return self.port("tftp")

    @property
    def dhcp_options(self) -> Mapping[int, bytes]:
        """The values of options 66 and 150 with which DHCP tells a phone its TFTP servers."""
        addresses = [ipaddress.IPv4Address(at).packed for at in self._work.lab.addresses.values()]
        return {66: self.tftp_address.encode(), 150: b"".join(addresses)}

    @property
    def environment(self) -> Mapping[str, str]:
        """What a device under test, run as a command, can be told by its environment.

        CUCM_TFTP and CUCM_TFTP_PORT; CUCM_TFTP_SERVERS, all of them; CUCM_HTTP_URL, CUCM_HTTPS_URL;
        CUCM_HOSTS, `name=address` with commas between; CUCM_DHCP_OPTION_150 in hexadecimal.
        """
        addresses = self._work.lab.addresses
        return {
            "CUCM_TFTP": self.tftp_address,
            "CUCM_TFTP_PORT": str(self.tftp_port),
            "CUCM_TFTP_SERVERS": ",".join(addresses.values()),
            "CUCM_HTTP_URL": self.url("http"),
            "CUCM_HTTPS_URL": self.url("https"),
            "CUCM_HOSTS": ",".join(f"{name}={at}" for name, at in addresses.items()),
            "CUCM_DHCP_OPTION_150": self.dhcp_options[150].hex(),
        }

    def __repr__(self) -> str:
        shape = self._work.lab.shape
        return f"<cluster {', '.join(self.nodes)}: release {shape.release}, {shape.mode}>"


class PhoneFace:
    """A phone of a test: what it shows and what became of it."""

    def __init__(self, work: PhoneWork, thread: LoopThread) -> None:
        self._work, self._thread = work, thread

    @property
    def name(self) -> str:
        """The device name: `SEP001B54C25A01`."""
        return self._work.name

    @property
    def model(self) -> str:
        """Its model: `7962`."""
        return self.handset.identity.model

    @property
    def handset(self) -> Handset:
        """The phone itself. It belongs to another thread's loop: look, do not touch."""
        return self._work.handset

    @property
    def follows(self) -> Verdict:
        """Whether it took all that it was given at its last boot, and has a configuration."""
        return follows(self.name, self.handset.summary)

    @property
    def is_locked(self) -> Verdict:
        """Whether it took nothing of what it was given at its last boot, and refused some."""
        return is_locked(self.name, self.handset.summary)

    @property
    def registered_at(self) -> Whereabouts:
        """The node that it is registered at: `== "cucm-pub"`; false, and why, for none."""
        return self._thread.call(self._work.whereabouts)

    @property
    def console(self) -> tuple[str, ...]:
        """Its console log since it was switched on last."""
        return tuple(self.handset.lines)

    @property
    def status_messages(self) -> tuple[str, ...]:
        """The status messages of that time."""
        return tuple(self.handset.messages)

    def __repr__(self) -> str:
        return f"<{self.model} {self.name}: {self.registered_at!r}>"
