"""What the tests of formats share: vectors, and certificates as long as those of the seeds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from cucmsim.pki.certificates import load_certificate
from cucmsim.pki.keys import load_private_key
from cucmsim.pki.signatures import Signer

_TYPES = {
    "C": NameOID.COUNTRY_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "CN": NameOID.COMMON_NAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "L": NameOID.LOCALITY_NAME,
}
_FILLER = x509.ObjectIdentifier("1.3.6.1.4.1.99999.1")

MakeSigner = Callable[..., Signer]


@pytest.fixture(scope="session")
def vectors() -> Path:
    return Path(__file__).parent.parent / "vectors"


@pytest.fixture(scope="session")
def vector_signer(vectors: Path) -> Callable[[str], Signer]:
    def read(name: str) -> Signer:
        certificate = (vectors / "keys" / f"{name}.crt.der").read_bytes()
        key = (vectors / "keys" / f"{name}.key.der").read_bytes()
        return Signer(load_certificate(certificate), load_private_key(key))

    return read


@pytest.fixture(scope="session")
def make_signer() -> MakeSigner:
    """Return a maker of certificates named `subject`, exactly `size` bytes of DER if given."""

    def make(
        subject: str,
        serial: str,
        *,
        bits: int = 1024,
        issuer: Signer | None = None,
        size: int | None = None,
    ) -> Signer:
        key = rsa.generate_private_key(65537, bits)
        for filler in _fillers(size):
            certificate = _sign(
                _name(subject), int(serial.replace(":", ""), 16), key, issuer, filler
            )
            if size is None or len(certificate.public_bytes(Encoding.DER)) == size:
                return Signer(certificate, key)
        raise AssertionError(f"no certificate of {size} bytes")

    return make


def _fillers(size: int | None) -> Iterator[bytes | None]:
    yield None
    for length in range(size or 0):
        yield bytes(length)


def _name(text: str) -> x509.Name:
    """Return the name in the order of CUCM's certificates: C, O, OU, CN, ST, L."""
    values = dict(part.split("=", 1) for part in text.split(";"))
    return x509.Name([x509.NameAttribute(_TYPES[t], values[t]) for t in _TYPES if t in values])


def _sign(
    subject: x509.Name,
    serial: int,
    key: rsa.RSAPrivateKey,
    issuer: Signer | None,
    filler: bytes | None,
) -> x509.Certificate:
    builder = x509.CertificateBuilder(
        subject_name=subject,
        issuer_name=subject if issuer is None else issuer.certificate.subject,
        public_key=key.public_key(),
        serial_number=serial,
        not_valid_before=datetime(2014, 2, 26, tzinfo=UTC),
        not_valid_after=datetime(2019, 2, 25, tzinfo=UTC),
    )
    if filler is not None:
        extension = x509.UnrecognizedExtension(_FILLER, filler)
        builder = builder.add_extension(extension, critical=False)
    issuer_key = key if issuer is None else issuer.private_key
    # SHA-1 certificates cannot be made any more; a SHA-256 one is as long
    return builder.sign(issuer_key, hashes.SHA256())


@dataclass(frozen=True, slots=True)
class SeedCluster:
    """The certificates of one seed; `tvs` in the order of the records."""

    callmanager: Signer
    tvs: tuple[Signer, ...]
    capf: Signer
    itl_recovery: Signer | None = None
    subscriber: Signer | None = None
    tokens: tuple[Signer, ...] = ()


@pytest.fixture(scope="session")
def seed_000(make_signer: MakeSigner) -> SeedCluster:
    """Release 8, one node, its CallManager certificate issued by a CA with 2048 bits."""
    publisher = "CN=CUCM8-Publisher.bbbburns.lab;OU=TAC;O=Cisco;L=RTP;ST=North Carolina;C=US"
    capf = "CN=CAPF-9c4cba7d;OU=TAC;O=Cisco;L=RTP;ST=North Carolina;C=US"
    issuer = make_signer("CN=JASBURNS-AD", "01", bits=2048)
    return SeedCluster(
        # ten bytes long, as the length says; the listing of the document shows nine
        make_signer(publisher, "21:00:2D:17:00:00:00:00:00:05", issuer=issuer, size=1442),
        (make_signer(publisher, "2E:3E:1A:7B:DA:A6:4D:84", bits=2048),),
        make_signer(capf, "0A:DC:6E:77:42:91:4A:53"),
    )


@pytest.fixture(scope="session")
def seed_003(make_signer: MakeSigner) -> SeedCluster:
    """Release 10, two nodes."""
    fields = ";OU=tac;O=cisco;L=rtp;ST=nc;C=US"
    publisher = "CN=test10pub.joemar2.lab" + fields
    # 65 characters, as the length says; the name the document shows has 68
    recovery = "CN=ITLRECOVERY_test10.joemar2.lab" + fields
    return SeedCluster(
        make_signer(publisher, "61:40:52:E9:1E:E9:7C:77:9B:7B:5E:81:0A:B1:46:A5", size=684),
        (
            make_signer(publisher, "76:59:84:D8:B7:30:60:63:36:E5:C7:B6:A7:DD:B9:D6"),
            make_signer(
                "CN=test10sub.joemar2.lab" + fields,
                "67:D1:A1:9E:F8:AB:91:E6:C0:A6:10:35:26:30:EE:02",
                bits=2048,
            ),
        ),
        make_signer("CN=CAPF-75638ad9" + fields, "42:BF:37:77:9B:16:AF:1C:D2:30:88:C2:17:24:9D:AA"),
        make_signer(recovery, "6E:3F:65:C2:97:B3:E0:1F:E7:42:81:AB:52:CC:55:DC", size=692),
    )


@pytest.fixture(scope="session")
def seed_001(make_signer: MakeSigner) -> SeedCluster:
    """Release 10.5(1), two nodes, and the two eTokens the cluster had before."""
    fields = ";OU=TAC;O=Cisco;L=Krakow;ST=Malopolska;C=PL"
    manufacturing = make_signer("CN=Cisco Manufacturing CA;O=Cisco Systems", "01", bits=2048)
    serials = ("3C:F9:27:00:00:00:AF:A2:DA:45", "83:E9:08:00:00:00:55:45:AF:31")
    names = ("SAST-ADN0054f509        ", "SAST-ADN008580ef        ")
    return SeedCluster(
        make_signer(
            "CN=cucm-1051-a-pub" + fields,
            "70:CA:F6:4E:09:07:51:B9:DF:22:F4:9F:75:4F:C5:BB",
            size=694,
        ),
        (),
        make_signer(
            "CN=CAPF-e41e7d87" + fields,
            "74:4B:49:99:77:04:96:E7:99:E9:1E:81:D3:C8:10:9B",
            size=680,
        ),
        subscriber=make_signer(
            "CN=cucm-1051-a-sub1" + fields,
            "6B:EB:FD:CD:CD:8C:A2:77:CB:2F:D1:D1:83:A6:0E:72",
            size=696,
        ),
        tokens=tuple(
            make_signer(
                f"CN={name};OU=IPCBU;O=Cisco Systems, Inc.",
                serial,
                issuer=manufacturing,
                size=902,
            )
            for name, serial in zip(names, serials, strict=True)
        ),
    )


@pytest.fixture(scope="session")
def regenerated_publisher(make_signer: MakeSigner) -> Signer:
    """Return the publisher of seed 001 after its certificate was made anew with 2048 bits."""
    return make_signer(
        "CN=cucm-1051-a-pub;OU=TAC;O=Cisco;L=Krakow;ST=Malopolska;C=PL",
        "6B:1D:35:7B:68:41:74:0B:07:8F:EE:4A:18:13:D5:D6",
        bits=2048,
        size=955,
    )
