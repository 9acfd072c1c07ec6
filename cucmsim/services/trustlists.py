"""Trust lists of a node: its ITL and the cluster's CTL, made from a replica.

An ITL names the TFTP node's own CallManager certificate, the TVS certificates, CAPF and the
publisher's ITLRecovery; which records and whose key signs follows from the release
(`formats.contents`). A CTL exists only in a cluster that is or was in mixed mode: there the
publisher signs it, and every node serves the same bytes.
Source: formats.md section 4; seeds 000 (release 8), 001 (CTL) and 003 (release 10).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

import structlog
from cryptography import x509

from cucmsim.errors import StoreError
from cucmsim.formats.contents import (
    CtlContents,
    CtlNode,
    ItlContents,
    ctl_records,
    ctl_signer_unit,
    etoken_ctl_records,
    itl_records,
    itl_signer_unit,
)
from cucmsim.formats.trustlist import (
    CTL_FILENAME,
    ITL_FILENAME,
    PHONE_SIZE_LIMIT,
    loads_on_phones,
    sign_trust_list,
)
from cucmsim.pki.certificates import load_certificate
from cucmsim.pki.digests import Digest
from cucmsim.pki.profiles import Unit
from cucmsim.pki.release import Release
from cucmsim.pki.signatures import Signer
from cucmsim.services.parameters import is_true
from cucmsim.store.replica import Replica
from cucmsim.store.rows import ProcessNode

__all__ = [
    "build_ctl",
    "build_etoken_ctl",
    "build_itl",
    "ctl_contents",
    "holds_group_only",
    "is_mixed_mode",
    "nodes_in_order",
    "signature_digest",
    "signer_version",
]

_VERSIONED_FROM = Release(12)
_GROUP_ONLY_BEFORE = Release(10)
_ADVANCED_ENCRYPTION = "EndpointAdvancedEncryptionAlgorithmsSupport"


def is_mixed_mode(replica: Replica) -> bool:
    """Tell whether Cluster Security Mode is mixed."""
    return is_true(replica.enterprise.get("ClusterSecurityMode", "0"))


def signature_digest(replica: Replica) -> Digest:
    """Return the digest of the parameter TFTP File Signature Algorithm; SHA-1 by default."""
    return Digest.parse(replica.enterprise.get("TFTPFileSignatureAlgorithm") or "SHA-1")


def signer_version(replica: Replica, release: Release) -> tuple[int, int] | None:
    """Return what element 28 says: nothing before 12.0, then 1.0.

    1.1 where Endpoint Advanced Encryption Algorithms Support is set: it makes phones ask HTTPS
    6971 for their configuration.
    """
    if release < _VERSIONED_FROM:
        return None
    return (1, 1) if is_true(replica.enterprise.get(_ADVANCED_ENCRYPTION, "F")) else (1, 0)


def holds_group_only(release: Release) -> bool:
    """Tell whether an ITL names only the TVS servers of the phone's CallManager group."""
    return release < _GROUP_ONLY_BEFORE


def nodes_in_order(replica: Replica) -> tuple[ProcessNode, ...]:
    """Return the nodes, the publisher first, the others in the order they were added."""
    return tuple(
        sorted(
            replica.nodes.values(), key=lambda node: (not node.is_publisher, node.nodeid, node.name)
        )
    )


def build_itl(
    replica: Replica,
    node_name: str,
    release: Release,
    *,
    timestamp: datetime,
    tvs_nodes: Iterable[str] | None = None,
    localkey_reset: bool = False,
) -> bytes:
    """Return the ITL of a TFTP node.

    `tvs_nodes` are the nodes whose TVS it names, every node by default; `localkey_reset` signs
    with the other key, as `utils itl reset localkey` does. Raises StoreError when a certificate it
    needs, or the key to it, is not in the store.
    """
    names = [node.name for node in nodes_in_order(replica)] if tvs_nodes is None else tvs_nodes
    contents = ItlContents(
        callmanager=_own(replica, node_name, Unit.CALLMANAGER),
        tvs=tuple(_tvs_certificates(replica, names)),
        capf=_capf(replica),
        itl_recovery=_optional(replica, replica.publisher.name, Unit.ITLRECOVERY),
    )
    rollback = is_true(replica.enterprise.get("RollBackToPreGrayback", "F"))
    unit = itl_signer_unit(release, localkey_reset=localkey_reset)
    data = sign_trust_list(
        _itl_signer(replica, node_name, unit),
        filename=ITL_FILENAME,
        records=itl_records(
            release, contents, mixed_mode=is_mixed_mode(replica), rollback=rollback
        ),
        timestamp=timestamp,
        digest=signature_digest(replica),
        signer_version=signer_version(replica, release),
    )
    _warn_when_long(ITL_FILENAME, node_name, data)
    return data


def build_ctl(
    replica: Replica, release: Release, *, timestamp: datetime, localkey_reset: bool = False
) -> bytes:
    """Return the tokenless CTL of the cluster, signed by the publisher.

    In a cluster that is not in mixed mode (any more) its CCM+TFTP records have four fields.
    `localkey_reset` signs as `utils ctl reset localkey` does. Raises StoreError as build_itl.
    """
    contents, unit = ctl_contents(replica), ctl_signer_unit(release, localkey_reset=localkey_reset)
    data = sign_trust_list(
        replica.signer(replica.publisher.name, unit),
        filename=CTL_FILENAME,
        records=ctl_records(release, contents, non_secure=not is_mixed_mode(replica)),
        timestamp=timestamp,
        digest=signature_digest(replica),
        signer_version=signer_version(replica, release),
    )
    _warn_when_long(CTL_FILENAME, replica.publisher.name, data)
    return data


def build_etoken_ctl(
    replica: Replica, release: Release, tokens: Sequence[Signer], *, timestamp: datetime
) -> bytes:
    """Return the CTL that the CTL client makes with eTokens; the last of them signs (seed 001).

    Raises StoreError as build_itl.
    """
    certificates = tuple(token.certificate for token in tokens)
    data = sign_trust_list(
        tokens[-1],
        filename=CTL_FILENAME,
        records=etoken_ctl_records(ctl_contents(replica), certificates, release),
        timestamp=timestamp,
        digest=signature_digest(replica),
    )
    _warn_when_long(CTL_FILENAME, replica.publisher.name, data)
    return data


def ctl_contents(replica: Replica) -> CtlContents:
    """Return what a CTL is made of. Raises StoreError as build_itl."""
    publisher = replica.publisher
    served = [node for node in nodes_in_order(replica) if _in_ctl(node)]
    return CtlContents(
        publisher=_ctl_node(replica, publisher),
        subscribers=tuple(_ctl_node(replica, node) for node in served if node != publisher),
        capf=_capf(replica),
        itl_recovery=_optional(replica, publisher.name, Unit.ITLRECOVERY),
        phone_sast_trust=tuple(
            load_certificate(held.certificate_der) for held in replica.in_store("Phone-SAST-trust")
        ),
    )


def _itl_signer(replica: Replica, node_name: str, unit: Unit) -> Signer:
    """Return the signer: ITLRecovery is the publisher's, CallManager the node's own."""
    owner = replica.publisher.name if unit is Unit.ITLRECOVERY else node_name
    return replica.signer(owner, unit)


def _in_ctl(node: ProcessNode) -> bool:
    return not {"tftp", "callmanager"}.isdisjoint(node.services)


def _ctl_node(replica: Replica, node: ProcessNode) -> CtlNode:
    return CtlNode(node.host, node.address, _own(replica, node.name, Unit.CALLMANAGER))


def _capf(replica: Replica) -> x509.Certificate | None:
    """Return the publisher's CAPF certificate where CAPF runs."""
    publisher = replica.publisher
    if "capf" not in publisher.services:
        return None
    return _optional(replica, publisher.name, Unit.CAPF)


def _tvs_certificates(replica: Replica, names: Iterable[str]) -> Iterable[x509.Certificate]:
    for name in names:
        node = replica.nodes.get(name)
        if node is not None and "tvs" in node.services:
            certificate = _optional(replica, name, Unit.TVS)
            if certificate is not None:
                yield certificate


def _own(replica: Replica, node_name: str, unit: Unit) -> x509.Certificate:
    certificate = _optional(replica, node_name, unit)
    if certificate is None:
        raise StoreError(f"node {node_name!r} has no {unit.value} certificate in the store")
    return certificate


def _optional(replica: Replica, node_name: str, unit: Unit) -> x509.Certificate | None:
    held = replica.shown_certificate(node_name, unit.value)
    return None if held is None else load_certificate(held.certificate_der)


def _warn_when_long(filename: str, node_name: str, data: bytes) -> None:
    if not loads_on_phones(data):
        structlog.get_logger().warning(
            "trust list too long for phones",
            file=filename,
            node=node_name,
            size=len(data),
            limit=PHONE_SIZE_LIMIT,
        )
