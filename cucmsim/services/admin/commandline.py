"""The command line of a node: opens sessions, whoever is on the other end."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cucmsim.clock import Clock
from cucmsim.entropy import Entropy
from cucmsim.protocols.admin_editor import Terminal
from cucmsim.protocols.admin_events import SessionSettings
from cucmsim.protocols.admin_grammar import Syntax
from cucmsim.protocols.admin_session import AdminSession
from cucmsim.services.admin.command import Command, Context, NodeOperations
from cucmsim.services.admin.platform import Platform
from cucmsim.services.admin.shell import Dialogue, Outcome, carry_out, grammar_of
from cucmsim.services.admin.table import COMMANDS
from cucmsim.services.view import View
from cucmsim.store.store import Store

__all__ = ["BANNER", "CommandLine", "OpenSession"]

BANNER = """
Command Line Interface is starting up, please wait ...

   Welcome to the Platform Command Line Interface

VMware Installation:
\t2 vCPU: Intel(R) Xeon(R) CPU E5-2630 v3 @ 2.40GHz
\tDisk 1: 80GB, Partitions aligned
\t6144 Mbytes RAM

"""
"""What a session begins with (cucm.md 1.1)."""

_SECONDS = 60


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session and what its commands work with."""

    session: AdminSession
    context: Context
    commands: Mapping[Syntax, Command]

    async def carry_out(self, line: str, dialogue: Dialogue) -> Outcome:
        """Carry out a line of this session."""
        return await carry_out(line, self.context, self.commands, dialogue)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandLine:
    """What all sessions of a node share."""

    node_name: str
    store: Store
    view: View
    clock: Clock
    entropy: Entropy
    operations: NodeOperations
    platform: Platform
    commands: Mapping[Syntax, Command] = field(default_factory=lambda: COMMANDS)

    def open(self, user: str, level: int, terminal: Terminal) -> OpenSession:
        """Open a session of an administrator with privilege `level`."""
        timeout_s = self.platform.values.session_timeout_minutes * _SECONDS
        settings = SessionSettings(timeout_s=timeout_s)
        grammar = grammar_of(tuple(self.commands.values()), level)
        context = Context(
            node_name=self.node_name,
            release=self.operations.operator().release,
            store=self.store,
            view=self.view,
            clock=self.clock,
            entropy=self.entropy,
            operations=self.operations,
            platform=self.platform,
            user=user,
            level=level,
            session=settings,
            terminal=terminal,
            grammar=grammar,
        )
        return OpenSession(AdminSession(grammar, terminal, settings), context, self.commands)
