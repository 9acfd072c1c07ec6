"""A state that changes by a literal table: what is not in the table is illegal."""

from collections.abc import Mapping
from enum import Enum
from typing import Generic, TypeVar

from cucmsim.errors import LocalProtocolError

__all__ = ["StateMachine"]

StateT = TypeVar("StateT", bound=Enum)
InputT = TypeVar("InputT", bound=Enum)


class StateMachine(Generic[StateT, InputT]):
    """What stands at `state`; the values of states and inputs are words for a person."""

    def __init__(self, table: Mapping[tuple[StateT, InputT], StateT], state: StateT) -> None:
        self.state = state
        self._table = table

    def can(self, what: InputT) -> bool:
        """Whether the table has a row for `what` now."""
        return (self.state, what) in self._table

    def move(self, what: InputT) -> None:
        """Go on by `what`. Raises LocalProtocolError where the table has no row."""
        following = self._table.get((self.state, what))
        if following is None:
            raise LocalProtocolError(f"{what.value} is not possible while {self.state.value}")
        self.state = following
