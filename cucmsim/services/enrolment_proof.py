"""How a phone proves to CAPF who it is: by a string, by nothing, or by the key of a certificate.

A certificate counts when it is the phone's own (its common name is the device name, or ends with
`-` and the device name), chains to CAPF or to something in CAPF-trust and is valid now, and both
signatures beside it verify. In both certificate modes the phone chooses what it presents (the
precedence, LSC or MIC first, is an order for the phone); all it presents must verify, and at least
one certificate must be there. An LSC need not be the one last recorded: a phone whose connection
broke before its store response has a newer one than we know of.

Source: capf.md, Proof of possession; phone.md 5.5.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import NameOID

from cucmsim.errors import FormatError, VerificationError
from cucmsim.formats.capf import device_proof_data, sudi_proof_data
from cucmsim.pki.certificates import certificate_public_key, load_certificate
from cucmsim.pki.chains import verify_chain
from cucmsim.pki.digests import Digest
from cucmsim.pki.signatures import verify_bare_digest
from cucmsim.protocols.capf_server import AuthenticationReceived
from cucmsim.store.rows import Device

__all__ = ["CertificateRules", "string_matches"]

_SHA2 = (Digest.SHA256, Digest.SHA512)

_Signature = tuple[Digest, bytes]


def string_matches(device: Device, claim: AuthenticationReceived) -> bool:
    """Compare the authentication string, in a time that does not tell where it differs.

    A phone for which none is set cannot be enrolled by authentication string.
    """
    expected, given = device.authentication_string, claim.password or ""
    return bool(expected) and hmac.compare_digest(expected.encode(), given.encode())


@dataclass(frozen=True, slots=True)
class CertificateRules:
    """What certificates are measured by: the anchors (CAPF, CAPF-trust) and the time."""

    anchors: Sequence[x509.Certificate]
    now: datetime

    def check(self, claim: AuthenticationReceived, session_id: int) -> None:
        """Accept the certificates of `claim`. Raises VerificationError saying what is wrong."""
        if claim.certificate is None and claim.sudi is None:
            raise VerificationError("no certificate presented", "no certificate")
        try:
            self._check_certificate(claim)
            self._check_sudi(claim, session_id)
        except FormatError as error:
            raise VerificationError(str(error), "unreadable") from None

    def _check_certificate(self, claim: AuthenticationReceived) -> None:
        """Check elements 4, 6 and 20."""
        if claim.certificate is None:
            return
        der = claim.certificate.certificate_der
        if claim.signature_sha1 is None or claim.sha2_signature is None:
            raise VerificationError("a certificate without both signatures", "no signature")
        digest = next((one for one in _SHA2 if one == claim.sha2_signature.digest), None)
        if digest is None:
            number = claim.sha2_signature.digest
            raise VerificationError(f"digest {number} in element 20", "unknown digest")
        signatures = (
            (Digest.SHA1, claim.signature_sha1),
            (digest, claim.sha2_signature.signature),
        )
        data = device_proof_data(claim.device_name, der)
        self._check_one("certificate", claim.device_name, der, data, signatures)

    def _check_sudi(self, claim: AuthenticationReceived, session_id: int) -> None:
        """Check element 16."""
        if claim.sudi is None:
            return
        sudi = claim.sudi
        data = sudi_proof_data(session_id, sudi.certificate_der)
        signatures = (
            (Digest.SHA1, sudi.signature_sha1),
            (Digest.SHA512, sudi.signature_sha512),
        )
        self._check_one("SUDI", claim.device_name, sudi.certificate_der, data, signatures)

    def _check_one(
        self,
        what: str,
        device_name: str,
        der: bytes,
        data: bytes,
        signatures: Sequence[_Signature],
    ) -> None:
        certificate = load_certificate(der)
        if not _belongs_to(certificate, device_name):
            subject = certificate.subject.rfc4514_string()
            raise VerificationError(f"{what} {subject} is not that of {device_name}", "name")
        verify_chain(certificate, self.anchors, self.now)
        public_key = certificate_public_key(certificate)
        for digest, signature in signatures:
            if not verify_bare_digest(public_key, digest, signature, data):
                raise VerificationError(
                    f"the {what}'s {digest.name} signature is wrong", "bad signature"
                )


def _belongs_to(certificate: x509.Certificate, device_name: str) -> bool:
    """Tell whether the certificate names the phone: `SEP…`, or `CP-8861-SEP…`."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    texts = [str(name.value) for name in names]
    return any(text == device_name or text.endswith(f"-{device_name}") for text in texts)
