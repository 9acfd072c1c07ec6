"""What an authority signed is taken, or refused in words and without a trace."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID

from cucmsim.errors import RefusedError
from cucmsim.pki.certificates import certificate_der
from cucmsim.services.operations.csr import generate_csr, list_csrs, show_csr
from cucmsim.services.operations.operator import Operator
from cucmsim.services.operations.upload import upload_certificate
from tests.services.operations.conftest import NOW, PUBLISHER, Authority, Issued, make, pem
from tests.store.conftest import FixedClock


@pytest.fixture
async def request_pem(operator: Operator) -> bytes:
    """Give the pending request of the publisher's tomcat."""
    await generate_csr(operator, PUBLISHER, "tomcat")
    return await show_csr(operator, PUBLISHER, "tomcat")


async def trust(
    operator: Operator, *authorities: Authority, store: str = "tomcat-trust"
) -> list[x509.Certificate]:
    """Put authorities into a trust store; return the certificates that were put there."""
    certificates = [authority.certificate for authority in authorities]
    async with operator.store.transaction() as transaction:
        for certificate in certificates:
            await transaction.put_trust_certificate(store, certificate_der(certificate))
    return certificates


async def test_a_signed_certificate_takes_the_place_of_the_old_with_its_key(
    operator: Operator, request_pem: bytes, root: Authority
) -> None:
    await trust(operator, root)
    before = (await operator.store.load_replica()).own[PUBLISHER, "tomcat"]
    signed = root.sign(request_pem)
    shown = await upload_certificate(operator, PUBLISHER, "tomcat", pem(signed))
    assert shown.lines == (  # cucm.md line 175
        "Successfully imported certificate for tomcat.",
        "Please restart services related to tomcat for the new certificate to",
        "become active.",
    )
    replica = await operator.store.load_replica()
    signer = replica.signer(PUBLISHER, "tomcat")
    assert signer.certificate == signed
    assert signer.private_key.public_key() == signed.public_key()
    assert replica.own[PUBLISHER, "tomcat"].pkid == before.pkid
    assert certificate_der(signed) in [
        held.certificate_der for held in replica.in_store("tomcat-trust")
    ]
    assert await list_csrs(operator, PUBLISHER) == ()


async def test_a_chain_brings_its_authorities_into_the_trust_store(
    operator: Operator, request_pem: bytes, root: Authority
) -> None:
    middle = Authority("Issuing", issuer=root)
    chain = (middle.sign(request_pem), middle.certificate, root.certificate)
    await upload_certificate(operator, PUBLISHER, "tomcat", pem(*chain))
    names = [
        held.subjectname for held in (await operator.store.load_replica()).in_store("tomcat-trust")
    ]
    assert {"CN=Issuing", "CN=Enterprise Root"} <= set(names)


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
async def test_a_pkcs7_chain_is_put_in_order(
    operator: Operator, request_pem: bytes, root: Authority, encoding: Encoding
) -> None:
    middle = Authority("Issuing", issuer=root)
    found = [root.certificate, middle.sign(request_pem), middle.certificate]
    data = pkcs7.serialize_certificates(found, encoding)
    await upload_certificate(operator, PUBLISHER, "tomcat", data)
    assert (await operator.store.load_replica()).own[PUBLISHER, "tomcat"].issuername == "CN=Issuing"


@pytest.mark.parametrize(
    ("issued", "words"),
    [
        (Issued(ends=NOW - timedelta(hours=1)), "The certificate has expired."),
        (Issued(starts=NOW + timedelta(hours=1)), "The certificate is not yet valid."),
        (
            Issued(purposes=[ExtendedKeyUsageOID.SERVER_AUTH]),
            "The certificate lacks the key usage TLS Web Client Authentication.",
        ),
        (
            Issued(usages=["key_encipherment"]),
            "The certificate lacks the key usage Digital Signature.",
        ),
        (Issued(names=["other.example"]), "CSR SAN and Certificate SAN does not match"),
        (Issued(names=["*.example"]), "Wildcard certificates are not supported."),
    ],
)
async def test_a_certificate_is_refused_in_these_words_and_nothing_changes(
    operator: Operator,
    request_pem: bytes,
    root: Authority,
    issued: Issued,
    words: str,
) -> None:
    await trust(operator, root)
    before = await operator.store.load_replica()
    data = pem(root.sign(request_pem, issued))
    with pytest.raises(RefusedError) as caught:
        await upload_certificate(operator, PUBLISHER, "tomcat", data)
    assert str(caught.value) == words
    assert await operator.store.load_replica() == before


async def test_a_certificate_for_another_key_is_refused(
    operator: Operator, request_pem: bytes, root: Authority
) -> None:
    await trust(operator, root)
    await generate_csr(operator, PUBLISHER, "tomcat")
    with pytest.raises(RefusedError, match="public key do not match"):
        await upload_certificate(operator, PUBLISHER, "tomcat", pem(root.sign(request_pem)))


async def test_a_chain_in_the_wrong_order_is_refused(
    operator: Operator, request_pem: bytes, root: Authority
) -> None:
    middle = Authority("Issuing", issuer=root)
    data = pem(middle.sign(request_pem), root.certificate, middle.certificate)
    with pytest.raises(RefusedError, match="not in order"):
        await upload_certificate(operator, PUBLISHER, "tomcat", data)


async def test_an_authority_that_is_missing_is_named_missing(
    operator: Operator, request_pem: bytes, root: Authority
) -> None:
    middle = Authority("Issuing", issuer=root)
    data = pem(middle.sign(request_pem), middle.certificate)
    with pytest.raises(RefusedError) as caught:
        await upload_certificate(operator, PUBLISHER, "tomcat", data)
    assert str(caught.value) == "CA certificate is not available in the trust-store"


@pytest.mark.parametrize(
    ("issued", "words"),
    [
        (Issued(ends=NOW - timedelta(hours=1), is_authority=True), "has expired"),
        (Issued(is_authority=False), "Issuing is not a CA certificate."),
        (Issued(usages=["digital_signature"]), "Issuing is not a CA certificate."),
    ],
)
async def test_an_authority_that_may_not_sign_is_refused(
    operator: Operator,
    request_pem: bytes,
    root: Authority,
    issued: Issued,
    words: str,
) -> None:
    middle = Authority("Issuing", issuer=root, issued=issued)
    await trust(operator, root, middle)
    with pytest.raises(RefusedError, match=words):
        await upload_certificate(operator, PUBLISHER, "tomcat", pem(middle.sign(request_pem)))


async def test_a_chain_without_end_is_refused(operator: Operator, request_pem: bytes) -> None:
    authorities = [Authority("0")]
    for number in range(1, 13):
        authorities.append(Authority(str(number), issuer=authorities[-1]))
    await trust(operator, *authorities)
    data = pem(authorities[-1].sign(request_pem))
    with pytest.raises(RefusedError, match="too long"):
        await upload_certificate(operator, PUBLISHER, "tomcat", data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"rubbish",
        b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        b"-----BEGIN PKCS7-----\nMIIB\n-----END PKCS7-----\n",
        b"x" * 1_000_001,
    ],
)
async def test_rubbish_is_refused(operator: Operator, data: bytes) -> None:
    with pytest.raises(RefusedError, match="Error reading the certificate"):
        await upload_certificate(operator, PUBLISHER, "tomcat", data)


async def test_without_a_request_nothing_is_taken(operator: Operator, root: Authority) -> None:
    data = pem(root.certificate)
    with pytest.raises(RefusedError, match="CSR for tomcat does not exist"):
        await upload_certificate(operator, PUBLISHER, "tomcat", data)
    with pytest.raises(RefusedError, match="not supported for ITLRecovery"):
        await upload_certificate(operator, PUBLISHER, "ITLRecovery", data)


async def test_an_upload_starts_and_obeys_the_hold_timer(
    operator: Operator, root: Authority, clock: FixedClock
) -> None:
    await trust(operator, root, store="CallManager-trust")
    await trust(operator, root, store="TVS-trust")
    await generate_csr(operator, PUBLISHER, "CallManager")
    await generate_csr(operator, PUBLISHER, "TVS")
    signed, next_one = [
        pem(root.sign(await show_csr(operator, PUBLISHER, unit))) for unit in ("CallManager", "TVS")
    ]
    outcome = await upload_certificate(operator, PUBLISHER, "CallManager", signed)
    assert outcome.resets_phones
    assert "Cisco Tftp" in [restart.service for restart in outcome.restarts]
    with pytest.raises(RefusedError, match="modified in the last 5 minutes"):
        await upload_certificate(operator, PUBLISHER, "TVS", next_one)
    clock.at += timedelta(minutes=5)
    await upload_certificate(operator, PUBLISHER, "TVS", next_one)


async def test_a_unit_that_a_node_no_longer_has_is_refused(
    operator: Operator, request_pem: bytes, root: Authority
) -> None:
    await trust(operator, root)
    held = (await operator.store.load_replica()).own[PUBLISHER, "tomcat"]
    async with operator.store.transaction() as transaction:
        await transaction.delete_certificate("tomcat", held.pkid)
    with pytest.raises(RefusedError, match="cucm-pub has no tomcat certificate"):
        await upload_certificate(operator, PUBLISHER, "tomcat", pem(root.sign(request_pem)))


async def test_a_key_over_4096_bits_is_refused(operator: Operator) -> None:
    key = rsa.generate_private_key(65537, 4104)
    long = make(Authority("x").subject, key.public_key(), Authority("x"), Issued())
    with pytest.raises(RefusedError, match="more than 4096 bits"):
        await upload_certificate(operator, PUBLISHER, "tomcat", pem(long))
