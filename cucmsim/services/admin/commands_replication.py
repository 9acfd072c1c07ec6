"""`utils dbreplication status` and `runtimestate`: how far the node's replica is behind the store.

What a real cluster replicates is here the replica that each process keeps of one store: QUEUE is
how many versions this node is behind, and `-` of the other nodes, which keep their own. State 2 is
a node that answers while the store can be reached, 4 any other.
Source of the layout: the article named in cucm.md 1.7 [S28].
"""

from datetime import datetime

from cucmsim.services.admin.command import Arguments, Command, Context, Steps
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


async def show_state(context: Context, _arguments: Arguments) -> Steps:
    """Show every node and whether its replica follows."""
    nodes = sorted(context.view.replica.nodes.values(), key=lambda node: node.nodeid)
    behind = max(context.store.version - context.view.replica.version, 0)
    yield f"\nServer Time: {context.platform.local_time():{_STAMP}}\n\n"
    yield "Cluster Replication State: " + _summary(context, behind)
    release = context.release
    yield (
        f"\nDB Version: ccm{release.major}_{release.minor}_{release.maintenance}\n"
        "Repltimeout set to: 300s\nPROCESS option set to: 1\n\n"
        f"Cluster Detailed View from {context.node.host} ({len(nodes)} Servers):\n\n{_HEAD}"
    )
    for node in nodes:
        yield await _row(context, node, behind)


def _summary(context: Context, behind: int) -> str:
    if not context.store.is_connected:
        return "the database does not answer\n"
    return "Replication is up to date\n" if not behind else f"{behind} versions behind\n"


async def _row(context: Context, node: ProcessNode, behind: int) -> str:
    """Return the line of a node."""
    is_here = node.name == context.node_name
    port = node.ports.get("tvs") or _USUAL_TVS
    answers = is_here or await context.operations.network.connects(node.address, port)
    is_up = answers and context.store.is_connected
    letters = "Y/Y/Y" if is_up else "N/N/N"
    queue = str(behind) if is_here else "-"
    state = "(2) Setup Completed" if is_up else "(4) Setup Failed"
    delay = "0.000" if answers else "Failed"
    return (
        f"{node.host:<20}{node.address:<18}{delay:<10}{letters:<10}{queue:<9}"
        f"{f'(g_{node.nodeid})':<15}{state}\n"
    )


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
)
