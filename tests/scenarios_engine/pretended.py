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

__all__ = ["TIME", "PretendedCluster", "order_of"]

TIME = "2026-03-01T10:00:00Z"

_DONE = {"restarts": [], "automatic": [], "resets_phones": False}
_PORTS = {"tftp": 6969, "http": 6970, "https": 6971}


class PretendedCluster:
    """Answers with what `answers` has for a method and path; keeps what it was asked."""

    def __init__(self, answers: Mapping[str, object] | None = None) -> None:
        self.asked: list[str] = []
        self.bodies: list[str] = []
        self.opened: list[ClusterShape] = []
        self.events: list[dict[str, object]] = []
        self.answers = {
            "GET /registrations": [],
            "GET /alarms": [],
            "GET /trust-held": [],
            "GET /trust-lists": [],
            "POST /operations/regenerate": {**_DONE, "lines": ["done"]},
            **(answers or {}),
        }

    def happened(self, request: str, answer: str, *, service: str, device: str | None) -> None:
        """Put an exchange into its journal."""
        self.events.append(
            {
                "number": len(self.events) + 1,
                "time": TIME,
                "node": "cucm-pub",
                "service": service,
                "peer": "192.0.2.9:1000",
                "device": device,
                "request": request,
                "answer": answer,
                "milliseconds": 1.0,
                "fault": "",
            }
        )

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
        if asked == "GET /events":
            events = self.events[int(request.url.params["after"]) :]
            page = {"last": len(self.events), "dropped_before": 0, "stopping": False}
            return httpx.Response(200, json={"events": events, **page})
        if asked not in self.answers:
            return httpx.Response(200, json={})
        return httpx.Response(200, json=self.answers[asked])


def order_of(play: Play, cluster: PretendedCluster | None = None, limit_s: float = 60) -> Order:
    """Return an order to play a function on a pretended cluster."""
    scenario = Scenario("one", "One", "a test", "something", "A story.", play)
    opens = (cluster or PretendedCluster()).open
    return Order(scenario, "11.5", 7, opens=opens, limit_s=limit_s)
