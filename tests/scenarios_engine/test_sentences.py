"""What happens inside a phone, in sentences."""

import pytest

from cucmsim.formats.phonevalues import Endpoint
from cucmsim.phone.events import (
    BootStarted,
    ConfigurationAccepted,
    ConfigurationKept,
    Event,
    TrustListMissing,
    TrustListRefused,
    TrustListVerified,
    TvsAnswerReceived,
    TvsServerRefused,
    TvsStarted,
)
from cucmsim.phone.values import FileKind, Purpose, Refusal, TrustSource
from cucmsim.scenarios.sentences import told, told_besides

SERVER = Endpoint("192.0.2.1", 2445)
HANGS_UP = (
    "hangs up on TVS at 192.0.2.1:2445: the certificate shown there is in none of its trust lists,"
    " so it asks nothing"
)


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        (
            TrustListRefused(FileKind.ITL, Refusal.TVS_UNTRUSTED),
            f"refuses the new ITL: {Refusal.TVS_UNTRUSTED}; it keeps what it holds",
        ),
        (
            TrustListVerified(FileKind.ITL, TrustSource.TVS, 300, (1, 2), 1, "CN=pub;OU=Lab"),
            "takes the new ITL, signed by CN=pub: TVS vouches for whoever signed it",
        ),
        (
            ConfigurationAccepted("a.cnf.xml", "1"),
            "takes the configuration: unsigned; a phone that holds no trust list has to take it",
        ),
        (
            ConfigurationKept("a.cnf.xml", "not found", held=False),
            "has no configuration: not found",
        ),
        (
            TvsStarted(Purpose.TRUST_LIST, is_query=True),
            "does not know who signed the trust list: asks TVS",
        ),
        (
            TvsServerRefused(SERVER, 0),
            HANGS_UP,
        ),
        (
            TvsAnswerReceived(SERVER, is_query=False, size=9, status=1, roles=()),
            "TVS does not vouch for it (status 1)",
        ),
    ],
)
def test_a_decision_is_told_with_its_reason(event: Event, sentence: str) -> None:
    assert told(event) == sentence
    assert told_besides(event) is None


def test_what_nothing_hangs_on_is_told_to_the_curious_only() -> None:
    event = TrustListMissing(FileKind.CTL)
    assert told(event) is None
    assert told_besides(event) == "the server has no CTL"


def test_what_the_wire_shows_anyway_is_not_told() -> None:
    event = BootStarted("SEP001122334455", ("192.0.2.1",))
    assert (told(event), told_besides(event)) == (None, None)
