"""The recovery key is fetched, asked for every day until then, and brought back."""

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from cucmsim.errors import RefusedError
from cucmsim.pki.bundles import KeyBundle, dump_key_bundle
from cucmsim.pki.certificates import load_certificate
from cucmsim.pki.keys import dump_private_key, load_private_key
from cucmsim.services.operations.operator import Operator
from cucmsim.services.operations.recovery import (
    backup_alert,
    fetch_recovery_file,
    forget_backup,
    import_recovery_file,
    open_recovery_file,
    remembered_backup,
)
from tests.services.operations.conftest import KEYS, PUBLISHER, SUBSCRIBER, der

PASSWORD = "the cluster's own"


def pair(name: str) -> KeyBundle:
    """Read a certificate with its key."""
    key = load_private_key((KEYS / f"{name}.key.der").read_bytes())
    return KeyBundle("ITLRecovery", load_certificate(der(name)), key)


async def test_the_file_holds_the_publishers_key_under_the_security_password(
    operator: Operator,
) -> None:
    data = await fetch_recovery_file(operator, PUBLISHER, PASSWORD)
    bundle = await open_recovery_file(data, PASSWORD)
    signer = (await operator.store.load_replica()).signer(PUBLISHER, "ITLRecovery")
    assert bundle.certificate == signer.certificate
    assert dump_private_key(bundle.private_key) == dump_private_key(signer.private_key)


async def test_a_subscriber_has_no_file_as_seed_003_line_521_says(operator: Operator) -> None:
    with pytest.raises(RefusedError, match="file not found"):
        await fetch_recovery_file(operator, SUBSCRIBER, PASSWORD)


async def test_the_alert_is_written_until_the_file_was_fetched_and_after_a_new_key(
    operator: Operator,
) -> None:
    alert = await backup_alert(operator)
    assert alert is not None
    assert "[NodeID=cucm-pub]" in alert
    sent = await fetch_recovery_file(operator, PUBLISHER, PASSWORD)
    await remembered_backup(operator, sent, "another one")
    assert await backup_alert(operator) == alert
    await remembered_backup(operator, sent, PASSWORD)
    assert await backup_alert(operator) is None
    async with operator.store.transaction() as transaction:
        await forget_backup(transaction)
    assert await backup_alert(operator) == alert
    await remembered_backup(operator, sent, PASSWORD)
    data = dump_key_bundle(pair("capf"), PASSWORD)
    await import_recovery_file(operator, PUBLISHER, data, PASSWORD)
    assert await backup_alert(operator) == alert
    await remembered_backup(operator, sent, PASSWORD)  # it arrived late
    assert await backup_alert(operator) == alert


async def test_an_imported_key_takes_the_place_of_the_local_one(operator: Operator) -> None:
    wanted = pair("callmanager-sub")
    data = dump_key_bundle(wanted, PASSWORD)
    before = (await operator.store.load_replica()).own[PUBLISHER, "ITLRecovery"]
    await import_recovery_file(operator, PUBLISHER, data, PASSWORD)
    replica = await operator.store.load_replica()
    assert replica.signer(PUBLISHER, "ITLRecovery").certificate == wanted.certificate
    assert replica.own[PUBLISHER, "ITLRecovery"].pkid == before.pkid
    assert replica.own[PUBLISHER, "ITLRecovery"].roles == (0,)


async def test_a_wrong_password_and_rubbish_are_refused_and_nothing_changes(
    operator: Operator,
) -> None:
    alone = pkcs12.serialize_key_and_certificates(
        b"x", None, pair("capf").certificate, None, BestAvailableEncryption(PASSWORD.encode())
    )
    good = dump_key_bundle(pair("capf"), PASSWORD)
    before = await operator.store.load_replica()
    for node, data, password, words in (
        (PUBLISHER, good, "another one", "wrong cluster security password"),
        (PUBLISHER, b"rubbish", PASSWORD, "damaged file"),
        (PUBLISHER, alone, PASSWORD, "holds no ITLRecovery key"),
        (SUBSCRIBER, good, PASSWORD, "not a publisher node"),
    ):
        with pytest.raises(RefusedError, match=words):
            await import_recovery_file(operator, node, data, password)
    assert await operator.store.load_replica() == before


async def test_a_release_without_the_key_has_no_file_no_alert_and_no_import(
    operator: Operator,
) -> None:
    async with operator.store.transaction() as transaction:
        held = (await transaction.replica()).own[PUBLISHER, "ITLRecovery"]
        await transaction.delete_certificate("ITLRecovery", held.pkid)
    assert await backup_alert(operator) is None
    with pytest.raises(RefusedError, match="file not found"):
        await fetch_recovery_file(operator, PUBLISHER, PASSWORD)
    data = dump_key_bundle(pair("capf"), PASSWORD)
    with pytest.raises(RefusedError, match="has no ITLRecovery key"):
        await import_recovery_file(operator, PUBLISHER, data, PASSWORD)
