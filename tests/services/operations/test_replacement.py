"""What a replaced certificate leaves in trust stores, it leaves on every node."""

from dataclasses import replace

import pytest

from cucmsim.pki.profiles import Unit
from cucmsim.services.certificates import TRUST_STORES_OF
from cucmsim.services.operations.operator import Operator
from cucmsim.services.operations.regeneration import regenerate_certificate
from tests.services.admin.conftest import Usual
from tests.services.operations.conftest import PUBLISHER, SUBSCRIBER, der


@pytest.mark.parametrize(
    ("unit", "name", "left"),
    [
        (Unit.CAPF, "capf", {"CAPF-trust", "CallManager-trust"}),
        (Unit.CALLMANAGER, "callmanager-pub", {"Phone-SAST-trust"}),
    ],
)
async def test_the_old_certificate_stays_on_every_node_where_it_is_left(
    operator: Operator, unit: Unit, name: str, left: set[str]
) -> None:
    operator = replace(operator, certificates=Usual())
    async with operator.store.transaction() as transaction:
        for trust_store in {*TRUST_STORES_OF[unit], *left}:
            await transaction.put_trust_certificate(trust_store, der(name))
    await regenerate_certificate(operator, PUBLISHER, unit)
    replica = await operator.store.load_replica()
    (old,) = [one for one in replica.certificates if one.certificate_der == der(name)]
    assert old.units == left
    assert old.node is None
    assert all(old.is_on(node) for node in (PUBLISHER, SUBSCRIBER))
