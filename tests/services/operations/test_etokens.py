"""The CTL client signs with tokens it knows, and refuses the others in the words of seed 001."""

from dataclasses import replace

import pytest

from cucmsim.errors import RefusedError
from cucmsim.formats.roles import Role
from cucmsim.formats.trustlist import CTL_FILENAME, TrustList, decode_trust_list, verify_file
from cucmsim.pki.bundles import KeyBundle, dump_key_bundle
from cucmsim.pki.certificates import certificate_der
from cucmsim.pki.release import Release
from cucmsim.services.operations.ctl import delete_ctl, update_ctl
from cucmsim.services.operations.etokens import (
    NO_CTL,
    NOT_IN_CTL,
    CtlClientTask,
    make_etoken,
    open_etoken,
    run_client,
)
from cucmsim.services.operations.operator import Operator
from cucmsim.services.trustlists import is_mixed_mode
from cucmsim.store.rows import TftpFile
from tests.services.operations.conftest import PUBLISHER, SUBSCRIBER

PASSWORD = "Cisco123"


@pytest.fixture
async def tokens(operator: Operator) -> list[KeyBundle]:
    """Buy three tokens."""
    return [await make_etoken(operator, number) for number in ("ADN1", "ADN2", "ADN3")]


def of_release(operator: Operator, release: str) -> Operator:
    return replace(operator, release=Release.parse(release))


async def ctl(operator: Operator) -> TrustList | None:
    """Return the publisher's CTL; every node has the same."""
    replica = await operator.store.load_replica()
    files = [replica.tftp_file(CTL_FILENAME, node) for node in replica.nodes]
    assert len({held and held.data for held in files}) == 1
    return None if files[0] is None else decode_trust_list(files[0].data)


async def test_the_last_token_signs_and_the_cluster_is_mixed(
    operator: Operator, tokens: list[KeyBundle]
) -> None:
    early = of_release(operator, "9.1")
    outcome = await run_client(early, CtlClientTask.MIXED_MODE, tokens[:2])
    assert outcome.lines[0] == "CTL File has been created."
    replica = await operator.store.load_replica()
    held = replica.tftp_file(CTL_FILENAME, PUBLISHER)
    assert held is not None
    assert verify_file(held.data, tokens[1].certificate)
    assert is_mixed_mode(replica)
    made = await ctl(operator)
    assert made is not None
    roles = [record.role for record in made.records]
    assert roles == [Role.SAST, Role.CCM_TFTP, Role.CAPF, Role.CCM_TFTP, Role.SAST]
    assert made.records[0].certificate_der == certificate_der(tokens[0].certificate)


async def test_a_token_of_the_ctl_may_bring_another_one(
    operator: Operator, tokens: list[KeyBundle]
) -> None:
    first, second, third = tokens
    await run_client(operator, CtlClientTask.MIXED_MODE, [first, second])
    await run_client(operator, CtlClientTask.UPDATE, [first, third])
    made = await ctl(operator)
    assert made is not None
    assert certificate_der(third.certificate) in [one.certificate_der for one in made.records]
    with pytest.raises(RefusedError, match=NOT_IN_CTL):
        await run_client(operator, CtlClientTask.UPDATE, [second, await make_etoken(operator, "Z")])


async def test_a_tokenless_ctl_has_to_go_and_the_tokens_to_be_trusted(
    operator: Operator, tokens: list[KeyBundle]
) -> None:
    await run_client(operator, CtlClientTask.MIXED_MODE, tokens)
    await update_ctl(operator, PUBLISHER)
    before = (await operator.store.load_replica()).version
    for task in CtlClientTask:
        with pytest.raises(RefusedError, match=NOT_IN_CTL):
            await run_client(operator, task, tokens)
    assert (await operator.store.load_replica()).version == before
    for node in (PUBLISHER, SUBSCRIBER):
        await delete_ctl(operator, node)
    with pytest.raises(RefusedError, match=NOT_IN_CTL):
        await run_client(operator, CtlClientTask.UPDATE, tokens)
    assert await ctl(operator) is None
    async with operator.store.transaction() as transaction:
        der = certificate_der(tokens[0].certificate)
        await transaction.put_trust_certificate("Phone-SAST-trust", der)
    outcome = await run_client(operator, CtlClientTask.UPDATE, tokens)
    assert outcome.lines[:2] == (NO_CTL, "CTL File has been created.")


async def test_what_the_client_does_not_take_is_refused(
    operator: Operator, tokens: list[KeyBundle]
) -> None:
    first, second, _ = tokens
    for few in ([], [first], [first, first], [first, second, first]):
        with pytest.raises(RefusedError, match="At least two different security tokens"):
            await run_client(operator, CtlClientTask.MIXED_MODE, few)
    with pytest.raises(RefusedError, match="not in Mixed mode"):
        await run_client(operator, CtlClientTask.UPDATE, tokens)
    with pytest.raises(RefusedError, match="14SU3 supports no security tokens"):
        await run_client(of_release(operator, "14SU3"), CtlClientTask.MIXED_MODE, tokens)
    with pytest.raises(RefusedError, match="letters and digits"):
        await make_etoken(operator, "a b")
    async with operator.store.transaction() as transaction:
        damaged = TftpFile(name=CTL_FILENAME, data=b"no list", node=PUBLISHER)
        await transaction.put_tftp_file(damaged)
    with pytest.raises(RefusedError, match="CTL file on the server cannot be read"):
        await run_client(operator, CtlClientTask.MIXED_MODE, tokens)


async def test_a_token_s_file_opens_with_its_password(
    operator: Operator, tokens: list[KeyBundle]
) -> None:
    data = dump_key_bundle(tokens[0], PASSWORD)
    assert (await open_etoken(data, PASSWORD)).certificate == tokens[0].certificate
    for bad, password in ((data, "another"), (b"rubbish", PASSWORD)):
        with pytest.raises(RefusedError, match="cannot be read"):
            await open_etoken(bad, password)
    replica = await operator.store.load_replica()
    own = replica.signer(PUBLISHER, "TVS")
    other = dump_key_bundle(KeyBundle("x", own.certificate, own.private_key), PASSWORD)
    with pytest.raises(RefusedError, match="no security token"):
        await open_etoken(other, PASSWORD)
