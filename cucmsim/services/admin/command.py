"""What a command is made of, and what it is given. The package's head shows how to write one."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from pathlib import Path
from typing import Protocol

from cucmsim.clock import Clock
from cucmsim.entropy import Entropy
from cucmsim.pki.release import Release
from cucmsim.protocols.admin_editor import Terminal
from cucmsim.protocols.admin_events import Question, SessionSettings
from cucmsim.protocols.admin_grammar import Grammar, Syntax
from cucmsim.services.admin.platform import Platform
from cucmsim.services.network import NetworkProbes
from cucmsim.services.operations.drs.agents import Drs
from cucmsim.services.operations.operator import Operator
from cucmsim.services.operations.servicecontrol import ServiceAction
from cucmsim.services.sftp import SftpClient
from cucmsim.services.view import View
from cucmsim.store.rows import ProcessNode
from cucmsim.store.store import Store

__all__ = [
    "Arguments",
    "Command",
    "Context",
    "Mark",
    "NodeOperations",
    "Output",
    "Run",
    "ServiceState",
    "Steps",
]


class Mark(Enum):
    """What a command yields besides text and questions."""

    FAILED = auto()
    """The command did not do what it was told; its text said so in its own words."""
    LEAVE = auto()
    """The session ends."""


Output = str | Question | Mark
Steps = AsyncGenerator[Output, str]
"""What a command yields; a question gets its answer sent, anything else an empty text."""
Arguments = Mapping[str, str]
"""By the names in the usage text; what was left out is missing."""


@dataclass(frozen=True, slots=True)
class ServiceState:
    """A service of the node by its short name ("tftp"), and since when it is as it is."""

    name: str
    is_started: bool
    since: datetime


class NodeOperations(Protocol):
    """What commands do to the running node and the nodes beside it."""

    @property
    def started(self) -> datetime:
        """When the node came up."""
        ...

    @property
    def is_upgrading(self) -> bool:
        """Whether an upgrade runs, during which some commands are not allowed."""
        ...

    @property
    def sftp(self) -> SftpClient:
        """What reaches the administrator's SFTP servers."""
        ...

    @property
    def network(self) -> NetworkProbes:
        """What looks into the network."""
        ...

    def restart_node(self) -> None:
        """Begin to restart the whole node. Raises RefusedError while it goes down already."""
        ...

    def shut_down_node(self) -> None:
        """Begin to stop every service of the node. Raises RefusedError as `restart_node` does."""
        ...

    def log_directory(self) -> Path:
        """Return where the node's logs lie ("active" and its neighbours), all lines written."""
        ...

    def operator(self) -> Operator:
        """Return what the operations of `services/operations` work with."""
        ...

    def drs(self) -> Drs:
        """Return what backups and restores work with. Raises RefusedError."""
        ...

    def services(self) -> Sequence[ServiceState]:
        """Return the state of each service of the node."""
        ...

    async def tftp_file(self, name: str) -> bytes | None:
        """Return a file as the node's TFTP service serves it; None when it does not."""
        ...

    async def act_on_service(self, node: str, service: str, action: ServiceAction) -> None:
        """Act on a node's service ("Cisco Tftp"). Raises RefusedError, StartError, StoreError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a command works with: the node, the cluster, and the session that gave it."""

    node_name: str
    release: Release
    store: Store
    view: View
    clock: Clock
    entropy: Entropy
    operations: NodeOperations
    platform: Platform
    user: str
    level: int
    session: SessionSettings
    terminal: Terminal
    grammar: Grammar

    @property
    def node(self) -> ProcessNode:
        """The node as the cluster knows it now."""
        return self.view.replica.node(self.node_name)


Run = Callable[[Context, Arguments], Steps]


@dataclass(frozen=True, slots=True)
class Command:
    """A command: its syntax and what carries it out."""

    syntax: Syntax
    run: Run

    @classmethod
    def of(
        cls,
        usage: str,
        run: Run,
        *,
        level: int = 0,
        publisher_only: bool = False,
        during_upgrade: bool = True,
        description: str = "",
        example: str = "",
    ) -> "Command":
        """Make a command from a usage text (`protocols/admin_grammar.py`)."""
        syntax = Syntax.of(
            usage,
            level=level,
            publisher_only=publisher_only,
            during_upgrade=during_upgrade,
            description=description,
            example=example,
        )
        return cls(syntax, run)
