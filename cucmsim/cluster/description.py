"""Turns settings into what the store is to hold (`services/reconcile.py` applies it)."""

from collections.abc import Iterator

from cucmsim.cluster.profiles import profile_row
from cucmsim.cluster.settings import NodePorts, NodeSettings, Settings, TftpFileSettings
from cucmsim.errors import StartError
from cucmsim.services.reconcile import Description
from cucmsim.store.rows import ProcessNode, TftpFile

__all__ = ["describe_settings", "process_node"]

_EVERYWHERE = ("callmanager",)
"""What every node runs besides the services it has ports for."""


def describe_settings(settings: Settings) -> Description:
    """Return the rows that `settings` describe. Raises StartError for a file that is gone."""
    mixed = settings.cluster.security_mode == "mixed"
    return Description(
        nodes=tuple(process_node(node) for node in settings.nodes),
        groups=settings.callmanager_groups,
        device_pools=settings.device_pools,
        security_profiles=tuple(profile_row(one) for one in settings.security_profiles),
        devices=settings.phones,
        enterprise={**settings.enterprise_parameters, "ClusterSecurityMode": "01"[mixed]},
        service_parameters=settings.service_parameters,
        tftp_files=tuple(_tftp_file(entry) for entry in settings.tftp_files),
    )


def process_node(node: NodeSettings) -> ProcessNode:
    """Return what the store is to hold of a node."""
    return ProcessNode(
        name=node.name,
        host=node.host,
        domain=node.domain,
        address=node.address,
        is_publisher=node.is_publisher,
        services=tuple(sorted({*_EVERYWHERE, *(service.value for service in node.services)})),
        ports=dict(_ports(node.ports)),
    )


def _ports(ports: NodePorts) -> Iterator[tuple[str, int]]:
    """Yield each key of `ports` with its port; of several TFTP ports the first."""
    for key, value in ports.model_dump(exclude={"offset"}).items():
        yield key, value[0] if key == "tftp" else value


def _tftp_file(entry: TftpFileSettings) -> TftpFile:
    try:
        return TftpFile(name=entry.name, data=entry.path.read_bytes(), node=entry.node)
    except OSError as error:
        raise StartError(f"TFTP file {entry.path}: {error.strerror or error}") from error
