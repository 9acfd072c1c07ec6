"""A protocol that phones speak over plain TCP on one port and over TLS on another."""

from collections.abc import Callable
from functools import partial

from cucmsim.daemons.base import DaemonGroup
from cucmsim.daemons.conversation import Arrival, Conversation, Limits, Record, Recorder
from cucmsim.daemons.mischief import Doorman, Mischief, TlsTerms
from cucmsim.daemons.stream import StreamServer
from cucmsim.daemons.tls import TlsIdentity, TlsPolicy, server_context

__all__ = ["Converse", "TcpAndTls", "terms_of"]

Converse = Callable[[str, int, Arrival, Record], Conversation]
"""Makes the conversation of a connection; is told `TCP` or `TLS`, and the server's port."""


class TcpAndTls(DaemonGroup):
    """Both servers; either endpoint may be left out, TLS needs `terms`.

    Over TLS any client certificate is taken, for the conversation to judge; `mischief` makes the
    faults of TLS happen. Raises StartError when `terms` cannot be used.
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
        terms: TlsTerms | None,
        mischief: Mischief | None = None,
    ) -> None:
        self._converse_as = converse
        self._servers: list[StreamServer] = []
        if tcp is not None:
            factory = partial(self._begin, "TCP", len(self._servers))
            self._servers.append(StreamServer(tcp, None, factory, recorder, granted))
        if tls is not None and terms is not None:
            context = server_context(name, terms.identity, terms.policy)
            factory = partial(self._begin, "TLS", len(self._servers))
            doorman = None if mischief is None else Doorman(mischief, terms)
            self._servers.append(StreamServer(tls, context, factory, recorder, granted, doorman))
        super().__init__(name, self._servers)

    def _begin(self, transport: str, place: int, arrival: Arrival, record: Record) -> Conversation:
        port = self._servers[place].ports[0]
        return self._converse_as(transport, port, arrival, record)


def terms_of(identity: TlsIdentity | None, policy: TlsPolicy | None) -> TlsTerms | None:
    """Return how a service that knows phones by their certificates speaks TLS."""
    if identity is None:
        return None
    return TlsTerms(identity, policy or TlsPolicy(request_client_certificate=True))
