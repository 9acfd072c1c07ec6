"""Signed files, `NAME.sgn`."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cucmsim.formats.header import encode_header, verify_file
from cucmsim.formats.signedfile import decode_signed_file, header_for, sign_file
from cucmsim.pki.digests import Digest
from cucmsim.pki.signatures import Signer

AT = datetime(2026, 11, 21, 1, 22, tzinfo=UTC)
VectorSigner = Callable[[str], Signer]


@pytest.mark.parametrize("folder", ["sgn", "enc"])
def test_a_file_of_certutils_is_read_verified_and_written_back(
    vectors: Path, vector_signer: VectorSigner, folder: str
) -> None:
    data = (vectors / folder / "SEPB000B4BA0AEE.cnf.xml.sgn").read_bytes()
    file = decode_signed_file(data)
    assert (file.header.version, file.header.filename) == ((1, 0), "SEPB000B4BA0AEE.cnf.xml.sgn")
    assert encode_header(file.header) + file.payload == data
    assert verify_file(data, vector_signer("callmanager-pub").certificate)
    assert not verify_file(data + b"\n", vector_signer("callmanager-pub").certificate)


def test_the_payload_is_the_file_unchanged(vectors: Path) -> None:
    data = (vectors / "sgn/SEPB000B4BA0AEE.cnf.xml.sgn").read_bytes()
    plain = (vectors / "sgn/SEPB000B4BA0AEE.cnf.xml").read_bytes()
    assert decode_signed_file(data).payload == plain


@pytest.mark.parametrize("digest", [Digest.SHA1, Digest.SHA512])
@pytest.mark.parametrize("payload", [b"", b"<xml/>", bytes(100_000)])
@pytest.mark.parametrize("filename", ["a.sgn", "New_Zealand/g3-tones.xml.sgn"])
def test_a_file_of_ours_can_be_read_and_verified(
    vector_signer: VectorSigner, digest: Digest, payload: bytes, filename: str
) -> None:
    signer = vector_signer("callmanager-casigned")
    data = sign_file(signer, filename=filename, payload=payload, timestamp=AT, digest=digest)
    file = decode_signed_file(data)
    assert (file.payload, file.header.filename) == (payload, filename)
    assert (file.header.digest, file.header.length % 4) == (digest, 0)
    assert verify_file(data, signer.certificate)


def test_the_header_can_be_made_apart_from_the_payload(vector_signer: VectorSigner) -> None:
    signer = vector_signer("callmanager-pub")
    apart = header_for(signer, filename="a.sgn", payload=b"text", timestamp=AT)
    assert apart + b"text" == sign_file(signer, filename="a.sgn", payload=b"text", timestamp=AT)


def test_padding_fills_up_to_a_multiple_of_four(vector_signer: VectorSigner) -> None:
    signer = vector_signer("callmanager-pub")
    files = [
        decode_signed_file(sign_file(signer, filename="n" * size, payload=b"", timestamp=AT))
        for size in range(8, 12)
    ]
    assert sorted(file.header.padding for file in files) == [0, 1, 2, 3]
    assert {file.header.length % 4 for file in files} == {0}
