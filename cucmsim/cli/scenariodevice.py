"""What `cucmsim scenario run` is played with where that is not ours: `--device` and `--against`."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import httpx
import typer

from cucmsim.cli.client import clients_of
from cucmsim.cli.options import settings_for
from cucmsim.cli.scenariochoice import phone_of
from cucmsim.cli.scenariooptions import DEVICE_LIMIT_S, LIMIT_S
from cucmsim.cluster.values import parse_mac
from cucmsim.errors import CommandError
from cucmsim.phone.values import PhoneIdentity
from cucmsim.scenarios.against import RunningClusters
from cucmsim.scenarios.devicehook import CommandHook, DeviceHook, PromptHook
from cucmsim.scenarios.devicephone import DevicePhone, Patience
from cucmsim.scenarios.narrative import Tell
from cucmsim.scenarios.runner import Order
from cucmsim.scenarios.seeding import real_surroundings
from cucmsim.scenarios.stage import MakePhone
from cucmsim.scenarios.stagephone import Clusters
from cucmsim.testing.shape import NEW_PHONE

__all__ = [
    "AgainstOption",
    "BindOption",
    "DeviceOption",
    "HookOption",
    "MacOption",
    "ModelOption",
    "PatienceOption",
    "Played",
    "QuietOption",
    "TokenOption",
    "limited",
    "played_with",
]

_USAGE: Final = 2
_BOOTS: Final = 8
"""So often may the patience with a device be used up in a run that has no limit of its own."""

_PROMPT: Final = "prompt"
_DEVICE: Final = "A device under test"
_FORMS: Final = (
    "http://HOST:PORT of a management API (with --token), the socket of one (NAME.sock in the data"
    " directory), or a cluster description (NAME.toml)"
)

DeviceOption = Annotated[
    str,
    typer.Option(
        "--device",
        metavar=_PROMPT,
        help="Test a real phone or firmware; a person at the terminal is asked to reset it.",
        rich_help_panel=_DEVICE,
    ),
]
HookOption = Annotated[
    str,
    typer.Option(
        "--device-hook",
        metavar="CMD",
        help="Test a real phone or firmware; this command is called to reset it.",
        rich_help_panel=_DEVICE,
    ),
]
MacOption = Annotated[str, typer.Option("--mac", help="Its MAC address.", rich_help_panel=_DEVICE)]
ModelOption = Annotated[
    str, typer.Option("--model", help="Its model, such as 8861.", rich_help_panel=_DEVICE)
]
BindOption = Annotated[
    list[str] | None,
    typer.Option(
        "--bind",
        metavar="ADDRESS",
        help="The address of a node, TFTP on 69; again for the next node.",
        rich_help_panel=_DEVICE,
    ),
]
QuietOption = Annotated[
    float,
    typer.Option(
        "--quiet-s",
        min=0.1,
        help="A device that does nothing for so long has ended what it did.",
        rich_help_panel=_DEVICE,
    ),
]
PatienceOption = Annotated[
    float,
    typer.Option(
        "--patience-s",
        min=0.1,
        help="How long a device may take before it does anything.",
        rich_help_panel=_DEVICE,
    ),
]
AgainstOption = Annotated[
    list[str] | None,
    typer.Option(
        "--against",
        metavar="URL|SOCKET|CONFIG",
        help="Play on a cluster that runs already; again for its other processes, if each has"
        " one node, and for the second of two clusters.",
    ),
]
TokenOption = Annotated[
    str,
    typer.Option("--token", envvar="CUCMSIM_TOKEN", help="With --against URL: the API's token."),
]


@dataclass(frozen=True, slots=True)
class Played:
    """What somebody gave: nothing, a device, running clusters, or both."""

    device: str = ""
    hook: str = ""
    mac: str = ""
    model: str = ""
    bind: tuple[str, ...] = ()
    patience: Patience = field(default_factory=Patience)
    against: tuple[str, ...] = ()
    token: str = ""

    @property
    def has_device(self) -> bool:
        """Whether somebody's own device is tested."""
        return bool(self.device or self.hook)


def limited(orders: Sequence[Order], limit_s: float | None, played: Played) -> list[Order]:
    """Return the orders with a limit, which a device has to have more of than of patience.

    Raises CommandError.
    """
    if not played.has_device:
        return [replace(one, limit_s=limit_s or LIMIT_S) for one in orders]
    patience_s = played.patience.begin_s
    if limit_s is not None and limit_s <= patience_s:
        raise CommandError(
            f"found --limit-s {limit_s:g}, expected more than --patience-s, {patience_s:g}", _USAGE
        )
    usual = max(DEVICE_LIMIT_S, _BOOTS * patience_s)
    return [replace(one, limit_s=limit_s or usual) for one in orders]


def played_with(orders: Sequence[Order], played: Played) -> list[Order]:
    """Return the orders with a device or running clusters in them. Raises CommandError."""
    _check(played)
    if not played.has_device and not played.against:
        return [*orders]
    ends = tuple(end for given in played.against for end in _ends_of(given))
    around = partial(real_surroundings, played.bind)
    changed = []
    for order in orders:
        one = replace(order, around=around, has_real_keys=played.has_device)
        if ends:
            one = replace(one, opens=RunningClusters(ends, played.token).open)
        if played.has_device and order.scenario.phones:
            one = replace(one, device=_maker(played), identity=_identity(played))
        changed.append(one)
    return changed


def _check(played: Played) -> None:
    """Refuse what means nothing. Raises CommandError."""
    if played.device not in ("", _PROMPT):
        raise CommandError(
            f"found --device {played.device!r}, expected {_PROMPT}, or --device-hook CMD", _USAGE
        )
    if played.device and played.hook:
        raise CommandError("found --device and --device-hook, expected one of them", _USAGE)
    for option in ("mac", "model", "bind"):
        if getattr(played, option) and not played.has_device:
            raise CommandError(f"--{option} needs --device or --device-hook", _USAGE)
    if played.has_device and not played.mac and not played.hook:
        raise CommandError("--device needs --mac, the MAC address of the phone", _USAGE)
    if played.bind and played.against:
        raise CommandError("found --bind and --against, expected one of them", _USAGE)
    for address in played.bind:
        try:
            ipaddress.ip_address(address)
        except ValueError:
            raise CommandError(f"found --bind {address!r}, expected an IP address", 2) from None


def _maker(played: Played) -> MakePhone:
    """Return what makes the phone under test of a run."""

    def make(identity: PhoneIdentity, clusters: Clusters, tell: Tell) -> DevicePhone:
        hook: DeviceHook = CommandHook(played.hook) if played.hook else PromptHook()
        return DevicePhone(identity, clusters, hook, played.patience, tell)

    return make


def _identity(played: Played) -> PhoneIdentity:
    model = phone_of(played.model or NEW_PHONE.model).model
    try:
        return PhoneIdentity(parse_mac(played.mac) if played.mac else NEW_PHONE.mac, model)
    except ValueError:
        raise CommandError(
            f"found --mac {played.mac!r}, expected twelve hexadecimal digits", _USAGE
        ) from None


def _ends_of(given: str) -> list[str]:
    """Return where a cluster is reached: of a description, the sockets of its processes.

    Raises CommandError for what is none of the forms, SettingsError, UnreachableError.
    """
    if given.endswith(".toml"):
        clients = clients_of(settings_for(Path(given), None))
        answering = [str(one.path) for one in clients if one.answers()]
        return answering or [str(clients[0].path)]
    if _is_url(given) or given.endswith(".sock") or Path(given).is_socket():
        return [given]
    raise CommandError(f"found --against {given!r}, expected {_FORMS}", _USAGE)


def _is_url(given: str) -> bool:
    """Tell whether it is the URL of an API."""
    try:
        url = httpx.URL(given)
    except httpx.InvalidURL:
        return False
    return url.scheme in ("http", "https") and url.host != ""
