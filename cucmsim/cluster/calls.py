"""Nodes of other processes within reach of the management API: `/elsewhere/NODE/...`.

What is asked below that path is asked of the process that runs the node, through the database
(`store/calls.py`); it answers as if it had been asked itself. So whoever reaches one process of a
cluster, on one machine, reaches them all. Each process serves the calls to its own nodes while the
database answers.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import Final

import httpx
import structlog
from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp

from cucmsim.errors import StoreError
from cucmsim.store.calls import Call, CallAnswer, CallBox
from cucmsim.store.store import Store

__all__ = ["CALL_LIMIT_HEADER", "ELSEWHERE", "CallServer", "Elsewhere", "add_elsewhere"]

_RETRY_S = 1.0
_LIMIT_S = 60.0
_USUAL_S = 10.0
_METHODS = ["GET", "POST", "PATCH", "DELETE"]

CALL_LIMIT_HEADER: Final = "x-cucmsim-timeout"
"""How many seconds a caller waits for an answer from elsewhere."""

ELSEWHERE: Final = "/elsewhere"
"""Where the nodes of other processes are found; below it, by name, what they answer."""


class CallServer:
    """Answers the calls to the nodes of this process from `app`, between `start` and `stop`."""

    def __init__(self, box: CallBox | None, nodes: Collection[str], app: ASGIApp) -> None:
        self._box = box
        self._nodes = nodes
        self._app = app
        self._task: asyncio.Task[None] | None = None
        self._answering: set[asyncio.Task[None]] = set()
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

    def start(self) -> None:
        """Serve from now on; with SQLite nobody calls."""
        if self._box is not None:
            self._task = asyncio.create_task(self._run(self._box))

    async def stop(self) -> None:
        """Serve no longer; what is being answered is given up."""
        tasks = [*self._answering, *([self._task] if self._task else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, box: CallBox) -> None:
        while True:
            try:
                async for number, call in box.calls(tuple(self._nodes)):
                    task = asyncio.create_task(self._answer(box, number, call))
                    self._answering.add(task)
                    task.add_done_callback(self._answering.discard)
            except StoreError:
                await asyncio.sleep(_RETRY_S)

    async def _answer(self, box: CallBox, number: str, call: Call) -> None:
        """Carry out one call; whatever it is, the caller is told."""
        try:
            await box.answer(number, await self._carry_out(call))
        except StoreError as error:
            self._log.warning("call not answered", target=call.target, why=str(error))

    async def _carry_out(self, call: Call) -> CallAnswer:
        transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://cluster") as client:
            headers = {"content-type": "application/json"} if call.body else {}
            answer = await client.request(
                call.method, call.target, content=call.body, headers=headers, timeout=None
            )
        return CallAnswer(answer.status_code, answer.content)


class Elsewhere:
    """What a process asks of the nodes of others."""

    def __init__(self, store: Store, here: Collection[str]) -> None:
        self._store = store
        self._here = here

    async def nodes(self) -> list[str]:
        """Return the nodes that other processes run now. Raises StoreError."""
        told = await self._store.read_presence()
        return [one.node for one in told if one.is_alive and one.node not in self._here]

    async def ask(self, call: Call, *, timeout_s: float) -> CallAnswer:
        """Ask a node of another process.

        Raises StoreError when no other process runs it, or it does not answer.
        """
        box, nodes = self._store.calls, await self.nodes()
        if box is None or call.node not in nodes:
            known = ", ".join(nodes) or "none"
            raise StoreError(f"no other process runs node {call.node!r} now; others run: {known}")
        return await box.send(call, timeout_s=timeout_s)


def add_elsewhere(app: FastAPI, elsewhere: Callable[[], Elsewhere]) -> None:
    """Add the routes to `app`; a caller may say how many seconds it waits in a header."""

    @app.get(ELSEWHERE)
    async def nodes() -> list[str]:
        return await elsewhere().nodes()

    @app.api_route(ELSEWHERE + "/{node}/{path:path}", methods=_METHODS, include_in_schema=False)
    async def ask(node: str, path: str, request: Request) -> Response:
        target = f"/{path}?{request.url.query}" if request.url.query else f"/{path}"
        call = Call(node, request.method, target, await request.body())
        answer = await elsewhere().ask(call, timeout_s=_limit_s(request))
        return Response(answer.body, answer.status, media_type="application/json")


def _limit_s(request: Request) -> float:
    """Return how long the caller waits, a minute at most."""
    try:
        return min(float(request.headers.get(CALL_LIMIT_HEADER, _USUAL_S)), _LIMIT_S)
    except ValueError:
        return _USUAL_S
