"""`utils diagnose`: tests of the node, into platform/log/diagN.log.

Source of the layout: the article named in cucm.md 1.7 [S28]. Only those of the tests of a real
server are there that have something to look at here.
"""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from cucmsim.errors import RefusedError
from cucmsim.pki.certificates import load_certificate
from cucmsim.pki.profiles import Unit
from cucmsim.services.admin.command import Arguments, Command, Context, Mark, Steps
from cucmsim.services.admin.commands_network import silent_ports

__all__ = ["COMMANDS"]

_FOLDER = "platform/log"
_MEGABYTE = 1 << 20
_NAMES = 19


class _Failed(Exception):  # noqa: N818 - an outcome, caught where the test was run
    """A test failed; the text says why."""


async def _disk_space(context: Context) -> str:
    held = context.operations.log_directory()
    present = next(path for path in (held, *held.parents) if path.exists())
    usage = await asyncio.to_thread(shutil.disk_usage, present)
    return f"available: {usage.free // _MEGABYTE} MB, used: {usage.used // _MEGABYTE} MB"


async def _tomcat(context: Context) -> str:
    states = {one.name: one.is_started for one in context.operations.services()}
    if not states.get("web", False):
        raise _Failed("Cisco Tomcat is not running")
    return ""


async def _tomcat_keystore(context: Context) -> str:
    held = context.view.replica.own.get((context.node_name, Unit.TOMCAT.value))
    if held is None:
        raise _Failed("there is no tomcat certificate")
    if load_certificate(held.certificate_der).not_valid_after_utc <= context.clock.now():
        raise _Failed("the tomcat certificate has expired")
    return ""


async def _validate_network(context: Context) -> str:
    for node in context.view.replica.nodes.values():
        silent = [] if node.name == context.node_name else await silent_ports(context, node)
        if silent:
            raise _Failed(f"{node.host} does not answer on port {', '.join(map(str, silent))}")
    return ""


async def _database(context: Context) -> str:
    if not context.store.is_connected:
        raise _Failed("the database does not answer")
    return ""


_MODULES: Mapping[str, tuple[str, Callable[[Context], Awaitable[str]]]] = {
    "disk_space": ("Checks the disk space", _disk_space),
    "database": ("Checks that the database answers", _database),
    "tomcat": ("Checks that Tomcat runs", _tomcat),
    "tomcat_keystore": ("Checks the certificate of Tomcat", _tomcat_keystore),
    "validate_network": ("Checks that the other nodes can be reached", _validate_network),
}


async def list_modules(_context: Context, _arguments: Arguments) -> Steps:
    """List the tests."""
    yield "Available diagnostics modules\n\n"
    for name, (text, _) in _MODULES.items():
        yield f"{name:{_NAMES}}- {text}\n"


async def run_all(context: Context, _arguments: Arguments) -> Steps:
    """Run every test."""
    async for text in _run(context, tuple(_MODULES)):
        yield text


async def run_module(context: Context, arguments: Arguments) -> Steps:
    """Run one test."""
    name = arguments["module"]
    if name not in _MODULES:
        raise RefusedError(
            f"Enter valid values for the module. \nSuggested values are {', '.join(_MODULES)}"
        )
    async for text in _run(context, (name,)):
        yield text


async def _run(context: Context, names: Sequence[str]) -> Steps:
    directory = context.operations.log_directory() / "active"
    log = await asyncio.to_thread(_next_log, directory / _FOLDER)
    shown = f"{_FOLDER}/{log.name}"
    yield f"Log file: {shown}\n\nStarting diagnostic test(s)\n===========================\n"
    lines = []
    for name in names:
        lines.append(await _result(context, name))
        yield lines[-1]
        if ": Failed" in lines[-1]:
            yield Mark.FAILED
    await asyncio.to_thread(log.write_text, "".join(lines), encoding="utf-8")
    yield (
        f"\nDiagnostics Completed\n\n The final output will be in Log file: {shown}\n\n"
        f" Please use 'file view activelog {shown}' command to see the output\n"
    )


async def _result(context: Context, name: str) -> str:
    try:
        said = await _MODULES[name][1](context)
    except _Failed as why:
        return f"test - {name:{_NAMES}}: Failed ({why})\n"
    return f"test - {name:{_NAMES}}: Passed{f' ({said})' if said else ''}\n"


def _next_log(folder: Path) -> Path:
    """Return the file of this run: "diag3.log" behind "diag2.log"."""
    folder.mkdir(parents=True, exist_ok=True)
    held = {path.name for path in folder.iterdir()}
    number = next(one for one in range(1, len(held) + 2) if f"diag{one}.log" not in held)
    return folder / f"diag{number}.log"


COMMANDS = (
    Command.of("utils diagnose list", list_modules, description="Lists the diagnostic tests."),
    Command.of("utils diagnose test", run_all, description="Runs every diagnostic test."),
    Command.of(
        "utils diagnose module <module>",
        run_module,
        description="Runs one diagnostic test.",
        example="utils diagnose module validate_network",
    ),
)
