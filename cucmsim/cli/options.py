"""What several commands take: the configuration, and another data directory for it."""

import os
from pathlib import Path
from typing import Annotated

import typer

from cucmsim.cluster.addresses import missing_addresses, with_single_address
from cucmsim.cluster.loading import load_settings
from cucmsim.cluster.settings import Settings
from cucmsim.cluster.values import parse_mac
from cucmsim.errors import CommandError

__all__ = ["ConfigArgument", "DataOption", "device_name", "settings_for"]

ConfigArgument = Annotated[
    Path, typer.Argument(metavar="CONFIG", help="The cluster's description (TOML).")
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Keep the cluster in DIR, its certificates in DIR/certs, not where CONFIG says.",
    ),
]

_DATA = "CUCMSIM_CLUSTER__DATA_DIRECTORY"
_CERTS = "CUCMSIM_CLUSTER__CERTS_DIRECTORY"


def settings_for(config: Path, data: Path | None) -> Settings:
    """Load `config`; `data` takes the place of its directories. Raises SettingsError."""
    environ = dict(os.environ)
    if data is not None:
        environ[_DATA] = str(data.absolute())
        environ[_CERTS] = str(data.absolute() / "certs")
    settings = load_settings(config, environ)
    if missing_addresses(settings):
        # macOS has 127.0.0.1 only: the same cluster there, told apart by ports
        return with_single_address(settings)
    return settings


def device_name(device: str) -> str:
    """Return the device name of what a person gave. Raises CommandError for no MAC address."""
    try:
        return f"SEP{parse_mac(device)}"
    except ValueError:
        raise CommandError(
            f"found device {device!r}, expected SEP and 12 hexadecimal digits", 2
        ) from None
