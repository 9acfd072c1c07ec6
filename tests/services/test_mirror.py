"""The mirror: what it writes, what it leaves alone, and what happens when it cannot write."""

import base64
import errno
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from cucmsim.clock import SystemClock
from cucmsim.entropy import SystemEntropy
from cucmsim.errors import StoreError
from cucmsim.pki.certificates import load_certificate
from cucmsim.pki.digests import Digest
from cucmsim.pki.keys import KeySpec, generate_key
from cucmsim.services import mirror
from cucmsim.services.mirror import MANIFEST, write_mirror
from cucmsim.store.replica import Replica
from cucmsim.store.rows import OwnKey, ProcessNode, StoredCertificate

VECTORS = Path(__file__).parent.parent / "vectors" / "keys"
NODES = ("pub", "sub")


def _stored(name: str, *, units: set[str], node: str | None = None) -> StoredCertificate:
    return _row((VECTORS / f"{name}.crt.der").read_bytes(), units=units, node=node)


def _row(certificate_der: bytes, *, units: set[str], node: str | None = None) -> StoredCertificate:
    certificate = load_certificate(certificate_der)
    return StoredCertificate(
        pkid="",
        servername=node or "",
        subjectname=certificate.subject.rfc4514_string(),
        issuername=certificate.issuer.rfc4514_string(),
        serialnumber=f"{certificate.serial_number:x}",
        certificate_der=certificate_der,
        hash=base64.b64encode(Digest.SHA1.hash(certificate_der)).decode(),
        units=frozenset(units),
        node=node,
        nodes=frozenset({node} if node else ()),
    )


def _self_made(name: x509.Name) -> bytes:
    key = generate_key(KeySpec.parse("ec-256"))
    now = SystemClock().now()
    serial = int.from_bytes(b"\x01" + SystemEntropy().token(7), "big")
    builder = x509.CertificateBuilder(name, name, key.public_key(), serial, now, now)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def _common_name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


@pytest.fixture
def replica() -> Replica:
    own = {
        ("pub", "CallManager"): _stored("callmanager-pub", units={"CallManager"}, node="pub"),
        ("pub", "TVS"): _stored("tvs-pub", units={"TVS", "TVS-trust"}, node="pub"),
        ("sub", "CallManager"): _stored("callmanager-sub", units={"CallManager"}, node="sub"),
    }
    files = {("pub", "CallManager"): "callmanager-pub", ("pub", "TVS"): "tvs-pub"}
    files[("sub", "CallManager")] = "callmanager-sub"
    keys = {
        (node, unit): OwnKey(
            node=node, unit=unit, private_key_der=(VECTORS / f"{name}.key.der").read_bytes()
        )
        for (node, unit), name in files.items()
    }
    trusted = (
        _stored("manufacturing-ca", units={"CAPF-trust", "CallManager-trust"}),
        replace(_stored("capf", units={"CAPF-trust"}), nodes=frozenset({"pub"})),
    )
    nodes = {
        name: ProcessNode(
            name=name, host=name, address=f"127.0.1.{number}", is_publisher=number == 1
        )
        for number, name in enumerate(NODES, 1)
    }
    return Replica(
        version=1, nodes=nodes, certificates=(*own.values(), *trusted), own=own, own_keys=keys
    )


def _files(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}


def _contents(directory: Path) -> dict[str, tuple[int, int, bytes]]:
    return {
        name: (path.stat().st_ino, path.stat().st_mtime_ns, path.read_bytes())
        for name in _files(directory)
        for path in [directory / name]
    }


EXPECTED = {
    "pub/.mirror",
    "pub/CallManager.pem",
    "pub/CallManager.key",
    "pub/TVS.pem",
    "pub/TVS.key",
    "pub/CAPF-trust/Lab_Manufacturing_CA_SHA2.pem",
    "pub/CAPF-trust/CAPF-e41e7d87.pem",
    "pub/CallManager-trust/Lab_Manufacturing_CA_SHA2.pem",
    "pub/TVS-trust/cucm-1051-a-pub.pem",
    "sub/.mirror",
    "sub/CallManager.pem",
    "sub/CallManager.key",
    "sub/CAPF-trust/Lab_Manufacturing_CA_SHA2.pem",
    "sub/CallManager-trust/Lab_Manufacturing_CA_SHA2.pem",
    "sub/TVS-trust/cucm-1051-a-pub.pem",
}


def test_every_certificate_and_key_has_its_file(replica: Replica, tmp_path: Path) -> None:
    write_mirror(tmp_path / "certs", replica, NODES)
    assert _files(tmp_path / "certs") == EXPECTED
    for name in EXPECTED:
        mode = (tmp_path / "certs" / name).stat().st_mode & 0o777
        assert mode == (0o600 if name.endswith(".key") else 0o644)
    written = (tmp_path / "certs" / "pub" / "CallManager.pem").read_bytes()
    held = replica.own["pub", "CallManager"]
    assert load_certificate(written) == load_certificate(held.certificate_der)


def test_modes_do_not_depend_on_the_umask(replica: Replica, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_mirror(tmp_path, replica, NODES)
    finally:
        os.umask(before)
    assert (tmp_path / "pub" / "TVS.pem").stat().st_mode & 0o777 == 0o644


def test_only_what_changed_is_touched(replica: Replica, tmp_path: Path) -> None:
    write_mirror(tmp_path, replica, NODES)
    before = _contents(tmp_path)
    write_mirror(tmp_path, replica, NODES)
    assert _contents(tmp_path) == before
    renewed = replace(
        replica.own["pub", "TVS"],
        certificate_der=(VECTORS / "tvs-sub.crt.der").read_bytes(),
    )
    changed = replace(replica, version=2, own={**replica.own, ("pub", "TVS"): renewed})
    write_mirror(tmp_path, changed, NODES)
    after = _contents(tmp_path)
    assert {name for name in after if after[name] != before[name]} == {
        "pub/TVS.pem",
        "pub/.mirror",
    }
    assert after["pub/.mirror"][2] == before["pub/.mirror"][2]


def test_a_key_that_others_could_read_is_closed_again(replica: Replica, tmp_path: Path) -> None:
    write_mirror(tmp_path, replica, NODES)
    key = tmp_path / "pub" / "TVS.key"
    key.chmod(0o644)
    write_mirror(tmp_path, replica, NODES)
    assert key.stat().st_mode & 0o777 == 0o600


def test_what_no_longer_exists_is_removed_and_nothing_else(
    replica: Replica, tmp_path: Path
) -> None:
    write_mirror(tmp_path, replica, NODES)
    kept = {"README.md", "pub/notes.txt", "pub/CAPF-trust/mine.pem", "other/TVS.pem"}
    for name in kept:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("mine")
    without = replace(
        replica,
        nodes={"pub": replica.nodes["pub"]},
        certificates=(),
        own={("pub", "TVS"): replica.own["pub", "TVS"]},
        own_keys={("pub", "TVS"): replica.own_keys["pub", "TVS"]},
    )
    write_mirror(tmp_path, without, ["pub"])
    assert _files(tmp_path) == kept | {"pub/TVS.pem", "pub/TVS.key", "pub/.mirror"}
    assert not (tmp_path / "sub").exists()
    assert not (tmp_path / "pub" / "CallManager-trust").exists()


def test_a_node_of_another_process_is_left_alone(replica: Replica, tmp_path: Path) -> None:
    write_mirror(tmp_path, replica, ["pub"])
    assert not (tmp_path / "sub").exists()
    write_mirror(tmp_path, replica, ["sub"])
    before = _contents(tmp_path)
    less = replace(replica, own={}, own_keys={}, certificates=())
    write_mirror(tmp_path, less, ["pub"])
    assert _files(tmp_path) == {name for name in before if name.startswith("sub/")}


def test_a_node_without_anything_leaves_no_folder(tmp_path: Path) -> None:
    write_mirror(tmp_path, Replica(), ["pub"])
    assert list(tmp_path.iterdir()) == []


def test_certificates_of_one_name_are_told_apart_by_serial_number(
    replica: Replica, tmp_path: Path
) -> None:
    both = [_row(_self_made(_common_name("Lab CA")), units={"TVS-trust"}) for _ in range(2)]
    write_mirror(tmp_path, replace(replica, certificates=tuple(both)), ["pub"])
    names = {path.name for path in (tmp_path / "pub" / "TVS-trust").iterdir()}
    assert names == {f"Lab_CA-{held.serialnumber}.pem" for held in both}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("../../etc/passwd", "_._.._etc_passwd"),
        (".hidden", "_hidden"),
        ("a\0b\nc", "a_b_c"),
        ("Zażółć CA", "Zażółć_CA"),
        ("..", "_."),
    ],
)
def test_no_name_leads_out_of_the_folder(name: str, expected: str, tmp_path: Path) -> None:
    held = _row(_self_made(_common_name(name)), units={"CAPF-trust"})
    certs = tmp_path / "certs"
    write_mirror(certs, Replica(certificates=(held,)), ["pub"])
    assert _files(tmp_path) == {"certs/pub/.mirror", f"certs/pub/CAPF-trust/{expected}.pem"}
    write_mirror(certs, Replica(), ["pub"])
    assert _files(tmp_path) == set()


def test_a_certificate_without_a_common_name_is_named_by_its_serial_number(
    tmp_path: Path,
) -> None:
    nameless = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Cisco")])
    held = _row(_self_made(nameless), units={"CAPF-trust"})
    write_mirror(tmp_path, Replica(certificates=(held,)), ["pub"])
    assert (tmp_path / "pub" / "CAPF-trust" / f"{held.serialnumber}.pem").exists()


def test_a_manifest_that_was_tampered_with_removes_nothing_outside(
    replica: Replica, tmp_path: Path
) -> None:
    outside = tmp_path / "precious.pem"
    outside.write_text("mine")
    certs = tmp_path / "certs"
    write_mirror(certs, replica, ["pub"])
    with (certs / "pub" / MANIFEST).open("a") as manifest:
        manifest.write(f"../../precious.pem\n{outside}\nTVS-trust/../../precious.pem\n")
    write_mirror(certs, replica, ["pub"])
    write_mirror(certs, Replica(), ["pub"])
    assert _files(tmp_path) == {"precious.pem"}


class _FullDisk:
    """Lets a number of files be written and then says that the disk is full."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._write = mirror._write

    def __call__(self, path: Path, file: "mirror._File") -> None:
        if not self._room:
            path.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        self._room -= 1
        self._write(path, file)


@pytest.fixture(params=[0, 1, 3])
def full_disk(request: pytest.FixtureRequest) -> _FullDisk:
    room: int = request.param
    return _FullDisk(room)


def test_a_full_disk_leaves_what_was_there(
    replica: Replica, tmp_path: Path, full_disk: _FullDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_mirror(tmp_path, replica, NODES)
    before = _contents(tmp_path)
    swapped = {
        ("pub", "CallManager"): replica.own["pub", "TVS"],
        ("pub", "TVS"): replica.own["pub", "CallManager"],
    }
    changed = replace(replica, own={**replica.own, **swapped})
    changed = replace(changed, certificates=(*changed.certificates, _extra()))
    monkeypatch.setattr(mirror, "_write", full_disk)
    with pytest.raises(StoreError, match=r"cannot write .* No space left on device"):
        write_mirror(tmp_path, changed, NODES)
    assert _contents(tmp_path) == before
    monkeypatch.undo()
    write_mirror(tmp_path, changed, NODES)
    assert "pub/CAPF-trust/extra.pem" in _files(tmp_path)


def _extra() -> StoredCertificate:
    return _row(_self_made(_common_name("extra")), units={"CAPF-trust"})


def test_a_place_that_cannot_be_a_folder_is_named(replica: Replica, tmp_path: Path) -> None:
    (tmp_path / "certs").write_text("a file")
    with pytest.raises(StoreError, match=rf"under {tmp_path}/certs: .*Not a directory"):
        write_mirror(tmp_path / "certs", replica, NODES)
    assert (tmp_path / "certs").read_text() == "a file"


def test_what_a_killed_run_left_behind_is_cleaned_up(replica: Replica, tmp_path: Path) -> None:
    write_mirror(tmp_path, replica, NODES)
    (tmp_path / "pub" / "TVS.pem").unlink()
    (tmp_path / "pub" / ".TVS.pem.new").write_text("half")
    write_mirror(tmp_path, replica, NODES)
    assert _files(tmp_path) == EXPECTED


@pytest.mark.interop
def test_openssl_finds_that_certificate_and_key_belong_together(
    replica: Replica, tmp_path: Path
) -> None:
    write_mirror(tmp_path, replica, NODES)
    commands = [
        ["openssl", "x509", "-in", "pub/TVS.pem", "-noout", "-pubkey"],
        ["openssl", "pkey", "-in", "pub/TVS.key", "-pubout"],
    ]
    printed = [
        subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout
        for command in commands
    ]
    assert printed[0] == printed[1]
