"""`cucmsim phone boot|show|erase`: a phone that boots from a cluster, ours or a real one.

`boot` prints the console log as it goes and ends with what the phone holds, what it accepted and
how, and where it is registered. Exit status: 0 accepted and registered, 1 refused, 69 no server
answers.
"""

import asyncio
import json
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from cucmsim.cli import phonedirectory, phoneerase
from cucmsim.cli.hosts import HostOption, hint_unknown, names_of
from cucmsim.cli.linkoptions import TlsOption, link_options
from cucmsim.cli.loop import stopping
from cucmsim.cli.phonedhcp import (
    DhcpOption,
    mac_of,
    saying_what_is_missing,
    silence_of,
    with_servers,
)
from cucmsim.cli.phonereport import boot_lines, flash_lines, flash_report, has_configuration
from cucmsim.clock import SystemClock
from cucmsim.entropy import SystemEntropy
from cucmsim.errors import CommandError, UnreachableError
from cucmsim.formats.models import PHONE_MODELS
from cucmsim.phone.device import Phone, PhoneOptions
from cucmsim.phone.factory import make_mic
from cucmsim.phone.flash import Flash
from cucmsim.phone.flashdir import FlashDirectory
from cucmsim.phone.performer import FileServer, Network
from cucmsim.phone.registrar import PhoneRegistrar
from cucmsim.phone.summary import BootSummary, summarise
from cucmsim.phone.values import Generation, PhoneIdentity, Transport
from cucmsim.phone.web import PhoneWeb

__all__ = ["BootPlan", "register", "run_phone"]

_USAGE = 2
_TIMEOUT_S = 10.0
_LOCALHOST = "127.0.0.1"
_TRANSPORTS = {
    "auto": tuple(Transport),
    "tftp": (Transport.TFTP,),
    "http": (Transport.HTTP, Transport.HTTPS),
}
_SEPARATORS = re.compile(r"[:.-]")

_Tftp = Annotated[
    list[str] | None,
    typer.Option("--tftp", metavar="HOST[:PORT]", help="A TFTP server; once more: the next one."),
]
_Mac = Annotated[
    str | None,
    typer.Option("--mac", help="Its MAC address: twelve hex digits; with --dhcp, the interface's."),
]
_Model = Annotated[str, typer.Option("--model", help=f"One of {', '.join(PHONE_MODELS)}.")]
_FlashOption = Annotated[
    Path | None,
    typer.Option("--flash", metavar="DIR", help="Where it keeps its flash; left out: nowhere."),
]
_TransportOption = Annotated[
    str, typer.Option("--transport", help=f"What files come over: {', '.join(_TRANSPORTS)}.")
]
_AuthString = Annotated[
    str | None, typer.Option("--auth-string", help="The authentication string typed for CAPF.")
]
_Keep = Annotated[
    bool, typer.Option("--keep", help="Stay on after the boot and obey resets, until ctrl-C.")
]
_Web = Annotated[
    int | None,
    typer.Option(
        "--web",
        metavar="PORT",
        min=0,
        max=65535,
        help="With --keep: serve its web pages; 0 takes any port that is free.",
    ),
]
_WebAddress = Annotated[
    str, typer.Option("--web-address", metavar="ADDRESS", help="With --web: where to serve them.")
]
_HttpPort = Annotated[int, typer.Option("--http-port", min=1, max=65535, help="Of the servers.")]
_HttpsPort = Annotated[int, typer.Option("--https-port", min=1, max=65535, help="Of the servers.")]
_Directory = Annotated[Path, typer.Argument(metavar="FLASH_DIR", help="A phone's flash.")]
_Json = Annotated[bool, typer.Option("--json", help="Say it as JSON.")]


@dataclass(frozen=True, slots=True)
class BootPlan:
    """What `phone boot` was told; `web` is the port of its pages, None: no pages."""

    identity: PhoneIdentity
    network: Network
    options: PhoneOptions
    flash: Path | None = None
    keep: bool = False
    web: int | None = None
    web_address: str = _LOCALHOST


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    phone = typer.Typer(name="phone", help="Be a phone.", no_args_is_help=True)
    phone.command("boot")(_boot)
    phone.command("show")(_show)
    phoneerase.register(phone)
    phonedirectory.register(phone)
    app.add_typer(phone)


def _boot(  # noqa: PLR0913 - each parameter is an option
    *,
    tftp: _Tftp = None,
    dhcp: DhcpOption = None,
    mac: _Mac = None,
    model: _Model = "8861",
    flash: _FlashOption = None,
    transport: _TransportOption = "auto",
    auth_string: _AuthString = None,
    host: HostOption = None,
    keep: _Keep = False,
    web: _Web = None,
    web_address: _WebAddress = _LOCALHOST,
    tls: TlsOption = None,
    http_port: _HttpPort = 6970,
    https_port: _HttpsPort = 6971,
) -> None:
    """Boot a phone and print its console log."""
    identity = _identity(mac_of(mac, dhcp), model)
    network = Network(
        names=names_of(host),
        link=link_options(tls, None, _TIMEOUT_S),
        ports=FileServer("", http_port=http_port, https_port=https_port),
    )
    if web is not None and not keep:
        raise CommandError("--web needs --keep: without it the phone is gone when it has booted", 2)
    plan = BootPlan(
        identity,
        with_servers(network, tftp or [], dhcp, identity),
        PhoneOptions(
            authentication_string=auth_string, transports=_transports(transport, identity)
        ),
        flash,
        keep,
        web,
        web_address,
    )
    with saying_what_is_missing():
        summary = asyncio.run(_until_stopped(plan))
    _conclude(plan, summary)


def _show(directory: _Directory, *, as_json: _Json = False) -> None:
    """Show what a flash directory holds."""
    report = flash_report(_load(directory))
    if as_json:
        typer.echo(json.dumps(asdict(report), indent=2, default=str))
        return
    typer.echo(f"{directory}")
    for line in flash_lines(report):
        typer.echo(line)


async def run_phone(plan: BootPlan, stop: asyncio.Event) -> BootSummary:
    """Boot and print, stay until `stop` with --keep, unregister.

    Returns what the last boot led to.
    """
    options = plan.options
    keeper = None if plan.flash is None else FlashDirectory(plan.flash)
    if keeper is None or (await asyncio.to_thread(keeper.load)).mic is None:
        entropy, now = SystemEntropy(), SystemClock().now()
        mic = await asyncio.to_thread(make_mic, plan.identity, entropy, now)
        options = replace(options, mic=mic)
    phone = Phone(
        plan.identity,
        plan.network,
        keeper=keeper,
        options=options,
        registrar=PhoneRegistrar(plan.identity, plan.network.link),
        on_line=typer.echo,
    )
    try:
        phone.browser.on_screen = phonedirectory.print_screen
        await phone.start()
        summary = await _boot_unless_stopped(phone, stop)
        _print(phone, summary)
        hint_unknown(plan.network.names)
        if plan.keep:
            summary = await _keep(phone, plan, summary, stop)
        return summary
    finally:
        await phone.close()


async def _boot_unless_stopped(phone: Phone, stop: asyncio.Event) -> BootSummary:
    """Boot; a boot that is told to stop, such as one that waits for DHCP, led to nothing."""
    boot, stopped = asyncio.create_task(phone.boot()), asyncio.create_task(_wait(stop))
    try:
        await asyncio.wait((boot, stopped), return_when=asyncio.FIRST_COMPLETED)
        return boot.result() if boot.done() else summarise(())
    finally:
        boot.cancel()
        stopped.cancel()
        await asyncio.wait((boot, stopped))


async def _keep(
    phone: Phone, plan: BootPlan, first: BootSummary, stop: asyncio.Event
) -> BootSummary:
    """Stay until told to stop; return what the last boot led to."""
    summaries = [first]

    def on_boot(summary: BootSummary) -> None:
        summaries.append(summary)
        _print(phone, summary)

    web = None if plan.web is None else PhoneWeb(phone.face, plan.web_address, plan.web)
    if web is not None:
        await web.start()
        host = f"[{plan.web_address}]" if ":" in plan.web_address else plan.web_address
        typer.echo(f"Pages: http://{host}:{web.port}/")
    tasks = [asyncio.create_task(phone.stay(on_boot, first)), asyncio.create_task(_wait(stop))]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        return summaries[-1]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        if web is not None:
            await web.stop()


async def _wait(stop: asyncio.Event) -> None:
    await stop.wait()


async def _until_stopped(plan: BootPlan) -> BootSummary:
    """Run the phone; with --keep until ctrl-C or SIGTERM."""
    stop = asyncio.Event()
    with stopping(stop, wanted=plan.keep):
        return await run_phone(plan, stop)


def _print(phone: Phone, summary: BootSummary) -> None:
    """Print what the phone holds and what the boot led to."""
    typer.echo(f"{phone.identity.name} (Cisco {phone.identity.model})")
    for line in (*flash_lines(flash_report(phone.flash)), *boot_lines(summary)):
        typer.echo(line)


def _conclude(plan: BootPlan, summary: BootSummary) -> None:
    """End with the right exit status. Raises CommandError (1), UnreachableError (69)."""
    name = plan.identity.name
    if summary.refused:
        refused = ", ".join(f"{each.name} ({each.reason})" for each in summary.refused)
        raise CommandError(f"{name}: refused {refused}")
    if not summary.was_answered:
        raise UnreachableError(f"{name}: {silence_of(plan.network)}")
    if not has_configuration(summary) and summary.goes_on_after:
        kept = "it goes on with the configuration it held"
        raise CommandError(f"{name}: no new configuration ({summary.goes_on_after}), {kept}")
    if not has_configuration(summary):
        raise CommandError(f"{name}: no configuration that it could use")
    if summary.registered is None and summary.is_unreachable:
        raise UnreachableError(f"{name}: no CallManager answers: {summary.failure}")
    if summary.registered is None:
        raise CommandError(f"{name}: not registered: {summary.failure}")


def _identity(mac: str, model: str) -> PhoneIdentity:
    """Return the phone; a MAC address may have separators. Raises CommandError (2)."""
    try:
        return PhoneIdentity(_SEPARATORS.sub("", mac).upper().removeprefix("SEP"), model)
    except ValueError as error:
        raise CommandError(str(error), _USAGE) from None


def _transports(name: str, identity: PhoneIdentity) -> tuple[Transport, ...]:
    if name not in _TRANSPORTS:
        raise CommandError(f"--transport {name}: expected one of {', '.join(_TRANSPORTS)}", _USAGE)
    if name == "http" and identity.generation is Generation.SERIES_79XX:
        raise CommandError(f"--transport http: a {identity.model} knows TFTP only", _USAGE)
    return _TRANSPORTS[name]


def _load(directory: Path) -> Flash:
    """Return what a flash directory holds. Raises CommandError (2), FlashError."""
    if not directory.is_dir():
        raise CommandError(f"{directory}: no such directory", _USAGE)
    return FlashDirectory(directory).load()
