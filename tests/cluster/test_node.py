"""A node starts, stops and restarts its services one by one; with daemons that only pretend."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from cucmsim.clock import SystemClock
from cucmsim.cluster.node import Builder, Node, ServiceAction, ServiceState, finish
from cucmsim.cluster.settings import NodeSettings, ServiceName
from cucmsim.daemons.base import Daemon
from cucmsim.errors import RefusedError, StartError

SETTINGS = NodeSettings(name="pub", address="127.0.0.1", role="publisher").completed()


@dataclass
class Pretender:
    """A daemon; `fault` is what its start fails with, `entered` and `gate` hold its stop up."""

    name: str
    fault: Exception | None = None
    gate: asyncio.Event | None = None
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    ports: tuple[int, ...] = ()
    stops: list[float] = field(default_factory=list)

    async def start(self) -> None:
        if self.fault is not None:
            raise self.fault
        self.ports = (1,)

    async def stop(self, drain_s: float) -> None:
        self.stops.append(drain_s)
        self.entered.set()
        if self.gate is not None:
            await self.gate.wait()
        self.ports = ()


@dataclass
class Stage:
    """A node of two services and the daemons built for it, in order."""

    node: Node
    built: list[Pretender]
    faults: dict[str, Exception]


@pytest.fixture
def stage() -> Stage:
    built: list[Pretender] = []
    faults: dict[str, Exception] = {}

    def builder(service: ServiceName) -> Builder:
        async def build() -> Daemon:
            built.append(Pretender(service.value, faults.get(service.value)))
            return built[-1]

        return build

    builders = {service: builder(service) for service in (ServiceName.TVS, ServiceName.TFTP)}
    return Stage(Node(SETTINGS, builders, SystemClock()), built, faults)


def states(node: Node) -> list[tuple[str, str, tuple[int, ...]]]:
    return [(held.name, held.state.value, held.ports) for held in node.services()]


async def test_every_service_starts_and_stops(stage: Stage) -> None:
    assert states(stage.node) == [("tvs", "stopped", ()), ("tftp", "stopped", ())]
    await stage.node.start()
    assert states(stage.node) == [("tvs", "started", (1,)), ("tftp", "started", (1,))]
    await stage.node.stop(3)
    assert [daemon.stops for daemon in stage.built] == [[3], [3]]
    assert {held.state for held in stage.node.services()} == {ServiceState.STOPPED}


async def test_when_one_cannot_start_none_is_left_running(stage: Stage) -> None:
    stage.faults["tftp"] = StartError("port 69 is in use")
    with pytest.raises(StartError, match="port 69"):
        await stage.node.start()
    assert [daemon.stops for daemon in stage.built] == [[0], [0]]
    assert {held.state for held in stage.node.services()} == {ServiceState.STOPPED}


async def test_a_restart_builds_the_service_anew(stage: Stage) -> None:
    await stage.node.start()
    before = stage.node.services()[0].since
    await stage.node.act("tvs", ServiceAction.RESTART, 2)
    assert [daemon.name for daemon in stage.built] == ["tvs", "tftp", "tvs"]
    assert stage.built[0].stops == [2]
    assert stage.node.services()[0].since > before


async def test_starting_what_runs_and_stopping_what_stands_does_nothing(stage: Stage) -> None:
    await stage.node.act("tvs", ServiceAction.STOP, 2)
    await stage.node.act("tvs", ServiceAction.START, 2)
    await stage.node.act("tvs", ServiceAction.START, 2)
    assert len(stage.built) == 1


async def test_a_service_that_fails_to_restart_is_stopped(stage: Stage) -> None:
    await stage.node.start()
    stage.faults["tvs"] = StartError("port 2445 is in use")
    with pytest.raises(StartError, match="port 2445"):
        await stage.node.act("tvs", ServiceAction.RESTART, 2)
    assert states(stage.node)[0] == ("tvs", "stopped", ())


async def test_an_unknown_service_is_refused_with_those_there_are(stage: Stage) -> None:
    with pytest.raises(RefusedError, match=r"no service 'capf'; it has: tvs, tftp"):
        await stage.node.act("capf", ServiceAction.START, 2)
    with pytest.raises(RefusedError, match="it has: none"):
        await Node(SETTINGS, {}, SystemClock()).act("tvs", ServiceAction.START, 2)


async def test_two_restarts_at_once_follow_each_other(stage: Stage) -> None:
    await stage.node.start()
    await asyncio.gather(
        *(stage.node.act("tvs", ServiceAction.RESTART, 1) for _ in range(2)),
    )
    assert [len(daemon.stops) for daemon in stage.built].count(0) == 2
    assert states(stage.node)[0] == ("tvs", "started", (1,))


async def test_a_node_that_stops_starts_nothing_more(stage: Stage) -> None:
    await stage.node.start()
    stage.built[0].gate = asyncio.Event()
    restarting = asyncio.create_task(stage.node.act("tvs", ServiceAction.RESTART, 1))
    await stage.built[0].entered.wait()
    stopping = asyncio.create_task(stage.node.stop(1))
    await stage.built[1].entered.wait()
    stage.built[0].gate.set()
    await stopping
    with pytest.raises(RefusedError, match="node pub is stopping"):
        await restarting
    assert {held.state for held in stage.node.services()} == {ServiceState.STOPPED}


async def test_finish_ends_all_and_raises_the_first_failure() -> None:
    ended: list[str] = []

    def ending(name: str, *, fails: bool) -> Callable[[], Awaitable[None]]:
        async def end() -> None:
            await asyncio.sleep(0)
            ended.append(name)
            if fails:
                raise StartError(name)

        return end

    endings = [ending("a", fails=True), ending("b", fails=True), ending("c", fails=False)]
    with pytest.raises(StartError, match="a"):
        await finish(end() for end in endings)
    assert ended == ["a", "b", "c"]
