"""What a certificate in a trust list is good for: the FUNCTION of a record, a role of TVS.

The numbers are those of the database table typetrustrole (cucm.md 2.1, a log of release 9.1.2);
the same numbers stand in trust lists and in TVS answers (formats.md section 3). How `show itl`
names a role is known for 0 to 4, 7 and 21; the others are named after their moniker.
"""

from enum import IntEnum

__all__ = ["Role", "role_name"]


class Role(IntEnum):
    """A role, with its number in files, messages and database."""

    SAST = 0
    CCM = 1
    CCM_TFTP = 2
    TFTP = 3
    CAPF = 4
    SRST = 5
    FIREWALL = 6
    APP_SERVER = 7
    CERTIFICATE_AUTHORITY = 20
    TVS = 21
    SIGNALING_CALL_CONTROL = 22
    PROVISIONING_SERVICE = 23
    DATA_SERVICE = 24
    NETWORK_ELEMENT = 25
    VPN = 26
    SERVICEABILITY = 27
    UNKNOWN = 255

    @property
    def show_name(self) -> str:
        """The text `show itl` and `show ctl` print as FUNCTION."""
        return _SHOW_NAMES.get(self, self.name.replace("_", "-"))

    @property
    def moniker(self) -> str:
        """The moniker in table typetrustrole."""
        return _MONIKERS[self]


_SHOW_NAMES = {Role.SAST: "System Administrator Security Token", Role.CCM_TFTP: "CCM+TFTP"}

_MONIKERS = {
    Role.SAST: "TRUST_ROLES_SAST",
    Role.CCM: "TRUST_ROLES_CALLMANAGER",
    Role.CCM_TFTP: "TRUST_ROLES_CALLMANAGER_TFTP",
    Role.TFTP: "TRUST_ROLES_TFTP",
    Role.CAPF: "TRUST_ROLES_CAPF",
    Role.SRST: "TRUST_ROLES_SRST",
    Role.FIREWALL: "PHONE_TRUST_ROLES_FIREWALL",
    Role.APP_SERVER: "ROLE_APPLICATION_SERVER",
    Role.CERTIFICATE_AUTHORITY: "ROLE_CERTIFICATE_AUTHORITY",
    Role.TVS: "ROLE_AUTHENTICATION_AUTHORIZATION",
    Role.SIGNALING_CALL_CONTROL: "ROLE_SIGNALING_CALL_CONTROL",
    Role.PROVISIONING_SERVICE: "TRUST_ROLE_PROVISIONING_SERVICE",
    Role.DATA_SERVICE: "TRUST_ROLE_DATA_SERVICE",
    Role.NETWORK_ELEMENT: "TRUST_ROLE_NETWORK_ELEMENT",
    Role.VPN: "TRUST_ROLE_VPN",
    Role.SERVICEABILITY: "TRUST_ROLE_SERVICEABILITY",
    Role.UNKNOWN: "TRUST_ROLES_UNKNOWN",
}


def role_name(number: int) -> str:
    """Return how a listing names role `number`; an unknown number stands for itself."""
    try:
        return Role(number).show_name
    except ValueError:
        return str(number)
