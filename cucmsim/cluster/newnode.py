"""Nodes that are added while the cluster runs, under the rules of `[[nodes]]`.

The store keeps the entry as it was given. A process that is to run a node which its description
does not have reads it there (`with_stored_node`).
"""

import json
from collections.abc import Mapping
from dataclasses import replace

from cucmsim.clock import Clock
from cucmsim.cluster.checks import check_node
from cucmsim.cluster.directory import replica_path
from cucmsim.cluster.problems import Findings
from cucmsim.cluster.settings import NodeSettings, Settings
from cucmsim.entropy import Entropy
from cucmsim.errors import Problem, SettingsError, StoreError
from cucmsim.services.operations.members import entry_of
from cucmsim.store.localcopy import CopyState, LocalCopy
from cucmsim.store.replica import Replica
from cucmsim.store.store import Store

__all__ = ["complete_entry", "new_node", "with_added_node", "with_stored_nodes"]

_SOURCE = "node"
_WAIT_S = 300.0
_SQLITE = "sqlite:"


def complete_entry(entry: Mapping[str, object], replica: Replica) -> dict[str, object]:
    """Return an entry as it is kept: a subscriber, in the publisher's domain unless it says one."""
    name = str(entry.get("name", ""))
    domain = {} if "." in name else {"domain": replica.publisher.domain}
    return {"role": "subscriber", **domain, **entry}


def new_node(entry: Mapping[str, object]) -> NodeSettings:
    """Return the node that an entry describes. Raises SettingsError with every problem."""
    findings = Findings(_SOURCE)
    read = findings.read(NodeSettings, dict(entry), ())
    if read is not None and not findings.problems:
        node = read.completed()
        check_node(node, (), findings)
        if node.is_publisher:
            findings.add(("role",), '"publisher"', '"subscriber", as there is a publisher')
        if not findings.problems:
            return node
    raise SettingsError(tuple(findings.problems))


def with_stored_nodes(settings: Settings, replica: Replica) -> Settings:
    """Return the settings with the nodes that were added to the cluster, and none removed."""
    described = tuple(node for node in settings.nodes if node.name in replica.nodes)
    names = {node.name for node in described}
    added = [
        new_node(json.loads(entry))
        for name in replica.nodes
        if name not in names and (entry := entry_of(replica, name)) is not None
    ]
    return replace(settings, nodes=(*described, *added))


async def with_added_node(
    settings: Settings, name: str | None, clock: Clock, entropy: Entropy
) -> Settings:
    """Return the settings with a node to run that may be in the store alone.

    Raises SettingsError when it is not there either, and StoreError. A SQLite file has one process,
    which runs every node.
    """
    described = settings.cluster
    is_alone = described.database.startswith(_SQLITE)
    if name is None or is_alone or name in {node.name for node in settings.nodes}:
        return settings
    replica = await _replica(settings, name, clock, entropy)
    known = with_stored_nodes(settings, replica)
    if name not in {node.name for node in known.nodes}:
        raise _unknown_node(settings, replica, name)
    return known


async def _replica(settings: Settings, name: str, clock: Clock, entropy: Entropy) -> Replica:
    """Return what the store has; while it is away, what the node's own copy of it has."""
    described = settings.cluster
    copy = LocalCopy(replica_path(described.data_directory, name), lambda held: name in held.nodes)

    async def load(wait_s: float) -> Replica:
        async with Store.open(
            described.database,
            security_password=described.security_password,
            clock=clock,
            entropy=entropy,
            migrate=False,
            wait_s=wait_s,
        ) as store:
            return await store.load_replica()

    if not copy.exists:
        return await load(_WAIT_S)
    try:
        return await load(0)
    except StoreError:
        state = await copy.prove(described.security_password)
        return state.replica if isinstance(state, CopyState) else await load(_WAIT_S)
    finally:
        await copy.close()


def _unknown_node(settings: Settings, replica: Replica, name: str) -> SettingsError:
    """Say that neither the description nor the store has a node to run."""
    known = dict.fromkeys((*(node.name for node in settings.nodes), *replica.nodes))
    expected = f"one of {', '.join(known)}; `cucmsim cluster add-node` adds another"
    return SettingsError((Problem(str(settings.path), "--node", repr(name), expected),))
