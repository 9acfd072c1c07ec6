"""A node's view of the cluster at one version: immutable, replaced as a whole.

`Store.load_replica` makes one, `Store.update_replica` makes the next from it. Services answer from
a replica and never from SQL, so a node serves while the database is away, is stale as a real
subscriber with broken replication is, and may keep an older view until a service is restarted.
Private keys are opened here once; `signer` keeps the parsed key objects, also over updates.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cucmsim.errors import FormatError, StoreError
from cucmsim.pki.certificates import load_certificate
from cucmsim.pki.keys import load_private_key
from cucmsim.pki.signatures import Signer
from cucmsim.store.rows import (
    CallManagerGroup,
    Device,
    DevicePool,
    OwnKey,
    PhoneSecurityProfile,
    ProcessNode,
    StoredCertificate,
    TftpFile,
    service_key,
)

__all__ = ["Replica", "SignerCache"]


class SignerCache:
    """Parsed certificates with their keys; shared by the replicas of one store."""

    def __init__(self) -> None:
        self._signers: dict[tuple[bytes, bytes], Signer] = {}

    def get(self, certificate_der: bytes, private_key_der: bytes) -> Signer:
        """Return the signer of this pair, parsed at the first call only."""
        pair = (certificate_der, private_key_der)
        if pair not in self._signers:
            self._signers[pair] = Signer(
                load_certificate(certificate_der), load_private_key(private_key_der, trusted=True)
            )
        return self._signers[pair]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """Everything a node answers from, at `version` (0: an empty store).

    `own` and `own_keys` are keyed by node name and unit ("CallManager", "TVS", ...);
    `service_parameters` by node name (empty: cluster-wide), short service name, parameter;
    `tftp_files` by node name (None: every node) and file name.
    """

    version: int = 0
    nodes: Mapping[str, ProcessNode] = field(default_factory=dict)
    certificates: tuple[StoredCertificate, ...] = ()
    own: Mapping[tuple[str, str], StoredCertificate] = field(default_factory=dict)
    own_keys: Mapping[tuple[str, str], OwnKey] = field(default_factory=dict)
    groups: Mapping[str, CallManagerGroup] = field(default_factory=dict)
    device_pools: Mapping[str, DevicePool] = field(default_factory=dict)
    profiles: Mapping[str, PhoneSecurityProfile] = field(default_factory=dict)
    devices: Mapping[str, Device] = field(default_factory=dict)
    enterprise: Mapping[str, str] = field(default_factory=dict)
    service_parameters: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    tftp_files: Mapping[tuple[str | None, str], TftpFile] = field(default_factory=dict)
    signers: SignerCache = field(default_factory=SignerCache, compare=False, repr=False)

    @property
    def publisher(self) -> ProcessNode:
        """The publisher. Raises StoreError when the store has none yet."""
        for node in self.nodes.values():
            if node.is_publisher:
                return node
        raise StoreError("the store holds no publisher yet: expected one node marked as such")

    def node(self, name: str) -> ProcessNode:
        """Return a node by name. Raises StoreError naming the known ones when it is not there."""
        found = self.nodes.get(name)
        if found is None:
            known = ", ".join(sorted(self.nodes)) or "none"
            raise StoreError(f"no node {name!r} in the store; known nodes: {known}")
        return found

    def signer(self, node: str, unit: str) -> Signer:
        """Return a node's own certificate of a unit with its key.

        Raises StoreError when one is not there or cannot be read.
        """
        certificate = self.own.get((node, unit))
        key = self.own_keys.get((node, unit))
        if certificate is None or key is None:
            raise StoreError(f"node {node!r} has no {unit} certificate with a key in the store")
        try:
            return self.signers.get(certificate.certificate_der, key.private_key_der)
        except FormatError as error:
            raise StoreError(f"{unit} certificate or key of node {node!r}: {error}") from error

    def has_signer(self, node: str, unit: str) -> bool:
        """Tell whether a node has its own certificate of a unit and the key to it."""
        return (node, unit) in self.own and (node, unit) in self.own_keys

    def shown_certificate(self, node: str, unit: str) -> StoredCertificate | None:
        """Return a node's certificate of a unit as the database shows it; None when there is none.

        It is the node's own but after a restore without the node's key (defect CSCtn50405).
        """
        own = self.own.get((node, unit))
        if own is not None and unit in own.units:
            return own
        shown = (held for held in self.in_store(unit) if held.node is None and node in held.nodes)
        return next(shown, own)

    def in_store(self, unit: str) -> tuple[StoredCertificate, ...]:
        """Return the certificates of a unit or trust store ("CAPF-trust"), in database order."""
        return tuple(held for held in self.certificates if unit in held.units)

    def by_hash(self, sha1_base64: str) -> tuple[StoredCertificate, ...]:
        """Return the certificates whose certificatehashmap.hash is this."""
        return tuple(held for held in self.certificates if held.hash == sha1_base64)

    def service_parameter(
        self, service: str, name: str, node: str = "", default: str | None = None
    ) -> str | None:
        """Return a parameter as `node` sees it: its own value, else the cluster's, else default."""
        short = service_key(service)
        cluster = self.service_parameters.get(("", short, name), default)
        return self.service_parameters.get((node, short, name), cluster)

    def tftp_file(self, name: str, node: str) -> TftpFile | None:
        """Return a static file as `node` serves it: its own, else everybody's."""
        own = self.tftp_files.get((node, name))
        return own if own is not None else self.tftp_files.get((None, name))

    def group_members(self, device: Device) -> tuple[ProcessNode, ...]:
        """Return the nodes of a phone's CallManager group in order; () when its pool is unknown."""
        pool = self.device_pools.get(device.device_pool)
        group = self.groups.get(pool.callmanager_group) if pool else None
        names = group.members if group else ()
        return tuple(self.nodes[name] for name in names if name in self.nodes)
