"""The services that a node can run, and the port or ports that each takes.

The numbers are the real server's but two: TFTP has 6969 alone and SSH 2222 instead of 22, so that
no privileges are needed.
Sources: cucm.md, tvs.md, capf.md, sip.md of the reference.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated

from pydantic import BeforeValidator, Field

from cucmsim.cluster.problems import Spot
from cucmsim.cluster.values import Number, Port, TableModel

__all__ = ["DEFAULT_SERVICES", "NodePorts", "ServiceName"]


class ServiceName(StrEnum):
    """The services a node can run."""

    TFTP = "tftp"
    HTTP = "http"
    TVS = "tvs"
    CAPF = "capf"
    CALLMANAGER = "callmanager"
    WEB = "web"
    SSH = "ssh"


DEFAULT_SERVICES = (
    ServiceName.TFTP,
    ServiceName.HTTP,
    ServiceName.TVS,
    ServiceName.CAPF,
    ServiceName.CALLMANAGER,
    ServiceName.WEB,
    ServiceName.SSH,
)
"""What a publisher runs unless the file says otherwise; a subscriber has no CAPF."""

_PORTS: Mapping[ServiceName, tuple[str, ...]] = MappingProxyType(
    {
        ServiceName.TFTP: ("tftp",),
        ServiceName.HTTP: ("http", "https", "https_client"),
        ServiceName.TVS: ("tvs",),
        ServiceName.CAPF: ("capf",),
        ServiceName.CALLMANAGER: ("sip", "sip_tls", "sccp", "sccp_tls"),
        ServiceName.WEB: ("web",),
        ServiceName.SSH: ("ssh",),
    }
)
"""The keys of `ports` that belong to each service, in the order in which it takes them."""


def _as_list(value: object) -> object:
    """Take a single value for a list of one."""
    return value if isinstance(value, list | tuple) else [value]


class NodePorts(TableModel):
    """The ports of a node. Once loaded, `offset` has been added to each."""

    tftp: Annotated[
        tuple[Port, ...],
        Field(min_length=1, max_length=8),
        BeforeValidator(_as_list),
    ] = Field((6969,), description="UDP port or ports of TFTP; a real server has 69 and 6969")
    http: Port = Field(6970, description="TCP port of files over HTTP")
    https: Port = Field(6971, description="TCP port of files over TLS, for any client")
    https_client: Port = Field(
        6972, description="TCP port of files over TLS, for phones that show an LSC or MIC"
    )
    tvs: Port = Field(2445, description="TCP port of the Trust Verification Service")
    capf: Port = Field(3804, description="TCP port of CAPF")
    sip: Port = Field(5060, description="TCP port of SIP registration")
    sip_tls: Port = Field(5061, description="TCP port of SIP registration over TLS")
    sccp: Port = Field(2000, description="TCP port of SCCP registration")
    sccp_tls: Port = Field(2443, description="TCP port of SCCP registration over TLS")
    web: Port = Field(8443, description="TCP port of the web server: the https directory")
    ssh: Port = Field(
        2222, description="TCP port of the command line over SSH; a real server has 22"
    )
    offset: Number = Field(
        0, ge=0, le=60000, description="Added to every port, for nodes that share an address"
    )

    def of(self, service: ServiceName) -> tuple[int, ...]:
        """Return the ports of `service`."""
        return tuple(port for _, port in self.keyed(service))

    def keyed(self, service: ServiceName) -> tuple[tuple[Spot, int], ...]:
        """Return the ports of `service`, each with where it stands below `ports`."""
        found: list[tuple[Spot, int]] = []
        for key in _PORTS[service]:
            value: int | tuple[int, ...] = getattr(self, key)
            if isinstance(value, int):
                found.append(((key,), value))
            else:
                found += (((key, place), port) for place, port in enumerate(value))
        return tuple(found)

    def shifted(self) -> "NodePorts":
        """Return these ports with the offset added (0, any free port, stays 0)."""
        moved: dict[str, object] = {"tftp": tuple(self._moved(port) for port in self.tftp)}
        for key in type(self).model_fields:
            if key not in ("tftp", "offset"):
                moved[key] = self._moved(getattr(self, key))
        return self.model_copy(update={**moved, "offset": 0})

    def _moved(self, port: int) -> int:
        """Return a port with the offset added."""
        return port and port + self.offset
