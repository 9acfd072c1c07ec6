"""`utils network ping`, `connectivity` and `host`. Source: cucm.md 1.7 (connectivity, host).

Names of the cluster's nodes are known locally, as from a real node's hosts file; all others from
the machine's resolver. The form of ping is that of the program of that name.
"""

import re
from collections.abc import Sequence

from cucmsim.errors import RefusedError
from cucmsim.protocols.admin_events import Question
from cucmsim.services.admin.answers import is_yes
from cucmsim.services.admin.command import Arguments, Command, Context, Mark, Steps
from cucmsim.store.rows import ProcessNode

__all__ = ["COMMANDS", "silent_ports"]

_HOST = re.compile(r"[A-Za-z0-9_.:-]{1,253}", re.ASCII)
_PINGS, _MOST_PINGS = 4, 100
_PORTS = ("tvs", "http", "sip", "web")
_USUAL = {"tvs": 2445, "http": 6970, "sip": 5060, "web": 8443}


def _checked(host: str) -> str:
    """Return a host name or address. Raises RefusedError."""
    if _HOST.fullmatch(host) is None:
        raise RefusedError("Enter a valid host name or IP address.")
    return host


def _node(context: Context, host: str) -> ProcessNode | None:
    """Return the node of the cluster that goes by this name or address."""
    wanted = host.lower()
    for node in context.view.replica.nodes.values():
        if wanted in (node.name.lower(), node.host.lower(), node.fqdn.lower(), node.address):
            return node
    return None


async def _addresses(context: Context, host: str) -> Sequence[str]:
    node = _node(context, host)
    return (node.address,) if node else await context.operations.network.resolve(host)


async def show_host(context: Context, arguments: Arguments) -> Steps:
    """Show how a name resolves, locally and elsewhere."""
    host = _checked(arguments["host"])
    node = _node(context, host)
    yield "Local Resolution:\n"
    if node is None:
        yield "Nothing found\n"
    else:
        yield f"{node.fqdn} resolves locally to {node.address}\n"
    yield "\nExternal Resolution:\n"
    found = await context.operations.network.resolve(host)
    if not found:
        yield "Nothing found\n"
    for address in found:
        yield f"{host} has address {address}\n"


async def test_connectivity(context: Context, arguments: Arguments) -> Steps:
    """Try to reach the services of another node, or of the publisher."""
    host = _checked(arguments.get("node", context.view.replica.publisher.name))
    node = _node(context, host)
    if node is None:
        raise RefusedError(f"{host} is not a node of this cluster.")
    yield "This command can take up to 3 minutes to complete.\n"
    if not is_yes((yield Question("Continue (y/n)?"))):
        return
    yield "Running test, please wait ...\n"
    silent = await silent_ports(context, node)
    if silent:
        shown = ", ".join(map(str, silent))
        yield f"Network connectivity test with {host} failed: no answer on port {shown}.\n"
        yield Mark.FAILED
        return
    yield f"Network connectivity test with {host} completed successfully.\n"


async def silent_ports(context: Context, node: ProcessNode) -> Sequence[int]:
    """Return the ports of a node's services on which it does not answer."""
    ports = [node.ports.get(name) or _USUAL[name] for name in _PORTS if _runs(node, name)]
    connects = context.operations.network.connects
    return [port for port in ports if not await connects(node.address, port)]


def _runs(node: ProcessNode, port: str) -> bool:
    return {"sip": "callmanager"}.get(port, port) in node.services


async def ping(context: Context, arguments: Arguments) -> Steps:
    """Send echo requests."""
    host, count = _checked(arguments["host"]), _count(arguments.get("count", str(_PINGS)))
    found = [one for one in await _addresses(context, host) if ":" not in one]
    if not found:
        raise RefusedError(f"ping: unknown host {host}")
    address = found[0]
    yield f"PING {host} ({address}) 56(84) bytes of data.\n"
    times = list[float]()
    for number in range(1, count + 1):
        took = await context.operations.network.echo(address, number)
        if took is not None:
            times.append(took)
            yield f"64 bytes from {address}: icmp_seq={number} ttl=64 time={took:.3f} ms\n"
    lost = 100 * (count - len(times)) // count
    yield (
        f"\n--- {host} ping statistics ---\n"
        f"{count} packets transmitted, {len(times)} received, {lost}% packet loss\n"
    )
    if not times:
        yield Mark.FAILED
        return
    average = sum(times) / len(times)
    yield f"rtt min/avg/max = {min(times):.3f}/{average:.3f}/{max(times):.3f} ms\n"


def _count(text: str) -> int:
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(_MOST_PINGS))
    if not is_number or not 1 <= int(text) <= _MOST_PINGS:
        raise RefusedError(
            f"Enter valid values for the count. \nSuggested values are 1 to {_MOST_PINGS}"
        )
    return int(text)


async def capture(_context: Context, _arguments: Arguments) -> Steps:
    """Refuse: a program that is no system of its own sees no frames."""
    raise RefusedError("The network interface of this server cannot be captured.")
    yield ""  # a generator, as every command


COMMANDS = (
    Command.of(
        "utils network host <host>",
        show_host,
        description="Shows how a host name resolves.",
        example="utils network host cucm-sub",
    ),
    Command.of(
        "utils network connectivity [node]",
        test_connectivity,
        description="Tries to reach the services of a node; of the publisher if none is named.",
        example="utils network connectivity cucm-sub",
    ),
    Command.of(
        "utils network ping <host> [count]",
        ping,
        description="Sends ICMP echo requests to a host, 4 unless a count is given.",
        example="utils network ping cucm-sub 2",
    ),
    Command.of(
        "utils network capture <interface:eth0> [options...]",
        capture,
        description="Would capture packets; this server is no system of its own.",
        example="utils network capture eth0 file cap count 1000 size all",
    ),
)
