"""What a lab's cluster is to be like, and the description that is made of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from cucmsim.cluster.loading import settings_of
from cucmsim.cluster.settings import Settings
from cucmsim.phone.values import PhoneIdentity
from cucmsim.pki.profiles import Unit

__all__ = [
    "NEW_PHONE",
    "OLD_PHONE",
    "ClusterShape",
    "Grounds",
    "PhoneShape",
    "describe",
    "node_names",
]

OLD_PHONE: Final = PhoneIdentity("001B54C25A01", "7962")
"""A phone of the 79xx: TFTP alone, TLS 1.0."""
NEW_PHONE: Final = PhoneIdentity("B000B4BA0AEE", "8861")
"""A phone of the 78xx and 88xx: HTTP first."""

_RSA_UNITS = (Unit.CALLMANAGER, Unit.TVS, Unit.CAPF, Unit.ITLRECOVERY, Unit.TOMCAT, Unit.IPSEC)
_PASSWORD: Final = "lab-password-2445"  # noqa: S105 - of labs, which guard nothing


@dataclass(frozen=True, slots=True)
class PhoneShape:
    """A phone that the cluster knows; `keys` as in `[[phones]]`, besides mac and model."""

    identity: PhoneIdentity
    keys: Mapping[str, object] = field(default_factory=dict)

    def entry(self, number: int) -> dict[str, object]:
        """Return its entry in a description; its line is 2000 and `number` unless it says so."""
        known = {"mac": self.identity.mac, "model": self.identity.model, "protocol": "SIP"}
        return {**known, "lines": [str(2000 + number)], **self.keys}


@dataclass(frozen=True, slots=True)
class ClusterShape:
    """A cluster: release, mode, how many nodes, phones, and whatever else a description may say.

    `extra` has tables of a description ("service_parameters", "callmanager_groups"), which stand
    beside those made here. `key` is the kind of key of the RSA certificates, None: the release's.
    `first` is the place of its first node among those of the lab, for a second cluster beside it.
    Paths in `extra` are relative to `base`, by default to where the cluster is kept.
    """

    release: str = "11.5"
    mode: str = "non-secure"
    nodes: int = 2
    phones: tuple[PhoneShape, ...] = (PhoneShape(OLD_PHONE), PhoneShape(NEW_PHONE))
    extra: Mapping[str, object] = field(default_factory=dict)
    key: str | None = "rsa-1024"
    prefix: str = "cucm"
    first: int = 1
    security_password: str = _PASSWORD
    database: str = field(default="", repr=False)
    base: Path | None = None


class Grounds(Protocol):
    """Where the nodes are; a `Place` is."""

    def address(self, node: int) -> str:
        """Return the address of the `node`-th node, from 1."""
        ...

    def ports(self, node: int) -> Mapping[str, int]:
        """Return the ports of the `node`-th node, as in a description; none: the usual ones."""
        ...


def node_names(shape: ClusterShape) -> list[str]:
    """Return the names of the nodes, the publisher's first: cucm-pub, cucm-sub, cucm-sub2."""
    subscribers = [f"{shape.prefix}-sub{'' if n == 1 else n}" for n in range(1, shape.nodes)]
    return [f"{shape.prefix}-pub", *subscribers]


def describe(
    shape: ClusterShape,
    place: Grounds,
    directory: Path,
    *,
    transfer_ports: Callable[[int], str] | None = None,
) -> Settings:
    """Return the description of a cluster at a place, kept in a directory. Raises SettingsError.

    `transfer_ports` gives each node the ports that its TFTP sends from; None: any.
    """
    cluster = {
        "id": "LabCluster",
        "release": shape.release,
        "security_mode": shape.mode,
        "security_password": shape.security_password,
        "data_directory": str(directory),
        **({"database": shape.database} if shape.database else {}),
    }
    tree: dict[str, object] = {
        "cluster": cluster,
        "nodes": [
            {**_node(place, name, at), **_transfers(transfer_ports, at)}
            for at, name in enumerate(node_names(shape), shape.first)
        ],
        "phones": [phone.entry(number) for number, phone in enumerate(shape.phones, 1)],
        "certificates": _certificates(shape.key),
    }
    path = (shape.base or directory) / "lab.toml"
    return settings_of(_merged(tree, shape.extra), path)


def _node(place: Grounds, name: str, at: int) -> dict[str, object]:
    role = "publisher" if name.endswith("-pub") else "subscriber"
    node: dict[str, object] = {"name": name, "address": place.address(at), "role": role}
    return {**node, "ports": dict(place.ports(at))}


def _transfers(ports: Callable[[int], str] | None, at: int) -> dict[str, object]:
    return {} if ports is None else {"tftp_transfer_ports": ports(at)}


def _certificates(key: str | None) -> dict[str, object]:
    return {} if key is None else {unit.value: {"key": key} for unit in _RSA_UNITS}


def _merged(tree: dict[str, object], extra: Mapping[str, object]) -> dict[str, object]:
    """Put `extra` into a description: lists behind those there, tables into those there."""
    for key, value in extra.items():
        held = tree.get(key)
        if isinstance(held, list) and isinstance(value, Sequence):
            tree[key] = [*held, *value]
        elif isinstance(held, dict) and isinstance(value, Mapping):
            tree[key] = _merged(dict(held), value)
        else:
            tree[key] = _plain(value)
    return tree


def _plain(value: object) -> object:
    """Return a value as TOML would have it."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return value
