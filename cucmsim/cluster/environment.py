"""Values from the environment, such as `CUCMSIM_CLUSTER__SECURITY_PASSWORD`.

The rule: `CUCMSIM_`, then the keys from the top of the file, joined by two underscores, in
capitals, every other character than a letter or digit written as one underscore. An entry of a list
is named by its place (from 0) or by its `name` (a phone by its `mac`): `CUCMSIM_NODES__0__ADDRESS`,
`CUCMSIM_NODES__CUCM_PUB__ADDRESS`. A list of plain values is written with commas. Where a text is
expected, the value is taken as it is; elsewhere it is read as TOML writes it (`true`, `6969`). The
environment changes entries and adds keys to them, but adds no entry. Names that begin with
`CUCMSIM_TEST_` are left alone.
"""

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from difflib import SequenceMatcher

from cucmsim.cluster.filemodel import FileModel
from cucmsim.cluster.problems import Findings, Schema, Spot, nearest, resolve, schema_of

__all__ = ["PREFIX", "overlay"]

PREFIX = "CUCMSIM_"
_NOT_OURS = "CUCMSIM_TEST_"

_Target = tuple[Spot, Schema]


def overlay(tree: dict[str, object], environ: Mapping[str, str], findings: Findings) -> None:
    """Change `tree` as the variables of `environ` say; note those that match nothing."""
    given = {
        name: value
        for name, value in environ.items()
        if name.startswith(PREFIX) and not name.startswith(_NOT_OURS)
    }
    if not given:
        return
    targets = _targets(tree, given)
    for name, value in sorted(given.items()):
        target = targets.get(name)
        if target is None:
            hint = _nearest_name(name, targets)
            findings.overridden[name,] = name
            findings.add((name,), "a name that matches no key", "the name of a key", hint)
            continue
        spot, schema = target
        if _put(tree, spot, _parse(value, schema)):
            findings.overridden[spot] = name


def _nearest_name(name: str, names: Collection[str]) -> str | None:
    """Return the variable meant by `name`, if its last part is near the last part of one."""
    keys: dict[str, list[str]] = {}
    for known in names:
        keys.setdefault(_last_part(known), []).append(known)
    key = nearest(_last_part(name), keys)
    meant = keys[key] if key else []
    return max(meant, key=lambda known: SequenceMatcher(None, name, known).ratio(), default=None)


def _last_part(name: str) -> str:
    """Return the key at the end of a variable's name."""
    return name.removeprefix(PREFIX).rpartition("__")[2]


def _targets(tree: Mapping[str, object], given: Mapping[str, str]) -> dict[str, _Target]:
    """Return every name that may be given; phones only where one is meant, as there are many."""
    root = schema_of(FileModel)
    found: dict[str, _Target] = {}
    sections = root["properties"]
    assert isinstance(sections, Mapping)  # noqa: S101  pydantic's own output
    for section, schema in sections.items():
        prefix = PREFIX + _spell(section)
        if section == "phones" and not any(name.startswith(prefix) for name in given):
            continue
        found.update(_walk(prefix, (section,), tree.get(section), resolve(schema, root)))
    return found


def _walk(name: str, spot: Spot, value: object, schema: Schema) -> Iterator[tuple[str, _Target]]:
    """Yield the variable name and target of each value at or below `spot`."""
    root = schema_of(FileModel)
    properties, items = schema.get("properties"), schema.get("items")
    if isinstance(properties, Mapping):
        table = value if isinstance(value, dict) else {}
        for key, below in properties.items():
            down = resolve(below, root)
            yield from _walk(f"{name}__{_spell(key)}", (*spot, key), table.get(key), down)
    elif isinstance(items, Mapping) and "properties" in resolve(items, root):
        entries = value if isinstance(value, list) else []
        for index, entry in enumerate(entries):
            for label in _labels(index, entry):
                down = resolve(items, root)
                yield from _walk(f"{name}__{label}", (*spot, index), entry, down)
    else:
        yield name, (spot, schema)


def _labels(index: int, entry: object) -> list[str]:
    """Return what an entry of a list is called: its place, and its name or MAC address."""
    labels = [str(index)]
    if isinstance(entry, dict):
        own = entry.get("name") or entry.get("mac")
        if isinstance(own, str) and own:
            labels.append(_spell(own))
    return labels


def _spell(key: str) -> str:
    """Return a key as the environment writes it."""
    return re.sub(r"[^A-Z0-9]", "_", key.upper())


def _parse(text: str, schema: Schema) -> object:
    """Read a variable's value as the kind of value that `schema` wants."""
    root = schema_of(FileModel)
    kind = schema.get("type")
    if kind == "array":
        items = schema.get("items")
        below = resolve(items, root) if isinstance(items, Mapping) else {}
        parts = [part.strip() for part in text.split(",")]
        return [_parse(part, below) for part in parts if part]
    if kind == "string" or ("enum" in schema and kind is None):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text


def _put(tree: dict[str, object], spot: Spot, value: object) -> bool:
    """Put `value` where `spot` says, making tables on the way; False if something is in the way."""
    here: object = tree
    for part in spot[:-1]:
        if isinstance(here, dict):
            here = here.setdefault(part, {})
        elif isinstance(here, list) and isinstance(part, int):
            here = here[part]
    if isinstance(here, dict):
        here[spot[-1]] = value
        return True
    return False
