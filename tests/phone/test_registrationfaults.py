"""Phones whose registration goes wrong as the fault plan has it, over real sockets."""

import pytest

from cucmsim.phone.events import RegistrationLost, RegistrationSucceeded
from cucmsim.phone.steps import Registered, RegistrationRefused
from cucmsim.services.faults.kinds import FaultKind
from cucmsim.services.faults.plan import FaultRule
from tests.fixtures.phonekit import NAME
from tests.fixtures.sipnodes import nodes, until
from tests.phone import test_registrar as sip
from tests.phone import test_sccp as sccp

FIRST, SECOND = sip.FIRST, sip.SECOND
WORDS = "Refused by the fault plan"


def reset(moment: str) -> FaultRule:
    return FaultRule(FaultKind.SIP_RESET, device=NAME, times=1, values={"moment": moment})


async def test_a_phone_refused_with_503_comes_again_after_what_it_is_told() -> None:
    values = {"status": 503, "retry_after_s": 7}
    async with nodes() as both, sip.calling(both.clock) as caller:
        both.first.faults.add(FaultRule(FaultKind.SIP_REFUSE, times=1, values=values))
        outcome = await caller.register(sip.step(*both.members))
        assert isinstance(outcome, RegistrationRefused)
        assert (outcome.status, WORDS in outcome.warning) == (503, True)
        assert both.second.registrations.held == {}  # a phone does not fail over from a refusal
        caller.later(6)
        assert caller.told == []
        caller.later(1.1)
        await until(lambda: caller.told)
        assert caller.told == [RegistrationSucceeded(FIRST, "TCP", "1000", 120)]
        fault = "sip-refuse (fault 1)"
        assert both.first.faulty == [("REGISTER", "503, Retry-After 7", fault)]


async def test_a_refused_refresh_ends_a_registration_and_names_no_time_unless_told_to() -> None:
    async with sip.registered() as (both, caller):
        values = {"status": 403}
        both.first.faults.add(FaultRule(FaultKind.SIP_REFUSE, times=1, values=values))
        caller.later(116)
        await until(lambda: caller.told)
        assert both.first.registrations.held == {}
        assert both.first.faulty == [("REGISTER", "403", "sip-refuse (fault 1)")]


@pytest.mark.parametrize(
    ("moment", "asked"),
    [
        ("connect", ("connection", "reset")),
        ("register", ("REGISTER", "nothing (connection reset)")),
    ],
)
async def test_a_phone_whose_connection_is_reset_registers_with_the_next(
    moment: str, asked: tuple[str, str]
) -> None:
    async with nodes() as both, sip.calling(both.clock) as caller:
        rule = reset(moment)
        # nobody has said who speaks from here before the first REGISTER
        both.first.faults.learn(FIRST, NAME)
        both.first.faults.add(rule)
        outcome = await caller.register(sip.step(*both.members))
        assert outcome == Registered(SECOND, "TCP", "1000", 120)
        assert both.first.faulty[0] == (*asked, "sip-reset (fault 1)")


async def test_a_reset_after_the_answer_comes_after_it() -> None:
    async with nodes() as both, sip.calling(both.clock) as caller:
        both.first.faults.add(reset("answered"))
        assert await caller.register(sip.step(*both.members)) == sip.OVER_TCP
        await until(lambda: len(caller.told) > 1)  # it may go back to the first soon after
        assert isinstance(caller.told[0], RegistrationLost)
        assert caller.told[1] == RegistrationSucceeded(SECOND, "TCP", "1000", 120)
        reset_later = ("connection", "reset after the answer", "sip-reset (fault 1)")
        assert both.first.faulty == [reset_later]


async def test_a_reset_instead_of_a_refresh_makes_the_phone_fail_over() -> None:
    async with sip.registered() as (both, caller):
        both.first.faults.add(reset("refresh"))
        await until(lambda: both.second.told)
        caller.later(116)
        taken_over = RegistrationSucceeded(SECOND, "TCP", "1000", 120)
        await until(lambda: taken_over in caller.told)
        nothing = ("REGISTER", "nothing (connection reset)", "sip-reset (fault 1)")
        assert both.first.faulty == [nothing]


async def test_an_sccp_phone_is_rejected_and_reset_alike() -> None:
    async with sccp.nodes() as both, sccp.calling(both.clock) as caller:
        faults = both.first.faults
        faults.add(FaultRule(FaultKind.SIP_REFUSE, times=1))
        outcome = await caller.register(sccp.step(*both.members))
        assert isinstance(outcome, RegistrationRefused)
        assert WORDS in outcome.text
        faults.add(reset("register"))
        outcome = await caller.register(sccp.step(*both.members))
        assert isinstance(outcome, Registered)
        assert outcome.server == SECOND
        assert [asked for *asked, _ in both.first.faulty] == [
            ["Register", f"RegisterReject {WORDS}"],
            ["Register", "nothing (connection reset)"],
        ]


async def test_an_sccp_phone_whose_keepalive_is_answered_by_a_reset_registers_again() -> None:
    async with sccp.nodes() as both, sccp.calling(both.clock) as caller:
        assert isinstance(await caller.register(sccp.step(*both.members)), Registered)
        both.first.faults.add(reset("refresh"))
        caller.later(31)
        await until(lambda: any(isinstance(each, RegistrationSucceeded) for each in caller.told))
        assert isinstance(caller.told[0], RegistrationLost)
        nothing = ("KeepAlive", "nothing (connection reset)", "sip-reset (fault 1)")
        assert both.first.faulty == [nothing]
