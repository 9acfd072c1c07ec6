"""`cucmsim run`: run a cluster, or one node of it, until it is stopped."""

import asyncio
import contextlib
import json
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from cucmsim.cli.capture import probe_file
from cucmsim.cli.loop import run_loop
from cucmsim.cli.options import ConfigArgument, DataOption, settings_for
from cucmsim.cli.tables import count_of
from cucmsim.clock import Clock, MovableClock, SystemClock
from cucmsim.cluster.cluster import Cluster, RunOptions
from cucmsim.cluster.directory import write_whole
from cucmsim.cluster.logs import LogFormat, configure_logs
from cucmsim.cluster.settings import Settings
from cucmsim.entropy import Entropy, SystemEntropy
from cucmsim.errors import CommandError, Problem, SettingsError
from cucmsim.pki.keysource import SeededSource
from cucmsim.services.capture import Capture
from cucmsim.services.capturefile import pcapng_of

__all__ = ["RunFiles", "register"]


@dataclass(frozen=True, slots=True)
class RunFiles:
    """What a run writes where it is told to: nodes and ports when ready, packets at the end."""

    ready: Path | None = None
    pcap: Path | None = None


@dataclass(frozen=True, slots=True)
class _Chance:
    """What time it is in a run, and where what is random comes from; None: the machine's."""

    clock: Clock | None = None
    entropy: Entropy | None = None


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""

    @app.command("run")
    def _run(  # noqa: PLR0913 - the options of a command line
        config: ConfigArgument,
        node: Annotated[
            str | None, typer.Option(metavar="NAME", help="Run this node only.")
        ] = None,
        data: DataOption = None,
        ready_file: Annotated[
            Path | None,
            typer.Option(metavar="FILE", help="Write nodes and ports here when all answer (JSON)."),
        ] = None,
        log_format: Annotated[LogFormat | None, typer.Option(help="How log lines look.")] = None,
        log_level: Annotated[
            str | None, typer.Option(metavar="LEVEL", help="debug, info, warning or error.")
        ] = None,
        prune: Annotated[
            bool, typer.Option("--prune", help="Remove what only the store has, saying what.")
        ] = False,
        pcap: Annotated[
            Path | None,
            typer.Option(
                "--pcap",
                metavar="FILE",
                help="Capture from the start; write it at the end (pcapng).",
            ),
        ] = None,
        seed: Annotated[
            int | None,
            typer.Option(
                min=0,
                metavar="N",
                help="Draw keys, serial numbers and session ids from this number, for a run from an"
                " empty store that can be had again; the time stays the machine's.",
            ),
        ] = None,
    ) -> None:
        """Run a cluster until Ctrl-C, SIGTERM or `cucmsim stop`."""
        settings = settings_for(config, data)
        if ready_file is not None and ready_file.exists() and not ready_file.is_file():
            raise typer.BadParameter("expected a plain file", param_hint="--ready-file")
        if node is not None and _is_unknown(settings, node):
            raise SettingsError((_unknown_node(settings, node),))
        if log_level not in (None, "debug", "info", "warning", "error"):
            raise typer.BadParameter("expected debug, info, warning or error", param_hint="LEVEL")
        if pcap is not None:
            probe_file(pcap)
        clock = MovableClock(SystemClock())
        _start_logs(settings, log_format, log_level, clock)
        files, chance = RunFiles(ready_file, pcap), _Chance(clock, _entropy(seed, node))
        run_loop(_until_signal(settings, RunOptions(node, prune, pcap is not None), files, chance))


def _entropy(seed: int | None, node: str | None) -> Entropy:
    """Return what chance is in a run; the processes of a cluster do not draw the same."""
    if seed is None:
        return SystemEntropy()
    source = SeededSource(seed)
    return source if node is None else source.stream(f"process {node}")


def _start_logs(
    settings: Settings, log_format: LogFormat | None, level: str | None, clock: Clock
) -> None:
    """Start the log; the `cisco` format is there for its trace lines, which are of level debug."""
    log_format = log_format or settings.cluster.log_format
    usual = "debug" if log_format is LogFormat.CISCO else settings.cluster.log_level
    configure_logs(log_format, level or usual, clock)


def _is_unknown(settings: Settings, node: str) -> bool:
    """Whether there can be no such node; the database of several processes may have more."""
    is_alone = settings.cluster.database.startswith("sqlite:")
    return is_alone and node not in {held.name for held in settings.nodes}


def _unknown_node(settings: Settings, node: str) -> Problem:
    names = ", ".join(held.name for held in settings.nodes)
    return Problem(str(settings.path), "--node", repr(node), f"one of {names}")


async def _until_signal(
    settings: Settings, options: RunOptions, files: RunFiles, chance: _Chance | None = None
) -> None:
    """Run the cluster; the first SIGINT or SIGTERM stops it, or gives up its start."""
    stopping = asyncio.Event()
    running = asyncio.create_task(
        _run_cluster(settings, options, files, stopping, chance or _Chance())
    )

    def stop() -> None:
        if not stopping.is_set():
            stopping.set()
            running.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    await asyncio.wait([running])
    if not running.cancelled():
        running.result()
    typer.echo("Stopped.")


async def _run_cluster(
    settings: Settings,
    options: RunOptions,
    files: RunFiles,
    stopping: asyncio.Event,
    chance: _Chance,
) -> None:
    """Run the cluster, say when it is ready, until it is told to stop or this is cancelled."""
    _forget(files.ready)
    typer.echo(f"Starting {settings.cluster.id} (release {settings.cluster.release}) ...")
    captured = Capture(SystemClock())
    try:
        async with Cluster.running(
            settings, options, clock=chance.clock, entropy=chance.entropy
        ) as cluster:
            captured = cluster.capture
            try:
                _announce(cluster, files.ready)
                await cluster.wait_stopped()
            finally:
                stopping.set()
                typer.echo("Stopping ...")
                _forget(files.ready)
    finally:
        if files.pcap is not None:
            _write_capture(files.pcap, captured)


def _write_capture(file: Path, capture: Capture) -> None:
    """Write what was captured; of a run that never got ready, nothing in a valid file."""
    state = capture.state
    try:
        file.write_bytes(pcapng_of(capture.snapshot()))
    except OSError as error:
        raise CommandError(f"cannot write {file}: {error.strerror or error}") from error
    lost = f", {state.dropped} older conversations dropped" if state.dropped else ""
    typer.echo(f"{file}: {count_of(state.packets, 'packet')}{lost}.")


def _forget(ready_file: Path | None) -> None:
    """Remove the ready file: nothing answers yet, or any more."""
    if ready_file is not None:
        with contextlib.suppress(OSError):
            ready_file.unlink()


def _announce(cluster: Cluster, ready_file: Path | None) -> None:
    """Tell where everything answers."""
    ready = cluster.ready()
    if ready_file is not None:
        write_whole(ready_file, json.dumps(ready.model_dump(), indent=2) + "\n")
    for node in ready.nodes:
        ports = "  ".join(f"{name} {port}" for name, port in node.services.items())
        typer.echo(f"  {node.name:<20} {node.address:<15} {ports}")
    runs, described = cluster.status().release, str(cluster.settings.cluster.release)
    if runs != described:
        typer.echo(f"  Upgraded: release {runs} runs, the description says {described}.")
    there = f"{count_of(len(ready.nodes), 'node')}, {count_of(len(cluster.devices()), 'phone')}"
    typer.echo(f"Ready: {there}. Ctrl-C stops the cluster.")
