"""Taking parts of a lab away, for the tests of faults, and giving them back.

Everything is real: containers are killed and paused, networks disconnected, packets dropped by nft
in a container's own network, a disk filled. `heal` gives back whatever is still away.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.docker.lab import SERVICES, Lab, run, until

__all__ = ["Outages"]

_TOOLS = "cucmsim-saboteur:local"
_FULL = "/database/everything-else"


@dataclass
class Outages:
    """Takes away what belongs to `lab`."""

    lab: Lab
    _away: list[tuple[str, Sequence[str]]] = field(default_factory=list)
    _filtered: set[str] = field(default_factory=set)
    _is_full: bool = False

    def kill(self, service: str) -> None:
        """End every process of a service with signal 9."""
        run(["docker", "kill", "-s", "KILL", self.lab.container(service)])
        until(lambda: self.lab.health(service) == "exited", 10, f"{service} ended")

    def stop(self, service: str) -> None:
        """Stop a service as Compose does."""
        run(["docker", "stop", self.lab.container(service)])

    def start(self, service: str) -> None:
        """Start it again."""
        run(["docker", "start", self.lab.container(service)])

    def pause(self, service: str) -> None:
        """Freeze a service: nothing is closed, nothing answers."""
        run(["docker", "pause", self.lab.container(service)])

    def unpause(self, service: str) -> None:
        """Let it go on."""
        run(["docker", "unpause", self.lab.container(service)])

    def cut(self, service: str, network: str = "") -> None:
        """Pull the cable of a service, out of `network` or out of all that it is on."""
        container = self.lab.container(service)
        shown = run(["docker", "inspect", "-f", "{{json .NetworkSettings.Networks}}", container])
        for name, ends in json.loads(shown.stdout).items():
            if name.endswith(network):
                run(["docker", "network", "disconnect", name, container])
                self._away.append((service, [*_options(ends), name, container]))

    def plug_in(self) -> None:
        """Put every cable back, with the addresses and names as before."""
        while self._away:
            _, arguments = self._away.pop()
            run(["docker", "network", "connect", *arguments])

    def lose(self, container: str, *matches: str) -> None:
        """Lose packets of a container as `matches`, rules of nft, say; in and out.

        A restart of the container ends it: its network is a new one then.
        """
        rules = "\n".join(f"  {match}" for match in matches)
        chains = "\n".join(
            f" chain {hook} {{\n  type filter hook {hook} priority 0\n{rules}\n }}"
            for hook in ("input", "output")
        )
        self._nft(container, f"table inet outage {{\n{chains}\n}}\n")
        self._filtered.add(container)

    def lose_no_more(self) -> None:
        """Let every packet through."""
        while self._filtered:
            self._nft(self._filtered.pop(), "destroy table inet outage\n")

    def _nft(self, container: str, ruleset: str) -> None:
        inside = f"--network=container:{container}"
        begin = ["docker", "run", "-i", "--rm", inside, "--cap-add=NET_ADMIN", _TOOLS]
        run([*begin, "nft", "-f", "-"], given=ruleset)

    def fill_disk(self) -> None:
        """Leave the database no room."""
        self._is_full = True
        fill = f"cat /dev/zero >{_FULL} 2>/dev/null; stat -fc %f /database"
        assert self.lab.exec("saboteur", "sh", "-c", fill).stdout == "0\n"

    def empty_disk(self) -> None:
        """Give it room again."""
        self.lab.exec("saboteur", "rm", "-f", _FULL)
        self._is_full = False

    def heal(self) -> None:
        """Give back whatever is away, and wait until the lab is whole."""
        if self._is_full:
            self.empty_disk()
        self.plug_in()
        self.lose_no_more()
        for service in SERVICES:
            state = self.lab.state(service)["Status"]
            if state == "paused":
                self.unpause(service)
            elif state != "running":
                self.start(service)
        self.lab.wait_healthy()


def _options(ends: dict[str, object]) -> Sequence[str]:
    """Return the options of `docker network connect` that make an end what it was."""
    configured, aliases = ends["IPAMConfig"], ends["Aliases"]
    address = configured.get("IPv4Address") if isinstance(configured, dict) else None
    names = aliases if isinstance(aliases, list) else []
    return [
        *(["--ip", address] if address else []),
        *(word for name in names for word in ("--alias", name)),
    ]
