"""Calls between the processes of a cluster: a request to the node of another one, and its answer.

A call is a row of `cucmsim_call`, announced by NOTIFY on `CALL_CHANNEL`; the process that runs the
node takes the row, answers into it and announces that. The caller removes it. So processes need no
way to each other but the database they share, and what cannot be carried there is not carried:
a call that nobody takes in time is taken back, and is never carried out later.

Only PostgreSQL has it: with SQLite there is one process. Nothing here is a version of the store.
"""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from sqlalchemy import BigInteger, ColumnElement, cast, delete, func, insert, select, update

from cucmsim.errors import StoreError
from cucmsim.store.engine import Database, Session, whole
from cucmsim.store.processtables import CALLS

__all__ = ["CALL_CHANNEL", "Call", "CallAnswer", "CallBox"]

CALL_CHANNEL: Final = "cucmsim_call"
"""The channel of PostgreSQL on which calls and answers are announced, by node and by number."""

_POLL_S = 5.0
_KEPT_S = 600
_YES, _NO = "t", "f"


@dataclass(frozen=True, slots=True)
class Call:
    """A request to a node's process: method and target (path and query) of HTTP, a JSON body."""

    node: str
    method: str
    target: str
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class CallAnswer:
    """The answer: a status of HTTP and a body."""

    status: int
    body: bytes


class CallBox:
    """Sends and takes the calls of one process. `hear` is told what is announced."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[str, asyncio.Event] = {}

    def hear(self, about: str) -> None:
        """Wake who waits for a call of this node, or for the answer to this call."""
        event = self._waiting.get(about)
        if event is not None:
            event.set()

    async def send(self, call: Call, *, timeout_s: float) -> CallAnswer:
        """Have a node's process answer a call.

        Raises:
            StoreError: the database failed, or there was no answer within `timeout_s`.

        """
        number = str(uuid4())
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s), self._expecting(number) as announced:
                await self._put(number, call, timeout_s)
                while (answer := await self._take_answer(number)) is None:
                    await _either(announced, _POLL_S)
                return answer
        if not await self._take_back(number):
            answer = await self._take_answer(number)
            if answer is not None:
                return answer
        raise StoreError(f"node {call.node} did not answer within {timeout_s:g} s")

    async def calls(self, nodes: Collection[str]) -> AsyncIterator[tuple[str, Call]]:
        """Yield the calls of these nodes with their numbers, as they come. Raises StoreError."""
        announced = asyncio.Event()
        for node in nodes:
            self._waiting[node] = announced
        try:
            while True:
                for number, call in await self._take_calls(nodes):
                    yield number, call
                await _either(announced, _POLL_S)
        finally:
            for node in nodes:
                self._waiting.pop(node, None)

    async def answer(self, number: str, answer: CallAnswer) -> None:
        """Answer a call that was taken. Raises StoreError."""
        values = {"status": answer.status, "answer": answer.body}
        async with self._database.session(write=True) as session:
            await session.execute(update(CALLS).where(CALLS.c.id == number).values(values))
            await _announce(session, number)

    async def _put(self, number: str, call: Call, timeout_s: float) -> None:
        values = {
            "id": number,
            "node": call.node,
            "method": call.method,
            "target": call.target,
            "body": call.body,
            "taken": _NO,
        }
        async with self._database.session(write=True) as session:
            await session.execute(delete(CALLS).where(CALLS.c.due < _now() - _KEPT_S))
            await session.execute(insert(CALLS).values(**values, due=_now() + int(timeout_s)))
            await _announce(session, call.node)

    async def _take_calls(self, nodes: Collection[str]) -> list[tuple[str, Call]]:
        """Take the calls that nobody has taken and somebody still waits for."""
        fresh = CALLS.c.node.in_(nodes) & (CALLS.c.taken == _NO)
        if not await self._has(fresh):
            return []
        columns = (CALLS.c.id, *(CALLS.c[name] for name in ("node", "method", "target", "body")))
        taking = update(CALLS).where(fresh & (CALLS.c.due >= _now())).values(taken=_YES)
        async with self._database.session(write=True) as session:
            rows = await session.rows(taking.returning(*columns))
        return [
            (str(number), Call(str(node), str(method), str(target), _bytes(body)))
            for number, node, method, target, body in rows
        ]

    async def _has(self, condition: ColumnElement[bool]) -> bool:
        async with self._database.session() as session:
            return bool(await session.rows(select(CALLS.c.id).where(condition).limit(1)))

    async def _take_answer(self, number: str) -> CallAnswer | None:
        """Return the answer and remove the call; None while there is no answer."""
        answered = (CALLS.c.id == number) & CALLS.c.status.is_not(None)
        if not await self._has(answered):
            return None
        taking = delete(CALLS).where(answered).returning(CALLS.c.status, CALLS.c.answer)
        async with self._database.session(write=True) as session:
            rows = await session.rows(taking)
        return CallAnswer(whole(rows[0][0]), _bytes(rows[0][1])) if rows else None

    async def _take_back(self, number: str) -> bool:
        """Remove a call that nobody has taken; tell whether it was so."""
        mine = (CALLS.c.id == number) & (CALLS.c.taken == _NO)
        async with self._database.session(write=True) as session:
            return bool(await session.rows(delete(CALLS).where(mine).returning(CALLS.c.id)))

    @asynccontextmanager
    async def _expecting(self, about: str) -> AsyncIterator[asyncio.Event]:
        self._waiting[about] = asyncio.Event()
        try:
            yield self._waiting[about]
        finally:
            del self._waiting[about]


def _now() -> ColumnElement[int]:
    """Return the database's time in whole seconds: the processes' clocks may differ."""
    return cast(func.extract("epoch", func.clock_timestamp()), BigInteger)


async def _announce(session: Session, about: str) -> None:
    await session.execute(select(func.pg_notify(CALL_CHANNEL, about)))


async def _either(event: asyncio.Event, limit_s: float) -> None:
    """Wait for the event, `limit_s` at most: an announcement may be lost with its connection."""
    with suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            await event.wait()
    event.clear()


def _bytes(value: object) -> bytes:
    return bytes(value) if isinstance(value, bytes | memoryview) else b""
