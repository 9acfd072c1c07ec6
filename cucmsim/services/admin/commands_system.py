"""Commands that show the node: status, names, network, time zone.

Source: cucm.md 1.7 (`show network cluster`). The others are in no document
that we have: their form is ours, kept to the names and order that administrators know.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from zoneinfo import available_timezones

from cucmsim.errors import RefusedError, StoreError
from cucmsim.services.admin.command import Arguments, Command, Context, Steps
from cucmsim.services.admin.platform import DEFAULT_ZONE
from cucmsim.services.operations.versions import sides_of
from cucmsim.services.trustlists import nodes_in_order
from cucmsim.store.presence import Presence
from cucmsim.store.rows import ProcessNode

__all__ = ["COMMANDS"]

_RULE = "-" * 34
_SINCE = "%a %b %d %H:%M:%S %Y"
_HOUR, _DAY = 3600, 86400


async def show_status(context: Context, _arguments: Arguments) -> Steps:
    """Show name, time, version and how long the node has been up."""
    now = context.platform.local_time()
    up_s = int((context.clock.now() - context.operations.started).total_seconds())
    days, rest = divmod(max(up_s, 0), _DAY)
    up = f"{days} days, {rest // _HOUR:2}:{rest % _HOUR // 60:02}"
    rows = {
        "Host Name": context.node.host,
        "Date": f"{now:%a %b %d, %Y %H:%M:%S}",
        "Time Zone": f"{now:%Z} ({context.platform.values.time_zone})",
        "Locale": "en_US.UTF-8",
        "Product Ver": str(sides_of(context.view.replica, context.node_name).active),
    }
    yield "\n" + "".join(f"{name:<19}: {value}\n" for name, value in rows.items())
    yield f"\nUptime:\n {now:%H:%M:%S} up {up}\n"


async def show_hostname(context: Context, _arguments: Arguments) -> Steps:
    """Show the node's host name."""
    yield f"hostname : {context.node.host}\n"


async def show_myself(context: Context, _arguments: Arguments) -> Steps:
    """Show who is logged in, and how."""
    count = "enabled" if context.session.command_count else "disabled"
    yield (
        f"Machine Name    : {context.node.host}\n"
        f"account name    : {context.user}\n"
        f"privilege level : {context.level}\n"
        f"command count   : {count}\n"
        "logging setting : disabled\n"
    )


async def show_cluster(context: Context, _arguments: Arguments) -> Steps:
    """Show the servers of the cluster (cucm.md 1.7)."""
    nodes, told = nodes_in_order(context.view.replica), await _told(context)
    yield "".join(f"{line}\n" for line in _cluster_lines(context, nodes, told))
    if context.node.is_publisher:
        names = "".join(f"{node.name}\n" for node in nodes)
        yield f"\nServer Table (processnode) Entries\n{_RULE}\n{names}"


async def _told(context: Context) -> Mapping[str, Presence] | None:
    """Return what the nodes told of themselves; None while the database is away."""
    if context.store.is_connected:
        with suppress(StoreError):
            return {one.node: one for one in await context.store.read_presence()}
    return None


def _cluster_lines(
    context: Context, nodes: tuple[ProcessNode, ...], told: Mapping[str, Presence] | None
) -> Iterator[str]:
    for node in nodes:
        role = (
            "Publisher callmanager DBPub" if node.is_publisher else "Subscriber callmanager DBSub"
        )
        yield f"{node.address} {node.fqdn} {node.host} {role} {_link(context, node, told)}"


def _link(context: Context, node: ProcessNode, told: Mapping[str, Presence] | None) -> str:
    """Say how a node is connected to this one, and since when."""
    if node.name == context.node_name:
        return "authenticated"
    other = None if told is None else told.get(node.name)
    if told is None or (other is not None and not other.is_alive):
        return "not authenticated"
    here = context.operations.started
    since = here if other is None else max(here, other.started)
    return f"authenticated using TCP since {context.platform.localize(since):{_SINCE}}"


async def show_eth0(context: Context, _arguments: Arguments) -> Steps:
    """Show the node's address."""
    yield (
        "Ethernet 0\n"
        "DHCP         : disabled           Status     : up\n"
        f"IP Address   : {context.node.address:<19}Link Detected: yes\n"
    )


async def show_zone(context: Context, _arguments: Arguments) -> Steps:
    """Show the node's time zone."""
    yield f"Current timezone: {context.platform.values.time_zone}\n"


async def list_zones(_context: Context, _arguments: Arguments) -> Steps:
    """List the time zones with their numbers."""
    yield "".join(f"{number} - {name}\n" for number, name in enumerate(_zones()))


async def set_zone(context: Context, arguments: Arguments) -> Steps:
    """Set the node's time zone, by its name or its number in the list."""
    wanted, zones = arguments["zone"], _zones()
    numbers = {str(number): name for number, name in enumerate(zones)}
    name = numbers.get(wanted, wanted)
    if name not in zones:
        raise RefusedError(f"Invalid timezone: {wanted}. Use 'show timezone list' for the list.")
    await context.platform.change(replace(context.platform.values, time_zone=name))
    yield f"Using timezone: {name}\n"


def _zones() -> tuple[str, ...]:
    return tuple(sorted(available_timezones() | {DEFAULT_ZONE}))


COMMANDS = (
    Command.of("show status", show_status, description="Shows basic platform status."),
    Command.of("show hostname", show_hostname, description="Shows the host name of the node."),
    Command.of("show myself", show_myself, description="Shows the current account."),
    Command.of(
        "show network cluster", show_cluster, description="Shows the servers of the cluster."
    ),
    Command.of("show network eth0", show_eth0, description="Shows the network interface."),
    Command.of("show timezone config", show_zone, description="Shows the time zone."),
    Command.of("show timezone list", list_zones, description="Lists the time zones."),
    Command.of(
        "set timezone <zone>",
        set_zone,
        level=1,
        during_upgrade=False,
        description="Sets the time zone, by its name or its number in `show timezone list`.",
        example="set timezone America/Chicago",
    ),
)
