"""`openssl dgst` verifies what we sign, from the raw bytes with the SIGNATURE element cut out."""

import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cucmsim.formats.phoneconfig import phone_config
from cucmsim.formats.phonevalues import ClusterValues, PhoneValues, PoolValues
from cucmsim.formats.signedfile import sign_file
from cucmsim.pki.certificates import load_certificate
from cucmsim.pki.digests import Digest
from cucmsim.pki.keys import load_private_key
from cucmsim.pki.release import Release
from cucmsim.pki.signatures import Signer
from tests.fixtures.programs import cut_signature

KEYS = Path(__file__).parents[1] / "vectors" / "keys"
NAME = "SEPB000B4BA0AEE.cnf.xml.sgn"

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed"),
]


@pytest.mark.parametrize(("digest", "option"), [(Digest.SHA1, "-sha1"), (Digest.SHA512, "-sha512")])
def test_openssl_verifies_a_signed_configuration(
    tmp_path: Path, digest: Digest, option: str
) -> None:
    signer = Signer(
        load_certificate((KEYS / "callmanager-pub.crt.der").read_bytes()),
        load_private_key((KEYS / "callmanager-pub.key.der").read_bytes()),
    )
    pool = PoolValues("1", "Default", "Default", (), ())
    phone = PhoneValues(ClusterValues(Release(12, 5), "pub"), pool, "2", 685, "SIP", "1-2")
    signed = sign_file(
        signer,
        filename=NAME,
        payload=phone_config(phone),
        timestamp=datetime(2020, 1, 1, tzinfo=UTC),
        digest=digest,
    )
    signature, rest = cut_signature(signed)
    (tmp_path / "signature").write_bytes(signature)
    (tmp_path / "rest").write_bytes(rest)
    key = subprocess.run(
        ["openssl", "x509", "-inform", "DER", "-noout", "-pubkey"],
        input=(KEYS / "callmanager-pub.crt.der").read_bytes(),
        capture_output=True,
        check=True,
    )
    (tmp_path / "key.pem").write_bytes(key.stdout)
    verified = subprocess.run(
        ["openssl", "dgst", option, "-verify", "key.pem", "-signature", "signature", "rest"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert verified.stdout == b"Verified OK\n", verified.stderr
