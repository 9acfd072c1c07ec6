"""`cucmsim phones CONFIG`: the phones of a description boot from its cluster, all of them at once.

Servers and ports are those of the description, so the cluster may run anywhere. Shows how many are
booting, trusted, locked, registered and failed; a line a second where nobody sits at a terminal.
Exit status: 0 all trusted and registered, 1 some are not, 69 no TFTP server answers.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from cucmsim.cli.fleetservers import (
    AlsoOption,
    FleetServers,
    OptionFileOption,
    fleet_servers,
)
from cucmsim.cli.loop import run_loop, stopping
from cucmsim.cli.options import ConfigArgument, DataOption, settings_for
from cucmsim.cluster.settings import Settings
from cucmsim.daemons.tftpd import allow_descriptors
from cucmsim.errors import CommandError
from cucmsim.phone.fleet import Fleet, FleetCounts, FleetMember, FleetOptions, FleetReport
from cucmsim.phone.registrar import PhoneRegistrar
from cucmsim.phone.values import PhoneIdentity
from cucmsim.store.rows import Device

__all__ = ["register", "report_lines"]

_USAGE: Final = 2
_TERMINAL_S: Final = 0.25
_LINES_S: Final = 1.0

_Count = Annotated[
    int | None,
    typer.Option("--count", min=1, metavar="N", help="The first N phones; left out: all of them."),
]
_Parallel = Annotated[int, typer.Option("--parallel", min=1, help="So many boot at a time.")]
_Keep = Annotated[
    bool, typer.Option("--keep", help="Stay on after the boot and obey resets, until ctrl-C.")
]
_Flash = Annotated[
    Path | None,
    typer.Option("--flash", metavar="DIR", help="Keep each phone's flash in DIR/SEP...."),
]
_Json = Annotated[bool, typer.Option("--json", help="Say what became of them as JSON.")]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("phones")(_phones)


def _phones(  # noqa: PLR0913 - each parameter is an option
    config: ConfigArgument,
    *,
    count: _Count = None,
    parallel: _Parallel = 50,
    keep: _Keep = False,
    flash: _Flash = None,
    also: AlsoOption = None,
    option_150: OptionFileOption = None,
    data: DataOption = None,
    as_json: _Json = False,
) -> None:
    """Boot many phones."""
    settings = settings_for(config, data)
    members = _members(settings, count)
    servers = fleet_servers(settings, also, option_150)
    network = servers.network()
    fleet = Fleet(
        members,
        network,
        FleetOptions(parallel, flash),
        registrar_for=lambda identity: PhoneRegistrar(identity, network.link),
    )
    allow_descriptors(len(members) + parallel)
    report = run_loop(_run(fleet, servers, keep=keep))
    _print(report, as_json=as_json)
    if not fleet.was_answered:
        raise servers.unreachable()
    if report.trusted < report.phones or (fleet.can_register and report.registered < report.phones):
        raise typer.Exit(1)


def _print(report: FleetReport, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(asdict(report), indent=2))
        return
    for line in report_lines(report):
        typer.echo(line)


async def _run(fleet: Fleet, servers: FleetServers, *, keep: bool) -> FleetReport:
    """Boot the fleet, showing how it goes, and stay with --keep; return what became of it."""
    await servers.knock()
    stop = asyncio.Event()
    total = fleet.counts.waiting
    with stopping(stop, wanted=keep), _display(total) as show:
        showing = asyncio.create_task(_keep_showing(fleet, show))
        try:
            await fleet.run()
            show.update(fleet.counts)
            if keep:
                typer.echo("All have booted; ctrl-C switches them off.", err=True)
                await _stay(fleet, stop)
            return fleet.report
        finally:
            showing.cancel()
            await fleet.close()


async def _stay(fleet: Fleet, stop: asyncio.Event) -> None:
    staying = asyncio.create_task(fleet.stay())
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([staying, stopped], return_when=asyncio.FIRST_COMPLETED)
    for task in (staying, stopped):
        task.cancel()
    await asyncio.wait([staying, stopped])
    if not staying.cancelled():
        staying.result()


class _Rate:
    """How many have booted a second since `began`, as of the last one that has."""

    def __init__(self, began: float) -> None:
        self._began = began
        self._booted, self._rate = 0, 0.0

    def at(self, now: float, counts: FleetCounts) -> float:
        """Return the rate when the counts are these at `now`."""
        if counts.booted != self._booted and now > self._began:
            self._booted = counts.booted
            self._rate = self._booted / (now - self._began)
        return self._rate


class _Lines:
    """Shows counts as lines, each time something has changed."""

    period_s = _LINES_S

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._rate = _Rate(self._began)
        self._last: FleetCounts | None = None

    def update(self, counts: FleetCounts) -> None:
        """Say how many are where."""
        now = time.monotonic()
        if counts.booting + counts.booted == 0 or self._last == counts:
            return
        rate = self._rate.at(now, counts)
        self._last = counts
        typer.echo(f"{now - self._began:6.1f} s  {_words(counts)}  ({rate:.0f}/s)", err=True)


class _Bar:
    """Shows counts beside a bar."""

    period_s = _TERMINAL_S

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=total, words="", rate=0.0)
        self._rate = _Rate(time.monotonic())

    def update(self, counts: FleetCounts) -> None:
        """Move the bar."""
        rate = self._rate.at(time.monotonic(), counts)
        self._progress.update(
            self._task, completed=counts.booted, words=_words(counts), rate=f"{rate:.0f}/s"
        )


def _is_terminal() -> bool:
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


@contextmanager
def _display(total: int) -> Iterator[_Lines | _Bar]:
    """Show counts and a bar at a terminal, lines elsewhere; both on standard error."""
    if not _is_terminal():
        yield _Lines()
        return
    columns = (
        TextColumn("{task.fields[words]}  {task.fields[rate]}"),
        BarColumn(),  # where there is room for it
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield _Bar(progress, total)


async def _keep_showing(fleet: Fleet, show: _Lines | _Bar) -> None:
    while True:
        show.update(fleet.counts)
        await asyncio.sleep(show.period_s)


def _words(counts: FleetCounts) -> str:
    return (
        f"booting {counts.booting}  trusted {counts.trusted}  locked {counts.locked}"
        f"  registered {counts.registered}  failed {counts.failed}"
    )


def report_lines(report: FleetReport) -> Iterator[str]:
    """Return what became of a fleet, in lines."""
    rate = report.phones / report.seconds if report.seconds else 0.0
    yield f"{report.phones} phones booted in {report.seconds:.1f} s ({rate:.0f}/s)"
    for name in ("trusted", "locked", "registered", "failed"):
        yield f"  {name:<10} {getattr(report, name)}"
    for node, times in report.nodes.items():
        yield f"  {'node':<10} {times} x {node}"
    for where, lists in (("CTL", report.ctls), ("ITL", report.itls)):
        for signer, times in lists.items():
            yield f"  {where:<10} {times} x {signer}"
    for reason, times in report.reasons.items():
        yield f"  {times:>6} x {reason}"


def _members(settings: Settings, count: int | None) -> Sequence[FleetMember]:
    """Return the phones, in the order of the description. Raises CommandError (2)."""
    devices = settings.phones
    if not devices:
        raise CommandError(f"{settings.path}: no phones are described", _USAGE)
    if count is not None and count > len(devices):
        raise CommandError(
            f"--count {count}: {settings.path} describes {len(devices)} phones;"
            " `count` in a [[phones]] entry makes a range of them",
            _USAGE,
        )
    return tuple(map(_member, devices[:count]))


def _member(device: Device) -> FleetMember:
    model = device.model.removeprefix("Cisco ")
    identity = PhoneIdentity(device.name.removeprefix("SEP"), model)
    return FleetMember(identity, device.authentication_string or None)
