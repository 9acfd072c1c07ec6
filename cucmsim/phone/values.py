"""The words of a phone: what it is, what it holds, what it wants, and what is not known of it.

What no document settles about phones (phone.md section 7) is a field of `Switches`, so that a run
can be had either way.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum

from cucmsim.formats.models import PHONE_MODELS, Generation
from cucmsim.formats.tvs import QueryTags
from cucmsim.pki.certificates import load_certificate
from cucmsim.pki.keys import load_private_key
from cucmsim.pki.signatures import Signer

__all__ = [
    "Certified",
    "FileKind",
    "Generation",
    "PhoneIdentity",
    "Purpose",
    "Refusal",
    "Switches",
    "Transport",
    "TrustSource",
]


class FileKind(StrEnum):
    """What a phone downloads."""

    CTL = "CTL"
    ITL = "ITL"
    CONFIG = "configuration"
    ENCRYPTED_CONFIG = "encrypted configuration"
    OTHER = "file"

    @property
    def is_trust_list(self) -> bool:
        """Whether it is a list of certificates to trust."""
        return self in (FileKind.CTL, FileKind.ITL)


class Transport(StrEnum):
    """What a file comes over: HTTP on TCP 6970, HTTPS on 6971, TFTP on UDP 69 (phone.md 1.4)."""

    HTTP = "http"
    HTTPS = "https"
    TFTP = "tftp"


class TrustSource(StrEnum):
    """Why something was trusted, in the order in which a phone looks (phone.md 2.2)."""

    BLIND = "leap of faith"
    CTL = "CTL"
    ITL = "ITL"
    TVS_CACHE = "TVS cache"
    TVS = "TVS"


class Purpose(StrEnum):
    """What a certificate is wanted for (phone.md 2.3)."""

    TRUST_LIST = "to sign a trust list"
    SIGNED_FILE = "to sign a file"
    SIP_PEER = "CallManager"
    CAPF_SERVER = "CAPF server"
    TVS_SERVER = "TVS server"
    HTTPS_SERVICE = "HTTPS service"
    HTTPS_PROVISIONING = "HTTPS provisioning"


class Refusal(StrEnum):
    """Why something was not trusted."""

    DAMAGED = "damaged"
    TOO_LARGE = "too large"
    BAD_SIGNATURE = "signature is wrong"
    NO_TRUST_LIST = "no trust list to check it with"
    UNKNOWN_SIGNER = "signer is in no trust list"
    UNKNOWN_CERTIFICATE = "certificate is in no trust list"
    TVS_NOT_CONFIGURED = "no TVS server in the configuration"
    TVS_SILENT = "no TVS server answers"
    TVS_UNTRUSTED = "TVS shows a certificate that is in no trust list"
    TVS_REFUSED = "TVS does not trust it"
    TVS_WRONG_CERTIFICATE = "TVS answered with another certificate"
    WRONG_ROLE = "not trusted for this purpose"
    OLDER_TIMESTAMP = "older than the one installed"
    OLDER_VERSION = "of a lower version than the one installed"
    OTHER_NAME = "signed under another name"
    DECRYPTION_FAILED = "does not open with the phone's key"


@dataclass(frozen=True, slots=True)
class Certified:
    """A LSC or MIC with its private key (PKCS#8 DER)."""

    certificate_der: bytes
    private_key_der: bytes = field(repr=False)

    def signer(self) -> Signer:
        """Return certificate and key as objects. Raises FormatError.

        The key is the phone's own, out of its flash: it is not checked anew at every handshake.
        """
        certificate = load_certificate(self.certificate_der)
        return Signer(certificate, load_private_key(self.private_key_der, trusted=True))


_MAC = re.compile(r"[0-9A-F]{12}")


@dataclass(frozen=True, slots=True)
class PhoneIdentity:
    """A phone: its MAC address (twelve upper-case hex digits) and model (`8861`).

    Raises ValueError for another MAC address or an unknown model.
    """

    mac: str
    model: str = "8861"

    def __post_init__(self) -> None:
        """Refuse what cannot be. Raises ValueError."""
        if not _MAC.fullmatch(self.mac):
            raise ValueError(f"MAC address {self.mac!r}; expected twelve upper-case hex digits")
        if self.model not in PHONE_MODELS:
            raise ValueError(f"model {self.model!r}; expected one of {', '.join(PHONE_MODELS)}")

    @property
    def name(self) -> str:
        """The device name: `SEPB000B4BA0AEE`."""
        return f"SEP{self.mac}"

    @property
    def generation(self) -> Generation:
        """How the phone boots."""
        return PHONE_MODELS[self.model].generation

    @property
    def has_sbd(self) -> bool:
        """Whether it knows ITL and TVS; a 7940 or 7960 has a CTL at most (seed 001)."""
        return PHONE_MODELS[self.model].has_sbd

    @property
    def device_id(self) -> str:
        """What the phone calls itself towards TVS: `CP-8861-SEPB000B4BA0AEE` (seed 002)."""
        return f"CP-{self.model}-{self.name}"


@dataclass(frozen=True, slots=True)
class Switches:
    """What is not known of phones; the numbers are those of phone.md section 7.

    query_tags: tags of issuer and serial number in a TVS query (1).
    ctl_file_fallback, itl_file_fallback: ask for `CTLFile.tlv`, `ITLFile.tlv` where the phone's own
        is not found (6; seen for the ITL only).
    refuse_older_timestamp, refuse_older_version: of a new trust list against the one held (7).
    refuse_other_filename: compare FILENAME of a header with what was asked for.
    status_code_updated, status_code_failed: StatusCode of the DeviceTLInfo alarm (8; 3 is seen).
    show_certificate_to_tvs: present LSC or MIC when TVS asks for it (14).
    tvs_servers: how many of the configuration's are asked.
    secure_ctl_attempts: how often a phone set to secure mode asks for a CTL it does not hold.
    trust_list_limit: the largest trust list that loads, in bytes.
    retrievals: how often one boot asks for its configuration before it gives up, CAPF between.
    """

    query_tags: QueryTags = field(default_factory=QueryTags)
    ctl_file_fallback: bool = False
    itl_file_fallback: bool = True
    refuse_older_timestamp: bool = False
    refuse_older_version: bool = False
    refuse_other_filename: bool = False
    status_code_updated: int = 3
    status_code_failed: int = 0
    show_certificate_to_tvs: bool = True
    tvs_servers: int = 3
    secure_ctl_attempts: int = 4
    trust_list_limit: int = 64 * 1024
    retrievals: int = 4
