"""Signatures against capfc's transcript, certutils' files and `openssl dgst`."""

import json
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from cucmsim.pki.certificates import certificate_public_key, load_certificate
from cucmsim.pki.digests import Digest
from cucmsim.pki.keys import (
    KeySpec,
    PrivateKey,
    dump_private_key,
    dump_public_key,
    generate_key,
    load_private_key,
)
from cucmsim.pki.signatures import sign, sign_bare_digest, verify, verify_bare_digest

VECTORS = Path(__file__).parent.parent / "vectors"
DATA = b"SEPB000B4BA0AEE\x00 and a certificate"
SIGNING_KEYS = {text: generate_key(KeySpec.parse(text)) for text in ("rsa-1024", "rsa-2048")}
SIGNING_KEYS |= {text: generate_key(KeySpec.parse(text)) for text in ("ec-256", "ec-384", "ec-521")}

every_key = pytest.mark.parametrize("key", SIGNING_KEYS.values(), ids=SIGNING_KEYS)
every_digest = pytest.mark.parametrize("digest", Digest)


@every_key
@every_digest
def test_a_signature_is_good_for_its_data_and_key_only(key: PrivateKey, digest: Digest) -> None:
    signature = sign(key, digest, DATA)
    assert verify(key.public_key(), digest, signature, DATA)
    assert not verify(key.public_key(), digest, signature, DATA + b"x")
    assert not verify(key.public_key(), digest, signature[:-1], DATA)
    other = next(k for k in SIGNING_KEYS.values() if k is not key)
    assert not verify(other.public_key(), digest, signature, DATA)


@every_key
@every_digest
def test_a_proof_of_possession_is_good_for_its_data_only(key: PrivateKey, digest: Digest) -> None:
    signature = sign_bare_digest(key, digest, DATA)
    assert verify_bare_digest(key.public_key(), digest, signature, DATA)
    assert not verify_bare_digest(key.public_key(), digest, signature, DATA + b"x")
    for damaged in (b"", signature[:-1], signature + b"\0", b"\xff" * len(signature)):
        assert not verify_bare_digest(key.public_key(), digest, damaged, DATA)


def test_a_proof_with_a_digest_info_is_read_as_leniently_as_the_public_server_does() -> None:
    key = SIGNING_KEYS["rsa-2048"]
    signature = sign(key, Digest.SHA1, DATA)
    assert verify_bare_digest(key.public_key(), Digest.SHA1, signature, DATA)
    bare = sign_bare_digest(key, Digest.SHA1, DATA)
    assert not verify(key.public_key(), Digest.SHA1, bare, DATA)


def _elements(message: bytes) -> dict[int, bytes]:
    """Return the elements of a CAPF message: after 8 bytes, tag (1), length (2), value."""
    found: dict[int, bytes] = {}
    place = 8
    while place < len(message):
        size = int.from_bytes(message[place + 1 : place + 3], "big")
        found[message[place]] = message[place + 3 : place + 3 + size]
        place += 3 + size
    return found


def _auth_response() -> dict[int, bytes]:
    transcript = (VECTORS / "capf" / "capf-install-by-lsc.json").read_text()
    messages = [bytes.fromhex(text) for text in _hex_strings(json.loads(transcript))]
    return next(_elements(m) for m in messages if m[:2] == b"\x55\x02")


def _hex_strings(node: object) -> list[str]:
    if isinstance(node, dict):
        return [text for value in node.values() for text in _hex_strings(value)]
    if isinstance(node, list):
        return [text for value in node for text in _hex_strings(value)]
    is_hex = isinstance(node, str) and node.startswith("55") and len(node) % 2 == 0
    return [str(node)] if is_hex else []


def test_capfc_proves_possession_in_a_way_we_read_and_write_alike() -> None:
    elements = _auth_response()
    device_name, certificate_der = elements[13], elements[4][5:]
    public_key = certificate_public_key(load_certificate(certificate_der))
    data = device_name + certificate_der
    with_sha1, with_sha512 = elements[6], elements[20][3:]
    assert verify_bare_digest(public_key, Digest.SHA1, with_sha1, data)
    assert verify_bare_digest(public_key, Digest.SHA512, with_sha512, data)
    assert not verify(public_key, Digest.SHA1, with_sha1, data)
    key_file = VECTORS / "keys" / "lsc-SEPB000B4BA0AEE.key.der"
    key = load_private_key(key_file.read_bytes())
    assert sign_bare_digest(key, Digest.SHA1, data) == with_sha1
    assert sign_bare_digest(key, Digest.SHA512, data) == with_sha512


def test_our_signature_of_a_signed_file_is_the_one_certutils_made() -> None:
    signed_file = (VECTORS / "sgn" / "SEPB000B4BA0AEE.cnf.xml.sgn").read_bytes()
    key = load_private_key((VECTORS / "keys" / "callmanager-pub.key.der").read_bytes())
    assert isinstance(key, rsa.RSAPrivateKey)
    start = signed_file.index(b"\x0c\x01\x00")  # tag 12, 256 bytes
    signature = signed_file[start + 3 : start + 259]
    data = signed_file[:start] + signed_file[start + 259 :]
    assert sign(key, Digest.SHA1, data) == signature


@pytest.mark.interop
@pytest.mark.parametrize("digest", Digest)
@pytest.mark.parametrize("text", ["rsa-1024", "rsa-2048", "ec-256", "ec-384", "ec-521"])
def test_openssl_verifies_our_signature(text: str, digest: Digest, tmp_path: Path) -> None:
    key = SIGNING_KEYS[text]
    (tmp_path / "data").write_bytes(DATA)
    (tmp_path / "signature").write_bytes(sign(key, digest, DATA))
    (tmp_path / "public.der").write_bytes(dump_public_key(key.public_key()))
    arguments = ["-keyform", "der", "-verify", "public.der", "-signature", "signature", "data"]
    command = ["openssl", "dgst", f"-{digest.name.lower()}", *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "Verified OK\n"


@pytest.mark.interop
@pytest.mark.parametrize("text", ["rsa-2048", "ec-384"])
def test_we_verify_a_signature_of_openssl(text: str, tmp_path: Path) -> None:
    key = SIGNING_KEYS[text]
    (tmp_path / "data").write_bytes(DATA)
    (tmp_path / "key.der").write_bytes(dump_private_key(key))
    command = ["openssl", "dgst", "-sha1", "-keyform", "der", "-sign", "key.der", "data"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    assert verify(key.public_key(), Digest.SHA1, done.stdout, DATA)


@pytest.mark.interop
def test_openssl_recovers_the_bare_digest_of_our_proof(tmp_path: Path) -> None:
    key = SIGNING_KEYS["rsa-2048"]
    (tmp_path / "signature").write_bytes(sign_bare_digest(key, Digest.SHA512, DATA))
    (tmp_path / "public.der").write_bytes(dump_public_key(key.public_key()))
    options = ["-verifyrecover", "-pubin", "-keyform", "der", "-inkey", "public.der"]
    command = ["openssl", "pkeyutl", *options, "-in", "signature"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    assert done.stdout == Digest.SHA512.hash(DATA)


def test_an_ec_key_signs_the_same_data_alike() -> None:
    key = generate_key(KeySpec.parse("ec-384"))
    assert sign(key, Digest.SHA384, b"text") == sign(key, Digest.SHA384, b"text")
    assert sign(key, Digest.SHA384, b"text") != sign(key, Digest.SHA384, b"test")
