"""Own certificates: which ones a node needs, and making them, keys in parallel off the loop.

`plans_for_node` says what is to be made (release, per-unit settings, names), and
`make_own_certificates` makes it: each plan in a worker thread, as an RSA-2048 key takes some 45 ms
of a processor and lets go of the interpreter's lock meanwhile. Serial numbers and keys are drawn in
the order of the plans, so a run with seeded entropy draws the same ones.
Source: cucm.md 2.1 (roles), 5.1 (form); performance.md (18 keys in a second on two threads).
"""

import asyncio
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Protocol

from cryptography import x509

from cucmsim.clock import Clock
from cucmsim.entropy import Entropy
from cucmsim.pki.certificates import (
    CERTIFICATE_DIGESTS,
    certificate_der,
    new_serial,
    self_signed,
)
from cucmsim.pki.digests import Digest
from cucmsim.pki.keys import KeySpec, PrivateKey, dump_private_key
from cucmsim.pki.keysource import key_job
from cucmsim.pki.profiles import (
    CertificateProfile,
    SubjectFields,
    Unit,
    common_name,
    default_profile,
    key_algorithm_of,
    units_of,
)
from cucmsim.pki.release import Release
from cucmsim.store.rows import ROLES_OF_STORE, ProcessNode

__all__ = [
    "TRUST_STORES_OF",
    "CertificatePlan",
    "OwnCertificate",
    "UnitSettings",
    "make_own_certificates",
    "plan_for_unit",
    "plans_for_node",
]

TRUST_STORES_OF: Mapping[Unit, tuple[str, ...]] = MappingProxyType(
    {
        Unit.CALLMANAGER: ("CallManager-trust",),
        Unit.CALLMANAGER_ECDSA: ("CallManager-trust",),
        Unit.CAPF: ("CAPF-trust", "CallManager-trust"),
        Unit.ITLRECOVERY: ("CallManager-trust",),
        Unit.TVS: ("TVS-trust",),
        Unit.TOMCAT: ("tomcat-trust",),
        Unit.TOMCAT_ECDSA: ("tomcat-trust",),
        Unit.IPSEC: ("ipsec-trust",),
    }
)
"""Which trust stores of every node a unit's certificate is put into (cucm.md 2.2, 5.1).

The first is where the authority that signed one is looked for.
"""


class UnitSettings(Protocol):
    """What a configuration may say of a unit's certificate; None is what the release does."""

    @property
    def key(self) -> KeySpec | None:
        """Kind and size of the key."""
        ...

    @property
    def digest(self) -> Digest | None:
        """The digest of the signature."""
        ...

    @property
    def validity_days(self) -> int | None:
        """How long the certificate is valid."""
        ...

    @property
    def subject_alternative(self) -> tuple[str, ...]:
        """Host names and addresses of the SAN extension; none leaves it out."""
        ...


@dataclass(frozen=True, slots=True)
class CertificatePlan:
    """A certificate that a node is to make for itself. `node` is processnode.name."""

    node: str
    profile: CertificateProfile
    common_name: str
    fields: SubjectFields
    subject_alternative: tuple[str, ...] = ()

    @property
    def unit(self) -> Unit:
        """The unit whose certificate it is."""
        return self.profile.unit


@dataclass(frozen=True, slots=True)
class OwnCertificate:
    """A certificate that a node made for itself, with its key and its trust roles."""

    node: str
    unit: Unit
    certificate: x509.Certificate
    private_key: PrivateKey = field(repr=False)

    @property
    def certificate_der(self) -> bytes:
        """The certificate as DER."""
        return certificate_der(self.certificate)

    @property
    def private_key_der(self) -> bytes:
        """The key as PKCS#8 DER, not encrypted."""
        return dump_private_key(self.private_key)

    @property
    def roles(self) -> tuple[int, ...]:
        """The roles that TVS gives the certificate for being in its unit."""
        return ROLES_OF_STORE[self.unit.value]


def plans_for_node(
    node: ProcessNode,
    *,
    release: Release,
    fields: SubjectFields,
    publisher_fqdn: str,
    entropy: Entropy,
    settings: Mapping[Unit, UnitSettings],
) -> tuple[CertificatePlan, ...]:
    """Return what a node of the release has to make, in the order of `show cert list own`.

    Raises:
        ValueError: settings that no certificate of a unit can be made with.

    """
    return tuple(
        plan_for_unit(
            node,
            unit,
            release=release,
            fields=fields,
            publisher_fqdn=publisher_fqdn,
            entropy=entropy,
            settings=settings.get(unit),
        )
        for unit in units_of(release, is_publisher=node.is_publisher)
    )


def plan_for_unit(
    node: ProcessNode,
    unit: Unit,
    *,
    release: Release,
    fields: SubjectFields,
    publisher_fqdn: str,
    entropy: Entropy,
    settings: UnitSettings | None = None,
) -> CertificatePlan:
    """Return the plan of one unit. The eight digits of CAPF's name are drawn from `entropy`.

    Raises:
        ValueError: settings that no certificate of the unit can be made with.

    """
    profile = default_profile(unit, release)
    name = common_name(
        unit,
        host=node.host,
        domain=node.domain,
        publisher_fqdn=publisher_fqdn,
        capf_suffix=entropy.token(4).hex() if unit is Unit.CAPF else "",
    )
    if settings is None:
        return CertificatePlan(node.name, profile, name, fields)
    profile = _with_settings(profile, settings)
    return CertificatePlan(node.name, profile, name, fields, settings.subject_alternative)


def _with_settings(profile: CertificateProfile, settings: UnitSettings) -> CertificateProfile:
    """Return the profile with what the settings say.

    File formats know RSA signers only, so that a unit keeps its kind of key.
    """
    key = settings.key or profile.key
    if key.algorithm is not key_algorithm_of(profile.unit):
        expected = key_algorithm_of(profile.unit).upper()
        raise ValueError(f"{profile.unit}: found key {key}, expected an {expected} key")
    digest = settings.digest or profile.digest
    if digest not in CERTIFICATE_DIGESTS:
        possible = ", ".join(one.name for one in CERTIFICATE_DIGESTS)
        raise ValueError(f"{profile.unit}: found digest {digest.name}, expected one of {possible}")
    days = settings.validity_days
    validity = profile.validity if days is None else timedelta(days=days)
    return dataclasses.replace(profile, key=key, digest=digest, validity=validity)


async def make_own_certificates(
    plans: Sequence[CertificatePlan], *, clock: Clock, entropy: Entropy, workers: int = 2
) -> list[OwnCertificate]:
    """Make every certificate planned, in order, with their keys, in `workers` threads.

    A certificate is valid from the moment this is called.

    Raises:
        ValueError: a name that no certificate can carry.

    """
    if not plans:
        return []
    made = clock.now()
    serials = [new_serial(entropy, plan.profile.serial_size) for plan in plans]
    keys = [key_job(plan.profile.key, entropy) for plan in plans]
    loop = asyncio.get_running_loop()
    executor = ThreadPoolExecutor(workers, thread_name_prefix="keys")
    try:
        jobs = [
            loop.run_in_executor(executor, _make, plan, key, made, serial)
            for plan, key, serial in zip(plans, keys, serials, strict=True)
        ]
        return await asyncio.gather(*jobs)
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


def _make(
    plan: CertificatePlan, key: Callable[[], PrivateKey], made: datetime, serial: bytes
) -> OwnCertificate:
    private_key = key()
    certificate = self_signed(
        plan.profile,
        plan.common_name,
        plan.fields,
        private_key,
        not_before=made,
        serial=serial,
        subject_alternative=plan.subject_alternative,
    )
    return OwnCertificate(plan.node, plan.unit, certificate, private_key)
