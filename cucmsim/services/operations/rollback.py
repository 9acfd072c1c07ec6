"""The enterprise parameter Prepare Cluster for Rollback to pre 8.0.

While it is true the ITL is signed as ever but names no TFTP and no TVS: a phone that has taken it
accepts any ITL and any configuration, whoever signed it, and has nobody to ask about HTTPS. The
CTL is not emptied. The phone has to trust the cluster when it takes that ITL, so the parameter
helps before a move and not after. Source: seeds 000 and 002; cucm.md 3.6 and 7 (rows 8 to 10).
"""

import structlog

from cucmsim.services.operations.operator import Operator, Outcome
from cucmsim.services.operations.restarts import after_rollback, rollback_works_itself
from cucmsim.services.parameters import ENTERPRISE_PARAMETERS, is_true

__all__ = ["ROLLBACK_PARAMETER", "set_rollback_parameter"]

ROLLBACK_PARAMETER = "RollBackToPreGrayback"


async def set_rollback_parameter(operator: Operator, *, prepared: bool) -> Outcome:
    """Set the parameter; what holds already is left alone and asks for nothing. Raises StoreError.

    TFTP serves the emptied ITL, or the full one again, once it is restarted.
    """
    replica = await operator.newest()
    if is_true(replica.enterprise.get(ROLLBACK_PARAMETER, "F")) == prepared:
        return Outcome(("Update Successful",))
    value = ENTERPRISE_PARAMETERS[ROLLBACK_PARAMETER].store(prepared)
    async with operator.store.transaction() as transaction:
        await transaction.set_enterprise_parameter(ROLLBACK_PARAMETER, value)
    structlog.get_logger().info("enterprise parameter set", name=ROLLBACK_PARAMETER, value=value)
    await operator.newest()
    by_itself = rollback_works_itself(operator.release)
    return Outcome(
        ("Update Successful",),
        restarts=() if by_itself else after_rollback(),
        automatic=after_rollback() if by_itself else (),
        resets_phones=by_itself,
    )
