"""A rule looked at by its parameters."""

from cucmsim.services.faults.kinds import FaultKind
from cucmsim.services.faults.plan import FaultPlan, FaultRule, Scene

SCENE = Scene("pub", "capf", "SEP001B54C25A01")
DROP = (FaultKind.CAPF_DROP,)


def test_what_does_not_fit_a_rules_parameters_does_not_count_as_its_opportunity() -> None:
    plan = FaultPlan([FaultRule(FaultKind.CAPF_DROP, after=1, values={"message": 2})])

    def sent(number: int) -> bool:
        return plan.take(DROP, SCENE, lambda rule: rule.value("message") == number) is not None

    assert [sent(number) for number in (1, 2, 3, 1, 2)] == [False, False, False, False, True]
