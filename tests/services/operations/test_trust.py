"""Trust certificates come to every node, are replaced by newer ones, and go again."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cucmsim.errors import RefusedError
from cucmsim.pki.certificates import certificate_der
from cucmsim.pki.release import Release
from cucmsim.services.operations.operator import Operator
from cucmsim.services.operations.trust import (
    TRUST_STORES,
    delete_certificate,
    is_replicated,
    trust_files,
    upload_trust_certificate,
)
from tests.services.operations.conftest import (
    NOW,
    PUBLISHER,
    SUBSCRIBER,
    Authority,
    Issued,
    der,
    pem,
)

OLD, NEW = Release(9, 1), Release(12, 5)
ROOT_FILE = "Enterprise_Root.pem"


async def files(operator: Operator, trust_store: str) -> tuple[set[str], set[str]]:
    """Return the file names of a trust store on the publisher and on the subscriber."""
    replica = await operator.store.load_replica()
    publisher, subscriber = (
        set(trust_files(replica, node, trust_store)) for node in (PUBLISHER, SUBSCRIBER)
    )
    return publisher, subscriber


@pytest.fixture
def early(operator: Operator) -> Operator:
    """Give the cluster as release 9.1 has it."""
    return replace(operator, release=OLD)


@pytest.mark.parametrize("trust_store", TRUST_STORES)
async def test_an_uploaded_certificate_is_on_every_node_and_deleted_from_all(
    operator: Operator, root: Authority, trust_store: str
) -> None:
    shown = await upload_trust_certificate(operator, PUBLISHER, trust_store, pem(root.certificate))
    assert shown.lines == (f"Successfully imported certificate for {trust_store}.",)
    assert await files(operator, trust_store) == ({ROOT_FILE}, {ROOT_FILE})
    before = len((await operator.store.load_replica()).certificates)
    shown = await delete_certificate(operator, SUBSCRIBER, trust_store, ROOT_FILE)
    assert shown.lines == (f"Successfully deleted certificate {ROOT_FILE} from {trust_store}.",)
    assert await files(operator, trust_store) == (set(), set())
    assert len((await operator.store.load_replica()).certificates) == before - 1


def test_up_to_10_four_stores_are_carried_to_the_other_nodes() -> None:
    carried = {name for name in TRUST_STORES if is_replicated(name, OLD)}
    assert carried == {
        "tomcat-trust",
        "directory-trust",
        "Phone-SAST-trust",
        "CallManager-trust",
    }
    assert all(is_replicated(name, NEW) for name in TRUST_STORES)


async def test_up_to_10_a_nodes_own_store_stays_its_own(
    operator: Operator, early: Operator, root: Authority
) -> None:
    data = pem(root.certificate)
    await upload_trust_certificate(early, PUBLISHER, "CAPF-trust", data)
    assert await files(operator, "CAPF-trust") == ({ROOT_FILE}, set())
    await upload_trust_certificate(early, SUBSCRIBER, "CAPF-trust", data)
    assert await files(operator, "CAPF-trust") == ({ROOT_FILE}, {ROOT_FILE})
    await delete_certificate(early, PUBLISHER, "CAPF-trust", ROOT_FILE)
    assert await files(operator, "CAPF-trust") == (set(), {ROOT_FILE})
    with pytest.raises(RefusedError, match="does not exist"):
        await delete_certificate(early, PUBLISHER, "CAPF-trust", ROOT_FILE)


async def test_what_was_one_nodes_own_comes_to_the_others_with_another_store(
    operator: Operator, early: Operator, root: Authority
) -> None:
    data = pem(root.certificate)
    await upload_trust_certificate(early, PUBLISHER, "CAPF-trust", data)
    await upload_trust_certificate(early, PUBLISHER, "CallManager-trust", data)
    assert await files(operator, "CallManager-trust") == ({ROOT_FILE}, {ROOT_FILE})


async def test_a_newer_certificate_takes_the_place_of_one_of_its_name(
    operator: Operator, root: Authority
) -> None:
    newer = replace(root, issued=Issued(starts=NOW - timedelta(hours=1), is_authority=True))
    old, new = root.certificate, newer.certificate
    await upload_trust_certificate(operator, PUBLISHER, "CAPF-trust", pem(old))
    await upload_trust_certificate(operator, PUBLISHER, "CAPF-trust", pem(new))
    await upload_trust_certificate(operator, PUBLISHER, "CAPF-trust", pem(new))
    with pytest.raises(RefusedError, match="Enterprise Root that is as new"):
        await upload_trust_certificate(operator, PUBLISHER, "CAPF-trust", pem(old))
    (held,) = (await operator.store.load_replica()).in_store("CAPF-trust")
    assert held.certificate_der == certificate_der(new)


async def test_a_newer_one_on_one_node_leaves_the_other_nodes_old_one(
    operator: Operator, early: Operator, root: Authority
) -> None:
    newer = replace(root, issued=Issued(starts=NOW - timedelta(hours=1), is_authority=True))
    old, new = root.certificate, newer.certificate
    await upload_trust_certificate(operator, PUBLISHER, "CAPF-trust", pem(old))
    await upload_trust_certificate(early, PUBLISHER, "CAPF-trust", pem(new))
    replica = await operator.store.load_replica()
    for node, certificate in ((PUBLISHER, new), (SUBSCRIBER, old)):
        (held,) = trust_files(replica, node, "CAPF-trust").values()
        assert held.certificate_der == certificate_der(certificate)
    await upload_trust_certificate(early, PUBLISHER, "CAPF-trust", pem(new))
    assert await operator.store.load_replica() == replica


async def test_an_own_certificate_in_a_trust_store_is_not_replaced(operator: Operator) -> None:
    async with operator.store.transaction() as transaction:
        await transaction.put_trust_certificate("CallManager-trust", der("callmanager-pub"))
    await upload_trust_certificate(
        operator, PUBLISHER, "CallManager-trust", der("callmanager-pub-1024")
    )
    assert len((await operator.store.load_replica()).in_store("CallManager-trust")) == 2


async def test_own_certificates_and_unknown_names_are_not_deleted(operator: Operator) -> None:
    before = await operator.store.load_replica()
    for unit, file_name, words in (
        ("tomcat", "tomcat.pem", "Own certificates cannot be deleted"),
        ("nowhere-trust", "x.pem", "nowhere-trust is not a trust store"),
        ("tomcat-trust", "../x.pem", "does not exist in tomcat-trust"),
        ("tomcat-trust", "x" * 200, "does not exist in tomcat-trust"),
    ):
        with pytest.raises(RefusedError, match=words):
            await delete_certificate(operator, PUBLISHER, unit, file_name)
    assert await operator.store.load_replica() == before


@pytest.mark.parametrize(
    ("trust_store", "issued", "words"),
    [
        ("tomcat", Issued(), "tomcat is not a trust store"),
        ("tomcat-trust", Issued(ends=NOW - timedelta(1), starts=NOW - timedelta(2)), "has expired"),
    ],
)
async def test_a_trust_certificate_is_refused_and_nothing_changes(
    operator: Operator,
    trust_store: str,
    issued: Issued,
    words: str,
) -> None:
    before = await operator.store.load_replica()
    with pytest.raises(RefusedError, match=words):
        await upload_trust_certificate(
            operator, PUBLISHER, trust_store, pem(Authority("x", issued=issued).certificate)
        )
    assert await operator.store.load_replica() == before


async def test_a_certificate_without_a_name_replaces_none(
    operator: Operator, root: Authority
) -> None:
    await upload_trust_certificate(
        operator, PUBLISHER, "tomcat-trust", pem(Authority(" ").certificate, root.certificate)
    )
    assert len((await files(operator, "tomcat-trust"))[0]) == 2
