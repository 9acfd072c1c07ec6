"""Whom TVS vouches for, where it looks, and the trace lines of seeds 000, 001 and 002."""

import base64
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from cucmsim.formats.names import format_name, rfc2253_name, serial_bytes
from cucmsim.formats.roles import Role
from cucmsim.formats.trustlist import (
    Record,
    certificate_record,
    etoken_record,
    four_field_record,
    sign_trust_list,
)
from cucmsim.pki.certificates import certificate_der, load_certificate
from cucmsim.pki.keys import load_private_key
from cucmsim.pki.signatures import Signer
from cucmsim.services.verification import Verdict, Verification
from cucmsim.services.view import View
from cucmsim.store.replica import Replica
from cucmsim.store.rows import StoredCertificate

KEYS = Path(__file__).parents[1] / "vectors" / "keys"
DAY_S = 86400


def der(name: str) -> bytes:
    return (KEYS / f"{name}.crt.der").read_bytes()


def signer(name: str) -> Signer:
    key = load_private_key((KEYS / f"{name}.key.der").read_bytes())
    return Signer(load_certificate(der(name)), key)


def stored(
    data: bytes,
    *roles: int,
    time_to_live_s: int | None = None,
    node: str | None = None,
    nodes: frozenset[str] = frozenset(),
) -> StoredCertificate:
    certificate = load_certificate(data)
    digest = base64.b64encode(hashlib.sha1(data).digest()).decode()
    return StoredCertificate(
        pkid=digest,
        servername="",
        subjectname=rfc2253_name(certificate.subject),
        issuername=rfc2253_name(certificate.issuer),
        serialnumber=serial_bytes(certificate).hex(),
        certificate_der=data,
        hash=digest,
        timetolive=time_to_live_s,
        roles=roles,
        node=node,
        nodes=nodes,
    )


def made(
    subject: dict[x509.ObjectIdentifier, str], issuer: dict[x509.ObjectIdentifier, str], serial: str
) -> bytes:
    """Make a certificate with names and serial number of a seed."""
    key = rsa.generate_private_key(65537, 2048)
    now = datetime(2015, 3, 1, tzinfo=UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .serial_number(int(serial, 16))
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=3650))
        .public_key(key.public_key())
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def _name(parts: dict[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts.items()])


WIN_CA = {NameOID.COMMON_NAME: "stormin-WIN2012-CA"}
UCM11 = {NameOID.COMMON_NAME: "ucm11pub.stormin.local"}
SEED_002_SERIAL = "24000000179479B8F124AC3F3B000000000017"
KRAKOW = {
    NameOID.COUNTRY_NAME: "PL",
    NameOID.ORGANIZATION_NAME: "Cisco",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "TAC",
    NameOID.COMMON_NAME: "cucm-1051-a-pub",
    NameOID.STATE_OR_PROVINCE_NAME: "Malopolska",
    NameOID.LOCALITY_NAME: "Krakow",
}
ETOKEN = {
    NameOID.COMMON_NAME: "SAST-ADN008580ef ",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "IPCBU",
    NameOID.ORGANIZATION_NAME: "Cisco Systems, Inc.",
}
MANUFACTURING = {
    NameOID.COMMON_NAME: "Cisco Manufacturing CA",
    NameOID.ORGANIZATION_NAME: "Cisco Systems",
}
ETOKEN_SERIAL = "83E9080000005545AF31"
ETOKEN_ISSUER = "cn=Cisco Manufacturing CA;o=Cisco Systems"
ETOKEN_SUBJECT = 'cn="SAST-ADN008580ef ";ou=IPCBU;o="Cisco Systems'


class Rig:
    """A node's verification over a view and a CTL that the test can change."""

    def __init__(self, *certificates: StoredCertificate, ctl: bytes | None = None) -> None:
        self.view = View(Replica(version=1, certificates=certificates))
        self.ctl = ctl
        self.lines: list[str] = []
        self.verification = Verification(
            "pub", self.view, lambda: self.ctl, trace=self.lines.append
        )

    def hold(self, *certificates: StoredCertificate, **parameters: str) -> None:
        values = {("", "tvs", name): value for name, value in parameters.items()}
        self.view.replace(Replica(version=2, certificates=certificates, service_parameters=values))

    def take_lines(self) -> list[str]:
        lines = self.lines.copy()
        self.lines.clear()
        return lines

    def query(self, data: bytes) -> Verdict:
        certificate = load_certificate(data)
        return self.verification.query(format_name(certificate.issuer), serial_bytes(certificate))


def ctl_of(*records: Record) -> bytes:
    return sign_trust_list(
        signer("callmanager-pub"),
        filename="CTLFile.tlv",
        records=records,
        timestamp=datetime(2015, 3, 9, tzinfo=UTC),
    )


def record_of(name: str, role: int) -> Record:
    return certificate_record(role, load_certificate(der(name)), dns_name="x", ip_address="1.2.3.4")


@pytest.fixture(name="etoken_der", scope="module")
def _etoken_der() -> bytes:
    return made(ETOKEN, MANUFACTURING, ETOKEN_SERIAL)


def test_a_stored_certificate_with_roles_is_trusted_by_both_requests() -> None:
    rig = Rig(stored(der("tomcat"), 7))
    for verdict in (rig.verification.verify(der("tomcat")), rig.query(der("tomcat"))):
        assert verdict.trusted
        assert verdict.certificate_der == der("tomcat")
        assert verdict.roles == (7,)
        assert verdict.time_to_live_s == DAY_S


def test_a_certificate_without_a_role_is_not_vouched_for() -> None:
    rig = Rig(stored(der("callmanager-sub")), stored(der("tomcat"), 7))
    assert not rig.verification.verify(der("callmanager-sub")).trusted
    assert not rig.query(der("callmanager-sub")).trusted


def test_an_unknown_certificate_and_no_certificate_at_all_are_not_trusted() -> None:
    rig = Rig(stored(der("tomcat"), 7))
    assert not rig.verification.verify(der("callmanager-pub")).trusted
    assert not rig.verification.verify(b"no certificate").trusted
    assert not rig.verification.verify(der("tomcat")[:-1]).trusted


def test_another_certificate_with_the_same_serial_and_issuer_is_not_trusted() -> None:
    ours, theirs = (made(UCM11, WIN_CA, SEED_002_SERIAL) for _ in range(2))
    rig = Rig(stored(ours, 0, 3))
    assert rig.verification.verify(ours).trusted
    rig.take_lines()
    assert not rig.verification.verify(theirs).trusted
    assert "CertificateDBCACHE::getCertificateInformation - Certificate compare return =1" in (
        rig.take_lines()
    )


def test_two_certificates_under_one_map_id_are_both_trusted_by_comparison() -> None:
    one, two = (made(UCM11, WIN_CA, SEED_002_SERIAL) for _ in range(2))
    rig = Rig(stored(one, 0), stored(two, 3))
    assert rig.verification.verify(one).roles == (0,)
    assert rig.verification.verify(two).roles == (3,)


def test_leading_zeros_of_a_serial_number_do_not_matter() -> None:
    certificate = load_certificate(der("tomcat"))
    rig = Rig(stored(der("tomcat"), 7))
    issuer, serial = format_name(certificate.issuer), serial_bytes(certificate)
    assert rig.verification.query(issuer, b"\0" + serial).trusted
    assert not rig.verification.query(issuer, b"").trusted
    assert not rig.verification.query(issuer + ";", serial).trusted


def test_trust_stores_count_on_the_nodes_they_are_on_and_own_certificates_everywhere() -> None:
    elsewhere = frozenset({"sub"})
    rig = Rig(
        stored(der("tomcat"), 7, nodes=elsewhere),
        stored(der("callmanager-sub"), 0, 2, node="sub", nodes=elsewhere),
        stored(der("enterprise-ca"), 0, 3, nodes=frozenset({"pub", "sub"})),
    )
    assert not rig.query(der("tomcat")).trusted
    assert rig.query(der("callmanager-sub")).roles == (0, 2)
    assert rig.query(der("enterprise-ca")).trusted


def test_the_time_to_live_is_the_certificates_or_the_parameters_or_a_day() -> None:
    tomcat, capf = stored(der("tomcat"), 7), stored(der("capf"), 4, time_to_live_s=60)
    rig = Rig(tomcat, capf)
    assert (rig.query(der("tomcat")).time_to_live_s, rig.query(der("capf")).time_to_live_s) == (
        DAY_S,
        60,
    )
    for value, expected in (("3600", 3600), ("9" * 30, 0xFFFFFFFF), ("soon", DAY_S)):
        rig.hold(tomcat, capf, TimeToLive=value)
        assert rig.query(der("tomcat")).time_to_live_s == expected
        assert rig.query(der("capf")).time_to_live_s == 60


def test_a_change_of_the_view_reaches_the_cache_until_closed() -> None:
    rig = Rig(stored(der("tomcat"), 7))
    rig.hold(stored(der("capf"), 4))
    assert not rig.query(der("tomcat")).trusted
    assert rig.query(der("capf")).trusted
    rig.verification.close()
    rig.verification.close()
    rig.hold(stored(der("tomcat"), 7))
    assert rig.query(der("capf")).trusted


def test_a_change_that_does_not_touch_certificates_keeps_the_cache() -> None:
    rig = Rig(stored(der("tomcat"), 7))
    before = rig.verification._database
    rig.hold(stored(der("tomcat"), 7))
    assert rig.verification._database is before


def test_ctl_certificates_are_found_after_the_database() -> None:
    rig = Rig(ctl=ctl_of(record_of("callmanager-sub", Role.CCM_TFTP), record_of("capf", Role.CAPF)))
    assert rig.query(der("callmanager-sub")).roles == (2,)
    assert rig.verification.verify(der("capf")).roles == (4,)
    assert rig.query(der("capf")).time_to_live_s == DAY_S


def test_a_ctl_certificate_has_the_roles_of_all_its_records() -> None:
    records = (
        record_of("callmanager-pub", Role.CCM_TFTP),
        record_of("callmanager-pub", Role.SAST),
        four_field_record(Role.CCM_TFTP, "10.0.0.1"),
    )
    assert Rig(ctl=ctl_of(*records)).query(der("callmanager-pub")).roles == (0, 2)


def test_the_database_goes_before_the_ctl() -> None:
    ctl = ctl_of(record_of("callmanager-pub", Role.SAST))
    rig = Rig(stored(der("callmanager-pub"), 0, 2, time_to_live_s=5), ctl=ctl)
    assert rig.query(der("callmanager-pub")).time_to_live_s == 5


def test_a_damaged_ctl_is_logged_and_empty() -> None:
    with structlog.testing.capture_logs() as logs:
        rig = Rig(ctl=b"\x01\x00\x02\x01")
    assert [line["event"] for line in logs] == ["CTL file cannot be read"]
    assert not rig.query(der("capf")).trusted


def test_a_new_ctl_is_noticed_with_the_lines_of_seed_001() -> None:
    cucm = made(KRAKOW, KRAKOW, "6B1D357B6841740B078FEE4A1813D5D6")
    capf = KRAKOW | {NameOID.COMMON_NAME: "CAPF-e41e7d87"}
    sub = KRAKOW | {NameOID.COMMON_NAME: "cucm-1051-a-sub1"}
    rig = Rig()
    rig.take_lines()
    rig.ctl = ctl_of(
        *(
            certificate_record(role, load_certificate(data), dns_name="x", ip_address="1.2.3.4")
            for role, data in (
                (Role.SAST, cucm),
                (Role.CCM_TFTP, cucm),
                (Role.CAPF, made(capf, capf, "744B5199770516E799E91E81D3C8109B")),
                (Role.CCM_TFTP, made(sub, sub, "6BEBFDCDCD8CA277CB2FD1D183A60E72")),
            )
        )
    )
    rig.hold()
    key = "tvs_sql_get_all_CTL_certificate - Unique Key used for Caching :: "
    rest = ";OU=TAC;O=Cisco;L=Krakow;ST=Malopolska;C=PL"
    pub = f"{key}6B1D357B6841740B078FEE4A1813D5D6CN=cucm-1051-a-pub{rest}, length : 93"
    assert rig.take_lines() == [
        (
            "CertificateCache::localCTLCacheMonitor - CTLFile.tlv has been modified. "
            "Recaching CTL Certificate Cache"
        ),
        "updateLocalCTLCache : Refreshing the local CTL certificate cache",
        pub,
        pub,
        f"{key}744B5199770516E799E91E81D3C8109BCN=CAPF-e41e7d87{rest}, length : 91",
        f"{key}6BEBFDCDCD8CA277CB2FD1D183A60E72CN=cucm-1051-a-sub1{rest}, length : 94",
    ]
    assert rig.query(cucm).trusted
    rig.ctl = None
    assert not rig.query(cucm).trusted


def test_a_query_writes_the_lines_of_seed_002() -> None:
    data = made(UCM11, WIN_CA, SEED_002_SERIAL)
    rig = Rig(stored(data, 3, 0))
    rig.take_lines()
    subject = "CN=ucm11pub.stormin.local;OU=IST;O=Stormin;L=Brisbane;ST=QLD;C=AU"
    serial = bytes.fromhex(SEED_002_SERIAL)
    verdict = rig.verification.query("CN=stormin-WIN2012-CA", serial, subject)
    assert verdict.roles == (0, 3)
    look = "CertificateDBCACHE::getCertificateInformation"
    assert rig.take_lines() == [
        "tvsHandleQueryCertReq",
        f"tvsHandleQueryCertReq : Subject Name is: {subject}",
        "tvsHandleQueryCertReq : Issuer Name is: CN=stormin-WIN2012-CA",
        f"tvsHandleQueryCertReq : Serial Number is: {SEED_002_SERIAL}",
        (
            f"{look} - Looking up the certificate cache using Unique MAP ID : "
            f"{SEED_002_SERIAL}CN=stormin-WIN2012-CA"
        ),
        f"{look} - Found entry {{rolecount : 2}}",
        f"{look} - {{role : 0}}",
        f"{look} - {{role : 3}}",
    ]


def test_a_name_with_line_breaks_makes_no_trace_line_of_its_own() -> None:
    rig = Rig()
    rig.take_lines()
    rig.verification.query("CN=x", b"\1", "CN=y\n18:01:06.345 | debug forged")
    lines = rig.take_lines()
    assert all(line.isprintable() for line in lines)
    assert r"tvsHandleQueryCertReq : Subject Name is: CN=y\n18:01:06.345 | debug forged" in lines


def test_a_simulated_etoken_is_called_one_too() -> None:
    rig = Rig()
    rig.take_lines()
    rig.verification.query("cn=cucmsim Manufacturing CA;o=cucmsim", b"\1", ETOKEN_SUBJECT)
    assert "tvsHandleQueryCertReq : This is SAST eToken cert" in rig.take_lines()
    rig.verification.query("cn=another CA;o=Manufacturing CA", b"\1", ETOKEN_SUBJECT)
    assert "tvsHandleQueryCertReq : This is SAST eToken cert" not in rig.take_lines()


def test_an_etoken_is_found_in_the_ctl_with_the_lines_of_seed_001(etoken_der: bytes) -> None:
    lines: list[str] = []
    ctl = ctl_of(etoken_record(load_certificate(etoken_der)))
    view = View(Replica(certificates=(stored(etoken_der, 0, 3),)))
    verification = Verification(
        "pub", view, lambda: ctl, trace=lines.append, database_cache="CertificateDBCache"
    )
    lines.clear()
    verdict = verification.query(ETOKEN_ISSUER, bytes.fromhex(ETOKEN_SERIAL), ETOKEN_SUBJECT)
    assert verdict.certificate_der == etoken_der
    assert lines == [
        "tvsHandleQueryCertReq",
        f"tvsHandleQueryCertReq : Subject Name is: {ETOKEN_SUBJECT}",
        f"tvsHandleQueryCertReq : Issuer Name is: {ETOKEN_ISSUER}",
        "tvsHandleQueryCertReq :subjectName and issuerName matches for eToken certificate",
        f"tvsHandleQueryCertReq : SAST Issuer Name is: {ETOKEN_ISSUER}",
        "tvsHandleQueryCertReq : This is SAST eToken cert",
        f"tvsHandleQueryCertReq : Serial Number is: {ETOKEN_SERIAL}",
        (
            "CertificateDBCache::getCertificateInformation - Looking up the certificate cache "
            f"using Unique MAP ID : {ETOKEN_SERIAL}{ETOKEN_ISSUER}"
        ),
        (
            "ERROR:CertificateDBCache::getCertificateInformation - "
            "Cannot find the certificate in the cache"
        ),
        (
            "CertificateCTLCache::getCertificateInformation - Looking up the certificate cache "
            f"using Unique MAP ID : {ETOKEN_SERIAL}{ETOKEN_ISSUER}, len : 61"
        ),
        "CertificateCTLCache::getCertificateInformation - Found entry {rolecount : 1}",
        "CertificateCTLCache::getCertificateInformation - {role : 0}",
    ]


def test_an_etoken_in_phone_sast_trust_is_verified_from_the_database(etoken_der: bytes) -> None:
    ctl = ctl_of(etoken_record(load_certificate(etoken_der)))
    assert Rig(stored(etoken_der, 0, 3), ctl=ctl).verification.verify(etoken_der).roles == (0, 3)
    assert Rig(ctl=ctl).verification.verify(etoken_der).roles == (0,)


def test_a_verification_writes_the_lines_of_seed_000() -> None:
    names = {
        NameOID.COUNTRY_NAME: "US",
        NameOID.ORGANIZATION_NAME: "Cisco",
        NameOID.ORGANIZATIONAL_UNIT_NAME: "TAC",
        NameOID.COMMON_NAME: "CUCM8-Publisher.bbbburns.lab",
        NameOID.STATE_OR_PROVINCE_NAME: "North Carolina",
        NameOID.LOCALITY_NAME: "RTP",
    }
    tomcat = made(names, names, "6A6C3FC4D69F6E6A")
    rig = Rig(stored(tomcat, 7))
    rig.take_lines()
    assert rig.verification.verify(tomcat).trusted
    assert rig.take_lines() == [
        (
            "tvsGetIssuerNameFromX509 - issuerName : CN=CUCM8-Publisher.bbbburns.lab;OU=TAC;"
            "O=Cisco;L=RTP;ST=North Carolina;C=US and Length: 75"
        ),
        "CertificateDBCACHE::getCertificateInformation - Certificate compare return =0",
        "CertificateDBCACHE::getCertificateInformation - Certificate found and equal",
    ]


def test_without_a_trace_nothing_is_written_and_everything_answered() -> None:
    view = View(Replica(certificates=(stored(der("tomcat"), 7),)))
    verification = Verification("pub", view, _no_ctl)
    assert verification.verify(der("tomcat")).trusted
    assert not verification.query("CN=x", b"\1").trusted


def _no_ctl() -> None:
    return None


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with structlog.testing.capture_logs():
        yield


def test_a_ctl_certificate_gets_its_certificate_der_back() -> None:
    certificate = load_certificate(der("capf"))
    rig = Rig(ctl=ctl_of(record_of("capf", Role.CAPF)))
    assert rig.query(der("capf")).certificate_der == certificate_der(certificate)
