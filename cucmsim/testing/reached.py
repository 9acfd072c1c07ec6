"""A running cluster as clients reach it: its nodes with their ports, and its administrator."""

from collections.abc import Mapping, Sequence
from typing import Final

from cucmsim.cluster.reports import NodeReady
from cucmsim.phone.names import Names
from cucmsim.phone.performer import FileServer, Network
from cucmsim.phone.tftp import TftpPatience
from cucmsim.testing.administrator import Administrator

__all__ = ["PATIENCE", "ReachedCluster"]

PATIENCE: Final = TftpPatience(timeout_s=1.0, retransmissions=5)
"""How long a phone of a lab waits for TFTP: longer than a busy machine takes."""


class ReachedCluster:
    """A cluster that runs here or elsewhere."""

    def __init__(self, administrator: Administrator, nodes: Sequence[NodeReady]) -> None:
        self.administrator = administrator
        self.nodes: Mapping[str, NodeReady] = {node.name: node for node in nodes}

    @property
    def publisher(self) -> str:
        """The name of the publisher: the first node."""
        return next(iter(self.nodes))

    @property
    def addresses(self) -> Mapping[str, str]:
        """The address of each node by its name."""
        return {name: node.address for name, node in self.nodes.items()}

    def server(self, node: str = "") -> FileServer:
        """Return where the files of a node are, by default the publisher's."""
        held = self.nodes[node or self.publisher]
        ports = held.services
        return FileServer(held.address, ports["tftp"], ports["http"], ports["https"])

    def network(self, *nodes: str, others: Mapping[str, str] | None = None) -> Network:
        """Return how a phone that is told these TFTP servers reaches them, by default all nodes.

        `others` are names of other clusters that it may need besides.
        """
        servers = tuple(map(self.server, nodes or self.nodes))
        names = Names({**self.addresses, **(others or {})}, asks_dns=False)
        return Network(servers, names, PATIENCE)
