"""What one table of a configuration cannot know alone: duplicates, references, roles, sockets."""

import ipaddress
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from typing import TypeAlias, TypeVar

from cucmsim.cluster.problems import Findings, Spot, key_of, show
from cucmsim.cluster.settings import (
    CertificatesSettings,
    GroupEntry,
    ManagementSettings,
    NodeSettings,
    PoolEntry,
    ServiceName,
)
from cucmsim.pki.keys import KeyAlgorithm
from cucmsim.pki.profiles import ECDSA_UNITS, Unit
from cucmsim.store.rows import CallManagerGroup, DevicePool

__all__ = [
    "Numbered",
    "check_certificates",
    "check_management",
    "check_names",
    "check_node",
    "check_nodes",
    "groups_of",
    "pools_of",
]

_T = TypeVar("_T")
Numbered: TypeAlias = list[tuple[int, _T]]
"""Entries of a list section, each with its place in the file."""

_LAST_PORT = 65535
_GROUP_SIZE = 3


def check_names(section: str, entries: Sequence[object], findings: Findings) -> None:
    """Note each name that an earlier entry of the section has."""
    places: dict[str, int] = {}
    for index, entry in enumerate(entries):
        name = entry.get("name") if isinstance(entry, dict) else None
        if isinstance(name, str) and places.setdefault(name.lower(), index) != index:
            other = f"{section}[{places[name.lower()]}]"
            expected = f"a name of its own ({other} has this one)"
            findings.add((section, index, "name"), show(name), expected)


def check_nodes(nodes: Numbered[NodeSettings], roles: Sequence[str], findings: Findings) -> None:
    """Note what is wrong between nodes; `roles` holds the roles of all, right or wrong."""
    publishers = Counter(roles)["publisher"]
    unknown = any(findings.is_broken(("nodes", index, "role")) for index, _ in nodes)
    if publishers > 1 or not (publishers or unknown):
        found = "no publisher" if not publishers else f"{publishers} publishers"
        findings.add(("nodes",), found, 'exactly one node with role = "publisher"')
    names: dict[str, int] = {}
    sockets: dict[tuple[str, str, int], str] = {}
    for index, node in nodes:
        spot: Spot = ("nodes", index)
        check_node(node, spot, findings)
        if not _any_broken(findings, spot, "name", "host", "domain"):
            other = names.setdefault(node.fqdn.lower(), index)
            if node.host and other != index:
                expected = f"a host and domain of its own (nodes[{other}] has these)"
                findings.add((*spot, "host"), show(node.fqdn), expected)
        if not _any_broken(findings, spot, "address", "services"):
            _check_sockets(node, spot, sockets, findings)


def _any_broken(findings: Findings, spot: Spot, *keys: str) -> bool:
    """Tell whether one of the keys below `spot` could not be read."""
    return any(findings.is_broken((*spot, key)) for key in keys)


def check_node(node: NodeSettings, spot: Spot, findings: Findings) -> None:
    """Note what is wrong with one node."""
    if not node.host:
        findings.add((*spot, "host"), "nothing", "a host name, as `name` is an address")
    if ServiceName.CAPF in node.services and not node.is_publisher:
        expected = 'no "capf": CAPF runs on the publisher'
        findings.add((*spot, "services"), '"capf" on a subscriber', expected)
    if node.tftp_single_port and node.tftp_transfer_ports:
        found = "ports besides `tftp_single_port`"
        findings.add((*spot, "tftp_transfer_ports"), found, "one of the two")
    if ipaddress.ip_address(node.address).is_unspecified:
        expected = "an address that phones can reach (`bind` is what a node listens on)"
        findings.add((*spot, "address"), show(node.address), expected)


def _check_sockets(
    node: NodeSettings, spot: Spot, taken: dict[tuple[str, str, int], str], findings: Findings
) -> None:
    """Note ports that are too high, or that another service has at the same address."""
    if findings.is_broken((*spot, "ports", "offset")):
        return
    for service in dict.fromkeys(node.services):
        if service is ServiceName.CAPF and findings.is_broken((*spot, "role")):
            continue
        transport = "UDP" if service is ServiceName.TFTP else "TCP"
        for key, port in node.ports.keyed(service):
            where: Spot = (*spot, "ports", *key)
            if findings.is_broken(where):
                continue
            own = f"{key_of(spot)} {key_of(key)}"
            if port > _LAST_PORT:
                findings.add(where, f"{port} with the offset", f"at most {_LAST_PORT}")
            other = taken.setdefault((node.address, transport, port), own) if port else own
            if other != own:
                found = f"{node.address}:{port}/{transport}"
                expected = f"a port of its own at this address ({other} has this one)"
                findings.add(where, found, expected)


def groups_of(
    entries: Numbered[GroupEntry], nodes: Sequence[str], findings: Findings
) -> tuple[CallManagerGroup, ...]:
    """Return the CallManager groups, one of all nodes where none is described."""
    groups: list[CallManagerGroup] = []
    for index, entry in entries:
        for place, member in enumerate(entry.members):
            spot: Spot = ("callmanager_groups", index, "members", place)
            if member not in nodes:
                findings.add_reference(spot, member, "a node", nodes)
            elif member in entry.members[:place]:
                findings.add(spot, show(member), "each node once")
        first = not groups
        groups.append(CallManagerGroup(name=entry.name, members=entry.members, tftp_default=first))
    if not groups:
        members = tuple(islice(nodes, _GROUP_SIZE))
        groups.append(CallManagerGroup(name="Default", members=members, tftp_default=True))
    return tuple(groups)


def pools_of(
    entries: Numbered[PoolEntry], groups: Sequence[str], findings: Findings
) -> tuple[DevicePool, ...]:
    """Return the device pools, one with the first group where none is described."""
    pools = []
    for index, entry in entries:
        group = entry.callmanager_group or groups[0]
        if group not in groups:
            spot: Spot = ("device_pools", index, "callmanager_group")
            findings.add_reference(spot, group, "a CallManager group", groups)
        pools.append(
            DevicePool(
                name=entry.name,
                callmanager_group=group,
                date_time_group=entry.date_time_group,
                date_template=entry.date_template,
                time_zone=entry.time_zone,
                ntp_servers=entry.ntp_servers,
            )
        )
    return tuple(pools) or (DevicePool(name="Default", callmanager_group=groups[0]),)


def check_certificates(certificates: CertificatesSettings, findings: Findings) -> None:
    """Note keys of the wrong kind for their unit."""
    for unit in Unit:
        key = certificates.of(unit).key
        wanted = KeyAlgorithm.EC if unit in ECDSA_UNITS else KeyAlgorithm.RSA
        if key is not None and key.algorithm is not wanted:
            expected = f"an {wanted.upper()} key, as {unit} has"
            findings.add(("certificates", unit.value, "key"), show(str(key)), expected)


def check_management(management: ManagementSettings, findings: Findings) -> None:
    """Note a port that anybody could use."""
    if management.port is not None and management.token is None:
        expected = "16 to 256 characters, as `port` is given"
        findings.add(("management", "token"), "nothing", expected)
