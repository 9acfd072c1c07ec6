"""Keys against the vectors and against `openssl pkey`."""

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from cucmsim.errors import FormatError
from cucmsim.pki.keys import (
    KeyAlgorithm,
    KeySpec,
    dump_private_key,
    dump_private_key_pem,
    dump_public_key,
    generate_key,
    key_spec,
    load_private_key,
    load_public_key,
    public_key_bytes,
)

VECTORS = Path(__file__).parent.parent / "vectors" / "keys"
KEY_FILES = sorted(VECTORS.glob("*.key.der"))


@pytest.mark.parametrize(
    "text", ["rsa-1024", "rsa-2048", "rsa-3072", "rsa-4096", "ec-256", "ec-384", "ec-521"]
)
def test_a_specification_is_written_as_it_is_read(text: str) -> None:
    assert str(KeySpec.parse(text)) == text


@pytest.mark.parametrize("text", ["RSA 2048", "rsa2048", " Rsa_2048 "])
def test_a_specification_is_read_however_it_is_spelt(text: str) -> None:
    assert KeySpec.parse(text) == KeySpec(KeyAlgorithm.RSA, 2048)


@pytest.mark.parametrize(
    "text", ["rsa-512", "rsa-8192", "rsa-2047", "ec-255", "dsa-1024", "rsa", ""]
)
def test_a_key_that_cannot_be_made_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        KeySpec.parse(text)


@pytest.mark.parametrize("text", ["rsa-1024", "rsa-2048", "ec-256", "ec-384", "ec-521"])
def test_a_key_is_made_written_and_read_back(text: str) -> None:
    spec = KeySpec.parse(text)
    key = generate_key(spec)
    assert key_spec(key) == key_spec(key.public_key()) == spec
    for trusted in (False, True):
        again = load_private_key(dump_private_key(key), trusted=trusted)
        assert again.private_numbers() == key.private_numbers()
    assert load_public_key(dump_public_key(key.public_key())) == key.public_key()


@pytest.mark.parametrize("path", KEY_FILES, ids=lambda path: path.name)
def test_a_vector_key_is_read_and_written_identical(path: Path) -> None:
    assert dump_private_key(load_private_key(path.read_bytes())) == path.read_bytes()


@pytest.mark.parametrize(
    ("name", "size"), [("callmanager-pub-1024", 140), ("callmanager-pub", 270)]
)
def test_a_public_key_is_as_long_as_trust_lists_hold_it(name: str, size: int) -> None:
    public_key = load_private_key((VECTORS / f"{name}.key.der").read_bytes()).public_key()
    assert isinstance(public_key, rsa.RSAPublicKey)
    assert len(public_key_bytes(public_key)) == size


def test_an_ec_public_key_is_its_uncompressed_point() -> None:
    public_key = generate_key(KeySpec.parse("ec-384")).public_key()
    assert isinstance(public_key, ec.EllipticCurvePublicKey)
    numbers = public_key.public_numbers()
    point = b"\x04" + numbers.x.to_bytes(48, "big") + numbers.y.to_bytes(48, "big")
    assert public_key_bytes(public_key) == point


def test_a_key_of_another_kind_is_refused() -> None:
    foreign = ed25519.Ed25519PrivateKey.generate()
    key_der = foreign.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with pytest.raises(FormatError, match="Ed25519"):
        load_private_key(key_der)
    public_der = foreign.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    with pytest.raises(FormatError, match="Ed25519"):
        load_public_key(public_der)


def test_an_encrypted_key_is_refused() -> None:
    key_der = generate_key(KeySpec.parse("ec-256")).private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    with pytest.raises(FormatError, match="no private key"):
        load_private_key(key_der)


@given(st.binary(max_size=80))
def test_bytes_that_are_no_key_raise_only_format_errors(data: bytes) -> None:
    with pytest.raises(FormatError):
        load_private_key(data)
    with pytest.raises(FormatError):
        load_public_key(data)


@pytest.mark.parametrize("name", ["capf", "lsc-SEPB000B4BA0AEE"])
def test_a_key_cut_short_anywhere_raises_only_format_errors(name: str) -> None:
    key_der = (VECTORS / f"{name}.key.der").read_bytes()
    public_der = dump_public_key(load_private_key(key_der).public_key())
    for size in range(len(key_der)):
        with pytest.raises(FormatError):
            load_private_key(key_der[:size])
    for size in range(len(public_der)):
        with pytest.raises(FormatError):
            load_public_key(public_der[:size])


@pytest.mark.interop
@pytest.mark.parametrize("text", ["rsa-1024", "rsa-2048", "ec-256", "ec-384", "ec-521"])
def test_openssl_accepts_our_keys(text: str, tmp_path: Path) -> None:
    key = generate_key(KeySpec.parse(text))
    (tmp_path / "key.der").write_bytes(dump_private_key(key))
    (tmp_path / "key.pem").write_bytes(dump_private_key_pem(key))
    for form in ("der", "pem"):
        check = ["openssl", "pkey", "-inform", form, "-in", f"key.{form}", "-check", "-noout"]
        done = subprocess.run(check, cwd=tmp_path, capture_output=True, text=True, check=True)
        assert "Key is valid" in done.stdout
