"""Where the ports of a cluster's nodes are published on a host, as a lab of containers says it.

A container knows nothing of that. So a lab passes it on, as words: `NODE@ADDRESS`, the address of
the host, then the node's ports as Compose writes them, `PORT:TARGET[/udp]`, then the next node. An
empty PORT is one that the engine chose, which nobody in the lab knows.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from cucmsim.errors import CommandError

__all__ = ["PublishedPort", "parse_published"]

_USAGE = 2
_PORT = re.compile(r"([0-9]*):([0-9]+)(?:/(udp|tcp))?")


@dataclass(frozen=True, slots=True)
class PublishedPort:
    """Where a port can be reached on the host; `port` None is one that the engine chose."""

    address: str
    port: int | None


Target = tuple[str, str, int]
"""A node, `udp` or `tcp`, and the port that it listens on."""


def parse_published(text: str) -> Mapping[Target, PublishedPort]:
    """Return what `text` says. Raises CommandError (2) for a word that says nothing."""
    found: dict[Target, PublishedPort] = {}
    node = address = ""
    for word in text.split():
        if "@" in word:
            node, _, address = word.partition("@")
            continue
        matched = _PORT.fullmatch(word)
        if matched is None or not node:
            raise CommandError(
                f"found {word!r} among published ports, expected NODE@ADDRESS, PORT:TARGET"
                " or PORT:TARGET/udp",
                _USAGE,
            )
        port, target, protocol = matched.groups()
        found[node, protocol or "tcp", int(target)] = PublishedPort(
            address, int(port) if port else None
        )
    return found
