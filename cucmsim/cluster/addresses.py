"""Loopback addresses: does this machine have those of a description, and what if not.

Linux answers on all of 127.0.0.0/8; macOS has 127.0.0.1 only, where a lab of several nodes shares
it with other ports (config/lab-single-address.toml, or `with_single_address`).
"""

import errno
import ipaddress
import socket
from collections.abc import Callable
from dataclasses import replace

from cucmsim.cluster.checks import check_nodes
from cucmsim.cluster.problems import Findings, show
from cucmsim.cluster.settings import Settings
from cucmsim.errors import Problem, SettingsError

__all__ = ["has_address", "missing_addresses", "with_single_address"]

_SPACING = 1000
_EXPECTED = (
    "an address of this machine (config/lab-single-address.toml uses 127.0.0.1 only; "
    "macOS: sudo ifconfig lo0 alias ADDRESS)"
)


def has_address(address: str) -> bool:
    """Tell whether a socket of this machine can be bound to `address`."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError as error:
            return error.errno != errno.EADDRNOTAVAIL
    return True


def missing_addresses(
    settings: Settings, has: Callable[[str], bool] = has_address
) -> tuple[Problem, ...]:
    """Return a problem for each loopback address that a node listens on and the machine lacks."""
    findings = Findings(str(settings.path))
    for index, node in enumerate(settings.nodes):
        if ipaddress.ip_address(node.bind).is_loopback and not has(node.bind):
            findings.add(("nodes", index, "address"), show(node.bind), _EXPECTED)
    return tuple(findings.problems)


def with_single_address(settings: Settings, address: str = "127.0.0.1") -> Settings:
    """Return the same cluster with every node on `address`, each 1000 ports above the last.

    Raises:
        SettingsError: ports do not fit, or meet all the same.

    """
    nodes = tuple(
        node.model_copy(
            update={
                "address": address,
                "bind": address,
                "ports": node.ports.model_copy(update={"offset": index * _SPACING}).shifted(),
            }
        )
        for index, node in enumerate(settings.nodes)
    )
    findings = Findings(str(settings.path))
    check_nodes(list(enumerate(nodes)), [node.role for node in nodes], findings)
    if findings.problems:
        raise SettingsError(tuple(findings.problems))
    return replace(settings, nodes=nodes)
