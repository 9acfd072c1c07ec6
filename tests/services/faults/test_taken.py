"""Every kind of fault is asked for by what it happens to: none is a promise only."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import cucmsim
from cucmsim.services.faults.kinds import FaultKind

PACKAGE = Path(cucmsim.__file__).parent
ASK = {"take", "lasting"}


def asking() -> Iterator[tuple[str, ast.Module]]:
    """Yield the modules that ask whether a fault happens, by name."""
    for room in ("daemons", "services", "cluster", "testing"):
        for path in (PACKAGE / room).rglob("*.py"):
            module = ast.parse(path.read_text(encoding="utf-8"))
            parts = (node for node in ast.walk(module) if isinstance(node, ast.Call))
            called = {node.func.attr for node in parts if isinstance(node.func, ast.Attribute)}
            if called & ASK:
                yield (
                    ".".join(("cucmsim", *path.relative_to(PACKAGE).with_suffix("").parts)),
                    module,
                )


def written(module: ast.Module) -> Iterator[FaultKind]:
    """Yield the kinds that a module names, except in the patterns of a `match`."""
    patterns = (node for node in ast.walk(module) if isinstance(node, ast.pattern))
    matched = {id(part) for pattern in patterns for part in ast.walk(pattern)}
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute) and id(node) not in matched:
            match node.value:
                case ast.Name("FaultKind"):
                    yield FaultKind[node.attr]


def held(name: str) -> Iterator[FaultKind]:
    """Yield the kinds in the tables of a module."""
    for value in vars(importlib.import_module(name)).values():
        if isinstance(value, tuple | frozenset):
            yield from (one for one in value if isinstance(one, FaultKind))


def test_somebody_asks_whether_each_kind_happens() -> None:
    asked = {kind for name, module in asking() for kind in (*written(module), *held(name))}
    assert [kind for kind in FaultKind if kind not in asked] == []


@pytest.mark.parametrize(
    ("code", "kinds"),
    [
        ("plan.take((FaultKind.DHCP_SILENT,), scene)", [FaultKind.DHCP_SILENT]),
        ("match kind:\n    case FaultKind.DHCP_SILENT:\n        pass", []),
    ],
)
def test_what_only_tells_kinds_apart_asks_for_none(code: str, kinds: list[FaultKind]) -> None:
    assert list(written(ast.parse(code))) == kinds
