"""The view of a node and the journal of a process."""

from datetime import UTC, datetime

from cucmsim.services.journal import Exchange, Journal
from cucmsim.services.view import View
from cucmsim.store.replica import Replica

EXCHANGE = Exchange(
    datetime(2026, 1, 1, tzinfo=UTC), "pub", "tftp", "192.0.2.1:1", None, "a", "sent", 1.5
)


def test_listeners_hear_of_a_new_replica_with_the_old_one() -> None:
    first, second = Replica(version=1), Replica(version=2)
    view, heard = View(first), list[tuple[int, int]]()
    end = view.subscribe(lambda old, new: heard.append((old.version, new.version)))
    view.replace(first)
    view.replace(second)
    end()
    view.replace(first)
    assert heard == [(1, 2)]
    assert view.replica is first


def test_the_journal_numbers_exchanges_and_keeps_the_latest() -> None:
    journal, heard = Journal(kept=2), list[Exchange]()
    end = journal.subscribe(heard.append)
    for _ in range(3):
        journal.record(EXCHANGE)
    end()
    journal.record(EXCHANGE)
    assert [number for number, _ in journal.since()] == [3, 4]
    assert [number for number, _ in journal.since(3)] == [4]
    assert len(heard) == 3
