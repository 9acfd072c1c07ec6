"""Trust stores filled from a description, and the simulated manufacturer that is in all of them."""

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from structlog.testing import capture_logs

from cucmsim.clock import SystemClock
from cucmsim.cluster.cluster import Cluster
from cucmsim.cluster.loading import parse_settings
from cucmsim.cluster.settings import TrustCertificateSettings
from cucmsim.cluster.trustcertificates import read_certificates
from cucmsim.entropy import SystemEntropy
from cucmsim.errors import Problem, SettingsError, StartError
from cucmsim.formats.capf import CertificateType
from cucmsim.phone.capfclient import CapfOperation, CapfPhone, visit_capf
from cucmsim.pki.certificates import certificate_der, certificate_pem, load_certificate
from cucmsim.pki.keys import KeySpec, generate_key
from cucmsim.pki.manufacturing import issue_mic, manufacturing_ca
from cucmsim.pki.signatures import Signer
from cucmsim.protocols.capf_client import Credentials
from cucmsim.store.store import Store
from tests.fixtures.clusters import ADDRESSES, PUBLISHER, SIP_PHONE, SUBSCRIBER, Lab

KEYS = Path(__file__).parents[1] / "vectors" / "keys"
HEAD = """
[cluster]
security_password = "secret-2445"
[[nodes]]
name = "pub"
address = "127.0.1.1"
role = "publisher"
"""
STORES = ("CAPF-trust", "CallManager-trust")
BY_MIC = """
[[phones]]
mac = "B000B4BA0AEE"
model = "8861"
authentication_mode = "existing-mic"
key_size_bits = 1024
pending_operation = "install"
"""


def vector(name: str) -> x509.Certificate:
    return load_certificate((KEYS / f"{name}.crt.der").read_bytes())


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "one.der").write_bytes(certificate_der(vector("enterprise-ca")))
    both = certificate_pem(vector("enterprise-ca")) + b"# and\n" + certificate_pem(vector("tomcat"))
    (tmp_path / "two.pem").write_bytes(both)
    (tmp_path / "cut.pem").write_bytes(both[:-40])
    (tmp_path / "notes.txt").write_text("no certificate")
    return tmp_path


def entry(store: str, path: str, more: str = "") -> str:
    return f'[[trust_certificates]]\nstore = "{store}"\npath = "{path}"\n{more}\n'


def read(text: str, base: Path) -> tuple[TrustCertificateSettings, ...]:
    return parse_settings(HEAD + text, base / "lab.toml", {}).trust_certificates


def refused(text: str, base: Path) -> list[Problem]:
    with pytest.raises(SettingsError) as caught:
        read(text, base)
    return list(caught.value.problems)


# the description


def test_an_entry_gives_one_setting_or_one_for_each_node(base: Path) -> None:
    text = entry("CAPF-trust", "one.der") + entry("tomcat-trust", "two.pem", 'nodes = ["pub"]')
    assert read(text, base) == (
        TrustCertificateSettings("CAPF-trust", base / "one.der", None),
        TrustCertificateSettings("tomcat-trust", base / "two.pem", "pub"),
    )


def test_a_file_gives_every_certificate_in_it(base: Path) -> None:
    assert read_certificates(base / "one.der") == (vector("enterprise-ca"),)
    assert read_certificates(base / "two.pem") == (vector("enterprise-ca"), vector("tomcat"))


def test_everything_wrong_is_named_at_once(base: Path) -> None:
    text = (
        entry("CAPF-trst", "none.pem", 'nodes = ["pup"]')
        + entry("CAPF-trust", "none.pem", 'nodes = ["pup"]')
        + entry("CAPF-trust", "cut.pem")
        + entry("CAPF-trust", "notes.txt")
        + entry("CAPF-trust", ".")
    )
    problems = {problem.key: problem for problem in refused(text, base)}
    assert problems["trust_certificates[0].store"].nearest == "CAPF-trust"
    assert problems["trust_certificates[1].path"].found.endswith("no such file or directory")
    assert problems["trust_certificates[1].nodes[0]"].nearest == "pub"
    assert problems["trust_certificates[2].path"].found.endswith("no certificate, or a damaged one")
    assert problems["trust_certificates[3].path"].expected.endswith("PEM or DER")
    assert problems["trust_certificates[4].path"].found.endswith("is a directory")


# the store


def trusted(cluster: Cluster, store: str) -> list[bytes]:
    return [held.certificate_der for held in cluster.view.replica.in_store(store)]


async def test_every_cluster_trusts_the_manufacturer_once(any_lab: Lab) -> None:
    ca = certificate_der(manufacturing_ca().certificate)
    for _ in range(2):
        async with any_lab.running() as cluster:
            assert [trusted(cluster, store).count(ca) for store in STORES] == [1, 1]


@pytest.mark.usefixtures("base")
async def test_what_the_file_names_is_put_and_named_in_the_log(lab: Lab) -> None:
    async with lab.running():
        pass
    lab.extra = entry("tomcat-trust", "two.pem") + entry(
        "Phone-SAST-trust", "one.der", f'nodes = ["{PUBLISHER}", "{SUBSCRIBER}"]'
    )
    with capture_logs() as logs:
        async with lab.running() as cluster:
            added = [certificate_der(vector(name)) for name in ("enterprise-ca", "tomcat")]
            assert set(added) <= set(trusted(cluster, "tomcat-trust"))
            assert added[0] in trusted(cluster, "Phone-SAST-trust")
            version = cluster.view.replica.version
    named = [log["store"] for log in logs if log["event"] == "trust certificate added"]
    assert named == ["tomcat-trust", "tomcat-trust", "Phone-SAST-trust"]
    with capture_logs() as logs:
        async with lab.running() as cluster:
            assert cluster.view.replica.version == version
    assert not [log for log in logs if log["event"] == "trust certificate added"]


async def test_what_was_taken_out_stays_out(lab: Lab) -> None:
    ca = certificate_der(manufacturing_ca().certificate)
    async with lab.running() as cluster:
        held = cluster.view.replica.in_store("CAPF-trust")
        pkid = next(one.pkid for one in held if one.certificate_der == ca)
        url = cluster.settings.cluster.database
    opened = Store.open(
        url,
        security_password=lab.security_password,
        clock=SystemClock(),
        entropy=SystemEntropy(),
    )
    async with opened as store, store.transaction() as transaction:
        await transaction.delete_certificate("CAPF-trust", pkid)
    async with lab.running() as cluster:
        assert [trusted(cluster, store).count(ca) for store in STORES] == [0, 1]


async def test_a_file_that_is_gone_is_named(base: Path, lab: Lab) -> None:
    lab.extra = entry("CAPF-trust", "one.der")
    settings = lab.settings()
    (base / "one.der").unlink()
    with pytest.raises(StartError, match=r"certificate .*one\.der: "):
        async with Cluster.running(settings):
            pass


# a phone with a MIC of that manufacturer


@pytest.mark.parametrize("name", [SIP_PHONE, "SEP000000000001"])
async def test_a_mic_lets_its_own_phone_enrol(lab: Lab, name: str) -> None:
    lab.phones = BY_MIC
    key = generate_key(KeySpec.parse("rsa-1024"))
    yesterday = SystemClock().now() - timedelta(days=1)
    mic = issue_mic(name, "8861", key.public_key(), not_before=yesterday, serial=b"\1" * 16)
    credentials = Credentials(certificate=Signer(mic, key), certificate_type=CertificateType.MIC)
    async with lab.running() as cluster:
        capf = next(one for one in cluster.nodes[PUBLISHER].services() if one.name == "capf")
        phone = CapfPhone(SIP_PHONE, credentials)
        outcome = await visit_capf(ADDRESSES[PUBLISHER], capf.ports[0], phone)
    wanted = CapfOperation.INSTALL if name == SIP_PHONE else CapfOperation.NONE
    assert (outcome.succeeded, outcome.operation) == (name == SIP_PHONE, wanted)
