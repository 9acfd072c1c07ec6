"""Servers, CallManager groups and device pools: how they are written, and read whole.

A node is a row of processnode, one of processnodeservice a service, one of callmanager where it
runs call control, and one of ours for host, domain, address and ports. EnterpriseWideData has
nodeid 1, the publisher 2, the others follow in the order they came (cucm.md 2.3).
"""

import json
from collections.abc import Mapping

from sqlalchemy import func, select

from cucmsim.errors import StoreError
from cucmsim.store.changelog import Writer
from cucmsim.store.engine import Session, whole
from cucmsim.store.parameters import drop_node_parameters, service_number, services_by_number
from cucmsim.store.rows import CallManagerGroup, DevicePool, ProcessNode
from cucmsim.store.schema import ENTERPRISE_PKID, TABLES

__all__ = [
    "delete_device_pool",
    "delete_group",
    "delete_node",
    "node_pkid",
    "put_device_pool",
    "put_group",
    "put_node",
    "read_device_pools",
    "read_groups",
    "read_nodes",
]

_PUBLISHER_NODEID = 2


async def put_node(writer: Writer, node: ProcessNode) -> str:
    """Insert or change a node, found by its pkid or name; return its pkid.

    Raises:
        StoreError: it would be a second publisher.

    """
    await _refuse_second_publisher(writer, node)
    held = await writer.find(
        "processnode", {"pkid": node.pkid} if node.pkid else {"name": node.name}
    )
    values: dict[str, object] = {
        "name": node.name,
        "description": node.description,
        "tknodeusage": 0 if node.is_publisher else 1,
    }
    if held is None:
        nodeid = node.nodeid or await _next_nodeid(writer.session, node)
        pkid = await writer.insert("processnode", {**values, "nodeid": nodeid, "pkid": node.pkid})
    else:
        pkid = await writer.save("processnode", {"pkid": held["pkid"]}, values)
    await _put_place(writer, pkid, node)
    await _put_services(writer, pkid, node)
    return pkid


async def _refuse_second_publisher(writer: Writer, node: ProcessNode) -> None:
    if not node.is_publisher:
        return
    key = {"tknodeusage": 0, "systemnode": "f"}
    for held in await writer.find_all("processnode", key):
        if node.name != held["name"] and node.pkid != held["pkid"]:
            raise StoreError(f"node {node.name!r} cannot be publisher: {held['name']!r} is")


async def _next_nodeid(session: Session, node: ProcessNode) -> int:
    if node.is_publisher:
        return _PUBLISHER_NODEID
    last = await session.scalar(select(func.max(TABLES["processnode"].c.nodeid)))
    return max(last if isinstance(last, int) else 0, _PUBLISHER_NODEID) + 1


async def _put_place(writer: Writer, pkid: str, node: ProcessNode) -> None:
    values = {
        "host": node.host,
        "domain": node.domain,
        "address": node.address,
        "ports": json.dumps(dict(node.ports), sort_keys=True),
    }
    await writer.save("cucmsim_node", {"fkprocessnode": pkid}, values)
    if "callmanager" in node.services:
        await _callmanager_pkid(writer, pkid, node.name)


async def _put_services(writer: Writer, pkid: str, node: ProcessNode) -> None:
    wanted = {await service_number(writer, name) for name in node.services}
    for held in await writer.find_all("processnodeservice", {"fkprocessnode": pkid}):
        if held["tkservice"] not in wanted:
            await writer.delete("processnodeservice", {"pkid": held["pkid"]})
        wanted.discard(whole(held["tkservice"]))
    for number in sorted(wanted):
        values = {"fkprocessnode": pkid, "tkservice": number, "servername": node.name}
        await writer.insert("processnodeservice", values)


async def _callmanager_pkid(writer: Writer, node: str, name: str) -> str:
    values = {"name": f"CM_{name}", "description": name}
    return await writer.save("callmanager", {"fkprocessnode": node}, values)


async def node_pkid(writer: Writer, name: str) -> str:
    """Return the pkid of the node `name`. Raises StoreError when there is none."""
    held = await writer.find("processnode", {"name": name, "systemnode": "f"})
    if held is None:
        raise StoreError(f"no node {name!r} in the store: put the node first")
    return str(held["pkid"])


async def delete_node(writer: Writer, name: str) -> bool:
    """Delete a node with its place in groups and its parameters; tell whether it was there.

    Its certificates must be gone before (`certificates.delete_node_certificates`).
    """
    held = await writer.find("processnode", {"name": name, "systemnode": "f"})
    if held is None:
        return False
    for callmanager in await writer.find_all("callmanager", {"fkprocessnode": held["pkid"]}):
        await writer.delete("callmanagergroupmember", {"fkcallmanager": callmanager["pkid"]})
    await drop_node_parameters(writer, str(held["pkid"]))
    for table in ("callmanager", "processnodeservice", "cucmsim_node"):
        await writer.delete(table, {"fkprocessnode": held["pkid"]})
    await writer.delete("processnode", {"pkid": held["pkid"]})
    return True


async def put_group(writer: Writer, group: CallManagerGroup) -> str:
    """Insert or change a CallManager group by name. Raises StoreError for an unknown member."""
    values = {"tftpdefault": "t" if group.tftp_default else "f"}
    pkid = await writer.save("callmanagergroup", {"name": group.name}, values, group.pkid)
    wanted = [
        await _callmanager_pkid(writer, await node_pkid(writer, name), name)
        for name in group.members
    ]
    held = await writer.find_all("callmanagergroupmember", {"fkcallmanagergroup": pkid})
    if [row["fkcallmanager"] for row in sorted(held, key=_priority)] != wanted:
        await writer.delete("callmanagergroupmember", {"fkcallmanagergroup": pkid})
        for priority, callmanager in enumerate(wanted):
            member = {"fkcallmanagergroup": pkid, "fkcallmanager": callmanager}
            await writer.insert("callmanagergroupmember", {**member, "priority": priority})
    return pkid


def _priority(row: Mapping[str, object]) -> int:
    return whole(row["priority"])


async def put_device_pool(writer: Writer, pool: DevicePool) -> str:
    """Insert or change a device pool by name. Raises StoreError for an unknown group."""
    group = await writer.find("callmanagergroup", {"name": pool.callmanager_group})
    if group is None:
        raise StoreError(
            f"device pool {pool.name!r} names CallManager group {pool.callmanager_group!r},"
            " which is not in the store: put the group first"
        )
    settings = {
        "datetemplate": pool.date_template,
        "timezone": pool.time_zone,
        "ntpservers": " ".join(pool.ntp_servers),
    }
    key = {"name": pool.date_time_group}
    datetime_pkid = await writer.save("datetimesetting", key, settings, pool.date_time_group_pkid)
    values = {
        "fkcallmanagergroup": group["pkid"],
        "fkdatetimesetting": datetime_pkid,
        "connectionmonitorduration": pool.connection_monitor_duration_s,
    }
    return await writer.save("devicepool", {"name": pool.name}, values, pool.pkid)


async def delete_group(writer: Writer, name: str) -> bool:
    """Delete a CallManager group; tell whether it was there. Raises StoreError while in use."""
    held = await writer.find("callmanagergroup", {"name": name})
    if held is None:
        return False
    pool = await writer.find("devicepool", {"fkcallmanagergroup": held["pkid"]})
    if pool is not None:
        raise StoreError(f"CallManager group {name!r} is in use by device pool {pool['name']!r}")
    await writer.delete("callmanagergroupmember", {"fkcallmanagergroup": held["pkid"]})
    return await writer.delete("callmanagergroup", {"pkid": held["pkid"]}) > 0


async def delete_device_pool(writer: Writer, name: str) -> bool:
    """Delete a device pool; tell whether it was there. Raises StoreError while in use."""
    held = await writer.find("devicepool", {"name": name})
    if held is None:
        return False
    device = TABLES["device"]
    query = select(device.c.name).where(device.c.fkdevicepool == held["pkid"]).limit(1)
    phone = await writer.session.scalar(query)
    if phone is not None:
        raise StoreError(f"device pool {name!r} is in use by {phone}")
    return await writer.delete("devicepool", {"pkid": held["pkid"]}) > 0


async def read_nodes(session: Session) -> dict[str, ProcessNode]:
    """Return every node by name, in the order of nodeid."""
    services = await _read_services(session)
    node, place = TABLES["processnode"], TABLES["cucmsim_node"]
    columns = (node.c.pkid, node.c.name, node.c.nodeid, node.c.tknodeusage, node.c.description)
    query = (
        select(*columns, place.c.host, place.c.domain, place.c.address, place.c.ports)
        .join(place, place.c.fkprocessnode == node.c.pkid)
        .where(node.c.pkid != ENTERPRISE_PKID)
        .order_by(node.c.nodeid)
    )
    nodes = [
        ProcessNode(
            pkid=str(row["pkid"]),
            name=str(row["name"]),
            nodeid=whole(row["nodeid"]),
            is_publisher=row["tknodeusage"] == 0,
            description=str(row["description"]),
            host=str(row["host"]),
            domain=str(row["domain"]),
            address=str(row["address"]),
            ports=json.loads(str(row["ports"])),
            services=services.get(str(row["pkid"]), ()),
        )
        for row in await session.mappings(query)
    ]
    return {held.name: held for held in nodes}


async def _read_services(session: Session) -> dict[str, tuple[str, ...]]:
    """Return the short names of the services of each node's pkid."""
    names = await services_by_number(session)
    source = TABLES["processnodeservice"]
    query = select(source.c.fkprocessnode, source.c.tkservice).order_by(source.c.tkservice)
    services: dict[str, tuple[str, ...]] = {}
    for node, number in await session.rows(query):
        services[str(node)] = (*services.get(str(node), ()), names[whole(number)])
    return services


async def read_groups(session: Session) -> dict[str, CallManagerGroup]:
    """Return every CallManager group by name, members in order."""
    members: dict[str, list[str]] = {}
    link, manager, node = (
        TABLES[name] for name in ("callmanagergroupmember", "callmanager", "processnode")
    )
    query = (
        select(link.c.fkcallmanagergroup, node.c.name)
        .join(manager, manager.c.pkid == link.c.fkcallmanager)
        .join(node, node.c.pkid == manager.c.fkprocessnode)
        .order_by(link.c.fkcallmanagergroup, link.c.priority)
    )
    for group, name in await session.rows(query):
        members.setdefault(str(group), []).append(str(name))
    source = TABLES["callmanagergroup"]
    groups = [
        CallManagerGroup(
            pkid=str(row["pkid"]),
            name=str(row["name"]),
            tftp_default=row["tftpdefault"] == "t",
            members=tuple(members.get(str(row["pkid"]), ())),
        )
        for row in await session.mappings(select(source).order_by(source.c.name))
    ]
    return {held.name: held for held in groups}


async def read_device_pools(session: Session) -> dict[str, DevicePool]:
    """Return every device pool by name."""
    pool, group, moment = (
        TABLES[name] for name in ("devicepool", "callmanagergroup", "datetimesetting")
    )
    columns = (
        pool.c.pkid,
        pool.c.name,
        pool.c.connectionmonitorduration.label("duration"),
        group.c.name.label("group"),
        moment.c.pkid.label("moment_pkid"),
        moment.c.name.label("moment"),
        moment.c.datetemplate,
        moment.c.timezone,
        moment.c.ntpservers,
    )
    query = (
        select(*columns)
        .join(group, group.c.pkid == pool.c.fkcallmanagergroup)
        .join(moment, moment.c.pkid == pool.c.fkdatetimesetting)
        .order_by(pool.c.name)
    )
    pools = [
        DevicePool(
            pkid=str(row["pkid"]),
            name=str(row["name"]),
            callmanager_group=str(row["group"]),
            date_time_group=str(row["moment"]),
            date_time_group_pkid=str(row["moment_pkid"]),
            date_template=str(row["datetemplate"]),
            time_zone=str(row["timezone"]),
            ntp_servers=tuple(str(row["ntpservers"]).split()),
            connection_monitor_duration_s=whole(row["duration"]),
        )
        for row in await session.mappings(query)
    ]
    return {held.name: held for held in pools}
