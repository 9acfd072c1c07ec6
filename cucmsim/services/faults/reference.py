"""The reference of every kind of fault, written from `KINDS`: the end of docs/faults.md.

`python -m cucmsim.services.faults.reference` prints it; a test keeps the guide current.
"""

from collections.abc import Iterator

from cucmsim.services.faults.check import expected_of
from cucmsim.services.faults.kinds import KINDS, KindInfo, Opportunity, Parameter

__all__ = ["format_kinds"]

_HEAD = "| kind | what happens | services | parameters |\n|---|---|---|---|"
_HAPPENS_TO = {
    Opportunity.DATAGRAM: "Datagrams: each one is an opportunity",
    Opportunity.FILE: "Files: each request for one is an opportunity",
    Opportunity.CONNECTION: "Connections: each one is an opportunity",
    Opportunity.MESSAGE: "Messages: each one is an opportunity",
    Opportunity.STATE: "States: they last until they are cleared, and are not counted",
}


def format_kinds() -> str:
    """Return a Markdown table for each kind of opportunity."""
    return "\n".join(line for what, title in _HAPPENS_TO.items() for line in _section(what, title))


def _section(opportunity: Opportunity, title: str) -> Iterator[str]:
    """Yield the heading and the table of what can happen to one kind of thing."""
    yield f"\n### {title}\n"
    yield _HEAD
    for kind, info in KINDS.items():
        if info.opportunity is opportunity:
            services = ", ".join(info.services) or "all"
            cells = (f"`{kind}`", info.summary, services, _parameters(info))
            yield "| " + " | ".join(cells) + " |"


def _parameters(info: KindInfo) -> str:
    return "<br>".join(_parameter(name, one) for name, one in info.parameters.items())


def _parameter(name: str, parameter: Parameter) -> str:
    """Return a parameter: its default, its meaning, its values."""
    given = "" if parameter.default is None else f"={parameter.default}"
    needed = ", **required**" if parameter.default is None else ""
    return f"`{name}{given}` {parameter.help} ({expected_of(parameter)}{needed})"


if __name__ == "__main__":
    print(format_kinds())  # noqa: T201  that is what this is for
