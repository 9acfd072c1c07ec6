"""Profiles: what a node's own certificates look like, per unit and release.

A unit is a certificate that a node makes for itself. `default_profile` gives what the real server
does and settings change it with `dataclasses.replace`. Source: cucm.md section 5.1 and 1.5. That
CAPF and ITLRecovery name two purposes and the others three follows from the certificate lengths
in the listings: CallManager 694 bytes, CAPF 680, ITLRecovery 692, where the names alone would
make 690 and 702; ten bytes is one purpose. (tests/pki/test_certificates.py has them all.)
Choices made where nothing is known are in docs/divergences.md.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from cucmsim.pki.digests import Digest
from cucmsim.pki.keys import KeyAlgorithm, KeySpec
from cucmsim.pki.release import Release

__all__ = [
    "ECDSA_UNITS",
    "IPSEC_END_SYSTEM",
    "OWN_UNITS",
    "THREE_PURPOSES",
    "CertificateProfile",
    "SubjectFields",
    "Unit",
    "common_name",
    "default_profile",
    "key_algorithm_of",
    "units_of",
]

IPSEC_END_SYSTEM = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.5")
_LONGEST_COMMON_NAME = 64  # ub-common-name of RFC 5280, which `cryptography` enforces


class Unit(StrEnum):
    """A certificate that a node makes for itself; the value is CUCM's name."""

    CALLMANAGER = "CallManager"
    CALLMANAGER_ECDSA = "CallManager-ECDSA"
    TVS = "TVS"
    CAPF = "CAPF"
    ITLRECOVERY = "ITLRecovery"
    TOMCAT = "tomcat"
    TOMCAT_ECDSA = "tomcat-ECDSA"
    IPSEC = "ipsec"


OWN_UNITS = (
    Unit.TOMCAT,
    Unit.TOMCAT_ECDSA,
    Unit.IPSEC,
    Unit.ITLRECOVERY,
    Unit.CALLMANAGER_ECDSA,
    Unit.CALLMANAGER,
    Unit.CAPF,
    Unit.TVS,
)
"""The units in the order of `show cert list own`."""

ECDSA_UNITS = frozenset({Unit.CALLMANAGER_ECDSA, Unit.TOMCAT_ECDSA})

_TLS_SERVERS = frozenset({Unit.TOMCAT, Unit.TOMCAT_ECDSA, Unit.CALLMANAGER_ECDSA, Unit.TVS})
_TWO_PURPOSES = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
THREE_PURPOSES = (*_TWO_PURPOSES, IPSEC_END_SYSTEM)
"""What most certificates are for, an LSC too: server, client, IPsec end system."""

_YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class SubjectFields:
    """What a cluster's certificates say of their owner besides the common name."""

    organizational_unit: str
    organization: str
    locality: str
    state: str
    country: str


@dataclass(frozen=True, slots=True)
class CertificateProfile:
    """How a unit's certificate is made.

    `validity` is whole days; the certificate ends a second earlier. `digest` must be SHA-256 or
    above, as `cryptography` signs no certificate with SHA-1.
    """

    unit: Unit
    key: KeySpec
    digest: Digest = Digest.SHA256
    validity: timedelta = 5 * _YEAR
    serial_size: int = 16
    purposes: tuple[x509.ObjectIdentifier, ...] = THREE_PURPOSES


def default_profile(unit: Unit, release: Release) -> CertificateProfile:
    """Return what the real server of that release does."""
    two = unit in (Unit.CAPF, Unit.ITLRECOVERY)
    return CertificateProfile(
        unit,
        _default_key(unit, release),
        validity=_default_validity(unit, release),
        serial_size=8 if release < Release(9) else 16,
        purposes=_TWO_PURPOSES if two else THREE_PURPOSES,
    )


def key_algorithm_of(unit: Unit) -> KeyAlgorithm:
    """Return the kind of key that a unit has in every release."""
    return KeyAlgorithm.EC if unit in ECDSA_UNITS else KeyAlgorithm.RSA


def _default_key(unit: Unit, release: Release) -> KeySpec:
    """1024 bits to 10.x (TVS of 8.x and 9.x had 2048 already, seed 000), then 2048."""
    if key_algorithm_of(unit) is KeyAlgorithm.EC:
        return KeySpec(KeyAlgorithm.EC, 384)
    early_tvs = unit is Unit.TVS and release < Release(10)
    short = release < Release(11) and not early_tvs
    return KeySpec(KeyAlgorithm.RSA, 1024 if short else 2048)


def _default_validity(unit: Unit, release: Release) -> timedelta:
    """5 years; ITLRecovery 20 from 12.5; what serves TLS and signs nothing 3 from 14."""
    if unit is Unit.ITLRECOVERY and release >= Release(12, 5):
        return 20 * _YEAR
    if unit in _TLS_SERVERS and release >= Release(14):
        return 3 * _YEAR
    return 5 * _YEAR


def units_of(release: Release, *, is_publisher: bool) -> tuple[Unit, ...]:
    """Return the units a node of that release has, in the order of `show cert list own`."""
    absent: set[Unit] = set()
    if release < Release(11):
        absent |= ECDSA_UNITS
    if release < Release(10) or (release >= Release(12, 5) and not is_publisher):
        absent.add(Unit.ITLRECOVERY)
    if release >= Release(14) and not is_publisher:
        absent.add(Unit.CAPF)
    return tuple(unit for unit in OWN_UNITS if unit not in absent)


def common_name(
    unit: Unit, *, host: str, domain: str, publisher_fqdn: str, capf_suffix: str
) -> str:
    """Return the common name of a unit's certificate.

    The host's full name (the host's alone when there is no domain); `<host>-EC.<domain>`;
    `CAPF-` and eight hex digits; `ITLRECOVERY_` and the publisher's full name. A name that does
    not fit into 64 characters loses its domain, and then its end.
    """
    if unit is Unit.CAPF:
        return f"CAPF-{capf_suffix}"
    if unit is Unit.ITLRECOVERY:
        return _fit(f"ITLRECOVERY_{publisher_fqdn}")
    name = f"{host}-EC" if unit in ECDSA_UNITS else host
    return _fit(f"{name}.{domain}" if domain else name)


def _fit(name: str) -> str:
    if len(name) <= _LONGEST_COMMON_NAME:
        return name
    return name.split(".", 1)[0][:_LONGEST_COMMON_NAME]
