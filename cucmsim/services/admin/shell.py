"""Carries out one line of the command line: finds the command, runs it, says how it ended."""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

import structlog

from cucmsim.errors import RefusedError, StoreError
from cucmsim.formats.names import escape_controls
from cucmsim.protocols.admin_events import Question
from cucmsim.protocols.admin_grammar import Grammar, Match, Mismatch, Syntax
from cucmsim.services.admin.command import Command, Context, Mark, Steps

__all__ = ["UNSUCCESSFUL", "Dialogue", "Outcome", "carry_out", "grammar_of"]

UNSUCCESSFUL = "Executed command unsuccessfully"
_PUBLISHER_ONLY = "This command is only available on the publisher node."
_UPGRADING = "This command is not allowed during an upgrade."


class Dialogue(Protocol):
    """Whoever gave the command: sees its text, answers its questions."""

    async def write(self, text: str) -> None:
        """Show text; returns when more may follow."""
        ...

    async def ask(self, question: Question) -> str:
        """Ask, and return the answer."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended; `leaves` ends the session."""

    succeeded: bool = True
    leaves: bool = False


def grammar_of(commands: Sequence[Command], level: int) -> Grammar:
    """Return the grammar of the commands that privilege `level` may give."""
    return Grammar(one.syntax for one in commands).for_level(level)


async def carry_out(
    line: str, context: Context, commands: Mapping[Syntax, Command], dialogue: Dialogue
) -> Outcome:
    """Carry out a line that somebody gave. Lets only CancelledError through."""
    found = context.grammar.match(line)
    if isinstance(found, Mismatch):
        await dialogue.write(_mismatch(found))
        return Outcome(succeeded=False)
    try:
        _check(found.syntax, context)
        return await _drive(commands[found.syntax].run(context, found.arguments), dialogue)
    except RefusedError as error:
        await dialogue.write(f"{_shown(error)}\n{UNSUCCESSFUL}\n")
    except StoreError as error:
        _logger(context).warning("command failed", command=found.syntax.name, why=str(error))
        await dialogue.write(f"{_shown(error)}\n{UNSUCCESSFUL}\n")
    except Exception as error:  # noqa: BLE001 - a fault of a command ends that command only
        _log(context, found, error)
        await dialogue.write(f"{UNSUCCESSFUL}\n")
    return Outcome(succeeded=False)


def _mismatch(found: Mismatch) -> str:
    """Say what is wrong with a line; only for no command at all the verdict comes first."""
    if found.is_unknown:
        return f"{UNSUCCESSFUL}\n{found.text}\n"
    return f"{_shown(found.text)}\n{UNSUCCESSFUL}\n"


def _shown(said: Exception | str) -> str:
    """Return words that may repeat what was typed, with nothing a terminal would obey."""
    return "\n".join(escape_controls(line) for line in str(said).split("\n"))


def _check(syntax: Syntax, context: Context) -> None:
    """Raise RefusedError when the command is not for this node or this moment."""
    if syntax.publisher_only and not context.node.is_publisher:
        raise RefusedError(_PUBLISHER_ONLY)
    if context.operations.is_upgrading and not syntax.during_upgrade:
        raise RefusedError(_UPGRADING)


async def _drive(steps: Steps, dialogue: Dialogue) -> Outcome:
    """Pass a command's text and questions on, and the answers back."""
    marks = set[Mark]()
    async with aclosing(steps):
        answer: str | None = None
        while True:
            try:
                output = await (anext(steps) if answer is None else steps.asend(answer))
            except StopAsyncIteration:
                return Outcome(Mark.FAILED not in marks, Mark.LEAVE in marks)
            answer = ""
            match output:
                case Question():
                    answer = await dialogue.ask(output)
                case Mark():
                    marks.add(output)
                case _:
                    await dialogue.write(output)


def _log(context: Context, found: Match, error: Exception) -> None:
    """Log a failure with the command's words; arguments may be secret."""
    _logger(context).error(
        "command failed", command=found.syntax.name, error=repr(error), exc_info=error
    )


def _logger(context: Context) -> structlog.typing.FilteringBoundLogger:
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(node=context.node_name)
    return logger
