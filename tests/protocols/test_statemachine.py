"""A state by a table: every row, and what is in none."""

from enum import Enum

import pytest

from cucmsim.errors import LocalProtocolError
from cucmsim.protocols.statemachine import StateMachine


class Door(Enum):
    OPEN = "open"
    SHUT = "shut"


class Hand(Enum):
    PUSH = "pushing"
    PULL = "pulling"


TABLE = {(Door.OPEN, Hand.PUSH): Door.SHUT, (Door.SHUT, Hand.PULL): Door.OPEN}


def test_it_moves_by_the_rows_of_its_table() -> None:
    door = StateMachine(TABLE, Door.OPEN)
    door.move(Hand.PUSH)
    assert door.state is Door.SHUT
    assert (door.can(Hand.PULL), door.can(Hand.PUSH)) == (True, False)


def test_what_has_no_row_is_refused_and_changes_nothing() -> None:
    door = StateMachine(TABLE, Door.OPEN)
    with pytest.raises(LocalProtocolError, match="pulling is not possible while open"):
        door.move(Hand.PULL)
    assert door.state is Door.OPEN
