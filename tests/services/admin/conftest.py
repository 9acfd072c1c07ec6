"""A node whose commands are given by a script: `give("show itl")`."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from cucmsim.entropy import SeededEntropy
from cucmsim.pki.digests import Digest
from cucmsim.pki.keys import KeySpec
from cucmsim.pki.profiles import SubjectFields, Unit
from cucmsim.pki.release import Release
from cucmsim.protocols.admin_editor import Terminal
from cucmsim.protocols.admin_events import SessionSettings
from cucmsim.services.admin.command import Command, Context, ServiceState
from cucmsim.services.admin.platform import INSTALL_LEVEL, Platform
from cucmsim.services.admin.scripted import Script
from cucmsim.services.admin.shell import Outcome, carry_out, grammar_of
from cucmsim.services.admin.table import COMMANDS
from cucmsim.services.certificates import UnitSettings
from cucmsim.services.operations.drs.agents import Drs
from cucmsim.services.operations.operator import Operator
from cucmsim.services.operations.servicecontrol import ServiceAction
from cucmsim.services.operations.versions import Sides, Version, put_sides
from cucmsim.services.view import View
from cucmsim.store.replica import Replica
from cucmsim.store.store import Store
from tests.fixtures.postgres import SECURITY_PASSWORD, empty_store
from tests.services.admin.fakenetwork import FakeNetwork
from tests.services.admin.fakesftp import FakeSftp
from tests.services.conftest import PUBLISHER, SUBSCRIBER, SteppingClock
from tests.services.operations.conftest import NOW, Authority, fill, make_operator
from tests.services.operations.conftest import PUBLISHER as OPERATED_PUBLISHER
from tests.services.operations.conftest import SUBSCRIBER as OPERATED_SUBSCRIBER
from tests.store.conftest import FixedClock

PASSWORD = "lab-password-2445"


@dataclass
class Operations:
    """A running node that a test makes up."""

    started: datetime
    is_upgrading: bool = False
    states: Sequence[ServiceState] = ()
    files: dict[str, bytes] = field(default_factory=dict)
    acted: list[tuple[str, str, str]] = field(default_factory=list)
    operates: Operator | None = None
    logs: Path = Path("nowhere")
    network: FakeNetwork = field(default_factory=FakeNetwork)
    sftp: FakeSftp = field(default_factory=FakeSftp)

    def services(self) -> Sequence[ServiceState]:
        return self.states

    async def tftp_file(self, name: str) -> bytes | None:
        return self.files.get(name)

    def restart_node(self) -> None:
        self.acted.append(("", "node", "restart"))

    def shut_down_node(self) -> None:
        self.acted.append(("", "node", "shutdown"))

    def log_directory(self) -> Path:
        return self.logs

    def operator(self) -> Operator:
        assert self.operates is not None
        return self.operates

    def drs(self) -> Drs:
        return Drs(self.operator(), self.sftp, UTC, lambda _: self.started)

    async def act_on_service(self, node: str, service: str, action: ServiceAction) -> None:
        self.acted.append((node, service, action))


@dataclass
class Desk:
    """Gives commands at a node; `context` may be replaced. Keeps what came of the last one."""

    context: Context
    operations: Operations
    outcome: Outcome = Outcome()  # noqa: RUF009  frozen
    script: Script = field(default_factory=Script)

    async def give(
        self,
        line: str,
        answers: Iterable[str] = (),
        commands: Sequence[Command] = tuple(COMMANDS.values()),
    ) -> str:
        """Give a command and return what was shown."""
        table = {one.syntax: one for one in commands}
        context = replace(self.context, grammar=grammar_of(commands, self.context.level))
        self.script = Script(answers)
        self.outcome = await carry_out(line, context, table, self.script)
        return self.script.text


@dataclass(frozen=True)
class Usual:
    """A description of certificates that leaves all to the release."""

    subject: SubjectFields = field(
        default_factory=lambda: SubjectFields("TAC", "Cisco", "Krakow", "Malopolska", "PL")
    )
    key: KeySpec | None = None
    digest: Digest | None = None
    validity_days: int | None = None
    subject_alternative: tuple[str, ...] = ()

    def of(self, _unit: Unit) -> UnitSettings:
        return self


MakeDesk = Callable[[str], Awaitable[Desk]]
MakeClerk = Callable[..., Awaitable[Desk]]


@pytest_asyncio.fixture
async def make_desk(
    tmp_path: Path, two_nodes: Replica, stepping_clock: SteppingClock
) -> AsyncIterator[MakeDesk]:
    """Make a desk at a node of the two; the view holds their certificates."""
    entropy = SeededEntropy(1)
    path = tmp_path / "cluster.db"
    path.write_bytes(empty_store(PASSWORD))
    url = f"sqlite:///{path}"
    async with Store.open(
        url, security_password=PASSWORD, clock=stepping_clock, entropy=entropy, migrate=True
    ) as store:
        async with store.transaction() as transaction:
            for node in two_nodes.nodes.values():
                await transaction.put_node(replace(node, pkid=""))

        async def make(name: str) -> Desk:
            operations = Operations(stepping_clock.now(), logs=tmp_path / "logs")
            context = Context(
                node_name=name,
                release=Release.parse("10.0"),
                store=store,
                view=View(two_nodes),
                clock=stepping_clock,
                entropy=entropy,
                operations=operations,
                platform=await Platform.opened(store, name, stepping_clock, entropy),
                user="admin",
                level=INSTALL_LEVEL,
                session=SessionSettings(),
                terminal=Terminal(),
                grammar=grammar_of((), INSTALL_LEVEL),
            )
            return Desk(context, operations)

        yield make


@pytest_asyncio.fixture
async def desk(make_desk: MakeDesk) -> Desk:
    """Sit at the publisher."""
    return await make_desk(PUBLISHER)


@pytest_asyncio.fixture
async def subscriber_desk(make_desk: MakeDesk) -> Desk:
    """Sit at the subscriber."""
    return await make_desk(SUBSCRIBER)


@pytest_asyncio.fixture
async def make_clerk(tmp_path: Path) -> AsyncIterator[MakeClerk]:
    """Make a desk at a node of a cluster whose certificates are operated; both share a store."""
    clock = FixedClock(NOW)
    url = f"sqlite:///{tmp_path / 'operated.db'}"
    async with Store.open(
        url, security_password=SECURITY_PASSWORD, clock=clock, entropy=SeededEntropy(1)
    ) as store:
        await fill(store)
        view = View(await store.load_replica())

        async def newest() -> Replica:
            view.replace(await store.load_replica())
            return view.replica

        async def make(name: str, release: str = "12.5") -> Desk:
            made = make_operator(store, clock, release)
            async with store.transaction() as transaction:
                for node in (OPERATED_PUBLISHER, OPERATED_SUBSCRIBER):
                    await put_sides(transaction, node, Sides(Version.of(made.release)))
            await newest()
            operator = replace(
                made, newest=newest, certificates=Usual(), security_password=SECURITY_PASSWORD
            )
            operations = Operations(NOW, operates=operator, logs=tmp_path / "logs")
            context = Context(
                node_name=name,
                release=operator.release,
                store=store,
                view=view,
                clock=clock,
                entropy=operator.entropy,
                operations=operations,
                platform=await Platform.opened(store, name, clock, operator.entropy),
                user="admin",
                level=INSTALL_LEVEL,
                session=SessionSettings(),
                terminal=Terminal(),
                grammar=grammar_of((), INSTALL_LEVEL),
            )
            return Desk(context, operations)

        yield make


@pytest_asyncio.fixture
async def clerk(make_clerk: MakeClerk) -> Desk:
    """Sit at the publisher of the operated cluster, of release 12.5."""
    return await make_clerk(OPERATED_PUBLISHER)


@pytest_asyncio.fixture
async def subscriber_clerk(make_clerk: MakeClerk) -> Desk:
    """Sit at its subscriber."""
    return await make_clerk(OPERATED_SUBSCRIBER)


@pytest.fixture
def root() -> Authority:
    """Give a root authority."""
    return Authority("Enterprise Root")
