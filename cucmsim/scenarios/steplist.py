"""The steps of a scenario as a list for people, read off the scenario itself.

A Python row is read, not run: what it asks of the stage, call by call, with the functions beside it
that it goes through; conditions and loops stand as they are. What plays a file tells its own steps.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping
from typing import Final

__all__ = ["steps_of"]

_INDENT: Final = "  "
_VERBS: Final = frozenset(
    (
        *("boot", "move", "press_directories", "erase", "stay", "next_boot"),
        *("open", "stop", "equip", "exchange", "simulated"),
        *("command", "operate", "regenerate", "restart", "act", "advance", "upgrade", "forget"),
        *("set_mixed_mode", "prepare_rollback", "change_phone", "buy_tokens", "run_ctl_client"),
        *("add_fault", "clear_faults"),
        *("expect", "expect_follows", "expect_locked", "expect_source"),
    )
)
"""What a stage, a cluster or a phone on it is asked to do."""


def steps_of(play: Callable[..., object]) -> tuple[str, ...]:
    """Return the steps, a line each, indented below conditions and loops; () if none is known."""
    told = getattr(play, "lines", None)
    if told is not None:
        return tuple(told)
    try:
        return tuple(_function(play, ()))
    except (OSError, TypeError, SyntaxError):  # no source, as in a zipped package
        return ()


def _function(play: Callable[..., object], through: tuple[str, ...]) -> Iterator[str]:
    tree = ast.parse(textwrap.dedent(inspect.getsource(play)))
    names: Mapping[str, object] = getattr(play, "__globals__", {})
    reader = _Reader(names, getattr(play, "__module__", ""), through)
    for statement in tree.body:
        if isinstance(statement, ast.AsyncFunctionDef | ast.FunctionDef):
            yield from reader.block(statement.body)


class _Reader:
    """Reads one function; `through` are those on the way to it, which are not read again."""

    def __init__(self, names: Mapping[str, object], module: str, through: tuple[str, ...]) -> None:
        self._names = names
        self._module = module
        self._through = through

    def block(self, statements: list[ast.stmt]) -> Iterator[str]:
        """Yield the lines of some statements."""
        for statement in statements:
            match statement:
                case ast.If():
                    yield from self._condition(statement)
                case ast.For(target=target, iter=over, body=body):
                    head = f"for {ast.unparse(target)} in {ast.unparse(over)}:"
                    yield from self._below(head, body)
                case ast.Return(value=None):
                    yield "done"
                case _:
                    yield from self._calls(statement)

    def _condition(self, statement: ast.If) -> Iterator[str]:
        yield from self._below(f"if {ast.unparse(statement.test)}:", statement.body)
        yield from self._below("else:", statement.orelse)

    def _below(self, head: str, body: list[ast.stmt]) -> Iterator[str]:
        """Yield lines below a head, if there are any."""
        lines = [f"{_INDENT}{line}" for line in self.block(body)]
        if lines:
            yield head
            yield from lines

    def _calls(self, node: ast.AST) -> Iterator[str]:
        """Yield what is asked in an expression, what is asked first in front."""
        for child in ast.iter_child_nodes(node):
            yield from self._calls(child)
        if isinstance(node, ast.Call):
            yield from self._call(node)

    def _call(self, call: ast.Call) -> Iterator[str]:
        if isinstance(call.func, ast.Name):
            yield from self._beside(call.func.id)
        elif isinstance(call.func, ast.Attribute) and call.func.attr in _VERBS:
            yield ast.unparse(call).removeprefix("stage.").replace("await ", "")

    def _beside(self, name: str) -> Iterator[str]:
        """Yield the steps of a function of the library that is called."""
        called = self._names.get(name)
        package = self._module.rpartition(".")[0]
        if name in self._through or not inspect.isfunction(called):
            return
        if package and called.__module__.rpartition(".")[0] == package:
            yield from _function(called, (*self._through, name))
