"""The CTL file: made anew, signed with the other key, deleted.

A tokenless CTL is signed by the publisher: by CallManager up to 11.5, by ITLRecovery from 12.0,
where `utils ctl reset localkey` signs with the second SAST, CallManager's, for phones that lost
track of ITLRecovery. The file lies on every node; TVS notices a new one by itself, TFTP serves it
once it is restarted. `file delete tftp CTLFile.tlv` deletes the file of one node alone.
Source: cucm.md 1.2, 1.3, 1.7; seed 001.
"""

from collections.abc import Callable

import structlog

from cucmsim.errors import RefusedError
from cucmsim.formats.trustlist import CTL_FILENAME
from cucmsim.pki.release import Release
from cucmsim.services.operations.operator import Operator, Outcome, Restart
from cucmsim.services.operations.publisher import UTILS_FROM, refuse_before, refuse_on_subscriber
from cucmsim.services.operations.restarts import after_new_ctl, ctl_works_itself
from cucmsim.services.trustlists import build_ctl, is_mixed_mode
from cucmsim.store.replica import Replica
from cucmsim.store.rows import TftpFile
from cucmsim.store.store import Transaction

__all__ = ["delete_ctl", "put_ctl", "reset_ctl_localkey", "told_to_restart", "update_ctl"]

_LOCALKEY_FROM = Release(12)
_RESTART = (
    "Please Restart the TFTP and Cisco CallManager services on all nodes in the cluster "
    "that run these services"
)
_RESET_PHONES = "You must reset all phones to ensure they received the updated CTL file."
_RESTART_CTIMANAGER = (
    "You must restart Cisco CTIManager services on all the nodes in the cluster that have the "
    "service activated."
)


async def put_ctl(transaction: Transaction, replica: Replica, data: bytes) -> None:
    """Put a CTL on every node, in place of the one before."""
    for node in replica.nodes:
        await transaction.put_tftp_file(TftpFile(name=CTL_FILENAME, data=data, node=node))


def told_to_restart(release: Release, *lines: str) -> Outcome:
    """Return the outcome of a new CTL: `lines`, and what the release then asks for."""
    restarts = after_new_ctl(release)
    if ctl_works_itself(release):
        return Outcome(
            (*lines, _RESET_PHONES, _RESTART_CTIMANAGER),
            restarts=restarts,
            automatic=(Restart("Cisco Tftp", every_node=True),),
        )
    return Outcome((*lines, _RESTART), restarts=restarts)


async def update_ctl(operator: Operator, node: str) -> Outcome:
    """Make the CTL anew from the certificates of now (`utils ctl update CTLFile`).

    One that eTokens signed becomes tokenless.

    Raises:
        RefusedError: on a subscriber, in a non-secure cluster, or before release 10.0.
        StoreError: nothing was changed.

    """
    refuse_before(UTILS_FROM, operator.release, "utils ctl")

    def build(replica: Replica) -> bytes:
        return build_ctl(replica, operator.release, timestamp=operator.clock.now())

    await _make(operator, node, build)
    return told_to_restart(operator.release, "Updating CTL file", "CTL file Updated")


async def reset_ctl_localkey(operator: Operator, node: str) -> Outcome:
    """Make the CTL anew, signed with the CallManager key (`utils ctl reset localkey`).

    The next update signs with ITLRecovery again.

    Raises:
        RefusedError: on a subscriber, in a non-secure cluster, or before release 12.0.
        StoreError: nothing was changed.

    """
    refuse_before(_LOCALKEY_FROM, operator.release, "utils ctl reset localkey")

    def build(replica: Replica) -> bytes:
        now = operator.clock.now()
        return build_ctl(replica, operator.release, timestamp=now, localkey_reset=True)

    await _make(operator, node, build)
    return told_to_restart(operator.release, "Resetting CTL file", "CTL file Reset")


async def _make(operator: Operator, node: str, build: Callable[[Replica], bytes]) -> None:
    """Put what `build` makes of the newest state of a mixed-mode cluster on every node."""
    async with operator.store.transaction() as transaction:
        replica = await transaction.replica()
        refuse_on_subscriber(replica, node)
        if not is_mixed_mode(replica):
            raise RefusedError("The cluster is not in Mixed mode. There is no CTL file to update.")
        await put_ctl(transaction, replica, build(replica))
    structlog.get_logger().info("CTL made", file=CTL_FILENAME)
    await operator.newest()


async def delete_ctl(operator: Operator, node: str) -> Outcome:
    """Delete the CTL of `node` (`file delete tftp CTLFile.tlv`); other nodes keep theirs.

    Raises:
        RefusedError: there is no such node.
        StoreError: nothing was changed.

    """
    async with operator.store.transaction() as transaction:
        if node not in (await transaction.replica()).nodes:
            raise RefusedError(f"no node {node!r}")
        found = int(await transaction.delete_tftp_file(CTL_FILENAME, node))
    structlog.get_logger().info("CTL deleted", node=node, found=found)
    await operator.newest()
    return Outcome((f"files: found = {found}, deleted = {found}",))
