"""What stands in CUCM's type tables: the meaning of every `tk...` number.

Filled in when a store is made, and completed when it is opened by a release that knows more.

Sources: typecertificateservice 1 to 16, typetrustrole (numbers and monikers) and the defaults of
the two certificate columns of `device` from cucm.md 2.1 and 2.3 (logs of release 9.1.2);
typeauthenticationmode from `<capfAuthMode>`, typetransport and typedevicesecuritymode from cucm.md
4.1; phone models from `formats/models.py`. Everything else here is a choice (docs/divergences.md):
the numbers of the units that came after 9.1, the shown names of roles other than 21, monikers,
distribution, status texts, services, key orders.
"""

from collections.abc import Mapping
from types import MappingProxyType

from cucmsim.formats.models import PHONE_MODELS
from cucmsim.formats.roles import Role
from cucmsim.store.rows import SERVICE_NAMES

__all__ = ["ENTERPRISE_SERVICE", "TYPE_TABLES", "UNIT_NAMES", "TypeRow", "moniker_of"]

TypeRow = tuple[int, str, str]
"""enum, name, moniker."""

ENTERPRISE_SERVICE = 11
"""processconfig.tkservice of an enterprise parameter."""

_UNITS = (
    "Phone-trust",
    "Phone-VPN-trust",
    "CallManager",
    "CallManager-trust",
    "tomcat",
    "tomcat-trust",
    "ipsec",
    "ipsec-trust",
    "CAPF",
    "CAPF-trust",
    "TVS",
    "TVS-trust",
    "directory-trust",
    "Phone-SAST-trust",
    "Phone-CTL-trust",
    "userlicensing-trust",
    # from here on our own numbers
    "ITLRecovery",
    "CallManager-ECDSA",
    "tomcat-ECDSA",
)
_ROLE_NAMES: Mapping[Role, str] = {
    Role.SAST: "SAST",
    Role.CCM: "CallManager",
    Role.CCM_TFTP: "CallManager and TFTP",
    Role.APP_SERVER: "Application Server",
    Role.CERTIFICATE_AUTHORITY: "Certificate Authority",
    Role.TVS: "Authentication and Authorization",
    Role.SIGNALING_CALL_CONTROL: "Signaling and Call Control",
    Role.PROVISIONING_SERVICE: "Provisioning Service",
    Role.DATA_SERVICE: "Data Service",
    Role.NETWORK_ELEMENT: "Network Element",
}
_SERVICE_NUMBERS: Mapping[str, int] = {"callmanager": 0, "tftp": 1}
_FIRST_FREE_SERVICE = 100


def moniker_of(name: str) -> str:
    """Return the plainest moniker for a name: upper case, one underscore for all else."""
    words = "".join(sign if sign.isalnum() else " " for sign in name).split()
    return "_".join(words).upper()


def _named(*names: str, first: int = 1) -> tuple[TypeRow, ...]:
    """Give `names` numbers from `first` on."""
    return tuple((first + at, name, moniker_of(name)) for at, name in enumerate(names))


def _roles() -> tuple[TypeRow, ...]:
    return tuple((int(role), _ROLE_NAMES.get(role, role.name), role.moniker) for role in Role)


def _services() -> tuple[TypeRow, ...]:
    known = {short: _SERVICE_NUMBERS.get(short) for short in SERVICE_NAMES}
    later = (short for short, number in known.items() if number is None)
    known |= {short: _FIRST_FREE_SERVICE + at for at, short in enumerate(later)}
    rows = ((number or 0, SERVICE_NAMES[short]) for short, number in known.items())
    services = tuple((number, name, moniker_of(name)) for number, name in rows)
    return (*services, (ENTERPRISE_SERVICE, "Enterprise Wide", "ENTERPRISE_WIDE"))


def _models() -> tuple[TypeRow, ...]:
    return tuple(
        (model.number, model.product, moniker_of(model.product)) for model in PHONE_MODELS.values()
    )


TYPE_TABLES: Mapping[str, tuple[TypeRow, ...]] = MappingProxyType(
    {
        "typecertificateservice": _named(*_UNITS),
        "typetrustrole": _roles(),
        "typecertificatedistribution": _named("All Nodes", "This Node"),
        "typecertificateoperation": _named(
            "No Pending Operation", "Install/Upgrade", "Delete", "Troubleshoot"
        ),
        "typecertificatestatus": _named(
            "None",
            "Operation Pending",
            "Upgrade Success",
            "Upgrade Failed",
            "Delete Success",
            "Delete Failed",
            "Troubleshoot Success",
            "Troubleshoot Failed",
        ),
        "typeauthenticationmode": _named(
            "By Authentication String",
            "By Null String",
            "By Existing Certificate (precedence to LSC)",
            "By Existing Certificate (precedence to MIC)",
        ),
        "typekeyauthority": _named("CAPF"),
        "typekeyorder": _named("RSA Only", "EC Only", "EC Preferred, RSA Backup"),
        "typedevicesecuritymode": _named("Non Secure", "Authenticated", "Encrypted"),
        "typetransport": _named("TCP", "UDP", "TLS", "TCP+UDP"),
        "typedeviceprotocol": ((0, "SCCP", "SCCP"), (11, "SIP", "SIP")),
        "typeclass": _named("Phone"),
        "typenodeusage": _named("Publisher", "Subscriber", first=0),
        "typeprocessnoderole": _named("CUCM Voice/Video", "CUCM IM and Presence"),
        "typepatternusage": ((2, "Device", "DEVICE"),),
        "typemodel": _models(),
        "typeservice": _services(),
    }
)
"""Type table -> its rows."""

UNIT_NAMES: Mapping[int, str] = MappingProxyType(
    {number: name for number, name, _ in TYPE_TABLES["typecertificateservice"]}
)
"""Units and trust stores by typecertificateservice.enum."""
