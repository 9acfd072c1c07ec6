"""A cluster that only answers as the management API does: for tests of the engine, not of CUCM."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx

from cucmsim.cluster.reports import NodeReady
from cucmsim.scenarios.model import Play, Scenario
from cucmsim.scenarios.runner import Order
from cucmsim.testing.administrator import Administrator
from cucmsim.testing.reached import ReachedCluster
from cucmsim.testing.shape import ClusterShape

__all__ = ["PretendedCluster", "order_of"]

_DONE = {"restarts": [], "automatic": [], "resets_phones": False}
_PORTS = {"tftp": 6969, "http": 6970, "https": 6971}


class PretendedCluster:
    """Answers with what `answers` has for a method and path; keeps what it was asked."""

    def __init__(self, answers: Mapping[str, object] | None = None) -> None:
        self.asked: list[str] = []
        self.bodies: list[str] = []
        self.opened: list[ClusterShape] = []
        self.answers = {
            "GET /events": {"events": [], "last": 0, "dropped_before": 0, "stopping": False},
            "POST /operations/regenerate": {**_DONE, "lines": ["done"]},
            **(answers or {}),
        }

    @asynccontextmanager
    async def open(self, shape: ClusterShape, name: str) -> AsyncIterator[ReachedCluster]:
        """Give the cluster, as `Order.opens` does."""
        del name
        self.opened.append(shape)
        administrator = Administrator(httpx.MockTransport(self._answer), "http://cluster")
        node = NodeReady(name="cucm-pub", address="127.0.0.1", services=_PORTS)
        yield ReachedCluster(administrator, [node])
        await administrator.close()

    def _answer(self, request: httpx.Request) -> httpx.Response:
        asked = f"{request.method} {request.url.path}"
        self.asked.append(asked)
        self.bodies.append(request.content.decode())
        if asked not in self.answers:
            return httpx.Response(200, json={})
        return httpx.Response(200, json=self.answers[asked])


def order_of(play: Play, cluster: PretendedCluster | None = None, limit_s: float = 60) -> Order:
    """Return an order to play a function on a pretended cluster."""
    scenario = Scenario("one", "One", "a test", "something", "A story.", play)
    opens = (cluster or PretendedCluster()).open
    return Order(scenario, "11.5", 7, opens=opens, limit_s=limit_s)
