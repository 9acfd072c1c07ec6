"""The servers of a fleet: those of its cluster's description, or those that option 150 says.

Phones that may be sent to another cluster have to find its nodes by name, and theirs when they are
sent away and refuse to go: `--also` gives the description of each other cluster.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from cucmsim.cli.options import settings_for
from cucmsim.cluster.ports import ServiceName
from cucmsim.cluster.settings import NodeSettings, Settings
from cucmsim.errors import CommandError, UnreachableError
from cucmsim.formats.trustlist import ITL_FILENAME
from cucmsim.phone.dhcp import DhcpAnswer
from cucmsim.phone.dhcpevents import ServerSource
from cucmsim.phone.names import Names
from cucmsim.phone.optionfile import OptionFile, OptionFileError
from cucmsim.phone.performer import FileServer, Network
from cucmsim.phone.steps import FetchFailure, NotFetched
from cucmsim.phone.tftp import TftpPatience, fetch_tftp

__all__ = ["AlsoOption", "FleetServers", "OptionFileOption", "fleet_servers"]

_USAGE: Final = 2
_SERVERS: Final = 2  # a phone holds TFTP server 1 and 2
_PROBE: Final = TftpPatience(timeout_s=0.5, retransmissions=3)
_ITL_LIMIT: Final = 65_536
_SILENCES: Final = (FetchFailure.TIMEOUT, FetchFailure.UNREACHABLE)

AlsoOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--also",
        metavar="CONFIG",
        help="Another cluster that the phones may be sent to, or come from; repeat.",
    ),
]
OptionFileOption = Annotated[
    Path | None,
    typer.Option(
        "--option-150",
        metavar="FILE",
        help="At each boot, take the TFTP servers from FILE, an address a line, as from DHCP;"
        " else those of CONFIG.",
    ),
]


@dataclass(frozen=True, slots=True)
class FleetServers:
    """Where the phones of `settings` boot from, among its nodes and those of other clusters."""

    settings: Settings
    others: tuple[Settings, ...] = ()
    option: OptionFile | None = None

    def network(self) -> Network:
        """Return how the phones reach their servers. Raises CommandError (2)."""
        own = _servers_of(self.settings)
        names = Names(_table((self.settings, *self.others)))
        if self.option is None:
            return Network(own[:_SERVERS], names)
        reach = (*own, *(one for other in self.others for one in _servers_of(other)))
        return Network(names=names, finder=self.option, ports=own[0], reach=reach)

    async def knock(self) -> None:
        """Make sure that a TFTP server answers before a whole fleet waits.

        Raises UnreachableError; CommandError (2) where the file of option 150 names none.
        """
        for server in self._named():
            found = await fetch_tftp(
                (server.host, server.tftp_port), ITL_FILENAME, _ITL_LIMIT, _PROBE
            )
            if not isinstance(found, NotFetched) or found.failure not in _SILENCES:
                return
        raise self.unreachable()

    def unreachable(self) -> UnreachableError:
        """Return the error that says who did not answer."""
        servers = ", ".join(f"{one.host}:{one.tftp_port}" for one in self._named())
        if self.option is not None:
            return UnreachableError(f"no TFTP server of {self.option.path} answers ({servers})")
        return UnreachableError(
            f"no TFTP server of {self.settings.cluster.id} answers ({servers});"
            f" `cucmsim run {self.settings.path}` starts it"
        )

    def _named(self) -> Sequence[FileServer]:
        """Return the servers that a phone which boots now is told. Raises CommandError (2)."""
        network = self.network()
        if self.option is None:
            return network.servers
        try:
            return network.as_told(DhcpAnswer(self.option.read(), ServerSource.OPTION_150)).servers
        except OptionFileError as error:
            raise CommandError(f"--option-150 {error}", _USAGE) from None


def fleet_servers(
    settings: Settings, also: Iterable[Path] | None, option: Path | None
) -> FleetServers:
    """Return the servers that the options of a command mean."""
    others = tuple(settings_for(path, None) for path in also or ())
    return FleetServers(settings, others, None if option is None else OptionFile(option))


def _servers_of(settings: Settings) -> tuple[FileServer, ...]:
    """Return the TFTP servers of a cluster. Raises CommandError (2) for none."""
    nodes = [node for node in settings.nodes if ServiceName.TFTP in node.services]
    if not nodes:
        raise CommandError(f"{settings.path}: no node runs TFTP", _USAGE)
    return tuple(map(_server_of, nodes))


def _server_of(node: NodeSettings) -> FileServer:
    ports = node.ports
    return FileServer(node.address, ports.tftp[0], http_port=ports.http, https_port=ports.https)


def _table(clusters: Iterable[Settings]) -> dict[str, str]:
    """Return the addresses by name. Raises CommandError (2) where two clusters share a name."""
    table: dict[str, str] = {}
    for settings in clusters:
        own = {
            name.lower(): node.address
            for node in settings.nodes
            for name in (node.name, node.host, node.fqdn)
        }
        for name in sorted(own.keys() & table.keys()):
            if own[name] != table[name]:
                raise CommandError(
                    f"--also {settings.path}: found a node {name} at {own[name]} where another"
                    f" cluster has one at {table[name]}; phones find nodes by name",
                    _USAGE,
                )
        table |= own
    return table
