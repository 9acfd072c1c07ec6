"""The file as a whole: every section, and the kind of each. What the sections hold is elsewhere.

Sections are read one by one (`loading.py`), so that each problem is found; this model gives the
whole a schema, from which unknown names, the environment's names and the reference are derived.
"""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, WithJsonSchema

from cucmsim.cluster.faultmodel import fault_schema
from cucmsim.cluster.limits import LimitSettings
from cucmsim.cluster.phoneentry import PhoneEntry
from cucmsim.cluster.settings import (
    CertificatesSettings,
    ClusterSettings,
    GroupEntry,
    ManagementSettings,
    NodeSettings,
    PoolEntry,
    SecurityProfile,
    TftpFileEntry,
    TftpSettings,
    TrustCertificateEntry,
)
from cucmsim.cluster.values import TableModel
from cucmsim.services.parameters import ENTERPRISE_PARAMETERS, SERVICE_PARAMETERS, Parameter

__all__ = ["FileModel"]


def _schema(parameters: Mapping[str, Parameter]) -> dict[str, object]:
    """Return the schema of a table of parameters."""
    properties = {
        name: {
            "type": _kind(parameter),
            "expected": parameter.expected,
            "description": parameter.display,
            "default": _default(parameter),
        }
        for name, parameter in parameters.items()
    }
    return {"type": "object", "properties": properties}


def _kind(parameter: Parameter) -> str:
    """Return the kind of value that the file has for a parameter."""
    if parameter.is_flag:
        return "boolean"
    return "string" if parameter.low is None else "integer"


def _default(parameter: Parameter) -> str | bool | int:
    """Return the default of a parameter as the file would have it."""
    if parameter.is_flag:
        return parameter.default == "T"
    return parameter.default if parameter.low is None else int(parameter.default)


_SERVICES: dict[str, object] = {
    "type": "object",
    "properties": {service: _schema(known) for service, known in SERVICE_PARAMETERS.items()},
}


class FileModel(TableModel):
    """A cluster description, section by section."""

    cluster: ClusterSettings = Field(description="What holds for the whole cluster")
    nodes: tuple[NodeSettings, ...] = Field(description="The servers: a publisher, subscribers")
    callmanager_groups: tuple[GroupEntry, ...] = Field(
        (), description="Default: one group `Default` of the first three nodes"
    )
    device_pools: tuple[PoolEntry, ...] = Field(
        (), description="Default: one pool `Default` with the first group"
    )
    security_profiles: tuple[SecurityProfile, ...] = Field(
        (), description="Besides CUCM's own, such as `Cisco 8861 - Standard SIP Non-Secure Profile`"
    )
    phones: tuple[PhoneEntry, ...] = Field((), description="Single phones, ranges and CSV files")
    enterprise_parameters: Annotated[
        dict[str, object], WithJsonSchema(_schema(ENTERPRISE_PARAMETERS))
    ] = Field({}, description="Enterprise parameters")
    service_parameters: Annotated[dict[str, object], WithJsonSchema(_SERVICES)] = Field(
        {}, description="Service parameters, by service, for all nodes"
    )
    certificates: CertificatesSettings = Field(
        CertificatesSettings(), description="Subject fields; a table for each unit"
    )
    tftp: TftpSettings = Field(TftpSettings(), description="The TFTP service of every node")
    tftp_files: tuple[TftpFileEntry, ...] = Field((), description="Static files of TFTP")
    trust_certificates: tuple[TrustCertificateEntry, ...] = Field(
        (), description="Certificates for trust stores, besides those of the nodes"
    )
    faults: Annotated[tuple[dict[str, object], ...], WithJsonSchema(fault_schema())] = Field(
        (), description="What goes wrong from the start; `docs/faults.md` has the kinds"
    )
    management: ManagementSettings = Field(
        ManagementSettings(), description="The management API over TCP"
    )
    limits: LimitSettings = Field(LimitSettings(), description="Time-outs and most at once")
