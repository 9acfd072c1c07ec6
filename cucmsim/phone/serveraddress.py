"""What a console shows of servers: their addresses, where the phone found any for their names.

A configuration names TVS and CAPF servers as CUCM knows them; real logs show addresses (phone.md
3.3, 3.4).
"""

from contextlib import suppress
from dataclasses import replace

from cucmsim.formats.phonevalues import Endpoint
from cucmsim.phone.events import (
    CapfStarted,
    Event,
    TlsHandshakeWaited,
    TvsConnected,
    TvsConnecting,
    TvsFailed,
    TvsServerRefused,
    TvsServerVerified,
)
from cucmsim.phone.names import NameNotFoundError, Names
from cucmsim.phone.steps import AskTvs, RunCapf, Step

__all__ = ["find_server", "with_address"]


async def find_server(step: Step, names: Names) -> None:
    """Look up the server that a step is about, so that its address is known beforehand."""
    if isinstance(step, AskTvs | RunCapf) and step.server.address not in names.unknown:
        with suppress(NameNotFoundError):  # the step itself says so
            await names.resolve(step.server.address)


def with_address(event: Event, names: Names) -> Event:
    """Return an event about a TVS or CAPF server with its address in place of its name."""
    match event:
        case (
            TvsConnecting()
            | TvsConnected()
            | TvsServerVerified()
            | TvsServerRefused()
            | TvsFailed()
            | TlsHandshakeWaited()
            | CapfStarted()
        ):
            return replace(event, server=_addressed(event.server, names))
        case _:
            return event


def _addressed(server: Endpoint, names: Names) -> Endpoint:
    return replace(server, address=names.known(server.address))
