"""The journal as text, a line an exchange, for people: of a command, or of a test that failed."""

from collections.abc import Iterable
from datetime import UTC

from cucmsim.cluster.journalapi import EventReport
from cucmsim.services.journal import Exchange, Numbered

__all__ = ["line_of", "lines_of"]


def line_of(exchange: Exchange | EventReport) -> str:
    """Return a line for a person: when, which node and service, who, what, what went wrong."""
    time = exchange.time.astimezone(UTC).isoformat(" ", "milliseconds").partition("+")[0]
    who = exchange.device or exchange.peer
    what = f"{exchange.request} -> {exchange.answer}".replace("\n", "\\n").replace("\r", "\\r")
    fault = f"  [{exchange.fault}]" if exchange.fault else ""
    where = f"{exchange.node}  {exchange.service:<11}"
    return f"{time}  {where}  {who:<15}  {what}  {exchange.milliseconds:.1f} ms{fault}"


def lines_of(exchanges: Iterable[Numbered]) -> list[str]:
    """Return a line for each exchange."""
    return [line_of(exchange) for _, exchange in exchanges]
