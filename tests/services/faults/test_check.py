"""Reading a fault as somebody wrote it: what is right comes out, what is wrong is told at once."""

import pytest

from cucmsim.errors import SettingsError
from cucmsim.services.faults.check import entry_of, keys_of, read_fault
from cucmsim.services.faults.kinds import KINDS, FaultKind, Opportunity
from cucmsim.services.faults.plan import FaultRule

NODES = {"pub": ("tftp", "tvs", "http"), "sub": ("tftp",)}


def refused(entry: dict[str, object]) -> list[str]:
    """Return the problems of an entry."""
    with pytest.raises(SettingsError) as caught:
        read_fault(entry, NODES)
    return [str(problem).removeprefix("fault: ") for problem in caught.value.problems]


def test_a_rule_is_read_with_its_parameters_and_written_back() -> None:
    entry: dict[str, object] = {
        "kind": "tftp-delay",
        "node": "pub",
        "service": "tftp",
        "device": "sep001b54c25a01",
        "file": "*.sgn",
        "times": 2,
        "after": 1,
        "probability": 1,
        "seed": None,
        "delay_s": 3,
        "block": 0,
    }
    rule = read_fault(entry, NODES)
    assert rule == FaultRule(
        FaultKind.TFTP_DELAY,
        node="pub",
        service="tftp",
        device="SEP001B54C25A01",
        file="*.sgn",
        times=2,
        after=1,
        values={"delay_s": 3.0, "block": 0},
    )
    assert rule.value("direction") == "server"
    assert read_fault(entry_of(rule), NODES) == rule


def test_every_kind_is_read_with_nothing_but_what_it_needs_and_has_no_key_twice() -> None:
    for kind, info in KINDS.items():
        needed = {name: "AES" for name, one in info.parameters.items() if one.default is None}
        rule = read_fault({"kind": kind.value, **needed}, NODES)
        assert entry_of(rule) == {"kind": kind.value, **needed}
        assert len(keys_of(kind)) >= len(info.parameters) + 1
        assert ("times" in keys_of(kind)) is (info.opportunity is not Opportunity.STATE)


@pytest.mark.parametrize(
    "ciphers",
    [
        "AES256-SHA",
        "TLS_AES_128_GCM_SHA256",
        "ALL:!aNULL:@STRENGTH:TLS_AES_256_GCM_SHA384:NULL-SHA",
    ],
)
def test_ciphers_that_openssl_knows_are_taken(ciphers: str) -> None:
    assert read_fault({"kind": "tls-ciphers", "ciphers": ciphers}, NODES).value("ciphers")


def test_one_end_of_the_tls_versions_is_enough() -> None:
    assert read_fault({"kind": "tls-versions", "low": "1.2"}, NODES).value("high") == "1.3"
    assert read_fault({"kind": "tls-versions", "high": "1.1"}, NODES).value("low") == "1.0"


def test_every_problem_is_told_with_the_nearest_name() -> None:
    assert refused(
        {
            "kind": "tftp-drop",
            "node": "sup",
            "service": "tftpd",
            "device": "reception",
            "tims": 2,
            "after": -1,
            "probability": 1.5,
            "direction": "phones",
            "block": "3",
        }
    ) == [
        (
            "tims: found an unknown key, expected one of the keys of tftp-drop: node, service,"
            " device, file, times, after, probability, seed, direction, block;"
            " did you mean 'times'?"
        ),
        "after: found -1, expected an integer from 0",
        "probability: found 1.5, expected a number from 0 to 1",
        (
            'direction: found "phones", expected one of "server", "phone", "both";'
            " did you mean 'phone'?"
        ),
        'block: found "3", expected an integer from -1 to 65535',
        "node: found \"sup\", expected a node: pub, sub; did you mean 'sub'?",
        "service: found \"tftpd\", expected tftp; did you mean 'tftp'?",
        'device: found "reception", expected SEP and twelve hexadecimal digits',
    ]


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({}, "kind: found nothing, expected one of tftp-drop, "),
        ({"kind": "tvs_silent"}, "did you mean 'tvs-silent'?"),
        ({"kind": "tls-ciphers"}, "ciphers: found nothing, expected a text"),
        ({"kind": "tftp-drop", "times": True}, "times: found true, expected an integer from 1"),
        ({"kind": "tftp-drop", "times": 1.5}, "times: found 1.5, expected an integer from 1"),
        ({"kind": "tftp-drop", "file": 3}, "file: found 3, expected a text"),
        ({"kind": "node-down", "times": 1}, "times: found an unknown key, expected one of"),
        ({"kind": "tvs-slow", "file": "*"}, "file: found an unknown key, expected one of"),
        ({"kind": "tls-ciphers", "ciphers": ""}, 'ciphers: found "", expected ciphers that'),
        ({"kind": "tls-ciphers", "ciphers": "AES128-SHA:AES129"}, 'ciphers: found "AES129", exp'),
        ({"kind": "tls-ciphers", "ciphers": "AES:!AES"}, 'ciphers: found "AES:!AES", expected'),
        ({"kind": "tls-ciphers", "ciphers": "AES:TLS_NONE"}, 'ciphers: found "TLS_NONE", expec'),
        ({"kind": "tls-ciphers", "ciphers": "AES:@SECLEVEL=9"}, 'found "@SECLEVEL=9", expected'),
        ({"kind": "tls-ciphers", "ciphers": "AES TLS_NONE"}, 'ciphers: found "AES TLS_NONE", ex'),
        (
            {"kind": "tls-versions", "low": "1.3", "high": "1.0"},
            'low: found "1.3", expected a version up to "1.0", which is `high`',
        ),
        (
            {"kind": "tls-versions", "high": "1.4"},
            'high: found "1.4", expected one of "1.0", "1.1", "1.2", "1.3"',
        ),
        ({"kind": "file-wrong-name", "name": ""}, 'name: found "", expected a name'),
        ({"kind": "dhcp-silent", "node": "pub"}, "node: found an unknown key, expected one of"),
        (
            {"kind": "service-down", "node": "sub", "service": "tvs"},
            'service: found "tvs", expected a service that sub runs: tftp',
        ),
    ],
)
def test_what_makes_no_sense_is_refused(entry: dict[str, object], problem: str) -> None:
    (told,) = refused(entry)
    assert problem in told
