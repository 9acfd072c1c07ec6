"""A file as it goes to a client, with the name of what was made wrong with it."""

from dataclasses import dataclass, field

__all__ = ["Served"]


@dataclass(frozen=True, slots=True)
class Served:
    """A file as it is served; `fault` names what is wrong with it, "" for nothing."""

    data: bytes = field(repr=False)
    fault: str = ""
