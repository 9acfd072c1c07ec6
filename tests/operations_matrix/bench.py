"""What the matrix of operations is tried with: a running cluster, seen from each of its nodes."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from cucmsim.cluster.cluster import Cluster
from cucmsim.formats.trustlist import CTL_FILENAME, ITL_FILENAME, TrustList, decode_trust_list
from cucmsim.pki.profiles import Unit
from cucmsim.services.certificates import TRUST_STORES_OF
from cucmsim.services.operations.clockmove import OWN_SERVICE, advance_of
from cucmsim.services.operations.drs.restore import RESTORED
from cucmsim.services.operations.operator import Restart
from cucmsim.services.operations.servicecontrol import parts_of
from cucmsim.store.replica import Replica
from cucmsim.store.rows import SERVICE_NAMES
from tests.fixtures.adminlines import at_node
from tests.fixtures.clock import MovedClock
from tests.fixtures.clusters import FREE_PORTS, PUBLISHER, SUBSCRIBER, tftp_get
from tests.fixtures.sftpservers import Served
from tests.services.operations.conftest import Authority, Issued

__all__ = ["EVERY_SERVICE", "Bench", "describe_nodes", "difference"]

_ADDRESS = "127.0.1.{}"
_DAY = timedelta(days=1)
_HOLD_S = 301
EVERY_SERVICE = tuple(Restart(name) for name in SERVICE_NAMES.values())
"""What restarts when a node does."""
_DEADLINE_S = 60


def describe_nodes(count: int) -> str:
    """Return the nodes of a description: publisher, subscriber, and more of these."""
    names = [PUBLISHER, SUBSCRIBER, *(f"cucm-sub{number}" for number in range(2, count))]
    return "\n".join(
        f"""
[[nodes]]
name = "{name}"
address = "{_ADDRESS.format(number)}"
role = "{"subscriber" if number > 1 else "publisher"}"
ports = {{ {FREE_PORTS} }}
"""
        for number, name in enumerate(names[:count], 1)
    )


@dataclass
class Bench:
    """A running cluster, and what operations on it need."""

    cluster: Cluster
    clock: MovedClock
    served: Served | None = None
    roots: dict[str, Authority] = field(default_factory=dict)

    def root(self, node: str) -> Authority:
        """Return the authority that signs for a node, the same at each call."""
        made = Authority(f"Root of {node}", issued=self.issued(is_authority=True))
        return self.roots.setdefault(node, made)

    def issued(self, *, is_authority: bool | None = None) -> Issued:
        """Return how it makes certificates: valid in the time of the cluster."""
        now = self.clock.now()
        return Issued(now - _DAY, now + 30 * _DAY, is_authority=is_authority)

    @property
    def server(self) -> Served:
        """The SFTP server that this bench has."""
        assert self.served is not None
        return self.served

    @property
    def replica(self) -> Replica:
        """What the nodes know now."""
        return self.cluster.view.replica

    @property
    def nodes(self) -> Sequence[str]:
        """The names of the nodes, the publisher's first."""
        return tuple(self.cluster.nodes)

    async def give(self, node: str, line: str, answers: Iterable[str] = ()) -> str:
        """Give a command at a node; return what was shown."""
        return await at_node(self.cluster, node)(line, answers)

    def pass_hold_timer(self) -> None:
        """Let more than five minutes pass."""
        self.clock.ahead_s += _HOLD_S

    async def restart(self, node: str, restarts: Iterable[Restart]) -> None:
        """Restart at their nodes what an outcome names, as a person does."""
        for each in restarts:
            for place in self.nodes if each.every_node else (node,):
                if parts_of(each.service, self.cluster.nodes[place].parts):
                    shown = await self.give(place, f"utils service restart {each.service}")
                    assert shown.endswith(f"{each.service}[STARTED]  \n"), shown

    def since(self) -> Mapping[tuple[str, str], object]:
        """Return since when each service of each node is as it is."""
        return {
            (name, held.name): held.since
            for name, node in self.cluster.nodes.items()
            for held in node.services()
            if held.ports
        }

    def words(self, node: str) -> Mapping[str, object]:
        """Return what texts of rows name: a node, their number, and what nobody knows before.

        `bulk` is what a bulk import brings, `ahead` how far the clock was moved, in seconds,
        `restored` what is noted of the latest restore, `sftp` where the SFTP server is.
        """
        return {
            "node": node,
            "nodes": len(self.nodes),
            "bulk": len(self.nodes) + 1,
            "ahead": int(advance_of(self.replica).total_seconds()),
            "restored": self.replica.service_parameter(OWN_SERVICE, RESTORED),
            "sftp": f"{self.server.host}:{self.server.port}" if self.served else None,
        }

    async def restart_nodes(self) -> None:
        """Restart every node, the publisher first, as a person does after a restore."""
        for node in self.nodes:
            since = self.since()
            shown = await self.give(node, "utils system restart", ["yes"])
            assert "Appliance is being Restarted ..." in shown, shown
            await self.restarted(node, EVERY_SERVICE, since)

    async def restarted(
        self, node: str, restarts: Iterable[Restart], before: Mapping[tuple[str, str], object]
    ) -> None:
        """Wait until the nodes have restarted by themselves what an outcome names."""
        wanted = {
            (place, part)
            for each in restarts
            for place in (self.nodes if each.every_node else (node,))
            for part in parts_of(each.service, self.cluster.nodes[place].parts)
        }
        async with asyncio.timeout(_DEADLINE_S):
            while any(self.since().get(one, before[one]) == before[one] for one in wanted):
                await asyncio.to_thread(tuple)  # lets the loop turn
            for power in self.cluster.powers.values():
                await power.finished()

    async def served_file(self, node: str, name: str) -> bytes:
        """Fetch a file from the node's TFTP server. Raises TftpRefusedError."""
        (status,) = [one for one in self.cluster.nodes[node].services() if one.name == "tftp"]
        address = self.cluster.nodes[node].settings.address
        return await asyncio.to_thread(tftp_get, str(address), status.ports[0], name)

    async def itl(self, node: str) -> TrustList:
        """Return the ITL as the node serves it."""
        return decode_trust_list(await self.served_file(node, ITL_FILENAME))

    def own_serial(self, node: str, unit: Unit) -> bytes:
        """Return the serial number of a node's certificate, as trust lists have it."""
        return bytes.fromhex(self.replica.own[node, unit.value].serialnumber)

    async def check_nodes(self, *, is_full: bool = True) -> None:
        """Hold what every node knows, shows and serves against the store."""
        assert await self.cluster.operator().store.load_replica() == self.replica
        self._check_stores()
        for node in self.nodes:
            await self._check_itl(node, is_full=is_full)
            await self._check_ctl(node)

    def _check_stores(self) -> None:
        """Have each own certificate with its key, and in the trust stores of every node."""
        for (node, unit), held in self.replica.own.items():
            signer = self.replica.signer(node, unit)
            assert signer.certificate.public_key() == signer.private_key.public_key()
            for trust_store in TRUST_STORES_OF[Unit(unit)]:
                assert trust_store in held.units, f"{unit} of {node} is not in {trust_store}"
                assert all(held.is_on(each) for each in self.nodes)

    async def _check_itl(self, node: str, *, is_full: bool) -> None:
        serials = {record.serial for record in (await self.itl(node)).records}
        wanted = [(PUBLISHER, Unit.CAPF)]
        if is_full:
            wanted += [(PUBLISHER, Unit.ITLRECOVERY), (node, Unit.CALLMANAGER)]
            wanted += [(each, Unit.TVS) for each in self.nodes]
        assert serials == {self.own_serial(*one) for one in wanted}, f"ITL of {node}"
        shown = await self.give(node, "show itl")
        assert "The ITL file was verified successfully." in shown or not is_full

    async def _check_ctl(self, node: str) -> None:
        held = self.replica.tftp_file(CTL_FILENAME, node)
        shown = await self.give(node, "show ctl")
        if held is None:
            assert "verified" not in shown
            return
        assert "The CTL file was verified successfully." in shown


def difference(before: Replica, after: Replica, node: str) -> set[str]:
    """Return in words what an operation at `node` changed in the store, and nothing left out."""
    own = {
        f"own {unit}" if owner == node else f"own {unit} of {owner}"
        for (owner, unit), held in after.own.items()
        if before.own[owner, unit].certificate_der != held.certificate_der
    }
    return own | {
        *_trusted(before, after),
        *_files(before, after),
        *_values("", before.enterprise, after.enterprise),
        *_values("", _parameters(before), _parameters(after)),
        *_phones(before, after),
        *(
            f"{one.name}: {one.fqdn} {','.join(sorted(set(held.services) ^ set(one.services)))}"
            for name, one in after.nodes.items()
            if (held := before.nodes[name]) != one
        ),
    }


def _phones(before: Replica, after: Replica) -> Iterable[str]:
    for name in {*before.devices, *after.devices}:
        held, one = before.devices.get(name), after.devices.get(name)
        if held != one:
            yield f"{name} is {'new' if held is None else 'gone' if one is None else 'another'}"


def _parameters(replica: Replica) -> Mapping[str, str]:
    return {".".join(key): value for key, value in replica.service_parameters.items()}


def _values(prefix: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterable[str]:
    for name in {*before, *after}:
        if before.get(name) != after.get(name):
            yield f"{prefix}{name}={after.get(name)}"


def _trusted(before: Replica, after: Replica) -> Iterable[str]:
    """Yield what came into a trust store of every node (+) and left it (-), as numbers."""
    stores = {unit for one in (*before.certificates, *after.certificates) for unit in one.units}
    for store in sorted(one for one in stores if one.endswith("-trust")):
        old, new = (
            {one.certificate_der for one in each.in_store(store)} for each in (before, after)
        )
        for one in after.in_store(store):
            absent = [node for node in after.nodes if not one.is_on(node)]
            assert not absent, f"{one.subjectname} of {store} is not on {absent}"
        if old != new:
            yield f"{store} +{len(new - old)} -{len(old - new)}"


def _files(before: Replica, after: Replica) -> Iterable[str]:
    """Yield which static files are others, or gone, and at how many nodes."""
    keys = {*before.tftp_files, *after.tftp_files}
    changed = [name for node, name in keys if _data(before, node, name) != _data(after, node, name)]
    for name in set(changed):
        yield f"{name} at {changed.count(name)}"


def _data(replica: Replica, node: str | None, name: str) -> bytes | None:
    held = replica.tftp_files.get((node, name))
    return None if held is None else held.data
