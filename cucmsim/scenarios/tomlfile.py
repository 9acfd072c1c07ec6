"""A scenario written in TOML: what stands above its steps. `tomlsteps` has the steps.

    name = "regen-twice"
    title = "CallManager is regenerated twice"
    source = "ticket 4711"
    outcome = "the phone follows"
    story = "..."

    [cluster]
    releases = ["11.5"]
    nodes = 2

    [[steps]]
    phone = "boot"

    [[steps]]
    expect = "follows"

Every problem of a file is found at once, with what was found, what was expected, the nearest name.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from cucmsim.cluster.problems import Findings, show
from cucmsim.errors import Problem, SettingsError
from cucmsim.phone.values import PhoneIdentity
from cucmsim.scenarios.model import RELEASES, Scenario
from cucmsim.scenarios.tomlplay import Steps, read_steps
from cucmsim.scenarios.tomlsteps import MAIN, Known
from cucmsim.testing.shape import ClusterShape, PhoneShape, node_names

__all__ = ["load_toml"]

_SEPARATORS: Final = re.compile(r"[:.-]")
_Release = Literal["8.6", "9.1", "10.5", "11.5", "12.5", "14"]
_MOST_NODES: Final = 8
_STAND_INS: Final = {"name": "none", "title": "", "outcome": "", "steps": [{}]}
"""What takes the place of a key that is needed but wrong, so that the others are looked at."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ClusterTable(_Table):
    """`[cluster]`, or `[clusters.NAME]`; `extra` has tables as in a cluster's description."""

    releases: Annotated[list[_Release], Field(min_length=1)] = list(RELEASES)
    mode: Literal["non-secure", "mixed"] = "non-secure"
    nodes: Annotated[int, Field(ge=1, le=_MOST_NODES)] = 2
    phones: list[dict[str, object]] = []
    prefix: str = "cucm"
    extra: dict[str, object] = {}


class ScenarioTable(_Table):
    """The file as a whole; `clusters` are those that a step may open besides."""

    name: Annotated[
        str,
        Field(
            pattern=r"^[a-z0-9][a-z0-9-]*$",
            json_schema_extra={"expected": "small letters, digits and hyphens"},
        ),
    ]
    title: str
    outcome: str
    source: str = "a file"
    story: str = ""
    cluster: ClusterTable = ClusterTable()
    clusters: dict[str, ClusterTable] = {}
    steps: Annotated[list[dict[str, object]], Field(min_length=1)]


def load_toml(path: Path) -> Scenario:
    """Return the scenario of a file. Raises SettingsError with every problem."""
    findings = Findings(str(path))
    tree = _parsed(path)
    table = findings.read(ScenarioTable, tree, (), stand_ins=_STAND_INS)
    others = table.clusters if table else {}
    shape = _shape(table.cluster, "cluster", findings) if table else ClusterShape()
    shapes = {
        name: _beside(_shape(one, f"clusters.{name}", findings), name, shape)
        for name, one in others.items()
    }
    nodes = {name: node_names(one) for name, one in {MAIN: shape, **shapes}.items()}
    written = tree.get("steps")
    entries = written if isinstance(written, list) else []
    steps = read_steps(entries, Known(nodes, findings))
    if table is None or findings.problems:
        raise SettingsError(tuple(findings.problems))
    return Scenario(
        name=table.name,
        title=table.title,
        source=table.source,
        outcome=table.outcome,
        story=table.story.strip(),
        play=Steps(steps, shapes),
        shape=shape,
        releases=tuple(table.cluster.releases),
        phones=any(step.needs_phone for step in steps),
    )


def _shape(table: ClusterTable, key: str, findings: Findings) -> ClusterShape:
    phones = [
        phone
        for at, entry in enumerate(table.phones)
        if (phone := _phone(entry, (*key.split("."), "phones", at), findings)) is not None
    ]
    usual = ClusterShape()
    return ClusterShape(
        release=usual.release if usual.release in table.releases else table.releases[-1],
        mode=table.mode,
        nodes=table.nodes,
        phones=tuple(phones) or usual.phones,
        extra=table.extra,
        prefix=table.prefix,
    )


def _beside(shape: ClusterShape, name: str, main: ClusterShape) -> ClusterShape:
    """Return a further cluster: other addresses, and other names unless it has its own."""
    prefix = name if shape.prefix == main.prefix else shape.prefix
    return replace(shape, prefix=prefix, first=main.first + main.nodes)


def _phone(
    entry: Mapping[str, object], spot: tuple[str | int, ...], findings: Findings
) -> PhoneShape | None:
    keys = dict(entry)
    mac, model = str(keys.pop("mac", "")), str(keys.pop("model", "8861"))
    try:
        identity = PhoneIdentity(_SEPARATORS.sub("", mac).upper().removeprefix("SEP"), model)
    except ValueError as error:
        findings.add(
            spot, show(str(error).partition(";")[0]), str(error).rpartition("expected ")[2]
        )
        return None
    return PhoneShape(identity, keys)


def _parsed(path: Path) -> dict[str, object]:
    """Return the tables of a file. Raises SettingsError where it is no TOML."""
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n"))
    except OSError as error:
        found, expected = str(error.strerror), "a file that can be read"
    except (ValueError, RecursionError) as error:
        found, expected = str(error), "TOML in UTF-8"
    raise SettingsError((Problem(str(path), "the file", found, expected),))
