"""What an SCCP phone is told about itself once it is registered: taken from the replica."""

import ipaddress
from datetime import UTC, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from cucmsim.formats.models import PHONE_MODELS, SignalingProtocol
from cucmsim.formats.skinny_answers import Server
from cucmsim.protocols.sccp_station import Station, StationLine
from cucmsim.store.replica import Replica
from cucmsim.store.rows import Device, DevicePool, ProcessNode

__all__ = ["SCCP_PORT", "date_template_of", "station_of", "time_zone_of"]

SCCP_PORT: Final = 2000


def station_of(replica: Replica, device_name: str, node: str) -> Station:
    """Return what `node` tells a phone; one that is not configured has no lines."""
    device = replica.devices.get(device_name)
    if device is None:
        return Station(device_name, node)
    return Station(
        device_name,
        node,
        tuple(StationLine(line.number, line.display, line.label) for line in device.lines),
        tuple(map(_server, replica.group_members(device))),
        device.load_information or _default_load(device),
    )


def date_template_of(replica: Replica, device_name: str) -> str:
    """Return how a phone shows dates: as its device pool says, `M/D/Y` where it has none."""
    pool = _pool_of(replica, device_name)
    return "M/D/Y" if pool is None else pool.date_template


def time_zone_of(replica: Replica, device_name: str) -> tzinfo:
    """Return the time zone of a phone's device pool; UTC where this machine does not know it."""
    pool = _pool_of(replica, device_name)
    try:
        return UTC if pool is None else ZoneInfo(pool.time_zone)
    except (KeyError, ValueError, OSError):
        return UTC


def _pool_of(replica: Replica, device_name: str) -> DevicePool | None:
    device = replica.devices.get(device_name)
    return None if device is None else replica.device_pools.get(device.device_pool)


def _server(node: ProcessNode) -> Server:
    """Return a member of the group; SCCP's basic layout has no room for an IPv6 address."""
    try:
        address = ipaddress.IPv4Address(node.address).packed
    except ValueError:
        address = bytes(4)
    return Server(node.name, node.ports.get("sccp") or SCCP_PORT, address)


def _default_load(device: Device) -> str:
    model = PHONE_MODELS.get(device.model)
    return "" if model is None else model.loads.get(SignalingProtocol.SCCP, "")
