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

from cucmsim.phone.values import PhoneIdentity
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
    """One run of a scenario: the `turn`-th of it, on the `row`-th row of the library.

    The first two runs of a row differ in phone, engine and loop; which goes with which is another
    matter from row to row, and from pair to pair of a row.
    """

    scenario: Scenario
    release: str
    row: int
    turn: int
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def phone(self) -> PhoneIdentity:
        return PHONES[(self.turn + self.row) % 2]

    @property
    def engine(self) -> str:
        return ENGINES[(self.turn + self.turn // 2 + self.row // 2) % 2]

    @property
    def loop(self) -> str:
        return [*LOOPS][(self.turn + self.turn // 4 + self.row // 4) % 2]

    def __str__(self) -> str:
        values = "".join(f"-{value}" for value in self.parameters.values())
        model = self.phone.model
        return f"{self.scenario.name}{values}-{self.release}-{model}-{self.engine}-{self.loop}"


def runs() -> Iterator[Run]:
    """Yield a run for each release, two at least, and one for each other value of a parameter."""
    for row, scenario in enumerate(LIBRARY):
        releases = scenario.releases * (1 if len(scenario.releases) > 1 else 2)
        for turn, release in enumerate(releases):
            yield Run(scenario, release, row, turn)
        chosen = [{name: v} for name, each in scenario.choices.items() for v in each.values[1:]]
        for turn, parameters in enumerate(chosen, len(releases)):
            yield Run(scenario, releases[(turn + row) % len(releases)], row, turn, parameters)


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
        identity=run.phone,
        parameters=run.parameters,
    )
    result = played(order, tmp_path, LOOPS[run.loop])

    assert (result.verdict, result.reason) == (Verdict.PASSED, "")
    assert {check.result for check in result.checks} == {Result.MET}


def test_every_scenario_meets_both_phones_both_engines_and_both_loops() -> None:
    for scenario in LIBRARY:
        own = [run for run in runs() if run.scenario is scenario]
        assert {run.phone for run in own} == set(PHONES), scenario.name
        assert {run.engine for run in own} == set(ENGINES), scenario.name
        assert {run.loop for run in own} == set(LOOPS), scenario.name


def test_the_library_has_every_row_of_the_reference_in_its_order() -> None:
    assert tuple(scenario.name for scenario in LIBRARY) == ORDER


def test_every_scenario_says_what_it_is_and_what_must_come_of_it() -> None:
    for scenario in LIBRARY:
        assert scenario.title
        assert scenario.story
        assert scenario.outcome
        assert scenario.source
