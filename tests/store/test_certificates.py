"""The life of a certificate's rows, as CUCM's logs show it (cucm.md 2.1)."""

import base64
import hashlib
from collections.abc import Callable

import pytest
from sqlalchemy import select

from cucmsim.errors import StoreError
from cucmsim.pki.signatures import Signer
from cucmsim.store.rows import StoredCertificate
from cucmsim.store.schema import TABLES
from cucmsim.store.store import Store
from tests.store.conftest import Pair

ReadPair = Callable[[str], Pair]


async def own(
    store: Store,
    unit: str,
    pair: Pair,
    node: str = "cucm-pub",
    roles: tuple[int, ...] | None = None,
) -> str:
    """Give a node a certificate in a transaction of its own."""
    async with store.transaction() as transaction:
        return await transaction.put_own_certificate(
            node, unit, pair.certificate_der, pair.private_key_der, roles
        )


async def trust(store: Store, unit: str, pair: Pair, node: str | None = None) -> str:
    """Put a certificate into a trust store in a transaction of its own."""
    async with store.transaction() as transaction:
        return await transaction.put_trust_certificate(unit, pair.certificate_der, node)


async def only(store: Store) -> StoredCertificate:
    """Return the one certificate that the store holds."""
    (held,) = (await store.load_replica()).certificates
    return held


async def test_an_own_certificate_fills_the_row_and_its_maps(lab: Store, pair: ReadPair) -> None:
    mine = pair("callmanager-pub")
    pkid = await own(lab, "CallManager", mine)
    held = await only(lab)
    sha1 = hashlib.sha1(mine.certificate_der, usedforsecurity=False).digest()
    assert held.pkid == pkid
    assert held.certificate_der == mine.certificate_der
    assert held.hash == base64.b64encode(sha1).decode()
    assert held.serialnumber == held.serialnumber.lower()
    assert "CN=" in held.subjectname
    assert ", " not in held.subjectname
    assert (held.servername, held.ipv4address) == ("cucm-pub", "127.0.1.1")
    assert (held.units, held.roles) == (frozenset({"CallManager"}), (0, 2))
    assert (held.node, held.nodes, held.timetolive) == ("cucm-pub", frozenset({"cucm-pub"}), None)


async def test_a_signer_is_parsed_once_and_signs_for_its_certificate(
    lab: Store, pair: ReadPair
) -> None:
    await own(lab, "CallManager", pair("callmanager-pub"))
    replica = await lab.load_replica()
    signer = replica.signer("cucm-pub", "CallManager")
    assert isinstance(signer, Signer)
    assert signer.private_key.public_key() == signer.certificate.public_key()
    assert (await lab.load_replica()).signer("cucm-pub", "CallManager") is signer
    assert replica.has_signer("cucm-pub", "CallManager")
    assert not replica.has_signer("cucm-sub", "CallManager")
    with pytest.raises(StoreError, match="'cucm-sub' has no CallManager certificate"):
        replica.signer("cucm-sub", "CallManager")


async def test_the_database_holds_no_private_key_in_the_clear(lab: Store, pair: ReadPair) -> None:
    mine = pair("callmanager-pub")
    await own(lab, "CallManager", mine)
    async with lab._database.session() as session:
        sealed = await session.scalar(select(TABLES["cucmsim_privatekey"].c.sealedkey))
    assert isinstance(sealed, bytes)
    assert mine.private_key_der not in sealed


async def test_a_regenerated_certificate_keeps_its_pkid(lab: Store, pair: ReadPair) -> None:
    first, second = pair("callmanager-pub-1024"), pair("callmanager-pub")
    pkid = await own(lab, "CallManager", first, roles=(0, 2, 21))
    assert await own(lab, "CallManager", second) == pkid
    replica = await lab.load_replica()
    held = await only(lab)
    assert (held.pkid, held.certificate_der) == (pkid, second.certificate_der)
    assert held.roles == (0, 2)
    key = replica.own_keys["cucm-pub", "CallManager"]
    assert key.private_key_der == second.private_key_der
    assert second.private_key_der.hex() not in repr(key)


async def test_the_same_own_certificate_again_changes_nothing(lab: Store, pair: ReadPair) -> None:
    await own(lab, "CallManager", pair("callmanager-pub"))
    version = lab.version
    await own(lab, "CallManager", pair("callmanager-pub"))
    assert lab.version == version


async def test_each_node_has_its_own_row_for_a_unit(lab: Store, pair: ReadPair) -> None:
    first = await own(lab, "CallManager", pair("callmanager-pub"))
    second = await own(lab, "CallManager", pair("callmanager-sub"), "cucm-sub")
    replica = await lab.load_replica()
    assert first != second
    assert replica.own["cucm-sub", "CallManager"].pkid == second
    assert len(replica.in_store("CallManager")) == 2


async def test_one_certificate_may_be_own_on_two_nodes(lab: Store, pair: ReadPair) -> None:
    first = await own(lab, "ITLRecovery", pair("callmanager-pub"))
    second = await own(lab, "ITLRecovery", pair("callmanager-pub"), "cucm-sub")
    assert first != second
    replica = await lab.load_replica()
    assert len(replica.by_hash(replica.own["cucm-pub", "ITLRecovery"].hash)) == 2


async def test_a_trust_certificate_is_one_row_in_several_stores(lab: Store, pair: ReadPair) -> None:
    first = await trust(lab, "CallManager-trust", pair("capf"))
    assert (await only(lab)).roles == ()
    assert await trust(lab, "Phone-SAST-trust", pair("capf"), "cucm-sub") == first
    held = await only(lab)
    assert held.units == frozenset({"CallManager-trust", "Phone-SAST-trust"})
    assert (held.roles, held.nodes, held.node) == ((0, 3), frozenset({"cucm-sub"}), None)


async def test_an_own_certificate_takes_over_the_row_a_trust_store_has(
    lab: Store, pair: ReadPair
) -> None:
    pkid = await trust(lab, "CAPF-trust", pair("capf"))
    assert await own(lab, "CAPF", pair("capf")) == pkid
    assert (await only(lab)).units == frozenset({"CAPF", "CAPF-trust"})


async def test_trust_stores_keep_the_old_certificate_of_a_regenerated_one(
    lab: Store, pair: ReadPair
) -> None:
    old, new = pair("callmanager-pub-1024"), pair("callmanager-pub")
    pkid = await own(lab, "CallManager", old)
    await trust(lab, "CallManager-trust", old)
    await trust(lab, "Phone-SAST-trust", old)
    assert await own(lab, "CallManager", new) == pkid
    replica = await lab.load_replica()
    (kept,) = replica.in_store("Phone-SAST-trust")
    assert replica.own["cucm-pub", "CallManager"].certificate_der == new.certificate_der
    assert replica.own["cucm-pub", "CallManager"].units == frozenset({"CallManager"})
    assert kept.certificate_der == old.certificate_der
    assert kept.units == frozenset({"CallManager-trust", "Phone-SAST-trust"})
    assert (kept.roles, kept.nodes) == ((0, 3), frozenset({"cucm-pub"}))


async def delete(store: Store, unit: str, pkid: str, node: str | None = None) -> bool:
    async with store.transaction() as transaction:
        return await transaction.delete_certificate(unit, pkid, node)


async def test_a_certificate_goes_with_its_last_store(lab: Store, pair: ReadPair) -> None:
    pkid = await trust(lab, "CAPF-trust", pair("capf"), "cucm-pub")
    await trust(lab, "Phone-SAST-trust", pair("capf"))
    assert await delete(lab, "Phone-SAST-trust", pkid)
    held = await only(lab)
    assert (held.units, held.roles) == (frozenset({"CAPF-trust"}), ())
    assert await delete(lab, "CAPF-trust", pkid)
    assert (await lab.load_replica()).certificates == ()
    assert not await delete(lab, "CAPF-trust", pkid)


async def test_a_role_that_another_store_gives_stays(lab: Store, pair: ReadPair) -> None:
    pkid = await own(lab, "CallManager", pair("callmanager-pub"))
    await trust(lab, "Phone-SAST-trust", pair("callmanager-pub"))
    assert (await only(lab)).roles == (0, 2, 3)
    await delete(lab, "Phone-SAST-trust", pkid)
    assert (await only(lab)).roles == (0, 2)


async def test_deleting_for_the_publisher_alone_leaves_the_subscribers_row(
    lab: Store, pair: ReadPair
) -> None:
    pkid = await trust(lab, "CallManager-trust", pair("capf"), "cucm-pub")
    await trust(lab, "CallManager-trust", pair("capf"), "cucm-sub")
    assert await delete(lab, "CallManager-trust", pkid, "cucm-pub")
    held = await only(lab)
    assert (held.units, held.nodes) == (frozenset(), frozenset({"cucm-sub"}))
    assert await delete(lab, "CallManager-trust", pkid, "cucm-sub")
    assert (await lab.load_replica()).certificates == ()


async def test_a_deleted_node_leaves_no_certificate_or_key(lab: Store, pair: ReadPair) -> None:
    await own(lab, "CallManager", pair("callmanager-sub"), "cucm-sub")
    await trust(lab, "CallManager-trust", pair("capf"), "cucm-sub")
    async with lab.transaction() as transaction:
        await transaction.delete_node("cucm-sub")
    replica = await lab.load_replica()
    assert dict(replica.own_keys) == {}
    assert [held.units for held in replica.certificates] == [frozenset({"CallManager-trust"})]


async def test_what_is_no_certificate_is_refused(lab: Store, pair: ReadPair) -> None:
    with pytest.raises(StoreError, match="certificate for CAPF-trust: "):
        await trust(lab, "CAPF-trust", Pair(b"rubbish", b""))
    with pytest.raises(StoreError, match="TVS certificate of 'cucm-pub': "):
        await own(lab, "TVS", Pair(b"rubbish", b""))
    with pytest.raises(StoreError, match=r"no certificate unit 'TSV'; expected one of .*TVS"):
        await own(lab, "TSV", pair("capf"))
    assert lab.version == 1


async def test_an_update_reads_certificates_only_when_they_changed(
    lab: Store, pair: ReadPair
) -> None:
    await own(lab, "CallManager", pair("callmanager-pub"))
    first = await lab.load_replica()
    async with lab.transaction() as transaction:
        await transaction.set_enterprise_parameter("A", "1")
    second = await lab.update_replica(first)
    assert second.certificates is first.certificates
    assert second.own_keys is first.own_keys
    await trust(lab, "CallManager-trust", pair("capf"))
    third = await lab.update_replica(second)
    assert len(third.certificates) == 2
    assert third == await lab.load_replica()
