"""Certificates that a description puts into trust stores: checked with it, stored at the start.

Besides those that the file names, every cluster trusts the simulated manufacturer of phones. What
was put once is remembered (as `services/reconcile.py` remembers all else), so that a certificate
which somebody takes out of a trust store stays out until its description changes.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import structlog
from cryptography import x509

from cucmsim.cluster.checks import Numbered
from cucmsim.cluster.problems import Findings, Spot, show
from cucmsim.cluster.settings import TrustCertificateEntry, TrustCertificateSettings
from cucmsim.errors import FormatError, StartError
from cucmsim.pki.certificates import certificate_der, load_certificate
from cucmsim.pki.manufacturing import manufacturing_ca
from cucmsim.store.replica import Replica
from cucmsim.store.store import Store, Transaction

__all__ = [
    "MANUFACTURER_TRUSTED_IN",
    "put_trust_certificates",
    "read_certificates",
    "trust_certificates_of",
]

MANUFACTURER_TRUSTED_IN = ("CAPF-trust", "CallManager-trust")
"""The trust stores of every cluster that hold the simulated manufacturer's CA (cucm.md 1.5)."""

_KIND = "trust certificate"
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.*?(?:-----END CERTIFICATE-----|\Z)", re.DOTALL)

_Wanted = Mapping[tuple[str, bytes], list[str]]
"""By trust store and certificate (DER): the nodes it is said to come from, if any."""


def read_certificates(path: Path) -> tuple[x509.Certificate, ...]:
    """Return every certificate of a PEM file, or the one of a DER file.

    Raises:
        OSError: the file cannot be read.
        FormatError: it holds no certificate, or a damaged one.

    """
    data = path.read_bytes()
    return tuple(load_certificate(part) for part in _PEM.findall(data) or [data])


def trust_certificates_of(
    entries: Numbered[TrustCertificateEntry], nodes: Sequence[str], base: Path, findings: Findings
) -> tuple[TrustCertificateSettings, ...]:
    """Return each entry once, or once for each of its nodes; notes files that are of no use."""
    found: list[TrustCertificateSettings] = []
    for index, entry in entries:
        spot: Spot = ("trust_certificates", index)
        for place, node in enumerate(entry.nodes):
            if node not in nodes:
                findings.add_reference((*spot, "nodes", place), node, "a node", nodes)
        path = base / entry.path
        _check_file(path, (*spot, "path"), findings)
        found += (TrustCertificateSettings(entry.store, path, n) for n in entry.nodes or (None,))
    return tuple(found)


def _check_file(path: Path, spot: Spot, findings: Findings) -> None:
    """Note why a file gives no certificates."""
    try:
        read_certificates(path)
    except OSError as error:
        found = f"{show(str(path))}: {(error.strerror or str(error)).lower()}"
        findings.add(spot, found, "a file that can be read")
    except FormatError:
        found = f"{show(str(path))}: no certificate, or a damaged one"
        findings.add(spot, found, "a file with X.509 certificates, PEM or DER")


async def put_trust_certificates(
    store: Store, replica: Replica, described: Iterable[TrustCertificateSettings]
) -> Replica:
    """Put what is described, and the manufacturer's CA, where it is not yet; name it in the log.

    `replica` is the newest; returns what the store then holds.

    Raises:
        StartError: a file is gone.
        StoreError: nothing was changed.

    """
    wanted = _wanted(described)
    held = {(unit, one.certificate_der) for one in replica.certificates for unit in one.units}
    async with store.transaction() as transaction:
        before = (await transaction.applied()).get(_KIND, {})
        said = {_name(*key): ",".join(sorted(nodes)) for key, nodes in wanted.items()}
        for (unit, der), nodes in wanted.items():
            name = _name(unit, der)
            if before.get(name) == said[name] or ((unit, der) in held and not nodes):
                continue
            await _put(transaction, unit, der, nodes)
        await transaction.remember_applied(_KIND, said)
        await transaction.forget_applied(_KIND, before.keys() - said.keys())
    return await store.update_replica(replica)


async def _put(transaction: Transaction, unit: str, der: bytes, nodes: Sequence[str]) -> None:
    for node in nodes or (None,):
        await transaction.put_trust_certificate(unit, der, node)
    subject = load_certificate(der).subject.rfc4514_string()
    structlog.get_logger().info("trust certificate added", store=unit, subject=subject)


def _wanted(described: Iterable[TrustCertificateSettings]) -> _Wanted:
    """Return what is to be in the trust stores. Raises StartError for a file that is gone."""
    ca = certificate_der(manufacturing_ca().certificate)
    wanted: dict[tuple[str, bytes], list[str]] = {
        (unit, ca): [] for unit in MANUFACTURER_TRUSTED_IN
    }
    for entry in described:
        try:
            certificates = read_certificates(entry.path)
        except (OSError, FormatError) as error:
            raise StartError(f"certificate {entry.path}: {error}") from error
        for certificate in certificates:
            nodes = wanted.setdefault((entry.store, certificate_der(certificate)), [])
            if entry.node is not None:
                nodes.append(entry.node)
    return wanted


def _name(unit: str, der: bytes) -> str:
    """Return what a certificate in a trust store is remembered by."""
    return f"{unit} {hashlib.sha256(der).hexdigest()}"
