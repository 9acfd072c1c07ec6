"""What an administrator of a lab asks and orders, without a program started for each question."""

import json
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.docker.lab import CONFIG, NODES, Lab, run, until

__all__ = ["Adding", "Administrator", "Answer"]

_ASK = (Path(__file__).parent / "ask_node.py").read_text()
Answer = tuple[int, object]
"""Status and body; status 0 when nobody answered."""


@dataclass(frozen=True)
class Adding:
    """Phones that are being added."""

    process: subprocess.Popen[str]
    names: Sequence[str]

    def finish(self) -> tuple[list[str], list[object]]:
        """Wait for the end; return the phones that were added, and what was said of the others."""
        assert self.process.stdout is not None
        with self.process:
            answers = [_answer(line) for line in self.process.stdout]
        pairs = list(zip(self.names, answers, strict=True))
        added = [name for name, (status, _) in pairs if status == 201]
        return added, [body for _, (status, body) in pairs if status != 201]


class Administrator:
    """Asks the nodes of `lab`, and its database."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    def ask(self, service: str, method: str, path: str, body: object = None) -> Answer:
        """Put a question to a node's management API."""
        (answer,) = self._answers(service, [(method, path, body)])
        return answer

    def read(self, service: str, path: str) -> object:
        """Return what a node answers to GET."""
        status, body = self.ask(service, "GET", path)
        assert status == 200, (service, path, status, body)
        return body

    def _answers(self, service: str, questions: Iterable[tuple[str, str, object]]) -> list[Answer]:
        done = run(self._asking(service), given=_lines(questions))
        return [_answer(line) for line in done.stdout.splitlines()]

    def _asking(self, service: str) -> Sequence[str]:
        return ["docker", "exec", "-i", self.lab.container(service), "python", "-c", _ASK]

    def start_adding(self, count: int) -> "Adding":
        """Start to add new phones on the publisher, one after the other."""
        held = self.phones()
        names = [name for number in range(999) if (name := _name(number)) not in held][:count]
        questions = [("POST", "/devices", {"mac": name[3:], "model": "7962"}) for name in names]
        process = subprocess.Popen(
            self._asking("publisher"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stdin is not None
        process.stdin.write(_lines(questions))
        process.stdin.close()
        return Adding(process, names)

    def add(self) -> str:
        """Add a phone on the publisher; return its name."""
        added, refused = self.start_adding(1).finish()
        assert not refused, refused
        return added[0]

    def regenerate(self, service: str, unit: str) -> Answer:
        """Give a node a new certificate, which its services work with at once."""
        wanted = {"node": NODES[service].name, "unit": unit}
        return self.ask(service, "POST", "/operations/regenerate", wanted)

    def version(self, service: str) -> int:
        """Return the version that a node answers from."""
        status = self.read(service, "/status")
        assert isinstance(status, dict)
        name = NODES[service].name
        return int(next(node["version"] for node in status["nodes"] if node["name"] == name))

    def wait_current(self, timeout_s: float = 20) -> None:
        """Wait until every node answers from the newest version."""
        newest = int(self.sql("SELECT version FROM cucmsim_version"))
        for service in NODES:
            self._wait_version(service, newest, timeout_s)

    def _wait_version(self, service: str, version: int, timeout_s: float) -> None:
        what = f"{service} at version {version}"
        until(lambda: self.version(service) == version, timeout_s, what, poll_s=0.25)

    def phones(self) -> set[str]:
        """Return the phones of the database."""
        return set(self.sql("SELECT name FROM device WHERE name LIKE 'SEP%'").split())

    def registered(self, service: str) -> set[str]:
        """Return the phones that are registered with a node."""
        held = self.read(service, "/registrations")
        assert isinstance(held, list)
        return {registration["device"] for registration in held}

    def command(self, service: str, text: str) -> str:
        """Return what a command of a node's command line prints."""
        words = ("cucmsim", "admin", CONFIG, "--node", NODES[service].name, text)
        done = self.lab.exec(service, *words, check=False)
        return done.stdout + done.stderr

    def sql(self, script: str) -> str:
        """Have PostgreSQL do a script; return what it prints, bare."""
        words = ["psql", "-X", "-q", "-A", "-t", "-U", "cucmsim", "-v", "ON_ERROR_STOP=1"]
        return run(
            ["docker", "exec", "-i", self.lab.container("db"), *words], given=script
        ).stdout.strip()


def _lines(questions: Iterable[tuple[str, str, object]]) -> str:
    return "".join(f"{json.dumps(question)}\n" for question in questions)


def _answer(line: str) -> Answer:
    status, body = json.loads(line)
    return int(status), body


def _name(number: int) -> str:
    return f"SEP0011224{number:05X}"
