"""What faults are made of: chance that follows from the seed, terms of TLS, broken answers."""

from dataclasses import replace

import pytest

from cucmsim.clock import SystemClock
from cucmsim.daemons.httpmischief import shortened
from cucmsim.daemons.mischief import Mischief, TlsTerms
from cucmsim.daemons.tls import TlsIdentity, TlsPolicy, TlsVersion
from cucmsim.daemons.tvsmischief import TvsMischief
from cucmsim.entropy import SeededEntropy
from cucmsim.services.faults.kinds import FaultKind, Value
from cucmsim.services.faults.plan import Fault, FaultPlan, FaultRule
from tests.fixtures.phonekit import signer


def mischief(seed: int) -> Mischief:
    key = signer("tomcat").private_key
    return Mischief(FaultPlan(), "pub", "tvs", SystemClock(), SeededEntropy(seed), lambda: key)


def fault(kind: FaultKind, use: int = 1, **values: Value) -> Fault:
    return Fault(3, FaultRule(kind, values=values), use)


def test_the_same_seed_breaks_an_answer_alike_whatever_else_is_drawn() -> None:
    rubbish = fault(FaultKind.TVS_MALFORMED)
    first, again, other = mischief(7), mischief(7), mischief(8)
    again.entropy.token(100)
    (one,) = TvsMischief(first).messages(rubbish, [b"answer"])
    assert TvsMischief(again).messages(rubbish, [b"answer"]) == [one]
    assert TvsMischief(other).messages(rubbish, [b"answer"]) != [one]
    assert TvsMischief(first).messages(replace(rubbish, use=2), [b"answer"]) != [one]


def test_the_same_seed_makes_the_same_impostor() -> None:
    shown = fault(FaultKind.TLS_CERTIFICATE)
    made = [mischief(seed).impostor(shown, "x").certificate for seed in (7, 7, 8)]
    serials = [certificate.serial_number for certificate in made]
    assert serials[0] == serials[1] != serials[2]


@pytest.mark.parametrize(
    ("ciphers", "expected"),
    [
        (
            "AES256-SHA",
            TlsPolicy(ciphers="AES256-SHA:@SECLEVEL=0", maximum_version=TlsVersion.TLS_1_2),
        ),
        (
            "AES256-SHA:@SECLEVEL=1",
            TlsPolicy(ciphers="AES256-SHA:@SECLEVEL=1", maximum_version=TlsVersion.TLS_1_2),
        ),
        (
            "TLS_AES_128_GCM_SHA256",
            TlsPolicy(suites="TLS_AES_128_GCM_SHA256", minimum_version=TlsVersion.TLS_1_3),
        ),
        (
            "AES256-SHA:TLS_AES_128_GCM_SHA256",
            TlsPolicy(ciphers="AES256-SHA:@SECLEVEL=0", suites="TLS_AES_128_GCM_SHA256"),
        ),
    ],
)
def test_ciphers_say_which_versions_are_spoken(ciphers: str, expected: TlsPolicy) -> None:
    found = signer("tomcat")
    terms = TlsTerms(TlsIdentity(found.certificate, found.private_key), TlsPolicy())
    changed = terms.under(fault(FaultKind.TLS_CIPHERS, ciphers=ciphers), mischief(1))
    assert changed == replace(terms, policy=expected)


@pytest.mark.parametrize(("keep", "left"), [(0, b""), (3, b"abc"), (6, b"abcde"), (99, b"abcde")])
def test_a_shortened_answer_is_never_whole(keep: int, left: bytes) -> None:
    cut = fault(FaultKind.HTTP_TRUNCATE, keep=keep)
    assert shortened(cut, b"HTTP/1.1 200 OK\r\n\r\nabcdef") == b"HTTP/1.1 200 OK\r\n\r\n" + left


def test_an_empty_answer_has_nothing_to_lose() -> None:
    assert shortened(fault(FaultKind.HTTP_STALL), b"HTTP/1.1 200 OK\r\n\r\n").endswith(b"\r\n\r\n")
