"""What can be done with a cluster under test: coroutines that run on the cluster's own loop.

`ClusterUnderTest` and `AsyncClusterUnderTest` are what a test sees of it. A test looks at what
crossed the wire since it began; a cluster that several tests share keeps what was before apart.
"""

from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from typing import Final

from cucmsim.clock import MovableClock
from cucmsim.cluster.journaltext import lines_of
from cucmsim.errors import Problem, RefusedError, SettingsError
from cucmsim.phone.steps import Fetched
from cucmsim.phone.tftp import fetch_tftp
from cucmsim.pki.profiles import Unit
from cucmsim.services.capturefile import pcapng_of
from cucmsim.services.faults.check import read_fault
from cucmsim.services.journal import Exchange, JournalQuery, Numbered
from cucmsim.services.wording import nearest, show
from cucmsim.testing.administrator import Said
from cucmsim.testing.clock import ManualClock
from cucmsim.testing.labcluster import LabCluster
from cucmsim.testing.reached import PATIENCE

__all__ = ["ClusterWork", "unit_of"]

__tracebackhide__ = True  # pytest shows the test\'s own lines

_SIZE_LIMIT: Final = 16 << 20
_SHOWN: Final = 20


class ClusterWork:
    """A running cluster, from the moment at which a test begins."""

    def __init__(self, lab: LabCluster, clock: MovableClock) -> None:
        self.lab = lab
        self.clock = clock
        self.first = lab.journal.count
        """The number of the last exchange before the test."""

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.lab.publisher

    def begin_anew(self) -> None:
        """Have the faults that it was started with in force, and no others; capture from now on."""
        capture = self.lab.cluster.capture
        if capture.is_on:
            capture.stop()
            capture.start()
        self.lab.faults.clear()
        for rule in self.lab.cluster.settings.faults:
            self.lab.faults.add(rule)

    # what crossed the wire

    def found(self, query: JournalQuery, after: int | None = None) -> list[Numbered]:
        """Return what a query finds after a number of the journal, by default in this test."""
        return self.lab.journal.find(query, self.first if after is None else after)

    async def wait_for(
        self, query: JournalQuery, after: int | None = None, timeout_s: float = 30.0
    ) -> Exchange:
        """Wait for an exchange. Raises AssertionError that shows what came instead."""
        begin = self.first if after is None else after
        found = await self.lab.journal.wait_for(query, begin, timeout_s)
        if found:
            return found[0][1]
        came = lines_of(self.lab.journal.find(JournalQuery(), begin))
        told = "\n".join(came[-_SHOWN:]) or "nothing"
        raise AssertionError(f"{_asked(query)} did not come in {timeout_s:g} s; what came:\n{told}")

    def pcapng(self) -> bytes:
        """Return what was captured, as Wireshark reads it."""
        return pcapng_of(self.lab.cluster.capture.snapshot())

    # what an administrator does

    async def command(self, line: str, answers: Iterable[str], node: str) -> Said:
        """Give a command of the command line."""
        return await self.lab.administrator.command(line, answers, node=self.node(node))

    async def operate(self, operation: str, node: str, wanted: dict[str, object]) -> Said:
        """Carry out an operation of the management API. Raises RefusedError."""
        at = {"node": self.node(node)} if node else {}
        said = await self.lab.administrator.operate(operation, **at, **wanted)
        if not said.succeeded:
            raise RefusedError(said.text)
        return said

    async def regenerate(self, unit: str, node: str) -> Said:
        """Regenerate a certificate. Raises RefusedError."""
        return await self.operate("regenerate", self.node(node), {"unit": unit_of(unit).value})

    async def restart(self, services: Iterable[str], node: str) -> None:
        """Restart services of a node. Raises RefusedError."""
        for service in services:
            await self.lab.administrator.act("restart", service, node=self.node(node))

    async def reset(self, device: str, action: str) -> None:
        """Reset a registered phone. Raises RefusedError, also when it does not obey."""
        for outcome in await self.lab.administrator.order(action, device):
            if not outcome.accepted:
                answer = "nothing" if outcome.status is None else f"status {outcome.status}"
                raise RefusedError(f"{device} does not {action}: it answered {answer}")

    async def change_phone(self, device: str, changes: dict[str, object]) -> None:
        """Change a phone. Raises RefusedError."""
        await self.lab.administrator.change_phone(device, **changes)

    async def advance(self, by: timedelta) -> None:
        """Move the clock forward: that of the test, or of the cluster."""
        if isinstance(self.clock, ManualClock):
            self.clock.advance(by)
        else:
            await self.lab.administrator.advance(by)

    async def certificate_pem(self, unit: str, node: str) -> str:
        """Return a node's own certificate. Raises RefusedError."""
        held = await self.lab.administrator.certificate(unit_of(unit).value, node=self.node(node))
        return held.pem

    async def fetch(self, name: str, node: str) -> bytes:
        """Get a file by TFTP, as a phone does. Raises RefusedError."""
        server = self.lab.server(self.node(node))
        got = await fetch_tftp((server.host, server.tftp_port), name, _SIZE_LIMIT, PATIENCE)
        if isinstance(got, Fetched):
            return got.data
        raise RefusedError(f"{server.host}: {name}: {got.failure}{got.text and f', {got.text}'}")

    # faults

    def add_fault(self, kind: str, given: dict[str, object]) -> int:
        """Put a fault in force; return its number. Raises SettingsError with the nearest names."""
        cluster = self.lab.cluster
        nodes = {node.name: tuple(node.services) for node in cluster.settings.nodes}
        return self.lab.faults.add(read_fault({"kind": kind, **given}, nodes))

    def remove_fault(self, number: int) -> None:
        """Take a fault back, if it is still there."""
        with suppress(KeyError):
            self.lab.faults.remove(number)

    def node(self, name: str) -> str:
        """Return the name of a node, by default the publisher's. Raises SettingsError."""
        if not name:
            return self.lab.publisher
        if name not in self.lab.nodes:
            raise _unknown("node", name, self.lab.nodes)
        return name


def unit_of(name: str) -> Unit:
    """Return the unit of a certificate, in any case of letters. Raises SettingsError."""
    for unit in Unit:
        if unit.value.lower() == name.lower():
            return unit
    raise _unknown("certificate", name, [unit.value for unit in Unit])


def _unknown(what: str, name: str, valid: Iterable[str]) -> SettingsError:
    names = list(valid)
    expected = "one of " + ", ".join(names)
    return SettingsError((Problem("cucm", what, show(name), expected, nearest(name, names)),))


def _asked(query: JournalQuery) -> str:
    """Say what was waited for."""
    parts = [f"{key} {value!r}" for key in query.__slots__ if (value := getattr(query, key))]
    return "an exchange with " + " and ".join(parts) if parts else "an exchange"
