"""An administrator of a cluster that runs in several processes, one for each node.

An order goes to the process that it is about: of a node, if a path or a body names one, otherwise
to the publisher's. What is asked of nodes is asked of every process, and put together. The journals
become one, numbered anew in the order in which it was read.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

import httpx

from cucmsim.cluster.journalapi import EventReport
from cucmsim.cluster.registrationapi import AlarmReport, OutcomeReport, RegistrationReport
from cucmsim.cluster.reports import ReadyReport, StatusReport
from cucmsim.cluster.trustapi import TrustHeldReport, TrustListReport
from cucmsim.errors import NotApplicableError
from cucmsim.testing.administrator import Administrator

__all__ = ["ProcessesAdministrator"]

_OF_A_NODE: Final = ("commands", "services")
_OF_EVERY: Final = ("/faults",)


class ProcessesAdministrator(Administrator):
    """Operates one cluster by the processes of its nodes, the publisher's first."""

    def __init__(self, processes: Sequence[tuple[Administrator, Sequence[str]]]) -> None:
        self._processes = [administrator for administrator, _ in processes]
        self._by_node = {node: one for one, nodes in processes for node in nodes}
        self._journal: list[EventReport] = []
        self._read = [0] * len(self._processes)

    async def close(self) -> None:
        """Let go of the connections."""
        for one in self._processes:
            await one.close()

    async def ready(self) -> ReadyReport:
        """Return the nodes with the ports they answer on."""
        found = [await one.ready() for one in self._processes]
        return ReadyReport(nodes=[node for each in found for node in each.nodes])

    async def status(self) -> StatusReport:
        """Return the state of the cluster, with the nodes of every process."""
        found = [await one.status() for one in self._processes]
        nodes = [node for each in found for node in each.nodes]
        return found[0].model_copy(update={"nodes": nodes})

    async def exchanges(self, after: int = 0, **query: str | float) -> list[EventReport]:
        """Return all that the journals have after a number of the whole."""
        if query:
            asked = ", ".join(query)
            raise NotApplicableError(
                f"asks a journal for {asked}, and there is one in each process"
            )
        fresh: list[EventReport] = []
        for at, one in enumerate(self._processes):
            found = await one.exchanges(self._read[at])
            self._read[at] = found[-1].number if found else self._read[at]
            fresh += found
        for event in sorted(fresh, key=lambda one: one.time):
            number = len(self._journal) + 1
            self._journal.append(event.model_copy(update={"number": number}))
        return self._journal[after:]

    async def order(self, action: str, *devices: str) -> list[OutcomeReport]:
        """Reset or restart phones where they are registered."""
        found: list[OutcomeReport] = []
        for one in self._processes:
            here = {held.device for held in await one.registrations()} & {*devices}
            found += await one.order(action, *sorted(here)) if here else []
        return found

    async def registrations(self) -> list[RegistrationReport]:
        """Return the phones that are registered."""
        return [each for one in self._processes for each in await one.registrations()]

    async def alarms(self, device: str, name: str) -> list[AlarmReport]:
        """Return the alarms of a phone, oldest first."""
        found = [each for one in self._processes for each in await one.alarms(device, name)]
        return sorted(found, key=lambda one: one.time)

    async def trust_lists(self) -> list[TrustListReport]:
        """Return the trust lists that the nodes serve."""
        return [each for one in self._processes for each in await one.trust_lists()]

    async def trust_held(self) -> list[TrustHeldReport]:
        """Return the trust lists that registered phones say they hold."""
        return [each for one in self._processes for each in await one.trust_held()]

    async def _send(
        self, method: str, url: str, body: Mapping[str, object] | None = None
    ) -> httpx.Response:
        if url in _OF_EVERY:
            answers = await asyncio.gather(
                *(one._send(method, url, body) for one in self._processes)  # noqa: SLF001 - one of us
            )
            return answers[0]
        return await self._process(url, body)._send(method, url, body)  # noqa: SLF001 - one of us

    def _process(self, url: str, body: Mapping[str, object] | None) -> Administrator:
        """Return the process that an order is for."""
        parts = url.strip("/").split("/")
        named = parts[1] if parts[0] in _OF_A_NODE and len(parts) > 1 else (body or {}).get("node")
        return self._by_node.get(str(named), self._processes[0])
