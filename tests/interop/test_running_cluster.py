"""Other people's programs against a whole cluster, run as a user runs it.

Every kind of file by tftp-hpa, atftp, curl and tftpy, with different block sizes; what they fetch
is verified by openssl from the raw bytes, with the certificates that the cluster mirrors as PEM;
openssl reads every one of these; TVS and CAPF are reached in each version of TLS.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tftpy.TftpClient import TftpClient

from tests.fixtures.clusters import ADDRESSES, PHONE, PUBLISHER, SUBSCRIBER, Lab, RunningProcess
from tests.fixtures.programs import cut_signature, program

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]

NAMES = (
    "CTLFile.tlv",
    "ITLFile.tlv",
    f"CTL{PHONE}.tlv",
    f"ITL{PHONE}.tlv",
    f"{PHONE}.cnf.xml",
    f"{PHONE}.cnf.xml.sgn",
    "XMLDefault.cnf.xml",
    "XMLDefault.cnf.xml.sgn",
    "RingList.xml",
    "RingList.xml.sgn",
)
UNITS = ("CallManager", "CallManager-ECDSA", "TVS", "CAPF", "ITLRecovery", "tomcat", "ipsec")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProcess]:
    """Run a mixed-mode cluster in a process of its own."""
    with Lab(tmp_path_factory.mktemp("lab"), mode="mixed").process() as running:
        yield running


def run(*command: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command,
        input=data,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
    )


def fetch(cluster: RunningProcess, client: str, name: str, path: Path) -> bytes:
    """Fetch a file of the publisher with one of the clients, each with a block size of its own."""
    host, port = ADDRESSES[PUBLISHER], cluster.ports[PUBLISHER]["tftp"]
    if client == "tftpy":
        TftpClient(host, port, {"blksize": 700}).download(name, str(path))
        return path.read_bytes()
    commands = {
        "tftp": ["-m", "octet", host, str(port), "-c", "get", name, str(path)],
        "atftp": ["--option", "blksize 1024", "-g", "-r", name, "-l", str(path), host, str(port)],
        "curl": ["-sS", "--tftp-blksize", "1428", "-o", str(path), f"tftp://{host}:{port}/{name}"],
    }
    done = run(program(client), *commands[client])
    assert done.returncode == 0, done.stdout
    return path.read_bytes()


def certificate_file(cluster: RunningProcess, node: str, unit: str) -> Path:
    return cluster.lab.data / "certs" / node / f"{unit}.pem"


@pytest.mark.parametrize("name", NAMES)
def test_every_client_fetches_the_same_file(
    cluster: RunningProcess, tmp_path: Path, name: str
) -> None:
    fetched = {
        client: fetch(cluster, client, name, tmp_path / client)
        for client in ("tftp", "atftp", "curl", "tftpy")
    }
    assert len(set(fetched.values())) == 1
    assert len(fetched["curl"]) > 0


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith((".tlv", ".sgn"))])
def test_openssl_verifies_what_is_served(
    cluster: RunningProcess, tmp_path: Path, name: str
) -> None:
    signature, rest = cut_signature(fetch(cluster, "tftpy", name, tmp_path / "file"))
    signed, key = tmp_path / "signature", tmp_path / "key.pem"
    signed.write_bytes(signature)
    pem = certificate_file(cluster, PUBLISHER, "CallManager")
    key.write_bytes(run(program("openssl"), "x509", "-in", str(pem), "-noout", "-pubkey").stdout)
    command = ("dgst", "-sha1", "-verify", str(key), "-signature", str(signed))
    assert run(program("openssl"), *command, data=rest).stdout == b"Verified OK\n"
    assert run(program("openssl"), *command, data=rest + b"x").returncode == 1


@pytest.mark.parametrize("node", [PUBLISHER, SUBSCRIBER])
@pytest.mark.parametrize("unit", UNITS)
def test_openssl_accepts_every_certificate(cluster: RunningProcess, node: str, unit: str) -> None:
    pem = certificate_file(cluster, node, unit)
    if unit == "CAPF" and not pem.exists():
        assert node == SUBSCRIBER
        return
    shown = run(program("openssl"), "x509", "-in", str(pem), "-noout", "-text")
    assert shown.returncode == 0, shown.stdout
    assert b"Subject:C=US,O=cucmsim" in shown.stdout.replace(b" ", b"")
    assert run(program("openssl"), "asn1parse", "-in", str(pem)).returncode == 0
    self_signed = ("verify", "-check_ss_sig", "-CAfile", str(pem), str(pem))
    assert run(program("openssl"), *self_signed).returncode == 0


@pytest.mark.parametrize("service", ["tvs", "capf"])
@pytest.mark.parametrize(
    ("version", "cipher"),
    [("tls1", "AES256-SHA"), ("tls1_2", "ECDHE-RSA-AES256-GCM-SHA384"), ("tls1_3", "")],
)
def test_openssl_reaches_the_service(
    cluster: RunningProcess, service: str, version: str, cipher: str
) -> None:
    where = f"{ADDRESSES[PUBLISHER]}:{cluster.ports[PUBLISHER][service]}"
    chosen = ["-cipher", f"{cipher}:@SECLEVEL=0"] if cipher else []
    done = run(program("openssl"), "s_client", "-connect", where, f"-{version}", *chosen)
    assert b"CONNECTED" in done.stdout
    assert cipher.encode() in done.stdout
    unit = certificate_file(cluster, PUBLISHER, {"tvs": "TVS", "capf": "CAPF"}[service])
    assert b"".join(unit.read_bytes().split(b"\n")) in b"".join(done.stdout.split(b"\n"))
