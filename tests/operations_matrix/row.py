"""A row of the matrix: an operation, how it is given, and what must be true of it.

A row says which line is given with which answers, what the server says, what is another in the
store afterwards (`bench.difference`, all of it), which services then restart, and what a subscriber
answers: the words of its refusal, `DONE`, or None where an operation is given at no node. In texts
stand `{node}`, the one it is given at, and what `Bench.words` has besides.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from cucmsim.pki.release import Release
from cucmsim.services.operations.operator import Restart
from tests.fixtures.clusters import PHONE, SIP_PHONE
from tests.operations_matrix.bench import Bench
from tests.scenarios.bench import Administrator

__all__ = [
    "DONE",
    "EVERY_TFTP",
    "NOT_PUBLISHER",
    "OTHER_PHONE",
    "PUBLISHER_ONLY",
    "RELEASE",
    "STALE",
    "Check",
    "Give",
    "Row",
    "line",
    "post",
    "request",
]

Give = Callable[[Bench, str], Awaitable[str]]
Check = Callable[[Bench], Awaitable[None]]

RELEASE = Release(12, 5)
STALE, OTHER_PHONE = PHONE, SIP_PHONE
"""The phone whose LSC no CAPF certificate of the cluster signed."""

DONE = ""
NOT_PUBLISHER = "This is not a publisher node\nExecuted command unsuccessfully\n"
PUBLISHER_ONLY = (
    "This command is only available on the publisher node.\nExecuted command unsuccessfully\n"
)
EVERY_TFTP = (Restart("Cisco Tftp", every_node=True),)


@dataclass(frozen=True)
class Row:
    """An operation; `check` is held against every node before services are restarted.

    What the publisher has done for all (`is_done_for_all`) changes nothing more at a subscriber.
    `before_publisher` is what a subscriber refuses with before it was done at the publisher, where
    it is done at a subscriber after that. `restarts_nodes`: a person restarts every node then.
    """

    name: str
    give: Give
    says: str
    changes: tuple[str, ...] = ()
    at_subscriber: str | None = DONE
    before_publisher: str = ""
    restarts: tuple[Restart, ...] = ()
    restarts_nodes: bool = False
    automatic: tuple[Restart, ...] = ()
    itl_is_full: bool = True
    is_done_for_all: bool = False
    check: Check | None = None


def line(text: str, *answers: str) -> Give:
    """Return what gives a line with its answers."""

    async def give(bench: Bench, node: str) -> str:
        given = [one.format(**bench.words(node)) for one in answers]
        return await bench.give(node, text.format(**bench.words(node)), given)

    return give


def request(method: str, url: str, **body: object) -> Give:
    """Return what asks the management API, as programs do; what it answers is JSON."""

    async def give(bench: Bench, node: str) -> str:
        filled = {
            key: value.format(**bench.words(node)) if isinstance(value, str) else value
            for key, value in body.items()
        }
        return (await Administrator(bench.cluster).request(method, url, filled)).text

    return give


def post(url: str, **body: object) -> Give:
    """Return what posts to the management API."""
    return request("POST", url, **body)
