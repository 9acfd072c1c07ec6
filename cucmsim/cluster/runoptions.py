"""What a run is told besides its settings."""

from dataclasses import dataclass

__all__ = ["RunOptions"]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a run is told besides its settings. `node` None runs every node in this process.

    Not `is_timed`, the journal does not say how long exchanges took, so that two runs are the same.
    """

    node: str | None = None
    prune: bool = False
    capture: bool = False
    is_timed: bool = True
