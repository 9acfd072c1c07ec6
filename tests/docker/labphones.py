"""Phones in containers, judged by what they print: what they trust, and where they register."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.docker.lab import run, until

__all__ = ["LabPhone", "name_of"]

_STANDING = re.compile(r"(registered with|lost) (cucm-[a-z0-9]+)")
_ACCEPTED = re.compile(r"^  accepted +(\S+): (.+)$", re.MULTILINE)
_REFUSED = re.compile(r"^  refused +.+$", re.MULTILINE)
_ITL = re.compile(r"^  ITL .* SHA-1 (.+), signed by CN=([^.]+)", re.MULTILINE)
_NAME = re.compile(r"^(SEP[0-9A-F]{12}) \(Cisco ", re.MULTILINE)


def name_of(container: str) -> str:
    """Wait until a phone has booted, and return its device name."""
    _wait(lambda: bool(_NAME.search(_logs(container))), 90, f"phone {container} up")
    return str(_NAME.findall(_logs(container))[0])


def _wait(condition: Callable[[], bool], timeout_s: float, what: str) -> float:
    """Wait; each look starts a program, so there are not many."""
    return until(condition, timeout_s, what, poll_s=0.25)


def _logs(container: str) -> str:
    return run(["docker", "logs", container]).stdout


@dataclass
class LabPhone:
    """A phone in a container; what it said before `mark` is history."""

    container: str
    name: str
    mark: int = 0

    @property
    def printed(self) -> str:
        """What it has said since the mark: console log, and what came of each boot."""
        return self._printed()[self.mark :]

    def _printed(self) -> str:
        return _logs(self.container)

    def look_away(self) -> None:
        """Take everything said so far as history."""
        self.mark = len(self._printed())

    @property
    def registered_with(self) -> str:
        """The node that it says it is registered with, "" when it lost that one."""
        found = _STANDING.findall(self._printed())
        return found[-1][1] if found and found[-1][0] != "lost" else ""

    def wait_registered(self, node: str, timeout_s: float) -> float:
        """Wait until it is registered with a node; return how many seconds that took."""
        return _wait(
            lambda: self.registered_with == node, timeout_s, f"{self.name} registered with {node}"
        )

    def restart(self) -> None:
        """Switch it off and on; it keeps its flash."""
        self.look_away()
        run(["docker", "restart", "-t", "5", self.container])

    def boots(self, node: str, timeout_s: float) -> None:
        """Wait until it has booted since the mark, and registered with a node."""
        wanted = f"registered with {node}"
        _wait(lambda: wanted in self.printed, timeout_s, f"{self.name}: {wanted}")
        _wait(lambda: bool(self.accepted), 10, f"{self.name} says what it accepted")

    @property
    def accepted(self) -> dict[str, str]:
        """What it accepted since the mark, and by what: file to `by CTL, signed by ...`."""
        return dict(_ACCEPTED.findall(self.printed))

    @property
    def refused(self) -> list[str]:
        """What it refused since the mark."""
        return _REFUSED.findall(self.printed)

    @property
    def itl(self) -> tuple[str, str]:
        """SHA-1 of the ITL that it held after its last boot, and the node that signed it."""
        found = _ITL.findall(self._printed())[-1]
        return found[0], found[1]
