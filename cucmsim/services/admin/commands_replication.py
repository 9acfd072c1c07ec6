"""`utils dbreplication`: how far the node's replica is behind the store, and mending that.

QUEUE, state and the letters are `services/replication.py`'s: database, answers on the network, its
process tells. What repairs replication reads the
replica of this process anew, and says which version it has then; there is nothing to stop.
Source of the layout: the article named in cucm.md 1.7 [S28].
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

from cucmsim.errors import RefusedError, StoreError
from cucmsim.services.admin.command import Arguments, Command, Context, Run, Steps
from cucmsim.services.replication import Replications
from cucmsim.store.rows import ProcessNode

__all__ = ["COMMANDS"]

_STAMP = "%a %b %d %H:%M:%S %Z %Y"
_FILE_STAMP = "%Y_%m_%d_%H_%M_%S"
_FOLDER = "cm/trace/dbl/sdi"
_HEAD = """\
                                      PING      DB/RPC/   REPL.    Replication    REPLICATION SETUP
SERVER-NAME         IP ADDRESS        (msec)    DbMon?    QUEUE    Group ID       (RTMT) & Details
-----------         ----------        ------    -------   -----    -----------    ------------------
"""
_USUAL_TVS = 2445
_TIMEOUT, _PROCESSES = "replication timeout", "replication processes"
_USUAL = {_TIMEOUT: 300, _PROCESSES: 1}
_MOST = {_TIMEOUT: 3600, _PROCESSES: 40}


async def show_state(context: Context, _arguments: Arguments) -> Steps:
    """Show every node and whether its replica follows."""
    nodes = context.view.replica.nodes
    known = await _known(context)
    yield f"\nServer Time: {context.platform.local_time():{_STAMP}}\n\n"
    yield f"Cluster Replication State: {known.summary(nodes)}\n"
    release, kept = context.release, await _kept(context, known)
    yield (
        f"\nDB Version: ccm{release.major}_{release.minor}_{release.maintenance}\n"
        f"Repltimeout set to: {kept[_TIMEOUT]}s\nPROCESS option set to: {kept[_PROCESSES]}\n\n"
        f"Cluster Detailed View from {context.node.host} ({len(nodes)} Servers):\n\n{_HEAD}"
    )
    for node in sorted(nodes.values(), key=lambda node: node.nodeid):
        yield await _row(context, node, known)


async def _known(context: Context) -> Replications:
    """Return what this node knows, without waiting for a database that is known to be away."""
    told = None
    if context.store.is_connected:
        with suppress(StoreError):
            told = {one.node: one for one in await context.store.read_presence()}
    return Replications(context.node_name, context.view, context.store.version, told)


async def _kept(context: Context, known: Replications) -> Mapping[str, str]:
    """Return what was set for the cluster; the usual values while the database does not answer."""
    usual = {name: str(value) for name, value in _USUAL.items()}
    if known.is_connected:
        with suppress(StoreError):
            async with context.store.transaction() as transaction:
                return {
                    **usual,
                    **await transaction.platform(context.view.replica.publisher.name),
                }
    return usual


async def _row(context: Context, node: ProcessNode, known: Replications) -> str:
    """Return the line of a node."""
    delay_ms = await _ping(context, node)
    one = known.of(node, answers=delay_ms is not None)
    delay = "Failed" if delay_ms is None else f"{delay_ms:.3f}"
    queue = "-" if one.queue is None else str(one.queue)
    return (
        f"{node.host:<20}{node.address:<18}{delay:<10}{one.letters:<10}{queue:<9}"
        f"{f'(g_{node.nodeid})':<15}{one.state}\n"
    )


async def _ping(context: Context, node: ProcessNode) -> float | None:
    """Return the milliseconds that a connection to a node takes; None when there is none."""
    if node.name == context.node_name:
        return 0.0
    port = node.ports.get("tvs") or _USUAL_TVS
    began = context.clock.monotonic()
    if not await context.operations.network.connects(node.address, port):
        return None
    return (context.clock.monotonic() - began) * 1000


async def check_status(context: Context, _arguments: Arguments) -> Steps:
    """Compare the node's replica with the store, into a file that `file view` shows."""
    now = context.clock.now()
    name = f"{_FOLDER}/ReplicationStatus.{now:{_FILE_STAMP}}.out"
    await _write(context, name, now)
    yield (
        "Replication status check is now running in background.\n"
        "Use command 'utils dbreplication runtimestate' to check its progress\n\n"
        f"The final output will be in file {name}\n\n"
        f'Please use "file view activelog {name} " command to see the output\n'
    )


async def _write(context: Context, name: str, now: datetime) -> None:
    """Write what the check found. A disk that is full is said by OSError."""
    replica = await context.store.load_replica()
    held = context.view.replica.version
    verdict = "No Errors or Mismatches found" if held == replica.version else "Mismatch found"
    path = context.operations.log_directory() / "active" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"{now:{_STAMP}} main() DEBUG:  -->\n"
        f"Version of the store: {replica.version}\n"
        f"Version on {context.node.host}: {held}\n{verdict}\n"
    )


def _setting(name: str, said: str) -> Run:
    """Return the command that sets a number for the cluster."""

    async def set_number(context: Context, arguments: Arguments) -> Steps:
        text, low, high = arguments["number"], _USUAL[name], _MOST[name]
        is_number = text.isascii() and text.isdigit() and len(text) <= len(str(high))
        if not is_number or not low <= int(text) <= high:
            raise RefusedError(
                f"Enter valid values for the number. \nSuggested values are {low} to {high}"
            )
        async with context.store.transaction() as transaction:
            await transaction.put_platform_value(context.node_name, name, str(int(text)))
        yield f"{said} is set to {int(text)}.\n"

    return set_number


async def bring_up_to_date(context: Context, arguments: Arguments) -> Steps:
    """Read the replica of this process anew. "all" or a node: one database serves them all."""
    wanted, nodes = arguments.get("node", "all"), context.view.replica.nodes.values()
    if wanted != "all" and not any(wanted in (node.name, node.host) for node in nodes):
        raise RefusedError(f"{wanted} is not a node of this cluster.")
    yield "Repairing of replication is in progress.\n"
    replica = await context.operations.operator().newest()
    yield (
        f"Replication is up to date: version {replica.version}\n"
        "Use command 'utils dbreplication runtimestate' to check it\n"
    )


async def stop(_context: Context, _arguments: Arguments) -> Steps:
    """Refuse: nothing is copied from node to node."""
    raise RefusedError("Replication cannot be stopped: the nodes share one database.")
    yield ""  # a generator, as every command


COMMANDS = (
    Command.of(
        "utils dbreplication runtimestate",
        show_state,
        description="Shows the nodes and whether what they answer from is up to date.",
    ),
    Command.of(
        "utils dbreplication status",
        check_status,
        description="Compares what the node answers from with the database, into a file.",
    ),
    *(
        Command.of(
            f"utils dbreplication {verb} [node]",
            bring_up_to_date,
            level=1,
            publisher_only=verb != "repair",
            during_upgrade=False,
            description="Brings what is answered from up to date with the database.",
            example=f"utils dbreplication {verb} all",
        )
        for verb in ("repair", "reset", "forcedatasyncsub")
    ),
    Command.of(
        "utils dbreplication clusterreset",
        bring_up_to_date,
        level=1,
        publisher_only=True,
        during_upgrade=False,
        description="Brings what is answered from up to date with the database.",
    ),
    Command.of(
        "utils dbreplication stop [node]",
        stop,
        level=1,
        during_upgrade=False,
        description="Would stop replication; the nodes share one database.",
    ),
    Command.of(
        "utils dbreplication setrepltimeout <number>",
        _setting(_TIMEOUT, "Replication timeout (seconds)"),
        level=1,
        publisher_only=True,
        during_upgrade=False,
        description="Sets for how many seconds replication waits for servers, 300 to 3600.",
        example="utils dbreplication setrepltimeout 600",
    ),
    Command.of(
        "utils dbreplication setprocess <number>",
        _setting(_PROCESSES, "PROCESS option"),
        level=1,
        publisher_only=True,
        during_upgrade=False,
        description="Sets the number of replication processes, 1 to 40.",
        example="utils dbreplication setprocess 40",
    ),
)
