"""`cucmsim scenario run`: plays scenarios, tells what happens, and ends with a verdict."""

import asyncio
import signal
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final, TextIO

import typer

from cucmsim.cli.loop import run_loop
from cucmsim.cli.scenariochoice import (
    FileOption,
    Wanted,
    known_scenarios,
    orders_for,
    scenario_named,
    split_words,
)
from cucmsim.cli.scenariodevice import (
    AgainstOption,
    BindOption,
    DeviceOption,
    HookOption,
    MacOption,
    ModelOption,
    PatienceOption,
    Played,
    QuietOption,
    TokenOption,
    played_with,
)
from cucmsim.cli.scenarionarrator import (
    conclusion,
    json_of,
    narrate_to,
    opening,
    print_results,
    progress_line,
)
from cucmsim.clock import SystemClock
from cucmsim.cluster.logs import LogFormat, configure_logs
from cucmsim.errors import CommandError
from cucmsim.scenarios.devicephone import Patience
from cucmsim.scenarios.model import Scenario
from cucmsim.scenarios.narrative import Passage
from cucmsim.scenarios.runner import Order, RunResult, Verdict, run_scenario, shape_for
from cucmsim.scenarios.seeding import LARGEST_SEED, draw_seed
from cucmsim.services.capturefile import pcapng_of

__all__ = ["register"]

_USAGE: Final = 2
_UNREACHABLE: Final = 69
_LIMIT_S: Final = 300
_DEVICE_LIMIT_S: Final = 3600
_TERMINATED: Final = 143
"""What a shell says of a process that SIGTERM has ended."""


def register(group: typer.Typer) -> None:
    """Add the command to `group`."""
    group.command("run")(_run)


def _run(  # noqa: PLR0913 - a command line's options
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME... [PARAMETER=VALUE...]", help="Scenarios, and parameters."),
    ] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Every scenario there is.")] = False,
    releases: Annotated[
        list[str] | None,
        typer.Option("--release", metavar="RELEASE", help="On this release, or on 'all' of them."),
    ] = None,
    phones: Annotated[
        list[str] | None, typer.Option("--phone", metavar="MODEL", help="With this phone.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=LARGEST_SEED, help="The same seed is the same run."),
    ] = None,
    files: FileOption = None,
    limit: Annotated[
        float | None,
        typer.Option(
            "--limit-s",
            min=1,
            help=f"The longest that a run may take, in seconds: {_LIMIT_S},"
            f" with a device {_DEVICE_LIMIT_S}.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object a run.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Tell more of it.")] = False,
    logs: Annotated[
        typer.FileTextWrite | None,
        typer.Option("--log", metavar="FILE", help="Write what the servers log there."),
    ] = None,
    pcap: Annotated[
        Path | None,
        typer.Option(
            "--pcap",
            metavar="DIR",
            file_okay=False,
            help="Write what crossed the wire there, a file a cluster, for Wireshark.",
        ),
    ] = None,
    against: AgainstOption = None,
    token: TokenOption = "",
    device: DeviceOption = "",
    hook: HookOption = "",
    mac: MacOption = "",
    model: ModelOption = "",
    bind: BindOption = None,
    quiet_s: QuietOption = 30,
    patience_s: PatienceOption = 300,
) -> None:
    """Play scenarios: what is done, what crosses the wire, what the phone decides and why."""
    names, parameters = split_words(words or [])
    scenarios = _chosen(names, every, known_scenarios(files))
    seed = draw_seed() if seed is None else seed
    wanted = Wanted(releases or [], phones or [], parameters)
    usual = _DEVICE_LIMIT_S if device or hook else _LIMIT_S
    orders = [replace(one, limit_s=limit or usual) for one in orders_for(scenarios, wanted, seed)]
    patience = Patience(patience_s, quiet_s)
    ends = tuple(against or ())
    played = Played(device, hook, mac, model, tuple(bind or ()), patience, ends, token)
    orders = played_with(orders, played)
    _log_to(logs)
    if pcap is not None:
        pcap.mkdir(parents=True, exist_ok=True)
    style = _Style(as_json, verbose, is_short=every and not verbose, pcap=pcap)
    try:
        results = run_loop(_play_all(orders, style))
    except asyncio.CancelledError:
        raise typer.Exit(_TERMINATED) from None
    _conclude(results)


def _chosen(names: Sequence[str], every: bool, known: list[Scenario]) -> list[Scenario]:  # noqa: FBT001 - as given
    """Return the scenarios that are meant. Raises CommandError."""
    if every and names:
        raise CommandError(f"found --all and {names[0]!r}, expected one or the other", _USAGE)
    if every:
        return known
    if not names:
        raise CommandError("found no scenario, expected names of some, or --all", _USAGE)
    return [scenario_named(name, known) for name in dict.fromkeys(names)]


@dataclass(frozen=True, slots=True)
class _Style:
    """How runs are told; `is_short`: a line each; `pcap`: where captures are written."""

    as_json: bool
    verbose: bool
    is_short: bool
    pcap: Path | None


async def _play_all(orders: Sequence[Order], style: _Style) -> list[RunResult]:
    """Play one after the other; SIGTERM ends it as Ctrl-C does."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - this is a coroutine of one
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        results = []
        for number, order in enumerate(orders, 1):
            results.append(await _play(order, style, f"{number}/{len(orders)}"))
            await asyncio.to_thread(_write_captures, results[-1], style)
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
    if len(orders) > 1 and not style.as_json:
        typer.echo("")
        print_results(results)
    return results


async def _play(order: Order, style: _Style, count: str) -> RunResult:
    """Play once, and tell it in the style that is wanted."""
    if style.as_json:
        passages: list[Passage] = []
        result = await run_scenario(order, passages.append)
        typer.echo(json_of(result, passages))
        return result
    if style.is_short:
        result = await run_scenario(order, _forget)
        typer.echo(progress_line(result, count))
        return result
    _, phone = shape_for(order.scenario.shape, order.release, order.identity)
    _print(opening(order, phone.name, phone.model))
    result = await run_scenario(order, narrate_to(verbose=style.verbose))
    _print(conclusion(result, order.scenario.outcome))
    return result


def _write_captures(result: RunResult, style: _Style) -> None:
    """Write what crossed the wire of each cluster. Raises CommandError where that is not possible.

    Clusters of the same name, one after the other, have numbers.
    """
    if style.pcap is None:
        return
    for number, (name, snapshot) in enumerate(result.captures, 1):
        parts = (result.scenario, result.release, result.model, *result.parameters.values())
        path = style.pcap / f"{'-'.join(filter(None, parts))}-{number}-{name}.pcapng"
        try:
            path.write_bytes(pcapng_of(snapshot))
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from error
        if not style.as_json and not style.is_short:
            typer.echo(f"capture of {name}: {path}")


def _forget(passage: Passage) -> None:
    del passage


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        typer.echo(line)


def _log_to(logs: TextIO | None) -> None:
    """Send what the servers log to a file, or nowhere: the narration says what counts."""
    configure_logs(LogFormat.CONSOLE, "debug" if logs else "critical", SystemClock(), logs)


def _conclude(results: Sequence[RunResult]) -> None:
    """End with the exit status that the verdicts ask for."""
    if any(one.is_unreachable for one in results):
        raise typer.Exit(_UNREACHABLE)
    if any(one.verdict in (Verdict.FAILED, Verdict.ERROR) for one in results):
        raise typer.Exit(1)
