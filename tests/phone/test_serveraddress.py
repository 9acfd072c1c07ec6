"""Servers are shown by address where their names are known, and by name where not."""

import pytest

from cucmsim.formats.phonevalues import Endpoint
from cucmsim.phone import events
from cucmsim.phone.names import Names
from cucmsim.phone.serveraddress import find_server, with_address
from cucmsim.phone.steps import RunCapf, Step
from cucmsim.phone.trust import TrustedPeers
from cucmsim.phone.trustlists import TrustLists
from cucmsim.phone.values import Purpose

KNOWN, UNKNOWN = "pub.example.invalid", "sub.example.invalid"


def visit(name: str) -> Step:
    check = TrustedPeers(TrustLists(), Purpose.CAPF_SERVER)
    server = Endpoint(name, 3804)
    return RunCapf(
        server, 0, "SEP000000000001", "", None, proof_is_mic=False, held=None, check=check
    )


@pytest.mark.parametrize(("name", "shown"), [(KNOWN, "192.0.2.1"), (UNKNOWN, UNKNOWN)])
async def test_a_server_is_shown_by_the_address_that_was_found(name: str, shown: str) -> None:
    names, server = Names({KNOWN: "192.0.2.1"}), Endpoint(name, 2445)
    told = (events.TvsConnecting(server, 0), events.CapfStarted(server, 2, "pending"))
    assert tuple(with_address(each, names) for each in told) == told
    await find_server(visit(name), names)
    await find_server(visit(name), names)
    for each in told:
        assert getattr(with_address(each, names), "server", None) == Endpoint(shown, 2445)


def test_other_events_stay_as_they_are() -> None:
    told = events.RegistrationSucceeded(KNOWN)
    assert with_address(told, Names()) is told
