"""Every scenario of the library, on every release of it, ends as the reference says.

Phones of both generations, both engines of the store and both event loops take turns, so that each
scenario meets both of each.
"""

import asyncio
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import uvloop

from cucmsim.scenarios.library import LIBRARY
from cucmsim.scenarios.model import Scenario
from cucmsim.scenarios.narrative import Result
from cucmsim.scenarios.runner import Order, Verdict
from cucmsim.testing.shape import NEW_PHONE, OLD_PHONE, ClusterShape
from tests.fixtures.postgres import PostgresServer, make_store
from tests.scenarios.plays import played

PHONES = (OLD_PHONE, NEW_PHONE)
ENGINES = ("sqlite", "postgresql")
LOOPS: Mapping[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.SelectorEventLoop,
    "uvloop": uvloop.new_event_loop,
}
ORDER = (
    *("first-boot", "ctl-only", "https-tomcat", "regen-callmanager", "regen-tvs", "regen-both"),
    *("hold-timer", "itl-reset-local", "itl-reset-remote", "itl-reset-subscriber"),
    *("itl-reset-no-record", "recovery-wrong-password", "recovery-regen-12", "mixed-mode"),
    *("token-to-tokenless", "tokenless-to-token", "ctl-regen", "ctl-left-behind"),
    *("migrate-secure", "migrate-unprepared", "migrate-trust-only", "migrate-bulk"),
    *("migrate-rollback-ctl", "rollback-itl", "rename-single-itl", "rename-single-ctl"),
    *("rename-multi-itl", "drs-restore", "drs-CSCtn50405", "rebuilt-no-backup", "central-tftp"),
    *("central-tftp-mixed-releases", "encrypted-config", "capf-install", "capf-regen"),
    *("recovery-backup-alert", "subscriber-p12", "checksum-audit"),
)


@dataclass(frozen=True)
class Run:
    """One run of a scenario; `turn` says which phone, engine and loop it has."""

    scenario: Scenario
    release: str
    turn: int
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def engine(self) -> str:
        return ENGINES[(self.turn + self.turn // 2) % 2]

    @property
    def loop(self) -> str:
        return [*LOOPS][(self.turn + self.turn // 4) % 2]

    def __str__(self) -> str:
        values = "".join(f"-{value}" for value in self.parameters.values())
        model = PHONES[self.turn % 2].model
        return f"{self.scenario.name}{values}-{self.release}-{model}-{self.engine}-{self.loop}"


def runs() -> Iterator[Run]:
    """Yield a run for each release, two at least, and one for each other value of a parameter."""
    for number, scenario in enumerate(LIBRARY):
        releases = scenario.releases * (1 if len(scenario.releases) > 1 else 2)
        for turn, release in enumerate(releases, number % 2):
            yield Run(scenario, release, turn)
        for name, choice in scenario.choices.items():
            for turn, value in enumerate(choice.values[1:], number):
                release = releases[turn % len(releases)]
                yield Run(scenario, release, turn, {name: value})


@pytest.fixture(scope="session")
def made_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the tables of a lab's store once: they are copied faster than made."""
    path = tmp_path_factory.mktemp("made") / "made.db"
    asyncio.run(make_store(f"sqlite:///{path}", ClusterShape().security_password))
    return path


@pytest.fixture(scope="session")
def made_postgres(postgres: PostgresServer) -> str:
    """Do the same in PostgreSQL; return the name of the database."""
    name = postgres.create()
    asyncio.run(make_store(postgres.url(name), ClusterShape().security_password))
    return name


@pytest.fixture
def url(run: Run, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the URL of the run's store."""
    if run.engine == "sqlite":
        path = tmp_path / "lab.db"
        shutil.copy(request.getfixturevalue("made_sqlite"), path)
        yield f"sqlite:///{path}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = server.create(request.getfixturevalue("made_postgres"))
    yield server.url(name)
    server.drop(name)


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("run", list(runs()), ids=str)
def test_the_scenario_ends_as_the_reference_says(run: Run, url: str, tmp_path: Path) -> None:
    order = Order(
        replace(run.scenario, shape=replace(run.scenario.shape, database=url)),
        run.release,
        seed=0,
        identity=PHONES[run.turn % 2],
        parameters=run.parameters,
    )
    result = played(order, tmp_path, LOOPS[run.loop])

    assert (result.verdict, result.reason) == (Verdict.PASSED, "")
    assert {check.result for check in result.checks} == {Result.MET}


def test_the_library_has_every_row_of_the_reference_in_its_order() -> None:
    assert tuple(scenario.name for scenario in LIBRARY) == ORDER


def test_every_scenario_says_what_it_is_and_what_must_come_of_it() -> None:
    for scenario in LIBRARY:
        assert scenario.title
        assert scenario.story
        assert scenario.outcome
        assert scenario.source
