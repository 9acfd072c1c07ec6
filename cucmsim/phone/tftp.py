"""Gets a file over TFTP: `protocols.tftp_client` on a UDP socket of its own, as phones do.

Each file has a port of its own (phone.md 1.4). Datagrams from another address are not looked at.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from cucmsim.errors import FormatError
from cucmsim.phone.datagrams import Address, Datagrams
from cucmsim.phone.localends import LocalEnds
from cucmsim.phone.steps import Fetched, FetchFailure, NotFetched
from cucmsim.protocols.tftp_client import FileReceived, ReadFailed, TftpRead

__all__ = ["TftpPatience", "fetch_tftp"]


@dataclass(frozen=True, slots=True)
class TftpPatience:
    """How long to wait: for an answer before the last packet is sent again, and how often that."""

    timeout_s: float = 0.5
    retransmissions: int = 6
    total_s: float = 120.0


async def fetch_tftp(
    server: tuple[str, int],
    name: str,
    size_limit: int,
    patience: TftpPatience | None = None,
    on_retransmit: Callable[[int], None] | None = None,
    ends: LocalEnds | None = None,
) -> Fetched | NotFetched:
    """Get `name` of `server`, an address and a port, from one of our `ends`.

    `on_retransmit` is told the count.
    """
    patience = patience or TftpPatience()
    try:
        read = TftpRead(
            name,
            size_limit=size_limit,
            timeout_s=patience.timeout_s,
            max_retransmissions=patience.retransmissions,
        )
        wire = await _open(server, ends)
    except (OSError, FormatError) as error:
        return NotFetched(FetchFailure.UNREACHABLE, text=str(error))
    try:
        async with asyncio.timeout(patience.total_s):
            return await _run(read, wire, server, on_retransmit or _ignore)
    except TimeoutError:
        return NotFetched(FetchFailure.TIMEOUT, text=f"not complete after {patience.total_s:g} s")
    finally:
        wire.close()


async def _run(
    read: TftpRead,
    wire: Datagrams,
    server: tuple[str, int],
    on_retransmit: Callable[[int], None],
) -> Fetched | NotFetched:
    own_port: Address = (*server, 0, 0) if ":" in server[0] else server
    now = asyncio.get_running_loop().time
    while True:
        for datagram in read.datagrams_to_send(now()):
            wire.send(
                datagram.data, datagram.peer if isinstance(datagram.peer, tuple) else own_port
            )
        while (event := read.next_event()) is not None:
            if isinstance(event, FileReceived):
                return Fetched(event.data)
            if isinstance(event, ReadFailed):
                failure = FetchFailure(event.failure.value)
                return NotFetched(failure, code=event.code, text=event.text)
            on_retransmit(event.count)
        item = await wire.receive(read.next_timeout())
        if isinstance(item, OSError):
            read.handle_unreachable(str(item))
        elif item is not None:
            read.receive_datagram(*item, now())
        read.handle_timeout(now())  # also when a flood of datagrams leaves no pause


async def _open(server: tuple[str, int], ends: LocalEnds | None) -> Datagrams:
    """Open a socket for one server, on any free port unless there are `ends`. Raises OSError."""

    def is_server(peer: Address) -> bool:
        return peer[0] == server[0]

    if ends is not None:
        return await Datagrams.open(ends.bind_datagrams(), is_server)
    local = ("::" if ":" in server[0] else "0.0.0.0", 0)  # noqa: S104 - a client, on a free port
    return await Datagrams.open(local, is_server)


def _ignore(_count: int) -> None:
    """Tell nobody."""
