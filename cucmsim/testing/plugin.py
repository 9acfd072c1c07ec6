"""The pytest plugin: a cluster and a phone for whoever names them as arguments of a test.

    def test_a_phone_registers(cucm_phone):
        assert cucm_phone.boot().registered == "cucm-pub"

pytest loads this module in every run of an environment that has cucmsim installed. So it imports
nothing of the package until a test wants a fixture, or has the marker.
"""

import inspect
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from cucmsim.testing.awaited import AsyncClusterUnderTest, AsyncCucm, AsyncPhoneUnderTest
    from cucmsim.testing.blocking import ClusterUnderTest, Cucm, PhoneUnderTest
    from cucmsim.testing.labs import Bench, Labs
    from cucmsim.testing.wishes import Wish

__all__ = [
    "cucm",
    "cucm_cluster",
    "cucm_labs",
    "cucm_phone",
    "pytest_addoption",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_runtest_makereport",
]

_MARKER: Final = (
    "cucm(release, mode, nodes, phones, scope, faults, clock, seed, extra):"
    " the cluster that a test gets; see docs/testing-firmware.md of cucmsim"
)
_BENCH: "Final[pytest.StashKey[Bench]]" = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option for captures."""
    parser.getgroup("cucmsim").addoption(
        "--cucm-captures",
        metavar="DIR",
        help="keep what crosses the wire of clusters, and write it to DIR for each failed test",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", _MARKER)


def pytest_collection_modifyitems(config: pytest.Config, items: Sequence[pytest.Item]) -> None:
    """Refuse a test that asks for a cluster that cannot be, before any runs."""
    if hasattr(config, "workerinput"):
        return  # the test says so itself: a worker of pytest-xdist can only crash here
    marked = [item for item in items if item.get_closest_marker("cucm") is not None]
    if not marked:
        return
    from cucmsim.errors import SettingsError  # noqa: PLC0415 - see the module's head

    wrong: dict[str, None] = {}
    for item in marked:
        try:
            _wish_of(item)
        except SettingsError as error:
            wrong[str(error)] = None
    if wrong:
        raise pytest.UsageError(*wrong)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
    call: pytest.CallInfo[None],  # noqa: ARG001 - pytest passes hook arguments by name
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to the report of a test that failed what crossed the wire, and what its phones said."""
    report = yield
    bench = item.stash.get(_BENCH, None)
    if bench is not None and report.failed:
        from cucmsim.testing.attach import save_captures, sections_of  # noqa: PLC0415 - see above

        report.sections.extend(sections_of(bench))
        directory = item.config.getoption("cucm_captures")
        if directory:
            report.sections.append(save_captures(bench, Path(directory), item.nodeid))
    return report


@pytest.fixture(scope="session")
def cucm_labs(pytestconfig: pytest.Config) -> Iterator["Labs"]:
    """Have what all clusters of the run share: a loop, prepared keys and stores."""
    from cucmsim.testing.labs import Labs  # noqa: PLC0415 - see the module's head

    with Labs.running(captures=bool(pytestconfig.getoption("cucm_captures"))) as labs:
        yield labs


@pytest.fixture
def cucm(request: pytest.FixtureRequest, cucm_labs: "Labs") -> Iterator["Cucm | AsyncCucm"]:
    """Return what makes any number of clusters and phones in a test."""
    from cucmsim.testing.awaited import AsyncCucm  # noqa: PLC0415 - see the module's head
    from cucmsim.testing.blocking import Cucm  # noqa: PLC0415 - the same

    with cucm_labs.bench() as bench:
        request.node.stash[_BENCH] = bench
        yield (AsyncCucm if _is_async(request) else Cucm)(bench, cucm_labs.thread)


@pytest.fixture
def cucm_cluster(
    request: pytest.FixtureRequest,
    cucm: "Cucm | AsyncCucm",  # noqa: ARG001 - it makes the bench
    cucm_labs: "Labs",
) -> "ClusterUnderTest | AsyncClusterUnderTest":
    """Return the cluster that the marker `cucm` asks for, by default two nodes of 11.5."""
    from cucmsim.errors import CucmsimError  # noqa: PLC0415 - see the module's head
    from cucmsim.testing.awaited import AsyncClusterUnderTest  # noqa: PLC0415 - the same
    from cucmsim.testing.blocking import ClusterUnderTest  # noqa: PLC0415 - the same

    problem = ""
    try:
        wish = _wish_of(request.node)
        opened = request.node.stash[_BENCH].cluster(wish, "cucm", _span(request.node, wish.scope))
        work = cucm_labs.thread.wait(opened)
    except CucmsimError as error:
        problem = str(error)
    if problem:
        pytest.fail(f"the cluster cannot start: {problem}", pytrace=False)
    face = AsyncClusterUnderTest if _is_async(request) else ClusterUnderTest
    return face(work, cucm_labs.thread)


@pytest.fixture
def cucm_phone(
    request: pytest.FixtureRequest,
    cucm_cluster: "ClusterUnderTest | AsyncClusterUnderTest",
    cucm_labs: "Labs",
) -> "PhoneUnderTest | AsyncPhoneUnderTest":
    """Return the first phone of the cluster, not switched on yet: `cucm_phone.boot()`."""
    from cucmsim.testing.awaited import AsyncPhoneUnderTest  # noqa: PLC0415 - see the module's head
    from cucmsim.testing.blocking import PhoneUnderTest  # noqa: PLC0415 - the same
    from cucmsim.testing.wishes import phone_of  # noqa: PLC0415 - the same

    bench = request.node.stash[_BENCH]
    made = bench.phone(phone_of(cucm_cluster.lab.shape, ""), cucm_cluster.work)
    face = AsyncPhoneUnderTest if _is_async(request) else PhoneUnderTest
    return face(cucm_labs.thread.wait(made), cucm_labs.thread)


def _is_async(request: pytest.FixtureRequest) -> bool:
    """Tell whether the test that asks is a coroutine function."""
    return inspect.iscoroutinefunction(getattr(request.node, "obj", None))


def _wish_of(item: pytest.Item) -> "Wish":
    """Return what the markers of a test ask for, the nearest last. Raises SettingsError."""
    from cucmsim.errors import Problem, SettingsError  # noqa: PLC0415 - see the module's head
    from cucmsim.testing.wishes import read_wish  # noqa: PLC0415 - the same

    where = f"{item.nodeid}: @pytest.mark.cucm"
    given: dict[str, object] = {}
    for mark in reversed([*item.iter_markers("cucm")]):
        if mark.args:
            problem = Problem(where, "the first", repr(mark.args[0]), "keywords alone")
            raise SettingsError((problem,))
        given |= mark.kwargs
    return read_wish(given, where, item.path.parent)


def _span(item: pytest.Item, scope: str) -> str:
    """Return what names the tests that share a cluster, "" for one alone."""
    module = item.getparent(pytest.Module)
    names = {"module": module.nodeid if module else item.nodeid, "session": "session"}
    return names.get(scope, "")
