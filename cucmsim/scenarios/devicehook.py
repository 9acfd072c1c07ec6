"""How a device under test is made to do something: by asking a person, or by calling a command.

The command is given the action, the device and the addresses as arguments and in its environment:

    CUCMSIM_ACTION   boot, move, press-directories or erase
    CUCMSIM_DEVICE   its device name; CUCMSIM_MAC its MAC address, CUCMSIM_MODEL its model
    CUCMSIM_TFTP     the TFTP servers, HOST:PORT, with spaces between
    CUCMSIM_HTTP     the same servers' HTTP ports, CUCMSIM_HTTPS their HTTPS ports
    CUCMSIM_HOSTS    NAME=ADDRESS of each node, with spaces between: what DNS would say
"""

import asyncio
import os
import shlex
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from cucmsim.errors import CommandError
from cucmsim.phone.values import PhoneIdentity
from cucmsim.testing.reached import ReachedCluster

__all__ = ["Act", "Action", "CommandHook", "DeviceHook", "PromptHook"]

_USAGE: Final = 2
_END_S: Final = 5.0
_LOOK_S: Final = 0.05


class Action(StrEnum):
    """What a device is to do."""

    BOOT = "boot"
    MOVE = "move"
    PRESS_DIRECTORIES = "press-directories"
    ERASE = "erase"


_WORDS: Final[Mapping[Action, str]] = {
    Action.BOOT: "Reset {device} (or switch it off and on)",
    Action.MOVE: "Give {device} these TFTP servers: {tftp}",
    Action.PRESS_DIRECTORIES: "Press the directory button of {device}",
    Action.ERASE: "Erase the trust lists of {device} (security settings)",
}


@dataclass(frozen=True, slots=True)
class Act:
    """An action of a device, and the clusters whose TFTP servers it has."""

    action: Action
    identity: PhoneIdentity
    clusters: Sequence[ReachedCluster] = field(repr=False)

    def servers(self, service: str) -> str:
        """Return where a service of each node is."""
        return " ".join(
            f"{node.address}:{node.services[service]}"
            for cluster in self.clusters
            for node in cluster.nodes.values()
            if service in node.services
        )

    def environment(self) -> dict[str, str]:
        """Return what a command is told."""
        hosts = [pair for cluster in self.clusters for pair in cluster.addresses.items()]
        return {
            "CUCMSIM_ACTION": self.action.value,
            "CUCMSIM_DEVICE": self.identity.name,
            "CUCMSIM_MAC": self.identity.mac,
            "CUCMSIM_MODEL": self.identity.model,
            "CUCMSIM_TFTP": self.servers("tftp"),
            "CUCMSIM_HTTP": self.servers("http"),
            "CUCMSIM_HTTPS": self.servers("https"),
            "CUCMSIM_HOSTS": " ".join(f"{name}={address}" for name, address in hosts),
        }

    def __str__(self) -> str:
        """Say it to a person."""
        return _WORDS[self.action].format(device=self.identity.name, tftp=self.servers("tftp"))


class DeviceHook(Protocol):
    """Makes a device do something."""

    async def do(self, act: Act) -> None:
        """Have it done, or begun. Raises CommandError where that is not possible."""
        ...

    def failure(self) -> str:
        """Say how what was begun has failed; "" where it goes on, or went well."""
        ...

    async def close(self) -> None:
        """End what goes on."""
        ...


class PromptHook:
    """Asks the person at the terminal."""

    async def do(self, act: Act) -> None:
        """Ask, and wait for Enter."""
        print(f">>> {act}, then press Enter: ", end="", file=sys.stderr, flush=True)  # noqa: T201 - a question
        if not await _line():
            raise CommandError(f"nobody answers: {act}", _USAGE)

    def failure(self) -> str:
        """Nothing was begun that could fail."""
        return ""

    async def close(self) -> None:
        """Nothing goes on."""


class CommandHook:
    """Calls a command; one that goes on, such as a phone that stays on, is ended at the end.

    It is the leader of a session of its own, so that what it has started ends with it.
    """

    def __init__(self, command: str) -> None:
        try:
            self._words = shlex.split(command)
        except ValueError as error:
            raise CommandError(f"found --device-hook {command!r}: {error}", _USAGE) from None
        if not self._words:
            raise CommandError("found --device-hook '', expected a command", _USAGE)
        self._command = command
        self._action = Action.BOOT
        self._running: asyncio.subprocess.Process | None = None

    async def do(self, act: Act) -> None:
        """Begin; what ran before is ended first. Raises CommandError for one that fails."""
        await self.close()
        self._action = act.action
        arguments = (act.action.value, act.identity.name, *act.servers("tftp").split())
        try:
            self._running = await asyncio.create_subprocess_exec(
                *self._words,
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                env={**os.environ, **act.environment()},
                start_new_session=True,
            )
        except OSError as error:
            raise CommandError(
                f"cannot run --device-hook {self._words[0]}: {error.strerror}", _USAGE
            ) from error
        if act.action is not Action.BOOT:
            await self._running.wait()
            if self.failure():
                raise CommandError(self.failure())

    def failure(self) -> str:
        """Say with which status it ended, if that is not 0."""
        status = None if self._running is None else self._running.returncode
        if not status:
            return ""
        how = f"with status {status}" if status > 0 else f"by {signal.Signals(-status).name}"
        return f"--device-hook {self._command!r} ended {how} when it was called to {self._action}"

    async def close(self) -> None:
        """End what goes on, with all that it has started: politely, then not."""
        running, self._running = self._running, None
        if running is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(TimeoutError):
                async with asyncio.timeout(_END_S):
                    await _end_group(running.pid, number)
                    await running.wait()
                    return


async def _end_group(group: int, number: signal.Signals) -> None:
    """Send a signal to the processes of a group, and wait until there are none."""
    with suppress(ProcessLookupError):
        os.killpg(group, number)
        while True:
            os.killpg(group, 0)
            await asyncio.sleep(_LOOK_S)


async def _line() -> bool:
    """Wait for a line; False at the end of input.

    A thread reads that nobody waits for at Ctrl-C, as one of the loop's own would be.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[bool] = loop.create_future()

    def tell(answer: str) -> None:
        if not done.done():
            done.set_result(answer != "")

    def read() -> None:
        answer = sys.stdin.readline()
        with suppress(RuntimeError):  # the loop may be gone
            loop.call_soon_threadsafe(tell, answer)

    threading.Thread(target=read, daemon=True).start()
    return await done
