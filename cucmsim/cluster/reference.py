"""The reference of every key, written from the models: the tables of config/README.md.

`python -m cucmsim.cluster.reference` prints it; a test keeps the README current.
"""

import json
from collections.abc import Iterator, Mapping

from cucmsim.cluster.filemodel import FileModel
from cucmsim.cluster.problems import Schema, describe, resolve, schema_of

__all__ = ["format_reference"]

_HEAD = "| key | value | default | meaning |\n|---|---|---|---|"


def format_reference() -> str:
    """Return a Markdown table for each section of a cluster description."""
    root = schema_of(FileModel)
    sections = root["properties"]
    assert isinstance(sections, Mapping)  # noqa: S101  pydantic's own output
    return "\n".join(
        line for name, schema in sections.items() for line in _section(name, schema, root)
    )


def _section(name: str, schema: Schema, root: Schema) -> Iterator[str]:
    """Yield the heading and the table of one section."""
    table = resolve(schema, root)
    items = table.get("items")
    heading = f"[[{name}]]" if isinstance(items, Mapping) else f"[{name}]"
    yield f"\n### `{heading}`\n\n{schema.get('description', '')}.\n"
    yield _HEAD
    yield from _rows("", resolve(items, root) if isinstance(items, Mapping) else table, root)


def _rows(prefix: str, table: Schema, root: Schema) -> Iterator[str]:
    """Yield a row for each key of a table, and of tables in it."""
    properties, needed = table.get("properties"), table.get("required")
    assert isinstance(properties, Mapping)  # noqa: S101  pydantic's own output
    required = needed if isinstance(needed, list) else []
    for key, schema in properties.items():
        below = resolve(schema, root)
        if "properties" in below:
            yield from _rows(f"{prefix}{key}.", below, root)
            continue
        default = "**required**" if key in required else _default(schema)
        cells = (f"`{prefix}{key}`", describe(schema, root), default, schema.get("description", ""))
        yield "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def _default(schema: Schema) -> str:
    """Format a default; nothing where it follows from something else."""
    default = schema.get("default")
    if default in (None, "", [], "."):
        return ""
    return f"`{json.dumps(default)}`"


if __name__ == "__main__":
    print(format_reference())  # noqa: T201  that is what this is for
