"""Enterprise and service parameters shown and set while the cluster runs.

As System > Enterprise Parameters and System > Service Parameters of the administration pages do.
Source: cucm.md 2.3.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import structlog

from cucmsim.errors import RefusedError
from cucmsim.services.operations.mixedmode import SECURITY_MODE
from cucmsim.services.operations.operator import Operator, Outcome
from cucmsim.services.operations.restarts import after_parameter
from cucmsim.services.operations.rollback import ROLLBACK_PARAMETER, set_rollback_parameter
from cucmsim.services.parameters import ENTERPRISE_PARAMETERS, SERVICE_PARAMETERS, Parameter
from cucmsim.store.replica import Replica

__all__ = ["ENTERPRISE", "Held", "held_parameters", "known_parameters", "set_parameter"]

ENTERPRISE = "enterprise"
"""What stands for a service where an enterprise parameter is meant."""

_SHOWN = 40
"""How much of a wrong value is shown."""
_MODE = Parameter(SECURITY_MODE, "Cluster Security Mode", "0")
_BY_SERVICE: Mapping[str, Mapping[str, Parameter]] = MappingProxyType(
    {ENTERPRISE: {_MODE.name: _MODE, **ENTERPRISE_PARAMETERS}, **SERVICE_PARAMETERS}
)


@dataclass(frozen=True, slots=True)
class Held:
    """A parameter with its value for the cluster, and those of nodes that have one of their own."""

    service: str
    parameter: Parameter
    value: str
    of_nodes: Mapping[str, str]


def known_parameters() -> Mapping[str, Mapping[str, Parameter]]:
    """Return every parameter by service (`ENTERPRISE` or a short name), then by name."""
    return _BY_SERVICE


def held_parameters(replica: Replica) -> Iterator[Held]:
    """Yield every parameter as the cluster holds it."""
    for service, parameters in _BY_SERVICE.items():
        for name, parameter in parameters.items():
            if service == ENTERPRISE:
                value = replica.enterprise.get(name, parameter.default)
            else:
                value = replica.service_parameters.get(("", service, name), parameter.default)
            own = {
                node: text
                for (node, of, at), text in replica.service_parameters.items()
                if node and (of, at) == (service, name)
            }
            yield Held(service, parameter, value, own)


async def set_parameter(
    operator: Operator, service: str, name: str, value: str, node: str = ""
) -> Outcome:
    """Set a known parameter: for one node, or (empty) the whole cluster.

    A flag is true or false, in any case, or T or F.

    Raises:
        RefusedError: it may not be set here, or may not hold the value.
        StoreError: nothing was changed.

    """
    _check_place(service, name, node, await operator.newest())
    stored = _stored(_BY_SERVICE[service][name], value)
    if (service, name) == (ENTERPRISE, ROLLBACK_PARAMETER):
        return await set_rollback_parameter(operator, prepared=stored == "T")
    async with operator.store.transaction() as transaction:
        if service == ENTERPRISE:
            await transaction.set_enterprise_parameter(name, stored)
        else:
            await transaction.set_service_parameter(service, name, stored, node)
    structlog.get_logger().info(
        "parameter set", service=service, name=name, value=stored, node=node
    )
    await operator.newest()
    return Outcome(("Update Successful",), restarts=after_parameter(name, every_node=not node))


def _check_place(service: str, name: str, node: str, replica: Replica) -> None:
    if name == SECURITY_MODE:
        raise RefusedError(f"{name} is read only: use utils ctl set-cluster")
    if node and service == ENTERPRISE:
        raise RefusedError(f"{name} is an enterprise parameter: it holds for the whole cluster")
    if node and node not in replica.nodes:
        raise RefusedError(f"no node {node!r}; the cluster has: {', '.join(replica.nodes)}")


def _stored(parameter: Parameter, value: str) -> str:
    """Return a value that a person wrote as it is stored. Raises RefusedError."""
    flags = {"true": "T", "t": "T", "false": "F", "f": "F"}
    text = flags.get(value.lower(), value) if parameter.is_flag else value
    try:
        return parameter.store(text)
    except ValueError as error:
        shown = value if len(value) <= _SHOWN else f"{value[:_SHOWN]}..."
        raise RefusedError(
            f"{parameter.name}: found {shown!r}, expected {parameter.expected}"
        ) from error
