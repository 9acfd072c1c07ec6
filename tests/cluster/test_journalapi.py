"""`GET /events`: pages of the journal, and the wait for one."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from cucmsim.cluster.journalapi import add_journal
from cucmsim.services.journal import Exchange, Journal

TIME = datetime(2026, 3, 1, tzinfo=UTC)
PHONE = "SEP001122334455"


def exchange(number: int, service: str = "tftp") -> Exchange:
    """Return an exchange that says its number."""
    time, fault = TIME + timedelta(minutes=number), "tvs-slow (fault 1)" if number == 2 else ""
    return Exchange(time, "pub", service, "192.0.2.1:9", PHONE, f"{number}.xml", "sent", 1, fault)


class WatchedJournal(Journal):
    """A journal that tells when somebody waits for it."""

    def __init__(self, kept: int) -> None:
        super().__init__(kept)
        self.awaited = asyncio.Event()

    def subscribe(self, subscriber: Callable[[Exchange], None]) -> Callable[[], None]:
        self.awaited.set()
        return super().subscribe(subscriber)


@pytest.fixture
def journal() -> WatchedJournal:
    """Return a journal that kept the last 4 of 5."""
    journal = WatchedJournal(4)
    for number in range(1, 6):
        journal.record(exchange(number, "tvs" if number == 4 else "tftp"))
    return journal


@pytest.fixture
async def api(journal: WatchedJournal) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    add_journal(app, lambda: journal)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://cluster"
    ) as client:
        yield client


async def page(api: httpx.AsyncClient, **query: str | int) -> dict[str, Any]:
    answer = await api.get("/events", params=query)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def numbers(told: dict[str, Any]) -> list[int]:
    return [event["number"] for event in told["events"]]


async def test_pages_follow_each_other_to_the_end(api: httpx.AsyncClient) -> None:
    first = await page(api, after=2, limit=2)
    second = await page(api, after=first["last"], limit=2)
    assert (numbers(first), numbers(second), second["last"]) == ([3, 4], [5], 5)
    assert numbers(await page(api, after=second["last"])) == []


async def test_a_page_says_what_is_lost_before_it(api: httpx.AsyncClient) -> None:
    told = await page(api)
    assert (told["dropped_before"], numbers(told)) == (2, [2, 3, 4, 5])
    assert (await page(api, after=1))["dropped_before"] == 0


async def test_exchanges_are_told_whole(api: httpx.AsyncClient) -> None:
    (event,) = (await page(api, fault="any"))["events"]
    assert event == {
        "number": 2,
        "time": "2026-03-01T00:02:00Z",
        "node": "pub",
        "service": "tftp",
        "peer": "192.0.2.1:9",
        "device": PHONE,
        "request": "2.xml",
        "answer": "sent",
        "milliseconds": 1.0,
        "fault": "tvs-slow (fault 1)",
    }


async def test_the_newest_come_first_when_asked_for(api: httpx.AsyncClient) -> None:
    told = await page(api, newest_first=1, limit=2, service="tftp")
    assert (numbers(told), told["last"]) == ([5, 3], 5)


async def test_what_nothing_matches_is_passed_over_by_the_next_page(api: httpx.AsyncClient) -> None:
    since = (TIME + timedelta(minutes=5)).isoformat()
    told = await page(api, service="tvs", since=since, node="pub", device=PHONE, request="xml")
    assert (numbers(told), told["last"]) == ([], 5)


async def test_a_long_poll_returns_with_what_comes(
    api: httpx.AsyncClient, journal: WatchedJournal
) -> None:
    poll = asyncio.create_task(page(api, after=5, service="capf", wait_s=30))
    await journal.awaited.wait()
    journal.record(exchange(6))
    journal.record(exchange(7, "capf"))
    told = await poll
    assert (numbers(told), told["last"], told["stopping"]) == ([7], 7, False)


async def test_a_long_poll_ends_when_the_cluster_stops(
    api: httpx.AsyncClient, journal: WatchedJournal
) -> None:
    poll = asyncio.create_task(page(api, after=5, wait_s=30))
    await journal.awaited.wait()
    journal.close()
    told = await poll
    assert (numbers(told), told["stopping"]) == ([], True)


@pytest.mark.parametrize(
    "query",
    [
        {"service": "tvsd"},
        {"wait_s": 31},
        {"wait_s": "nan"},
        {"limit": 0},
        {"since": "2026-03-01T00:00:00"},
        {"nodes": "pub"},
    ],
)
async def test_a_query_with_a_fault_in_it_is_refused(
    api: httpx.AsyncClient, query: dict[str, str | int]
) -> None:
    assert (await api.get("/events", params=query)).status_code == 422
