"""A store with two nodes and their certificates on each engine, and an authority that signs."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cucmsim.entropy import SeededEntropy
from cucmsim.pki.certificates import certificate_pem, key_usage
from cucmsim.pki.profiles import SubjectFields, Unit
from cucmsim.pki.release import Release
from cucmsim.pki.requests import load_request
from cucmsim.services.certificates import UnitSettings
from cucmsim.services.operations.operator import Operator
from cucmsim.store.store import Store
from tests.fixtures.postgres import SECURITY_PASSWORD
from tests.store.conftest import FixedClock, put_lab

KEYS = Path(__file__).parents[2] / "vectors" / "keys"
PUBLISHER, SUBSCRIBER = "cucm-pub", "cucm-sub"
OWN = (
    (PUBLISHER, "CallManager", "callmanager-pub"),
    (SUBSCRIBER, "CallManager", "callmanager-sub"),
    (PUBLISHER, "TVS", "tvs-pub"),
    (PUBLISHER, "CAPF", "capf"),
    (PUBLISHER, "ITLRecovery", "itlrecovery"),
    (PUBLISHER, "tomcat", "tomcat"),
)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def der(name: str) -> bytes:
    """Read a certificate of tests/vectors/keys."""
    return (KEYS / f"{name}.crt.der").read_bytes()


async def fill(store: Store) -> None:
    """Write the two nodes and their certificates."""
    async with store.transaction() as transaction:
        await put_lab(transaction)
        for node, unit, name in OWN:
            key = (KEYS / f"{name}.key.der").read_bytes()
            await transaction.put_own_certificate(node, unit, der(name), key)


@pytest.fixture
def clock() -> FixedClock:
    """Give a clock that a test moves."""
    return FixedClock(NOW)


@pytest.fixture
async def store(store_url: str, clock: FixedClock) -> AsyncIterator[Store]:
    """Give the store, open."""
    entropy = SeededEntropy(1)
    async with Store.open(
        store_url, security_password=SECURITY_PASSWORD, clock=clock, entropy=entropy
    ) as opened:
        await fill(opened)
        yield opened


@dataclass(frozen=True)
class Nothing:
    """A description that says nothing of certificates."""

    subject: SubjectFields = field(
        default_factory=lambda: SubjectFields("TAC", "Cisco", "Krakow", "Malopolska", "PL")
    )

    def of(self, unit: Unit) -> UnitSettings:
        """Say that there are no settings."""
        raise AssertionError(unit)


def make_operator(store: Store, clock: FixedClock, release: str = "12.5") -> Operator:
    """Make what operations work with."""
    return Operator(
        store, store.load_replica, Release.parse(release), Nothing(), clock, SeededEntropy(3)
    )


@pytest.fixture
def operator(store: Store, clock: FixedClock) -> Operator:
    """Give a cluster of release 12.5 to operate."""
    return make_operator(store, clock)


@dataclass(frozen=True)
class Issued:
    """How an authority makes a certificate; None leaves an extension out."""

    starts: datetime = NOW - timedelta(days=1)
    ends: datetime = NOW + timedelta(days=365)
    purposes: Sequence[x509.ObjectIdentifier] | None = None
    usages: Sequence[str] | None = None
    names: Sequence[str] | None = None
    is_authority: bool | None = None


@dataclass(frozen=True)
class Authority:
    """An authority of a test; `issuer` None signed itself."""

    name: str
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    issuer: "Authority | None" = None
    issued: Issued = field(default_factory=lambda: Issued(is_authority=True))

    @property
    def subject(self) -> x509.Name:
        """Its name."""
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)])

    @property
    def certificate(self) -> x509.Certificate:
        """Its certificate, the same at every call but for the signature."""
        return make(self.subject, self.key.public_key(), self.issuer or self, self.issued)

    def sign(self, request_pem: bytes, issued: Issued | None = None) -> x509.Certificate:
        """Sign a request, with its SAN unless told otherwise."""
        request = load_request(request_pem)
        how = issued or Issued()
        if how.names is None:
            for extension in request.extensions:
                if isinstance(extension.value, x509.SubjectAlternativeName):
                    names = tuple(str(name.value) for name in extension.value)
                    how = replace(how, names=names)
        return make(request.subject, request.public_key(), self, how)


def make(
    subject: x509.Name,
    public_key: object,
    authority: Authority,
    how: Issued,
) -> x509.Certificate:
    """Make a certificate."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(authority.subject)
        .public_key(public_key)  # type: ignore[arg-type]
        .serial_number(4711)
        .not_valid_before(how.starts)
        .not_valid_after(how.ends)
    )
    if how.is_authority is not None:
        basic = x509.BasicConstraints(ca=how.is_authority, path_length=None)
        builder = builder.add_extension(basic, critical=True)
    if how.purposes is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage(how.purposes), critical=False)
    if how.usages is not None:
        builder = builder.add_extension(key_usage(*how.usages), critical=True)
    if how.names:
        names = x509.SubjectAlternativeName([x509.DNSName(name) for name in how.names])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(authority.key, hashes.SHA256())


def pem(*certificates: x509.Certificate) -> bytes:
    """Write certificates one after the other."""
    return b"".join(certificate_pem(certificate) for certificate in certificates)


@pytest.fixture
def root() -> Authority:
    """Give a root authority."""
    return Authority("Enterprise Root")
