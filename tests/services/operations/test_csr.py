"""Signing requests of the units."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from cucmsim.errors import RefusedError, StoreError
from cucmsim.pki.keys import KeySpec
from cucmsim.pki.requests import alternative_names, common_name_of, load_request
from cucmsim.services.operations.csr import generate_csr, list_csrs, show_csr
from cucmsim.services.operations.operator import Operator
from cucmsim.store.rows import CallManagerGroup
from tests.services.operations.conftest import PUBLISHER, SUBSCRIBER


async def test_a_request_says_what_the_units_certificate_says(operator: Operator) -> None:
    outcome = await generate_csr(operator, PUBLISHER, "tomcat")
    assert outcome.lines == (
        "Successfully Generated CSR for tomcat.",  # cucm.md line 175
    )
    request = load_request(await show_csr(operator, PUBLISHER, "tomcat"))
    signer = (await operator.store.load_replica()).signer(PUBLISHER, "tomcat")
    assert request.subject == signer.certificate.subject
    assert request.is_signature_valid
    assert request.public_key() != signer.certificate.public_key()
    key, own = request.public_key(), signer.certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert isinstance(own, rsa.RSAPublicKey)
    assert key.key_size == own.key_size
    assert alternative_names(request) == {common_name_of(request.subject).lower()}


async def test_a_request_is_replaced_and_listed_for_its_node_only(operator: Operator) -> None:
    await generate_csr(operator, PUBLISHER, "tomcat")
    first = await show_csr(operator, PUBLISHER, "tomcat")
    await generate_csr(operator, PUBLISHER, "CallManager")
    await generate_csr(operator, PUBLISHER, "tomcat", subject_alternative=())
    assert await show_csr(operator, PUBLISHER, "tomcat") != first
    assert await list_csrs(operator, PUBLISHER) == (
        "CallManager/CallManager.csr",
        "tomcat/tomcat.csr",
    )
    assert await list_csrs(operator, SUBSCRIBER) == ()


async def test_capf_asks_to_sign_and_names_no_host(operator: Operator) -> None:
    await generate_csr(operator, PUBLISHER, "CAPF")
    request = load_request(await show_csr(operator, PUBLISHER, "CAPF"))
    usage = request.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.key_cert_sign
    assert not alternative_names(request)


@pytest.mark.parametrize(
    ("node", "unit", "said"),
    [
        (PUBLISHER, "ITLRecovery", "not supported"),
        (PUBLISHER, "CallManager-trust", "not supported"),
        (SUBSCRIBER, "CAPF", "publisher only"),
    ],
)
async def test_no_request_is_made_where_there_is_none(
    operator: Operator, node: str, unit: str, said: str
) -> None:
    with pytest.raises(RefusedError, match=said):
        await generate_csr(operator, node, unit)


async def test_a_key_of_another_kind_is_refused(operator: Operator) -> None:
    with pytest.raises(RefusedError, match="Invalid key type ec-384"):
        await generate_csr(operator, PUBLISHER, "tomcat", key=KeySpec.parse("ec-384"))


async def test_a_name_that_no_request_can_carry_is_refused(operator: Operator) -> None:
    with pytest.raises(RefusedError):
        await generate_csr(operator, PUBLISHER, "tomcat", subject_alternative=["hôte"])


@pytest.mark.parametrize("unit", ["tomcat", "nothing"])
async def test_a_request_that_is_not_there_is_not_shown(operator: Operator, unit: str) -> None:
    with pytest.raises(RefusedError, match=f"CSR for {unit} does not exist"):
        await show_csr(operator, PUBLISHER, unit)


async def test_the_requests_key_is_sealed_and_goes_with_its_node(operator: Operator) -> None:
    await generate_csr(operator, SUBSCRIBER, "CallManager")
    async with operator.store.transaction() as transaction:
        pending = await transaction.get_request(SUBSCRIBER, "CallManager")
        assert pending is not None
        assert repr(pending.private_key_der) not in repr(pending)
        await transaction.put_group(CallManagerGroup(name="Default", members=(PUBLISHER,)))
        await transaction.delete_node(SUBSCRIBER)
    with pytest.raises(StoreError, match="cucm-sub"):
        await list_csrs(operator, SUBSCRIBER)
