"""A protocol that phones speak over plain TCP on one port and over TLS on another."""

from collections.abc import Callable
from functools import partial

from cucmsim.daemons.base import DaemonGroup
from cucmsim.daemons.conversation import Arrival, Conversation, Limits, Record, Recorder
from cucmsim.daemons.stream import StreamServer
from cucmsim.daemons.tls import TlsIdentity, TlsPolicy, server_context

__all__ = ["Converse", "TcpAndTls"]

Converse = Callable[[str, int, Arrival, Record], Conversation]
"""Makes the conversation of a connection; is told `TCP` or `TLS`, and the server's port."""


class TcpAndTls(DaemonGroup):
    """Both servers; either endpoint may be left out, TLS needs `identity`.

    Over TLS any client certificate is taken, for the conversation to judge. Raises StartError when
    `identity` cannot be used.
    """

    def __init__(
        self,
        name: str,
        converse: Converse,
        recorder: Recorder,
        granted: Limits,
        *,
        tcp: tuple[str, int] | None,
        tls: tuple[str, int] | None,
        identity: TlsIdentity | None,
        policy: TlsPolicy | None,
    ) -> None:
        self._converse_as = converse
        self._servers: list[StreamServer] = []
        if tcp is not None:
            factory = partial(self._begin, "TCP", len(self._servers))
            self._servers.append(StreamServer(tcp, None, factory, recorder, granted))
        if tls is not None and identity is not None:
            chosen = policy or TlsPolicy(request_client_certificate=True)
            context = server_context(name, identity, chosen)
            factory = partial(self._begin, "TLS", len(self._servers))
            self._servers.append(StreamServer(tls, context, factory, recorder, granted))
        super().__init__(name, self._servers)

    def _begin(self, transport: str, place: int, arrival: Arrival, record: Record) -> Conversation:
        port = self._servers[place].ports[0]
        return self._converse_as(transport, port, arrival, record)
