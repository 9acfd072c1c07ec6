"""`utils service`: list, start, stop, restart, activate, deactivate. Source: cucm.md 1.7.

The lines of list and restart are those of real servers, the others are made after them. What has a
counterpart here is really stopped and started; the rest are stand-ins. The status lines end in two
blanks, and the last state comes twice.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from cucmsim.errors import RefusedError, StartError
from cucmsim.services.admin.command import Arguments, Command, Context, Mark, Output, Run, Steps
from cucmsim.services.admin.standins import (
    StandIns,
    keep_stand_ins,
    stand_in_names,
    stand_ins,
)
from cucmsim.services.operations.activation import (
    FEATURE_SERVICES,
    deactivated_parts,
    set_activation,
)
from cucmsim.services.operations.servicecontrol import ServiceAction, parts_of
from cucmsim.store.rows import SERVICE_NAMES

__all__ = ["COMMANDS"]

_NOT_ACTIVATED = "Service Not Activated"
_COMMANDED = "Commanded Out of Service"
_OURS = tuple(SERVICE_NAMES[short] for short in ("callmanager", "tftp", "tvs", "capf", "tomcat"))
_PLATFORM = (
    "Cluster Manager [STARTED]",
    f"Name Service Cache [STOPPED] {_NOT_ACTIVATED}",
    "Entropy Monitoring Daemon [STARTED]",
    "Cisco SCSI Watchdog [STARTED]",
    "Service Manager [STARTED]",
)
_PARTICIPLES = {
    ServiceAction.START: "STARTED",
    ServiceAction.STOP: "STOPPED",
    ServiceAction.RESTART: "RESTARTED",
}


class _Services:
    """The services of the node, ours and stand-ins, by Cisco's names."""

    def __init__(self, context: Context, states: StandIns) -> None:
        self._context = context
        self._states = states
        self._running = {one.name: one.is_started for one in context.operations.services()}
        self._others = stand_in_names(context.release, is_publisher=context.node.is_publisher)

    @property
    def names(self) -> Sequence[str]:
        """All of them, in the order of the list."""
        ours = (name for name in _OURS if name in FEATURE_SERVICES or self.parts(name))
        return sorted((*ours, *self._others))

    def parts(self, name: str) -> tuple[str, ...]:
        """Return the services of ours that make up one; () for a stand-in."""
        return parts_of(name, self._running) if name in _OURS else ()

    def is_stand_in(self, name: str) -> bool:
        """Whether it only has a state."""
        return name in self._others

    def is_feature(self, name: str) -> bool:
        """Whether it can be activated and deactivated."""
        return name in FEATURE_SERVICES or self._states.is_feature(name)

    def is_activated(self, name: str) -> bool:
        """Whether it may run."""
        if self.is_stand_in(name):
            return self._states.is_activated(name)
        parts = self.parts(name)
        return bool(parts) and deactivated_parts(self._context.node).isdisjoint(parts)

    def state(self, name: str) -> str:
        """Return what stands behind the name: the state in brackets, and why it is stopped."""
        if not self.is_activated(name):
            return f"[STOPPED]  {_NOT_ACTIVATED}"
        stopped = name in self._states.stopped
        if not self.is_stand_in(name):
            stopped = not all(self._running[part] for part in self.parts(name))
        return f"[STOPPED]  {_COMMANDED}" if stopped else "[STARTED]  "

    @property
    def ssh(self) -> str:
        """The line of SSH, which is a service of the platform."""
        is_started = self._running.get("ssh", False)
        return "System SSH [STARTED]" if is_started else f"System SSH [STOPPED] {_NOT_ACTIVATED}"

    def named(self, name: str) -> str:
        """Return the service called so. Raises RefusedError."""
        if name not in self.names:
            raise RefusedError(f"Service Manager is running\nInvalid service name: {name}")
        return name


async def _services(context: Context) -> tuple[_Services, StandIns]:
    states = await stand_ins(context)
    return _Services(context, states), states


async def list_services(context: Context, _arguments: Arguments) -> Steps:
    """Show every service and its state."""
    yield "Requesting service status, please wait...\n"
    services, _ = await _services(context)
    yield "".join(f"{line}\n" for line in (services.ssh, *_PLATFORM))
    yield "Service Manager is running\nGetting list of all services\n>> Return code = 0\n"
    for name in services.names:
        yield f"{name}{services.state(name)}".rstrip() + "\n"


def _acting(action: ServiceAction) -> Run:
    """Return the command that starts, stops or restarts a service."""

    async def act(context: Context, arguments: Arguments) -> Steps:
        services, states = await _services(context)
        name = services.named(_unquoted(arguments["service"]))
        done = _PARTICIPLES[action]
        yield (
            f" Don't press Ctrl-c while the service is getting {done}."
            f"If Service has not {done.title()} Properly, execute the same Command Again\n"
        )
        yield "Service Manager is running\n"
        if not services.is_activated(name):
            yield f"{name}[STOPPED]  {_NOT_ACTIVATED}\n"
            yield Mark.FAILED
            return
        async for output in _carry_out(context, services, states, name, action):
            yield output

    return act


async def _carry_out(
    context: Context, services: _Services, states: StandIns, name: str, action: ServiceAction
) -> Steps:
    """Act on a service that may run, and show how it goes."""
    if action is not ServiceAction.START:
        yield _twice(f"{name}[STOPPING]  ")
        await _act(context, services, states, name, ServiceAction.STOP)
    if action is ServiceAction.STOP:
        yield _twice(f"{name}[STOPPED]  {_COMMANDED}")
        return
    yield _twice(f"{name}[STARTING]  ")
    try:
        await _act(context, services, await stand_ins(context), name, ServiceAction.START)
    except StartError as error:
        yield f"{name}[STOPPED]  Component is not running\n{error}\n"
        yield Mark.FAILED
        return
    yield _twice(f"{name}[STARTED]  ")


async def _act(
    context: Context, services: _Services, states: StandIns, name: str, action: ServiceAction
) -> None:
    """Start or stop a service; once begun that is finished, whoever presses Ctrl-C."""
    if services.is_stand_in(name):
        stopped = {*states.stopped} - {name} | ({name} if action is ServiceAction.STOP else set())
        await keep_stand_ins(context, replace(states, stopped=tuple(sorted(stopped))))
        return
    acting = context.operations.act_on_service(context.node_name, name, action)
    await asyncio.shield(asyncio.ensure_future(acting))


def _activating(*, is_activated: bool) -> Run:
    """Return the command that activates a service, or deactivates it."""
    verb = "activated" if is_activated else "deactivated"

    async def act(context: Context, arguments: Arguments) -> Steps:
        services, states = await _services(context)
        name = services.named(_unquoted(arguments["service"]))
        yield "Service Manager is running\n"
        if not services.is_feature(name):
            raise RefusedError(f"{name} is a network service and cannot be {verb}.")
        if not (services.parts(name) or services.is_stand_in(name)):
            raise RefusedError(f"{name} is not installed on this node.")
        if services.is_activated(name) is is_activated:
            yield f"{name} is already {verb}.\n"
            return
        if not is_activated:
            await _act(context, services, states, name, ServiceAction.STOP)
        await _note(context, services, name, is_activated=is_activated)
        if is_activated:
            await _act(context, services, await stand_ins(context), name, ServiceAction.START)
        yield _activation_line(name, is_activated=is_activated)

    return act


async def _note(context: Context, services: _Services, name: str, *, is_activated: bool) -> None:
    if services.is_stand_in(name):
        states = await stand_ins(context)
        activated = {**states.activated, name: is_activated}
        await keep_stand_ins(context, replace(states, activated=activated))
        return
    operator = context.operations.operator()
    await set_activation(operator, context.node_name, name, is_activated=is_activated)


def _activation_line(name: str, *, is_activated: bool) -> Output:
    return f"{name}[STARTED]  \n" if is_activated else f"{name}[STOPPED]  {_NOT_ACTIVATED}\n"


def _twice(line: str) -> str:
    """Return a line as the command polls it."""
    return f"{line}\n{line}\n"


def _unquoted(name: str) -> str:
    return name.strip().strip('"')


COMMANDS = (
    Command.of(
        "utils service list [how:page]",
        list_services,
        description="Shows every service of the node and its state.",
    ),
    *(
        Command.of(
            f"utils service {action} <service...>",
            _acting(action),
            level=1,
            description=f"{action.title()}s a service of the node.",
            example=f"utils service {action} Cisco Tftp",
        )
        for action in ServiceAction
    ),
    Command.of(
        "utils service activate <service...>",
        _activating(is_activated=True),
        level=1,
        during_upgrade=False,
        description="Activates a feature service of the node and starts it.",
        example="utils service activate Cisco Tftp",
    ),
    Command.of(
        "utils service deactivate <service...>",
        _activating(is_activated=False),
        level=1,
        during_upgrade=False,
        description="Stops a feature service of the node and deactivates it.",
        example="utils service deactivate Cisco Tftp",
    ),
)
