"""May this phone register, over this connection? The rules, and the words of a refusal.

A phone must be configured, speak the protocol configured, and come over TLS exactly when its
security mode asks for it, which counts in a mixed-mode cluster only. Over TLS its certificate (LSC
or MIC) must be issued by one in CallManager-trust and name the device.

Source: sip.md (Refusals, TLS 5061). The words about the transport and the name are Cisco's, the
others are ours.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import NameOID

from cucmsim.errors import FormatError, VerificationError
from cucmsim.pki.certificates import load_certificate
from cucmsim.pki.chains import verify_chain
from cucmsim.services.trustlists import is_mixed_mode
from cucmsim.services.view import View
from cucmsim.store.rows import Device, SecurityMode, StoredCertificate

__all__ = ["Admission", "Applicant", "Refusal"]

_TRUST_STORE = "CallManager-trust"


@dataclass(frozen=True, slots=True)
class Applicant:
    """A phone that wants to register.

    `connection` names its connection among all of the node ("sip/12"); `protocol` is "SIP" or
    "SCCP"; `certificate` is what it presented over TLS.
    """

    device_name: str
    protocol: str
    is_tls: bool
    address: str
    port: int
    connection: str
    certificate: x509.Certificate | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not, in words for the phone."""

    warning: str
    status: int = 403
    retry_after_s: int = 35


class Admission:
    """Decides from `view`."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._read: tuple[StoredCertificate, ...] | None = None
        self._anchors: tuple[x509.Certificate, ...] = ()

    def check(self, applicant: Applicant, at: datetime) -> Refusal | None:
        """Return why the phone may not register, None when it may; `at` is now."""
        device = self._view.replica.devices.get(applicant.device_name)
        if device is None:
            return Refusal(f"Unknown device {applicant.device_name[:40]}")
        if device.protocol != applicant.protocol:
            return Refusal(
                f"Device protocol mismatch: expected {device.protocol}, "
                f"received {applicant.protocol}"
            )
        secure = self._is_secure(device)
        if secure is not applicant.is_tls:
            expected, received = _transport(tls=secure), _transport(tls=applicant.is_tls)
            return Refusal(f"Device security mismatch: expected {expected}, received {received}")
        return self._check_certificate(applicant, at) if secure else None

    def _is_secure(self, device: Device) -> bool:
        mixed = is_mixed_mode(self._view.replica)
        return mixed and device.security_mode > SecurityMode.NON_SECURE

    def _check_certificate(self, applicant: Applicant, at: datetime) -> Refusal | None:
        name, certificate = applicant.device_name, applicant.certificate
        found = [] if certificate is None else list(_names(certificate))
        if certificate is None or not any(_is_name_of(name, each) for each in found):
            received = found[0] if found else ""
            return Refusal(f"InvalidX509NameInCertificate, Rcvd={received}, Expected={name}")
        try:
            verify_chain(certificate, self._trusted(), at)
        except VerificationError as error:
            return Refusal(f"Certificate not trusted: {', '.join(error.reasons)}")
        return None

    def _trusted(self) -> tuple[x509.Certificate, ...]:
        """Return the certificates of CallManager-trust, read again when the view changed."""
        held = self._view.replica.certificates
        if held is not self._read:
            self._read = held
            stored = self._view.replica.in_store(_TRUST_STORE)
            self._anchors = tuple(_readable(stored))
        return self._anchors


def _transport(*, tls: bool) -> str:
    return "TLS" if tls else "TCP"


def _readable(stored: tuple[StoredCertificate, ...]) -> Iterator[x509.Certificate]:
    for each in stored:
        try:
            yield load_certificate(each.certificate_der)
        except FormatError:
            continue


def _names(certificate: x509.Certificate) -> Iterator[str]:
    """Give the common names, then the alternative DNS names; a phone's certificate may be odd."""
    try:
        for attribute in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME):
            yield str(attribute.value)
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        yield from extension.value.get_values_for_type(x509.DNSName)
    except (ValueError, x509.ExtensionNotFound):
        return


def _is_name_of(device_name: str, found: str) -> bool:
    """Accept `SEP<MAC>`, and `CP-<model>-SEP<MAC>` of a MIC or a newer LSC."""
    short = found.rpartition("-")[2] if found.upper().startswith("CP-") else found
    return short.upper() == device_name.upper()
