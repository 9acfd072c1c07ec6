"""The CTL is made anew, signed by whom the release says, and deleted node by node."""

from dataclasses import replace

import pytest

from cucmsim.errors import RefusedError
from cucmsim.formats.roles import Role
from cucmsim.formats.trustlist import CTL_FILENAME, TrustList, decode_trust_list
from cucmsim.pki.release import Release
from cucmsim.services.operations.ctl import delete_ctl, reset_ctl_localkey, update_ctl
from cucmsim.services.operations.mixedmode import set_mixed_mode, set_non_secure_mode
from cucmsim.services.operations.operator import Operator, Restart
from cucmsim.services.trustlists import is_mixed_mode
from tests.services.operations.conftest import PUBLISHER, SUBSCRIBER, der

RESTART = (
    "Please Restart the TFTP and Cisco CallManager services on all nodes in the cluster "
    "that run these services"
)
RESET_PHONES = "You must reset all phones to ensure they received the updated CTL file."


@pytest.fixture
def early(operator: Operator) -> Operator:
    """Give the cluster as release 10.5(1) has it."""
    return replace(operator, release=Release(10, 5))


async def ctls(operator: Operator) -> dict[str, TrustList]:
    """Return the CTL of each node that has one."""
    replica = await operator.store.load_replica()
    found = {node: replica.tftp_file(CTL_FILENAME, node) for node in replica.nodes}
    return {node: decode_trust_list(held.data) for node, held in found.items() if held}


async def roles(operator: Operator) -> list[int]:
    """Return the roles in the publisher's CTL, in order."""
    return [record.role for record in (await ctls(operator))[PUBLISHER].records]


async def signer(operator: Operator) -> str:
    """Return the unit, of the publisher, whose certificate signed its CTL."""
    name = (await ctls(operator))[PUBLISHER].header.signer.serial
    replica = await operator.store.load_replica()
    return next(
        unit
        for (node, unit), held in replica.own.items()
        if node == PUBLISHER and name == bytes.fromhex(held.serialnumber)
    )


async def test_mixed_mode_sets_the_parameter_and_gives_every_node_the_same_ctl(
    early: Operator,
) -> None:
    outcome = await set_mixed_mode(early, PUBLISHER)
    assert outcome.lines == ("Moving Cluster to Mixed Mode", "Cluster set to Mixed Mode", RESTART)
    assert outcome.restarts == (
        Restart("Cisco Tftp", every_node=True),
        Restart("Cisco CallManager", every_node=True),
    )
    assert is_mixed_mode(await early.store.load_replica())
    made = await ctls(early)
    assert made.keys() == {PUBLISHER, SUBSCRIBER}
    assert made[PUBLISHER] == made[SUBSCRIBER]
    assert await signer(early) == "CallManager"
    assert await roles(early) == [Role.SAST, Role.CCM_TFTP, Role.CAPF, Role.CCM_TFTP]


async def test_back_in_non_secure_mode_the_ctl_stays_with_records_of_four_fields(
    early: Operator,
) -> None:
    await set_mixed_mode(early, PUBLISHER)
    outcome = await set_non_secure_mode(early, PUBLISHER)
    assert outcome.lines == (
        "Moving Cluster to Non Secure Mode",
        "Cluster set to Non Secure Mode",
        RESTART,
    )
    assert not is_mixed_mode(await early.store.load_replica())
    records = (await ctls(early))[PUBLISHER].records
    assert [len(record.elements) for record in records if record.role == Role.CCM_TFTP] == [4, 4]
    assert await signer(early) == "CallManager"


async def test_from_12_itlrecovery_signs_and_the_local_key_is_callmanagers(
    operator: Operator,
) -> None:
    outcome = await set_mixed_mode(operator, PUBLISHER)
    assert outcome.lines[2] == RESET_PHONES
    assert outcome.automatic == (Restart("Cisco Tftp", every_node=True),)
    assert await signer(operator) == "ITLRecovery"
    records = (await ctls(operator))[PUBLISHER].records
    await reset_ctl_localkey(operator, PUBLISHER)
    assert await signer(operator) == "CallManager"
    assert (await ctls(operator))[PUBLISHER].records == records
    await update_ctl(operator, PUBLISHER)
    assert await signer(operator) == "ITLRecovery"


async def test_an_update_takes_up_new_certificates(operator: Operator) -> None:
    await set_mixed_mode(operator, PUBLISHER)
    before = await roles(operator)
    async with operator.store.transaction() as transaction:
        await transaction.put_trust_certificate("Phone-SAST-trust", der("tvs-pub"))
    assert await roles(operator) == before
    outcome = await update_ctl(operator, PUBLISHER)
    assert outcome.lines[:2] == ("Updating CTL file", "CTL file Updated")
    assert await roles(operator) == [*before, Role.SAST]


@pytest.mark.parametrize("operation", [set_mixed_mode, update_ctl, reset_ctl_localkey])
async def test_a_subscriber_refuses_in_the_words_of_seed_003(
    operator: Operator, operation: type
) -> None:
    before = (await operator.store.load_replica()).version
    with pytest.raises(RefusedError, match="This is not a publisher node"):
        await operation(operator, SUBSCRIBER)
    with pytest.raises(RefusedError, match="no node 'nobody'"):
        await operation(operator, "nobody")
    assert (await operator.store.load_replica()).version == before


async def test_what_the_mode_or_the_release_does_not_allow_is_refused(operator: Operator) -> None:
    old = replace(operator, release=Release(9, 1))
    for refused in (set_mixed_mode, set_non_secure_mode, update_ctl):
        with pytest.raises(RefusedError, match=r"Release 9\.1.* has no utils ctl"):
            await refused(old, PUBLISHER)
    with pytest.raises(RefusedError, match="no utils ctl reset localkey"):
        await reset_ctl_localkey(replace(operator, release=Release(11, 5)), PUBLISHER)
    for refused in (update_ctl, reset_ctl_localkey):
        with pytest.raises(RefusedError, match="not in Mixed mode"):
            await refused(operator, PUBLISHER)
    with pytest.raises(RefusedError, match="already in Non Secure mode"):
        await set_non_secure_mode(operator, PUBLISHER)
    await set_mixed_mode(operator, PUBLISHER)
    with pytest.raises(RefusedError, match="already in Mixed mode"):
        await set_mixed_mode(operator, PUBLISHER)


async def test_the_file_is_deleted_on_one_node_alone(operator: Operator) -> None:
    await set_mixed_mode(operator, PUBLISHER)
    assert (await delete_ctl(operator, SUBSCRIBER)).lines == ("files: found = 1, deleted = 1",)
    assert (await ctls(operator)).keys() == {PUBLISHER}
    assert (await delete_ctl(operator, SUBSCRIBER)).lines == ("files: found = 0, deleted = 0",)
    with pytest.raises(RefusedError, match="no node 'nobody'"):
        await delete_ctl(operator, "nobody")
