"""The fault plan: where a rule happens, how often, and what chance makes of it."""

from dataclasses import replace

from cucmsim.services.faults.kinds import FaultKind
from cucmsim.services.faults.plan import FaultPlan, FaultRule, Scene

PHONE = "SEP001B54C25A01"
HERE = Scene("pub", "tftp", PHONE, "10.0.0.1", "ITLFile.tlv")
DROP = FaultKind.TFTP_DROP


def uses(plan: FaultPlan, scene: Scene = HERE, asked: int = 40) -> list[int]:
    """Return at which of so many opportunities the fault happened."""
    return [number for number in range(asked) if plan.take((DROP,), scene) is not None]


def test_a_rule_happens_so_often_after_what_it_lets_pass() -> None:
    plan = FaultPlan([FaultRule(DROP, times=2, after=3)])
    assert uses(plan) == [3, 4]
    (held,) = plan.held
    assert (held.seen, held.used, held.is_spent) == (5, 2, True)


def test_chance_follows_from_what_a_rule_says_and_its_count_alone() -> None:
    rule = FaultRule(DROP, probability=0.3, seed=7)
    alone = uses(FaultPlan([rule]))
    other = FaultRule(FaultKind.TFTP_DELAY, probability=0.5)
    beside = FaultPlan([other, rule])
    for _ in range(3):
        beside.take((FaultKind.TFTP_DELAY,), HERE)
    assert uses(beside) == alone
    assert uses(FaultPlan([FaultRule(DROP, probability=0.3, seed=8)])) != alone
    assert 0 < len(alone) < 40
    assert not uses(FaultPlan([FaultRule(DROP, probability=0.0)]))


def test_neither_another_phone_nor_a_rule_before_changes_the_luck_of_a_phone() -> None:
    rule = FaultRule(DROP, probability=0.4, seed=7)
    alone = uses(FaultPlan([rule]))
    first = FaultRule(DROP, probability=0.4, seed=7, values={"block": 3})
    mixed, others = FaultPlan([first, rule]), replace(HERE, device="SEP000000000000")
    dropped = []
    for number in range(40):
        mixed.take((DROP,), others)
        mixed.take((DROP,), replace(HERE, file="CTLFile.tlv"))
        fault = mixed.take((DROP,), HERE)
        if fault is not None:
            dropped.append((number, fault.number))
    by_first = {number for number, by in dropped if by == 1}
    assert by_first == set(uses(FaultPlan([first])))
    assert {number for number, by in dropped if by == 2} == set(alone) - by_first
    assert by_first & set(alone)
    assert by_first != set(alone)
    assert uses(FaultPlan([rule]), others) != alone


def test_how_often_is_counted_for_all_phones_together() -> None:
    plan, other = FaultPlan([FaultRule(DROP, times=2, after=1)]), replace(HERE, device="SEP0")
    taken = [plan.take((DROP,), scene) for scene in (HERE, other, HERE, other)]
    assert [fault and fault.use for fault in taken] == [None, 1, 2, None]


def test_a_rule_happens_only_where_it_is_to() -> None:
    for rule in (
        FaultRule(DROP, node="sub"),
        FaultRule(DROP, service="http"),
        FaultRule(DROP, device="SEP000000000000"),
        FaultRule(DROP, file="*.sgn"),
        FaultRule(FaultKind.TFTP_DELAY),
        FaultRule(FaultKind.HTTP_STATUS),
    ):
        plan = FaultPlan([rule])
        assert not plan.concerns((DROP,), HERE)
        assert not uses(plan)
        assert plan.held[0].seen == 0
    everything = FaultRule(DROP, node="pub", service="tftp", device=PHONE, file="ITL*")
    assert uses(FaultPlan([everything]), asked=1) == [0]


def test_a_phone_is_known_by_its_address_once_it_has_said_its_name() -> None:
    plan = FaultPlan([FaultRule(DROP, device=PHONE)])
    nameless = Scene("pub", "tftp", None, "10.0.0.1", "ITLFile.tlv")
    assert not plan.concerns((DROP,), nameless)
    plan.learn("10.0.0.1", PHONE)
    assert plan.concerns((DROP,), nameless)


def test_a_rule_that_its_asker_turns_down_is_not_counted() -> None:
    plan = FaultPlan([FaultRule(DROP, values={"block": 2}), FaultRule(DROP, values={"block": 3})])
    fault = plan.take((DROP,), HERE, lambda rule: rule.value("block") == 3)
    assert str(fault) == "tftp-drop (fault 2)"
    assert [held.seen for held in plan.held] == [0, 1]


def test_a_spent_rule_concerns_nothing_and_lets_the_next_one_happen() -> None:
    plan = FaultPlan([FaultRule(DROP, times=1), FaultRule(DROP)])
    numbers = [fault.number for _ in range(3) if (fault := plan.take((DROP,), HERE)) is not None]
    assert numbers == [1, 2, 2]
    plan.remove(2)
    assert not plan.concerns((DROP,), HERE)


def test_a_lasting_fault_holds_until_it_is_cleared_and_every_change_is_told() -> None:
    plan, told = FaultPlan(), []
    end = plan.subscribe(lambda: told.append(len(plan.held)))
    plan.add(FaultRule(FaultKind.NODE_DOWN, node="sub"))
    plan.add(FaultRule(FaultKind.SERVICE_DOWN, service="tvs"))
    kinds = (FaultKind.NODE_DOWN, FaultKind.SERVICE_DOWN)
    places = [("sub", "tftp"), ("sub", "tvs"), ("pub", "tvs"), ("pub", "tftp")]
    down = [fault and fault.number for fault in (plan.lasting(kinds, *place) for place in places)]
    assert down == [1, 1, 2, None]
    plan.clear()
    end()
    plan.add(FaultRule(DROP))
    assert plan.lasting(kinds, "sub", "tftp") is None
    assert told == [1, 2, 0]
