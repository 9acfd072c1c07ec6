"""Enterprise and service parameters, static files of TFTP, and what was applied.

Both kinds of parameters stand in processconfig, as in CUCM: an enterprise parameter under
EnterpriseWideData and service 11, a service parameter under its service and under the node it is
set for (EnterpriseWideData: the whole cluster).
"""

from collections.abc import Collection, Mapping

from sqlalchemy import bindparam, delete, func, insert, select

from cucmsim.store.changelog import Writer
from cucmsim.store.engine import Session, whole
from cucmsim.store.rows import SERVICE_NAMES, TftpFile, service_key
from cucmsim.store.schema import ENTERPRISE_PKID, TABLES
from cucmsim.store.typetables import ENTERPRISE_SERVICE, moniker_of

__all__ = [
    "applied",
    "delete_parameter",
    "delete_tftp_file",
    "drop_node_parameters",
    "forget_applied",
    "put_parameter",
    "put_tftp_file",
    "read_parameters",
    "read_tftp_files",
    "remember_applied",
    "service_number",
    "services_by_number",
]

_FIRST_UNKNOWN_SERVICE = 1000


async def service_number(writer: Writer, service: str) -> int:
    """Return typeservice.enum of a service by either name; an unknown one gets a number."""
    short = service_key(service)
    name = SERVICE_NAMES.get(short, short)
    held = await writer.find("typeservice", {"name": name})
    if held is not None:
        return whole(held["enum"])
    last = await writer.session.scalar(select(func.max(TABLES["typeservice"].c.enum)))
    number = max(whole(last), _FIRST_UNKNOWN_SERVICE) + 1
    row = {"enum": number, "name": name, "moniker": moniker_of(name)}
    await writer.insert_many("typeservice", [row], noted=False)
    return number


async def services_by_number(session: Session) -> dict[int, str]:
    """Return the short name of every service by typeservice.enum."""
    source = TABLES["typeservice"]
    rows = await session.rows(select(source.c.enum, source.c.name))
    return {whole(number): service_key(str(name)) for number, name in rows}


async def put_parameter(
    writer: Writer, name: str, value: str, *, service: str = "", node: str = ENTERPRISE_PKID
) -> None:
    """Set an enterprise parameter, or with `service` a service parameter for a node's pkid."""
    number = await service_number(writer, service) if service else ENTERPRISE_SERVICE
    key = {"fkprocessnode": node, "tkservice": number, "paramname": name}
    await writer.save("processconfig", key, {"paramvalue": value})


async def delete_parameter(
    writer: Writer, name: str, *, service: str = "", node: str = ENTERPRISE_PKID
) -> bool:
    """Remove a parameter, back to its default; tell whether it was set."""
    number = await service_number(writer, service) if service else ENTERPRISE_SERVICE
    key = {"fkprocessnode": node, "tkservice": number, "paramname": name}
    return await writer.delete("processconfig", key) > 0


async def drop_node_parameters(writer: Writer, node: str) -> None:
    """Remove the parameters and files of a node's pkid."""
    await writer.delete("processconfig", {"fkprocessnode": node})
    await writer.delete("cucmsim_tftpfile", {"fkprocessnode": node})


async def read_parameters(
    session: Session,
) -> tuple[dict[str, str], dict[tuple[str, str, str], str]]:
    """Return enterprise parameters by name, and service parameters by node, service and name."""
    services = await services_by_number(session)
    source, node = TABLES["processconfig"], TABLES["processnode"]
    query = (
        select(
            node.c.pkid, node.c.name, source.c.tkservice, source.c.paramname, source.c.paramvalue
        )
        .join(node, node.c.pkid == source.c.fkprocessnode)
        .order_by(source.c.paramname)
    )
    enterprise: dict[str, str] = {}
    service: dict[tuple[str, str, str], str] = {}
    for pkid, name, number, parameter, value in await session.rows(query):
        if number == ENTERPRISE_SERVICE:
            enterprise[str(parameter)] = str(value)
        else:
            owner = "" if pkid == ENTERPRISE_PKID else str(name)
            service[owner, services[whole(number)], str(parameter)] = str(value)
    return enterprise, service


async def put_tftp_file(writer: Writer, file: TftpFile, node: str | None) -> str:
    """Insert or replace a static file; `node` is the pkid of the node that alone has it."""
    key = {"name": file.name, "fkprocessnode": node}
    return await writer.save("cucmsim_tftpfile", key, {"data": file.data}, file.pkid)


async def delete_tftp_file(writer: Writer, name: str, node: str | None) -> bool:
    """Remove a static file; tell whether it was there."""
    return await writer.delete("cucmsim_tftpfile", {"name": name, "fkprocessnode": node}) > 0


async def read_tftp_files(
    session: Session, pkids: Collection[str] | None = None
) -> dict[tuple[str | None, str], TftpFile]:
    """Return static files by node name and file name; all of them, or those of `pkids`."""
    source, node = TABLES["cucmsim_tftpfile"], TABLES["processnode"]
    query = (
        select(source.c.pkid, source.c.name, source.c.data, node.c.name)
        .outerjoin(node, node.c.pkid == source.c.fkprocessnode)
        .order_by(source.c.name)
    )
    if pkids is not None:
        query = query.where(source.c.pkid.in_(pkids))
    files = [
        TftpFile(
            pkid=str(pkid),
            name=str(name),
            data=data if isinstance(data, bytes) else b"",
            node=owner if isinstance(owner, str) else None,
        )
        for pkid, name, data, owner in await session.rows(query)
    ]
    return {(file.node, file.name): file for file in files}


async def applied(session: Session) -> dict[str, dict[str, str]]:
    """Return what a configuration said last of each thing, by kind and name (JSON text)."""
    source = TABLES["cucmsim_applied"]
    said: dict[str, dict[str, str]] = {}
    for kind, name, text in await session.rows(select(source.c.kind, source.c.name, source.c.said)):
        said.setdefault(str(kind), {})[str(name)] = str(text)
    return said


async def remember_applied(session: Session, kind: str, said: Mapping[str, str]) -> None:
    """Remember what a configuration says of these things; no replica hears of it."""
    if not said:
        return
    await forget_applied(session, kind, said)
    rows = [{"kind": kind, "name": name, "said": text} for name, text in said.items()]
    await session.execute(insert(TABLES["cucmsim_applied"]), rows)


async def forget_applied(session: Session, kind: str, names: Collection[str]) -> None:
    """Forget what a configuration said of these things."""
    if not names:
        return
    source = TABLES["cucmsim_applied"]
    one = (source.c.kind == bindparam("of_kind")) & (source.c.name == bindparam("of_name"))
    keys = [{"of_kind": kind, "of_name": name} for name in names]
    await session.execute(delete(source).where(one), keys)
