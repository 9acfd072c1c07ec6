"""`utils disaster_recovery schedule`: backups at set times. Source: cucm.md 1.7.

Only the answer of `enable` is in the documents; the others are made after it. Times are those of
the publisher's time zone.
"""

from datetime import datetime

from cucmsim.services.admin.command import Arguments, Command, Context, Run, Steps
from cucmsim.services.admin.commands_drs import table
from cucmsim.services.operations.drs.agents import check_features
from cucmsim.services.operations.drs.devices import device_named
from cucmsim.services.operations.drs.schedules import (
    Frequency,
    Schedule,
    add_schedule,
    delete_schedule,
    enable_schedule,
    parse_moment,
    schedules_of,
)

__all__ = ["COMMANDS"]


async def schedule_add(context: Context, arguments: Arguments) -> Steps:
    """Keep a schedule, which does nothing before it is enabled."""
    drs = context.operations.drs()
    features = check_features(drs.operator.release, arguments["features"].split(","))
    await device_named(drs, arguments["device"])
    first = parse_moment(arguments["datetime"], drs.zone).isoformat()
    frequency = Frequency(arguments["frequency"])
    schedule = Schedule(arguments["name"], arguments["device"], features, first, frequency)
    await add_schedule(drs.operator, schedule)
    yield "Schedule added successfully.\n"


def _enabling(*, is_enabled: bool) -> Run:
    """Return the command that enables a schedule, or disables it."""
    verb = "enabled" if is_enabled else "disabled"

    async def enable(context: Context, arguments: Arguments) -> Steps:
        drs = context.operations.drs()
        await enable_schedule(drs.operator, arguments["name"], drs.zone, is_enabled=is_enabled)
        yield f"Schedule {verb} successfully.\n"

    return enable


async def schedule_delete(context: Context, arguments: Arguments) -> Steps:
    """Forget a schedule."""
    await delete_schedule(context.operations.operator(), arguments["name"])
    yield "Schedule deleted successfully.\n"


async def schedule_list(context: Context, _arguments: Arguments) -> Steps:
    """Show the schedules and when each is due."""
    held = schedules_of(await context.operations.operator().newest()).values()
    if not held:
        yield "drfCliMsg: No schedules configured.\n"
        return
    heads = ("Schedule Name", "Device Name", "Features", "Schedule Frequency", "Due", "Status")
    rows = [
        (
            one.name,
            one.device,
            ",".join(one.features),
            one.frequency.value,
            _local(context, one),
            "enabled" if one.is_enabled else "disabled",
        )
        for one in held
    ]
    yield table(heads, rows)


def _local(context: Context, schedule: Schedule) -> str:
    """Return when a schedule is due, as it was given; of one that is disabled its first time."""
    moment = schedule.due if schedule.is_enabled else schedule.first
    if not moment:
        return "-"
    return f"{context.platform.localize(datetime.fromisoformat(moment)):%Y/%m/%d-%H:%M}"


def _command(usage: str, run: Run, description: str, example: str = "") -> Command:
    return Command.of(
        f"utils disaster_recovery schedule {usage}",
        run,
        level=1,
        publisher_only=True,
        during_upgrade=False,
        description=description,
        example=f"utils disaster_recovery schedule {example}" if example else "",
    )


COMMANDS = (
    _command(
        f"add <name> <device> <features> <datetime> <frequency:{'|'.join(Frequency)}>",
        schedule_add,
        "Adds a schedule; the date and time are yyyy/mm/dd-hh:mm.",
        "add nightly sftp1 UCM 2026/03/02-02:00 daily",
    ),
    _command("enable <name>", _enabling(is_enabled=True), "Enables a schedule.", "enable nightly"),
    _command(
        "disable <name>", _enabling(is_enabled=False), "Disables a schedule.", "disable nightly"
    ),
    _command("delete <name>", schedule_delete, "Deletes a schedule.", "delete nightly"),
    _command("list", schedule_list, "Shows the schedules."),
)
