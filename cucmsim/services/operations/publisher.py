"""What only the publisher does: `utils ctl` and `utils itl` are refused on every other node."""

from cucmsim.errors import RefusedError
from cucmsim.pki.release import Release
from cucmsim.store.replica import Replica

__all__ = ["UTILS_FROM", "refuse_before", "refuse_on_subscriber"]

UTILS_FROM = Release(10)
"""The first release with `utils ctl` and `utils itl` (seeds 001 and 003)."""


def refuse_on_subscriber(replica: Replica, node: str) -> None:
    """Raise RefusedError, in the words of seed 003, unless `node` is the publisher."""
    if node not in replica.nodes:
        raise RefusedError(f"no node {node!r}; the cluster has: {', '.join(replica.nodes)}")
    if not replica.node(node).is_publisher:
        raise RefusedError("This is not a publisher node")


def refuse_before(first: Release, release: Release, command: str) -> None:
    """Raise RefusedError when a release has no such command yet."""
    if release < first:
        raise RefusedError(f"Release {release} has no {command}; it comes with {first}")
