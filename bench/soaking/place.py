"""What a soak is made of: names, addresses, ports, phones, and the description of the cluster."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

__all__ = ["NODES", "PUBLISHER", "FleetPhone", "Place", "free_port"]

PUBLISHER: Final = "soak-pub"
NODES: Final = (PUBLISHER, "soak-sub1", "soak-sub2")
_ADDRESSES: Final = dict(zip(NODES, ("127.0.71.1", "127.0.71.2", "127.0.71.3"), strict=True))
_SERVICES: Final = (
    *("tftp", "http", "https", "https_client", "tvs", "capf"),
    *("sip", "sip_tls", "sccp", "web", "ssh"),
)
_SECURE_SCCP: Final = 443
_UNITS: Final = ("CallManager", "TVS", "CAPF", "ITLRecovery", "tomcat", "ipsec")
_MODELS: Final = (("8861", "SIP"), ("7841", "SIP"), ("7962", "SCCP"), ("8851", "SIP"))
_LOSSY_EVERY: Final = 6
_TEMPLATE: Final = """
[cluster]
id = "Soak"
release = "11.5"
security_password = "soak-password"
database = "postgresql://cucm@127.0.0.1/unused"
data_directory = "data"

[limits]
journal_exchanges = 500
{nodes}
{groups}
{phones}
{certificates}
"""


def free_port(address: str = "127.0.0.1") -> int:
    """Return a port that nobody has just now, over TCP or UDP."""
    while True:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind((address, 0))
            port = int(tcp.getsockname()[1])
            try:
                udp.bind((address, port))
            except OSError:
                continue
            return port


@dataclass(frozen=True, slots=True)
class FleetPhone:
    """A phone of the fleet: its TFTP servers by node, and whether its link may lose packets."""

    mac: str
    model: str
    protocol: str
    pool: str
    tftp: tuple[str, str]
    is_lossy: bool

    @property
    def name(self) -> str:
        """The device name."""
        return f"SEP{self.mac}"


@dataclass
class Place:
    """Where a soak happens: a directory, ports, `count` phones."""

    directory: Path
    count: int
    ports: dict[str, dict[str, int]] = field(default_factory=dict)
    relays: dict[str, int] = field(default_factory=dict)
    """The port of the lossy way to each node's TFTP."""

    def __post_init__(self) -> None:
        """Take ports, which nobody has now."""
        for node in NODES:
            found = {service: free_port(self.address(node)) for service in _SERVICES}
            found["sccp_tls"] = found["sccp"] + _SECURE_SCCP
            self.ports[node] = found

    def address(self, node: str) -> str:
        """Return the address of a node."""
        return _ADDRESSES[node]

    def node_at(self, address: str) -> str:
        """Return the node that has an address; phones may know it by its name."""
        return next((node for node, one in _ADDRESSES.items() if one == address), address)

    @property
    def data(self) -> Path:
        """The data directory of the nodes."""
        return self.directory / "data"

    @property
    def config(self) -> Path:
        """The description."""
        return self.directory / "soak.toml"

    @property
    def phones(self) -> Sequence[FleetPhone]:
        """The phones of the fleet."""
        return [self._phone(index) for index in range(self.count)]

    def _phone(self, index: int) -> FleetPhone:
        model, protocol = _MODELS[index % len(_MODELS)]
        turn = index % len(NODES)
        order = NODES[turn:] + NODES[:turn]
        is_lossy = index % _LOSSY_EVERY == _LOSSY_EVERY - 1
        return FleetPhone(
            f"00507A{index:06X}", model, protocol, f"pool{turn}", (order[0], order[1]), is_lossy
        )

    def write(self) -> None:
        """Write the description."""
        text = _TEMPLATE.format(
            nodes="\n".join(map(self._node_text, NODES)),
            groups="\n".join(_group_text(turn) for turn in range(len(NODES))),
            phones="\n".join(map(_phone_text, self.phones)),
            certificates="\n".join(f'[certificates.{unit}]\nkey = "rsa-1024"' for unit in _UNITS),
        )
        self.config.write_text(text, encoding="utf-8")

    def _node_text(self, node: str) -> str:
        role = "publisher" if node == PUBLISHER else "subscriber"
        ports = ", ".join(f"{name} = {port}" for name, port in self.ports[node].items())
        return (
            f'[[nodes]]\nname = "{node}"\naddress = "{self.address(node)}"\nrole = "{role}"\n'
            f"ports = {{ {ports} }}"
        )


def _group_text(turn: int) -> str:
    order = NODES[turn:] + NODES[:turn]
    members = ", ".join(f'"{node}"' for node in order)
    return (
        f'[[callmanager_groups]]\nname = "group{turn}"\nmembers = [{members}]\n'
        f'[[device_pools]]\nname = "pool{turn}"\ncallmanager_group = "group{turn}"'
    )


def _phone_text(phone: FleetPhone) -> str:
    number = 20_000 + int(phone.mac[-6:], 16)
    return (
        f'[[phones]]\nmac = "{phone.mac}"\nmodel = "{phone.model}"\nprotocol = "{phone.protocol}"\n'
        f'device_pool = "{phone.pool}"\nauthentication_mode = "null-string"\n'
        f'description = "first"\nlines = [{{ number = "{number}", label = "first" }}]'
    )
