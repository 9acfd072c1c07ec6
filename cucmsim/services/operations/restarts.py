"""Which services have to be restarted after a change, and which restart by themselves.

Up to 12.5 the administrator restarts them; from 14 the nodes do so themselves, tomcat's apart.
Of CAPF and ITLRecovery, which stand in the ITL of every node, every TFTP service has to hear.
Source: cucm.md 5.3 and 3.4, seeds 000 and 003; what is chosen stands in docs/divergences.md.
"""

from collections.abc import Mapping
from types import MappingProxyType

from cucmsim.pki.profiles import Unit
from cucmsim.pki.release import Release
from cucmsim.services.operations.operator import Restart
from cucmsim.store.replica import Replica
from cucmsim.store.rows import SERVICE_NAMES

__all__ = [
    "after_new_ctl",
    "after_parameter",
    "after_regeneration",
    "after_rename",
    "after_rollback",
    "ctl_works_itself",
    "resets_after_regeneration",
    "restarts_itself",
    "rollback_works_itself",
]

_AUTOMATIC_FROM = Release(14)
_RESET_FROM = Release(10)
_ROLLBACK_AUTOMATIC_FROM = Release(10, 5)
_CTL_AUTOMATIC_FROM = Release(12)

_CALLMANAGER, _TFTP, _TVS, _CAPF = (
    SERVICE_NAMES[short] for short in ("callmanager", "tftp", "tvs", "capf")
)
_CTIMANAGER, _TOMCAT = SERVICE_NAMES["ctimanager"], SERVICE_NAMES["tomcat"]
_EVERY_TFTP = Restart(_TFTP, every_node=True)

_BY_HAND: Mapping[Unit, tuple[Restart, ...]] = MappingProxyType(
    {
        Unit.CALLMANAGER: (
            Restart(_CALLMANAGER),
            Restart(_CTIMANAGER),
            Restart(_TVS),
            Restart(_TFTP),
        ),
        Unit.CALLMANAGER_ECDSA: (Restart(_CALLMANAGER), Restart(_CTIMANAGER)),
        Unit.TVS: (Restart(_TVS), _EVERY_TFTP),
        Unit.CAPF: (Restart(_CAPF), _EVERY_TFTP),
        Unit.ITLRECOVERY: (_EVERY_TFTP,),
        Unit.TOMCAT: (Restart(_TOMCAT), Restart(_TFTP)),
        Unit.TOMCAT_ECDSA: (Restart(_TOMCAT),),
        Unit.IPSEC: (Restart("Cisco DRF Master"), Restart("Cisco DRF Local")),
    }
)
_BY_ITSELF: Mapping[Unit, tuple[Restart, ...]] = MappingProxyType(
    {
        Unit.CALLMANAGER: (Restart(_TVS), Restart(_CAPF), Restart(_TFTP)),
        Unit.CALLMANAGER_ECDSA: (),
        Unit.TVS: (Restart(_TVS), _EVERY_TFTP),
        Unit.CAPF: (Restart(_CAPF), _EVERY_TFTP),
        Unit.ITLRECOVERY: (_EVERY_TFTP,),
    }
)
_RENAMED = (
    Restart(_TVS),
    Restart(_CAPF),
    Restart(_TOMCAT),
    Restart(_CALLMANAGER),
    Restart(_CTIMANAGER),
    _EVERY_TFTP,
)
_ROLLBACK = (Restart(_TVS, every_node=True), _EVERY_TFTP)
_READ_AT_START: Mapping[str, str] = MappingProxyType(
    {
        "TFTPFileSignatureAlgorithm": _TFTP,
        "RequestClientCertificate": _TVS,
        "KeepAliveTimer": _CAPF,
    }
)
"""Parameters that a service reads when it starts, and that service."""


def restarts_itself(unit: Unit, release: Release) -> bool:
    """Tell whether nodes of a release restart what a new certificate of `unit` concerns."""
    return release >= _AUTOMATIC_FROM and unit in _BY_ITSELF


def after_regeneration(unit: Unit, release: Release) -> tuple[Restart, ...]:
    """Return what is restarted after a new certificate of `unit`, in order."""
    return _BY_ITSELF[unit] if restarts_itself(unit, release) else _BY_HAND[unit]


def resets_after_regeneration(unit: Unit, replica: Replica, release: Release) -> bool:
    """Tell whether phones are reset: from 10.0, from 14 unless a parameter says otherwise.

    Never for ITLRecovery (seed 003).
    """
    if unit not in (Unit.CALLMANAGER, Unit.TVS, Unit.CAPF) or release < _RESET_FROM:
        return False
    wish = replica.enterprise.get("PhoneInteractionOnCertificateUpdate", "")
    return release < _AUTOMATIC_FROM or wish != "Manual reset"


def after_rollback() -> tuple[Restart, ...]:
    """Return what is restarted after "Prepare Cluster for Rollback to pre 8.0" was changed."""
    return _ROLLBACK


def after_parameter(name: str, *, every_node: bool) -> tuple[Restart, ...]:
    """Return what has to be restarted before another parameter works; () for most."""
    return (Restart(_READ_AT_START[name], every_node),) if name in _READ_AT_START else ()


def after_new_ctl(release: Release) -> tuple[Restart, ...]:
    """Return what the administrator restarts after a new CTL or another security mode.

    From 12.0 CTIManager and CallManager alone: TFTP takes the new file by itself (cucm.md 7).
    """
    callmanager = Restart(_CALLMANAGER, every_node=True)
    if ctl_works_itself(release):
        return (callmanager, Restart(_CTIMANAGER, every_node=True))
    return (_EVERY_TFTP, callmanager)


def after_rename() -> tuple[Restart, ...]:
    """Return what restarts by itself after a node got another host or domain name."""
    return _RENAMED


def ctl_works_itself(release: Release) -> bool:
    """Tell whether TFTP of a release takes a new CTL by itself."""
    return release >= _CTL_AUTOMATIC_FROM


def rollback_works_itself(release: Release) -> bool:
    """Tell whether nodes of a release do that themselves, and reset the phones then (10.5)."""
    return release >= _ROLLBACK_AUTOMATIC_FROM
