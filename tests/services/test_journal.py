"""The journal: what is found, what is waited for, and what is lost."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cucmsim.services.journal import ANY_FAULT, Exchange, Journal, JournalQuery, Numbered

TIME = datetime(2026, 3, 1, tzinfo=UTC)
PHONE = "SEP001122334455"
FAULT = "tvs-not-trusted (fault 3)"


def exchange(minutes: int = 0, *, service: str = "tftp", fault: str = "") -> Exchange:
    """Return what a phone asked so many minutes after TIME."""
    time, file = TIME + timedelta(minutes=minutes), f"{PHONE}.cnf.xml.sgn"
    return Exchange(time, "pub", service, "192.0.2.1:9", PHONE, file, "sent", 1.5, fault)


def numbers(found: list[Numbered]) -> list[int]:
    return [number for number, _ in found]


def journal_of(*exchanges: Exchange, kept: int = 10) -> Journal:
    journal = Journal(kept)
    for held in exchanges:
        journal.record(held)
    return journal


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (JournalQuery(), [1, 2, 3]),
        (JournalQuery(node="pub"), [1, 2, 3]),
        (JournalQuery(node="sub"), []),
        (JournalQuery(service="tvs"), [2]),
        (JournalQuery(device=PHONE.lower()), [1, 2, 3]),
        (JournalQuery(device=PHONE[:-1]), []),
        (JournalQuery(fault=ANY_FAULT), [2]),
        (JournalQuery(fault="Not-Trusted"), [2]),
        (JournalQuery(fault="tvs-silent"), []),
        (JournalQuery(request=".CNF.xml"), [1, 2, 3]),
        (JournalQuery(request="ITL"), []),
        (JournalQuery(since=TIME + timedelta(minutes=1)), [2, 3]),
        (JournalQuery(until=TIME + timedelta(minutes=1)), [1]),
        (JournalQuery(service="tftp", since=TIME + timedelta(minutes=1)), [3]),
    ],
)
def test_a_query_finds_what_it_names(query: JournalQuery, expected: list[int]) -> None:
    journal = journal_of(exchange(), exchange(1, service="tvs", fault=FAULT), exchange(2))
    assert numbers(journal.find(query)) == expected


def test_an_exchange_without_a_device_is_found_by_no_device() -> None:
    nobody = Exchange(TIME, "pub", "tvs", "192.0.2.1:9", None, "connection", "cut", 1)
    assert journal_of(nobody).find(JournalQuery(device=PHONE)) == []


def test_what_was_told_before_is_left_out() -> None:
    journal = journal_of(*(exchange(n) for n in range(5)), kept=3)
    assert [numbers(journal.since(after)) for after in (0, 3, 5, 9)] == [[3, 4, 5], [4, 5], [], []]
    assert numbers(journal.find(after=4)) == [5]


def test_what_is_lost_is_owned_up_to_those_who_did_not_see_it() -> None:
    journal = journal_of(*(exchange(n) for n in range(5)), kept=3)
    assert [journal.dropped_before(after) for after in (0, 1, 2, 5)] == [3, 3, 0, 0]
    assert journal_of(exchange()).dropped_before() == 0


async def test_what_is_there_is_not_waited_for() -> None:
    assert numbers(await journal_of(exchange()).wait_for(JournalQuery())) == [1]


async def test_a_wait_ends_with_the_exchange_it_is_for() -> None:
    journal = journal_of(exchange())
    wait = asyncio.create_task(journal.wait_for(JournalQuery(service="tvs"), after=1))
    await asyncio.sleep(0)
    journal.record(exchange(1))
    await asyncio.sleep(0)
    assert not wait.done()
    journal.record(exchange(2, service="tvs"))
    assert numbers(await wait) == [3]
    assert journal._subscribers == []


async def test_a_wait_for_a_number_to_come_lets_earlier_ones_pass() -> None:
    journal = Journal()
    wait = asyncio.create_task(journal.wait_for(JournalQuery(), after=1))
    await asyncio.sleep(0)
    journal.record(exchange())
    await asyncio.sleep(0)
    assert not wait.done()
    journal.record(exchange(1))
    assert numbers(await wait) == [2]


async def test_a_wait_ends_empty_in_time_and_when_the_journal_is_closed() -> None:
    journal = Journal()
    assert await journal.wait_for(JournalQuery(), timeout_s=0) == []
    assert await journal.wait_for(JournalQuery(), timeout_s=0.01) == []
    wait = asyncio.create_task(journal.wait_for(JournalQuery()))
    await asyncio.sleep(0)
    journal.close()
    assert await wait == []
    assert await journal.wait_for(JournalQuery()) == []


def test_a_subscriber_may_leave_while_it_is_told() -> None:
    journal, told = Journal(), list[str]()

    def once(_held: Exchange) -> None:
        told.append("once")
        end()

    end = journal.subscribe(once)
    journal.subscribe(lambda _held: told.append("always"))
    journal.record(exchange())
    journal.record(exchange())
    assert told == ["once", "always", "always"]


def test_a_journal_that_is_not_timed_keeps_and_tells_no_durations() -> None:
    journal, told = Journal(is_timed=False), list[Exchange]()
    journal.subscribe(told.append)
    journal.record(replace(exchange(), milliseconds=1.5))
    assert told == [replace(exchange(), milliseconds=0.0)]
    assert journal.since() == [(1, told[0])]
