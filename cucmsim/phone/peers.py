"""What the check of a step over TLS makes of the certificate a server showed."""

from cryptography import x509

from cucmsim.phone.steps import PeerCheck, PeerRefused, PeerUnproven, PeerVerdict
from cucmsim.pki.certificates import certificate_der

__all__ = ["judge"]


def judge(
    check: PeerCheck, certificate: x509.Certificate | None
) -> PeerRefused | PeerUnproven | None:
    """Return the outcome that ends the step, None when the server may be talked to."""
    shown = None if certificate is None else certificate_der(certificate)
    verdict = check.judge(shown)
    if verdict is PeerVerdict.ACCEPTED:
        return None
    if verdict is PeerVerdict.UNPROVEN and shown is not None:
        return PeerUnproven(shown)
    return PeerRefused(shown)
