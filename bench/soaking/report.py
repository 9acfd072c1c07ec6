"""What a soak has come to: a table for people, JSON beside it."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .judge import Finding
from .place import NODES

if TYPE_CHECKING:
    from .run import Soak

__all__ = ["MOST_GROWTH", "check_end", "report_lines", "write_report"]

MOST_GROWTH: Final = 1.0
"""MiB a minute that a process may grow once it is warm, and still be called flat."""
_BAD_WORDS: Final = ("Traceback", "never retrieved", "never awaited", "PANIC", "Unclosed")
_SHOWN: Final = 40
_SLOWEST_STOP_S: Final = 15.0


def check_end(soak: "Soak", left: list[str]) -> list[Finding]:
    """Return what can only be told at the end: logs, exits, memory, processes left behind."""
    at = soak.elapsed_s
    found = [Finding(at, "process left behind", one) for one in left]
    logs = [*(node.log for node in soak.nodes.values()), soak.herd.log, soak.database.log]
    for log in logs:
        text = log.read_text(errors="replace") if log.exists() else ""
        for word in _BAD_WORDS:
            if word in text:
                place = text.index(word)
                shown = text[max(0, place - 300) : place + 3000]
                found.append(
                    Finding(at, "log", f"{log.name}: {text.count(word)} x {word}, first:\n{shown}")
                )
    for node in soak.nodes.values():
        bad = [status for status in node.exits if status]
        if bad:
            found.append(Finding(at, "exit", f"{node.name} ended with {bad} when asked to stop"))
    if soak.chaos.slowest_stop_s > _SLOWEST_STOP_S:
        text = f"a node took {soak.chaos.slowest_stop_s:.1f} s to stop"
        found.append(Finding(at, "exit", text))
    for trend in soak.memory.trends():
        if trend.is_long and trend.mib_per_minute > MOST_GROWTH:
            text = f"{trend.name} grows by {trend.mib_per_minute:.2f} MiB a minute"
            found.append(Finding(at, "memory", text))
    return found


def report_lines(soak: "Soak") -> Iterator[str]:
    """Return the report."""
    findings = [*soak.findings, *soak.judge.findings]
    yield ""
    minutes, seed = soak.elapsed_s / 60, soak.options.seed
    yield f"soak of {minutes:.1f} minutes, seed {seed}, {soak.rounds} rounds"
    yield from _section("faults", dict(soak.chaos.counts))
    yield from _section("administrator", dict(soak.administrator.counts))
    yield from _section("phones", dict(soak.judge.counts))
    ledger, reader = soak.ledger, soak.reader
    yield from _section(
        "changes",
        {
            "announced": ledger.announced,
            "of unknown outcome": ledger.doubtful,
            "values read back": reader.values_read,
            "files read back": reader.files_read,
            "orders obeyed by phones": soak.herd.counts["ordered"],
            "starts that were given up": soak.chaos.starts_refused,
        },
    )
    yield f"  {'slowest catch-up':<44} {reader.slowest_catch_up_s:8.1f} s"
    yield f"  {'slowest stop':<44} {soak.chaos.slowest_stop_s:8.1f} s"
    yield f"  {'slowest start':<44} {soak.chaos.slowest_start_s:8.1f} s"
    alone_s = soak.chaos.slowest_start_alone_s
    yield f"  {'slowest start without database':<44} {alone_s:8.1f} s"
    yield "memory (MiB after warming up, growth by a straight line, whole life)"
    for trend in soak.memory.trends():
        growth = f"{trend.mib_per_minute:+6.2f} MiB/min" if trend.is_long else "  too short"
        yield (
            f"  {trend.name:<14} {trend.first_mib:6.1f} to {trend.last_mib:6.1f}, most"
            f" {trend.highest_mib:6.1f} {growth}  {trend.picture}"
        )
    yield f"findings: {len(findings)}"
    for one in findings[:_SHOWN]:
        yield f"  {one.kind}: {one.text}"
    if len(findings) > _SHOWN:
        yield f"  ... and {len(findings) - _SHOWN} more"


def _section(title: str, counts: dict[str, int]) -> Iterator[str]:
    yield title
    for name, count in sorted(counts.items()):
        yield f"  {name:<44} {count:8}"


def write_report(soak: "Soak", path: Path) -> None:
    """Write all of it as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    availability = soak.truth.availability
    told = {
        "options": asdict(soak.options),
        "seconds": soak.elapsed_s,
        "faults": dict(soak.chaos.counts),
        "administrator": dict(soak.administrator.counts),
        "refusals": dict(soak.administrator.refusals),
        "phones": dict(soak.judge.counts),
        "announced": soak.ledger.announced,
        "of_unknown_outcome": soak.ledger.doubtful,
        "share_up": {
            node: availability.share_up(node, soak.began, soak.began + soak.elapsed_s)
            for node in NODES
        },
        "memory": [asdict(trend) for trend in soak.memory.trends()],
        "samples": soak.memory.samples,
        "marks": soak.marks,
        "findings": [asdict(one) for one in [*soak.findings, *soak.judge.findings]],
    }
    path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
