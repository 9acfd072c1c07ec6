"""`cucmsim scenario run`: plays scenarios, tells what happens, and ends with a verdict."""

import asyncio
import signal
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

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
    limited,
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
from cucmsim.cli.scenariooptions import (
    EveryOption,
    JsonOption,
    LimitOption,
    LogOption,
    PcapOption,
    PhoneOption,
    ReleaseOption,
    SeedOption,
    VerboseOption,
    WordsArgument,
)
from cucmsim.clock import SystemClock
from cucmsim.cluster.logs import LogFormat, configure_logs
from cucmsim.errors import CommandError
from cucmsim.scenarios.devicephone import Patience
from cucmsim.scenarios.model import Scenario
from cucmsim.scenarios.narrative import Passage
from cucmsim.scenarios.runner import Order, RunResult, Verdict, run_scenario, shape_for
from cucmsim.scenarios.seeding import draw_seed
from cucmsim.services.capturefile import pcapng_of

__all__ = ["register"]

_USAGE: Final = 2
_UNREACHABLE: Final = 69
_TERMINATED: Final = 143
"""What a shell says of a process that SIGTERM has ended."""


def register(group: typer.Typer) -> None:
    """Add the command to `group`."""
    group.command("run")(_run)


def _run(  # noqa: PLR0913 - a command line's options
    words: WordsArgument = None,
    *,
    every: EveryOption = False,
    releases: ReleaseOption = None,
    phones: PhoneOption = None,
    seed: SeedOption = None,
    files: FileOption = None,
    limit: LimitOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
    logs: LogOption = None,
    pcap: PcapOption = None,
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
    """Play scenarios: what is done, what crosses the wire, what the phone decides and why.

    Exit status: 0 passed, 1 not (failed, an error, not judged, or named and not applicable).
    """
    names, parameters = split_words(words or [])
    scenarios = _chosen(names, every, known_scenarios(files))
    wanted = Wanted(releases or [], phones or [], parameters)
    patience, ends = Patience(patience_s, quiet_s), tuple(against or ())
    played = Played(device, hook, mac, model, tuple(bind or ()), patience, ends, token)
    orders = orders_for(scenarios, wanted, draw_seed() if seed is None else seed)
    orders = played_with(limited(orders, limit, played), played)
    _conclude(_results(orders, _Style(as_json, verbose, every and not verbose, pcap), logs), every)


def _results(orders: Sequence[Order], style: "_Style", logs: TextIO | None) -> list[RunResult]:
    """Play in a loop of its own; SIGTERM ends the process as a shell expects it."""
    _log_to(logs)
    if style.pcap is not None:
        style.pcap.mkdir(parents=True, exist_ok=True)
    try:
        return run_loop(_play_all(orders, style))
    except asyncio.CancelledError:
        raise typer.Exit(_TERMINATED) from None


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


def _conclude(results: Sequence[RunResult], every: bool) -> None:  # noqa: FBT001 - as given
    """End with the exit status that the verdicts ask for.

    Of every scenario there is some are not applicable; one that was asked for by name should be.
    """
    if any(one.is_unreachable for one in results):
        raise typer.Exit(_UNREACHABLE)
    good = {Verdict.PASSED, Verdict.NOT_APPLICABLE} if every else {Verdict.PASSED}
    if any(one.verdict not in good for one in results):
        raise typer.Exit(1)
