"""OpenSSL's command verifies what we sign, from the raw bytes alone."""

import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cucmsim.formats.header import decode_header
from cucmsim.formats.roles import Role
from cucmsim.formats.signedfile import sign_file
from cucmsim.formats.trustlist import ITL_FILENAME, certificate_record, sign_trust_list
from cucmsim.pki.certificates import load_certificate
from cucmsim.pki.digests import Digest
from cucmsim.pki.keys import load_private_key
from cucmsim.pki.signatures import Signer

KEYS = Path(__file__).parent.parent / "vectors" / "keys"
AT = datetime(2026, 11, 21, 1, 22, tzinfo=UTC)

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(
        shutil.which("openssl") is None and not os.environ.get("CI"), reason="needs openssl"
    ),
]


@pytest.fixture
def signer() -> Signer:
    return Signer(
        load_certificate((KEYS / "callmanager-pub.crt.der").read_bytes()),
        load_private_key((KEYS / "callmanager-pub.key.der").read_bytes()),
    )


@pytest.mark.parametrize("digest", [Digest.SHA1, Digest.SHA256, Digest.SHA512])
def test_openssl_verifies_a_signed_file(signer: Signer, digest: Digest, tmp_path: Path) -> None:
    data = sign_file(
        signer, filename="a.cnf.xml.sgn", payload=b"<device/>\n", timestamp=AT, digest=digest
    )
    assert openssl_verifies(data, digest, tmp_path)
    assert not openssl_verifies(data + b"\n", digest, tmp_path)


def test_openssl_verifies_a_trust_list(signer: Signer, tmp_path: Path) -> None:
    record = certificate_record(Role.SAST, signer.certificate)
    data = sign_trust_list(signer, filename=ITL_FILENAME, records=(record,), timestamp=AT)
    assert openssl_verifies(data, Digest.SHA1, tmp_path)


def openssl_verifies(data: bytes, digest: Digest, folder: Path) -> bool:
    """Cut the 3 + 256 bytes of the SIGNATURE element out and ask `openssl dgst`."""
    start = data.index(decode_header(data).signature) - 3
    assert data[start : start + 3] == bytes((12, 1, 0))
    (folder / "signature").write_bytes(data[start + 3 : start + 259])
    (folder / "signed").write_bytes(data[:start] + data[start + 259 :])
    certificate = [
        "openssl",
        "x509",
        "-inform",
        "DER",
        "-in",
        str(KEYS / "callmanager-pub.crt.der"),
    ]
    public = subprocess.run([*certificate, "-noout", "-pubkey"], check=True, capture_output=True)
    (folder / "public.pem").write_bytes(public.stdout)
    done = subprocess.run(
        [
            *("openssl", "dgst", f"-{digest.name.lower()}"),
            *("-verify", folder / "public.pem"),
            *("-signature", folder / "signature", folder / "signed"),
        ],
        check=False,
        capture_output=True,
    )
    return done.returncode == 0
