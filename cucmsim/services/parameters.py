"""The enterprise and service parameters that the cluster knows: names, values, defaults.

A real server has hundreds; here are those that change what the simulated one does or shows. Where
only the name in the administration pages is documented (cucm.md 2.3), the column name is that name
without blanks, which is a line of docs/divergences.md. Values are stored as text, as processconfig
holds them; a flag is "T" or "F".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cucmsim.services.filelocations import ALTERNATE_FILE_LOCATIONS, LOCATION_FORM, is_location

__all__ = ["ENTERPRISE_PARAMETERS", "SERVICE_PARAMETERS", "Parameter", "is_true"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its default and what it may hold.

    `choices` lists the only values, `low` and `high` bound a number; with neither, any text goes,
    but for that of a file location (`is_location`), which is one or nothing.
    """

    name: str
    display: str
    default: str
    choices: tuple[str, ...] = ()
    low: int | None = None
    high: int | None = None
    is_location: bool = False

    @property
    def is_flag(self) -> bool:
        """Whether it is true or false."""
        return self.choices == _FLAG

    @property
    def expected(self) -> str:
        """What a person is to write for it."""
        if self.is_flag:
            return "true or false"
        if self.choices:
            return "one of " + ", ".join(f'"{choice}"' for choice in self.choices)
        if self.low is not None:
            return f"an integer from {self.low} to {self.high}"
        return f"{LOCATION_FORM}, or nothing" if self.is_location else "a text"

    def store(self, value: object) -> str:
        """Return `value` as it is stored; a flag takes True, False, "T", "F".

        Raises:
            ValueError: the parameter may not hold it.

        """
        if isinstance(value, bool) and self.is_flag:
            return "T" if value else "F"
        plain = isinstance(value, str | int) and not isinstance(value, bool)
        text = str(value)
        if not plain or not self._allows(text):
            raise ValueError(f"{self.name}: expected {self.expected}")
        return text

    def _allows(self, text: str) -> bool:
        """Whether it may hold `text`."""
        if self.choices:
            return text in self.choices
        if self.low is None or self.high is None:
            is_text = len(text) <= _LONGEST and text.isprintable()
            return is_text and (not self.is_location or is_location(text))
        return text.isascii() and text.isdigit() and self.low <= int(text[:_DIGITS]) <= self.high


_FLAG = ("T", "F")
_LONGEST = 255
_DIGITS = 20


def is_true(value: str) -> bool:
    """Whether a stored flag is set, however it is written ("T", "true", "1")."""
    return value.strip().lower() in {"t", "true", "1"}


def _by_name(*parameters: Parameter) -> Mapping[str, Parameter]:
    return MappingProxyType({parameter.name: parameter for parameter in parameters})


def _url(name: str, display: str, default: str = "") -> Parameter:
    return Parameter(name, display, default)


ENTERPRISE_PARAMETERS: Mapping[str, Parameter] = _by_name(
    Parameter(
        "RollBackToPreGrayback", "Prepare Cluster for Rollback to pre 8.0", "F", choices=_FLAG
    ),
    Parameter(
        "TFTPFileSignatureAlgorithm",
        "TFTP File Signature Algorithm",
        "SHA-1",
        choices=("SHA-1", "SHA-512"),
    ),
    Parameter(
        "PhoneInteractionOnCertificateUpdate",
        "Phone Interaction on Certificate Update",
        "Automatic reset",
        choices=("Automatic reset", "Manual reset"),
    ),
    Parameter("EnableLSCMonitoring", "Enable LSC Monitoring", "F", choices=_FLAG),
    Parameter("CAPFOperationExpiresIn", "CAPF Operation Expires in (days)", "10", low=1, high=365),
    Parameter(
        "EndpointAdvancedEncryptionAlgorithmsSupport",
        "Endpoint Advanced Encryption Algorithms Support",
        "F",
        choices=_FLAG,
    ),
    Parameter("ClusterSIPOAuthMode", "Cluster SIPOAuth Mode", "0", choices=("0", "1")),
    _url("URLAuthentication", "URL Authentication"),
    _url("URLDirectories", "URL Directories"),
    _url("URLIdle", "URL Idle"),
    _url("URLInformation", "URL Information"),
    _url("URLMessages", "URL Messages"),
    _url("URLServices", "URL Services"),
    _url("SecureAuthenticationURL", "Secured Authentication URL"),
    _url("SecureDirectoryURL", "Secured Directory URL"),
    _url("SecureIdleURL", "Secured Idle URL"),
    _url("SecureInformationURL", "Secured Information URL"),
    _url("SecureMessagesURL", "Secured Messages URL"),
    _url("SecureServicesURL", "Secured Services URL"),
    _url("SecureUDSUsersAccessURL", "Secured UDS Users Access URL"),
)
"""By processconfig.paramname. `ClusterSecurityMode` is missing: it is the cluster's mode.

An empty URL means: the one of the publisher, as an installation makes it.
"""

SERVICE_PARAMETERS: Mapping[str, Mapping[str, Parameter]] = MappingProxyType(
    {
        "callmanager": _by_name(
            Parameter(
                "SIPStationKeepAliveInterval",
                "SIP Station KeepAlive Interval",
                "120",
                low=30,
                high=3600,
            ),
            Parameter(
                "StationKeepAliveInterval",
                "Station KeepAlive Interval",
                "30",
                low=10,
                high=3600,
            ),
        ),
        "tftp": _by_name(
            Parameter(
                "EnableCachingOfConstantAndBinFilesAtStartup",
                "Enable Caching of Constant and Bin Files at Startup",
                "T",
                choices=_FLAG,
            ),
            Parameter("MaximumServingCount", "Maximum Serving Count", "5000", low=1, high=100_000),
            *(
                Parameter(name, f"Alternate File Location {number}", "", is_location=True)
                for number, name in enumerate(ALTERNATE_FILE_LOCATIONS, 1)
            ),
        ),
        "tvs": _by_name(
            Parameter(
                "TimeToLive", "Time to live of an answer (s)", "86400", low=0, high=2**31 - 1
            ),
            Parameter(
                "RequestClientCertificate",
                "Ask for a client certificate, and take any or none",
                "T",
                choices=_FLAG,
            ),
        ),
        "capf": _by_name(
            Parameter(
                "CertificateIssuerToEndpoint",
                "Certificate Issuer to Endpoint",
                "Cisco Certificate Authority Proxy Function",
                choices=("Cisco Certificate Authority Proxy Function",),
            ),
            Parameter(
                "DurationOfCertificateValidity",
                "Duration Of Certificate Validity (in days)",
                "1825",
                low=1,
                high=1825,
            ),
            Parameter(
                "MaximumAllowableAttempts",
                "Wrong authentication strings until a phone is locked out",
                "10",
                low=1,
                high=100,
            ),
            Parameter("KeepAliveTimer", "Keep Alive Timer (minutes)", "15", low=5, high=60),
            Parameter("LockoutMinutes", "Minutes a phone is locked out", "10", low=1, high=10_080),
        ),
        "drs": _by_name(
            Parameter(
                "CSCtn50405",
                "Backups lack the CallManager certificates and keys (defect CSCtn50405)",
                "F",
                choices=_FLAG,
            ),
        ),
    }
)
"""By service (short name), then by name."""
