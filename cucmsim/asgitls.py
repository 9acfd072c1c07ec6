"""TLS chosen for each client of an ASGI server, where asyncio knows one context a port.

A `Reception` says over which TLS a client is taken, and is told how its handshake ended. What it
says of the client goes on to the application in the scope's `state`.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

__all__ = ["Acceptor", "Reception", "Taken"]

_PAUSE_S: Final = 0.1
Client = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Taken:
    """How a client is taken: over `context`, None: not at all. `fault` is the fault at work."""

    context: ssl.SSLContext | None
    fault: str = ""
    device: str | None = None


class Reception(Protocol):
    """Decides about clients, each an address and a port."""

    def welcome(self, client: Client) -> Taken:
        """Decide over which TLS a client is taken."""
        ...

    def ended(self, client: Client, taken: Taken, problem: str) -> None:
        """Take note of how its handshake ended; `problem` is "" where TLS stands."""
        ...


class Acceptor:
    """Accepts on `bound` and begins `make(state)` over TLS; stands for an `asyncio.Server`."""

    def __init__(
        self,
        bound: socket.socket,
        make: Callable[[dict[str, object]], asyncio.Protocol],
        reception: Reception,
        handshake_s: float,
        at_once: int,
    ) -> None:
        bound.settimeout(0)
        self._bound = bound
        self._make = make
        self._reception = reception
        self._handshake_s = handshake_s
        self._at_once = at_once
        self._loop = asyncio.get_running_loop()
        self._handshakes: set[asyncio.Task[None]] = set()
        self._accepting = self._loop.create_task(self._accept())

    def close(self) -> None:
        """Take no new client."""
        self._accepting.cancel()

    async def wait_closed(self) -> None:
        """End the handshakes under way."""
        for task in self._handshakes:
            task.cancel()
        await asyncio.wait([self._accepting, *self._handshakes])

    async def _accept(self) -> None:
        while True:
            try:
                accepted, address = await self._loop.sock_accept(self._bound)
            except OSError:  # too many files are open, say: others are served meanwhile
                await asyncio.sleep(_PAUSE_S)
                continue
            if len(self._handshakes) >= self._at_once:
                accepted.close()
                continue
            task = self._loop.create_task(self._shake_hands(accepted, address[:2]))
            self._handshakes.add(task)
            task.add_done_callback(self._handshakes.discard)

    async def _shake_hands(self, accepted: socket.socket, client: Client) -> None:
        taken = self._reception.welcome(client)
        if taken.context is None:
            accepted.close()
            self._reception.ended(client, taken, "closed")
            return
        state: dict[str, object] = {"fault": taken.fault}
        problem = ""
        try:
            await self._loop.connect_accepted_socket(
                lambda: self._make(state),
                accepted,
                ssl=taken.context,
                ssl_handshake_timeout=self._handshake_s,
            )
        except (OSError, TimeoutError) as error:  # SSLError is an OSError
            problem = f"TLS handshake failed: {error or 'cut'}"
        finally:
            if problem:
                with contextlib.suppress(OSError):
                    accepted.close()
        self._reception.ended(client, taken, problem)
