"""`utils ntp`, `core` and `system`.

The layouts are those of the programs that a real node runs for them; no document that we have shows
them. A node takes its time from its machine, a subscriber from the publisher.
"""

from cucmsim.protocols.admin_events import Question
from cucmsim.services.admin.answers import is_yes
from cucmsim.services.admin.command import Arguments, Command, Context, Mark, Run, Steps

__all__ = ["COMMANDS"]

_STAMP = "%a %b %d %H:%M:%S %Z %Y"
_LOCAL_CLOCK = "127.127.1.0"
_HEAD = "     remote           refid      st t when poll reach   delay   offset  jitter\n"


async def show_ntp(context: Context, _arguments: Arguments) -> Steps:
    """Show where the node takes its time from, and what time it is."""
    remote, source, stratum = _LOCAL_CLOCK, ".LOCL.", 10
    if not context.node.is_publisher:
        remote, source, stratum = context.view.replica.publisher.address, "LOCAL(0)", 11
    yield "ntpd (pid 1024) is running...\n\n" + _HEAD + "=" * (len(_HEAD) - 1) + "\n"
    yield f"*{remote:<15} {source:<15} {stratum:2} l    1   64  377    0.000    0.000   0.000\n\n"
    server = "local net" if remote == _LOCAL_CLOCK else f"NTP server ({remote})"
    yield f"synchronised to {server} at stratum {stratum + 1}\n"
    yield "   time correct to within 1 ms\n   polling server every 64 s\n\n"
    zone, now = context.platform.values.time_zone, context.clock.now()
    yield f"Current time in UTC is : {now:{_STAMP}}\n"
    yield f"Current time in {zone} is : {context.platform.local_time():{_STAMP}}\n"


async def list_cores(_context: Context, _arguments: Arguments) -> Steps:
    """Say that no program left a core file: what fails here is a line of the log."""
    yield "No core files found.\n"


def _powering(verb: str, said: str, *, comes_up: bool) -> Run:
    """Return the command that restarts the node or shuts it down."""

    async def power(context: Context, _arguments: Arguments) -> Steps:
        yield f"\nDo you really want to {verb} ?\n\n"
        if not is_yes((yield Question("Enter (yes/no)? "))):
            return
        if comes_up:
            context.operations.restart_node()
        else:
            context.operations.shut_down_node()
        yield f"\n{said}\nStopping Service Manager...\n"
        yield Mark.LEAVE

    return power


COMMANDS = (
    Command.of("utils ntp status", show_ntp, description="Shows the state of the node's time."),
    Command.of(
        "utils core active list",
        list_cores,
        description="Lists core files.",
    ),
    Command.of(
        "utils system restart",
        _powering("restart", "Appliance is being Restarted ...", comes_up=True),
        level=1,
        description="Restarts the node: every service of it loads anew what it works with.",
    ),
    Command.of(
        "utils system shutdown",
        _powering("shutdown", "Appliance is being Powered - Off ...", comes_up=False),
        level=1,
        during_upgrade=False,
        description="Stops every service of the node.",
    ),
)
