"""The part of the management API that gives commands of the administrator's command line.

A command is given at a node of this process, with the answers to its questions; what comes back is
what a terminal would show. What the real server does not have, such as an answer for a question
that was not foreseen, is refused in our own words.
"""

from collections.abc import Callable, Mapping
from typing import Annotated

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

from cucmsim.errors import RefusedError
from cucmsim.protocols.admin_editor import Terminal
from cucmsim.services.admin.commandline import CommandLine
from cucmsim.services.admin.platform import INSTALL_LEVEL
from cucmsim.services.admin.scripted import Script

__all__ = ["CommandOutcome", "CommandWish", "add_commands"]

_USER = "admin"
_LONGEST = 65_536


class CommandWish(BaseModel):
    """A line, and the answers to the questions that the command asks, in order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    line: Annotated[str, Field(min_length=1, max_length=_LONGEST)]
    answers: tuple[str, ...] = ()


class CommandOutcome(BaseModel):
    """What a terminal would show, and whether the command ended well."""

    model_config = ConfigDict(frozen=True)

    text: str
    succeeded: bool


def add_commands(app: FastAPI, lines: Callable[[], Mapping[str, CommandLine]]) -> None:
    """Add the route to `app`; `lines` gives the command line of each node of the process."""

    @app.post("/commands/{node}")
    async def give(node: str, wanted: CommandWish) -> CommandOutcome:
        held = lines().get(node)
        if held is None:
            raise RefusedError(f"no node {node!r} in this process; it runs: {', '.join(lines())}")
        script = Script(wanted.answers)
        opened = held.open(_USER, INSTALL_LEVEL, Terminal())
        outcome = await opened.carry_out(wanted.line, script)
        return CommandOutcome(text=script.text, succeeded=outcome.succeeded)
