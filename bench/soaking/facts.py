"""What a fleet is told at its start, and what it tells: each file whole once, steps as values."""

import base64
import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cucmsim.formats.tvs import QueryAnswer
from cucmsim.phone.steps import (
    AskTvs,
    CapfAnswered,
    Fetch,
    Fetched,
    NotReached,
    Outcome,
    PeerRefused,
    Register,
    Registered,
    RunCapf,
    Step,
    TvsAnswered,
)

__all__ = ["FleetSpec", "PhoneSpec", "Teller", "step_fact"]


@dataclass(frozen=True, slots=True)
class PhoneSpec:
    """A phone: how it is called, what it is, and its TFTP servers as host, TFTP and HTTP port."""

    mac: str
    model: str
    servers: Sequence[tuple[str, int, int]]
    is_lossy: bool


@dataclass(frozen=True, slots=True)
class FleetSpec:
    """The phones, the names of the nodes with their addresses, and where their pages are."""

    seed: int
    hosts: Mapping[str, str]
    web: Mapping[str, int]
    phones: Sequence[PhoneSpec]

    @classmethod
    def load(cls, path: Path) -> "FleetSpec":
        """Read what `soak.py` wrote."""
        told = json.loads(path.read_text(encoding="utf-8"))
        phones = [
            PhoneSpec(one["mac"], one["model"], [tuple(s) for s in one["servers"]], one["is_lossy"])
            for one in told["phones"]
        ]
        return cls(told["seed"], told["hosts"], told["web"], phones)


class Teller:
    """Writes facts; each file whole once."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def tell(self, kind: str, **fact: object) -> None:
        """Write a fact."""
        sys.stdout.write(json.dumps({"kind": kind, **fact}) + "\n")
        sys.stdout.flush()

    def file(self, data: bytes | None) -> str | None:
        """Return the name of a file, which is told now if it was not before."""
        if data is None:
            return None
        name = hashlib.sha256(data).hexdigest()
        if name not in self._told:
            self._told.add(name)
            self.tell("file", sha256=name, data=base64.b64encode(data).decode())
        return name


def step_fact(teller: Teller, at: float, step: Step, outcome: Outcome) -> dict[str, object]:
    """Return what is told of a step that began at a time."""
    fact: dict[str, object] = {"at": at, "said": type(outcome).__name__}
    match step:
        case Fetch():
            data = outcome.data if isinstance(outcome, Fetched) else None
            fact |= {"step": "fetch", "name": step.name, "server": step.server}
            fact |= {"file": teller.file(data), "transport": step.transport}
        case AskTvs():
            fact |= {"step": "tvs", "server": step.server.address, **_tvs_fact(outcome)}
        case RunCapf():
            fact |= {"step": "capf", "server": step.server.address, **_capf_fact(outcome)}
        case Register():
            server = outcome.server if isinstance(outcome, Registered) else ""
            fact |= {"step": "register", "server": server}
            fact |= {"members": [one.process_node_name for one in step.members]}
    if isinstance(outcome, NotReached):
        fact["why"] = outcome.reason
    return fact


def _tvs_fact(outcome: Outcome) -> dict[str, object]:
    if isinstance(outcome, TvsAnswered):
        answer = outcome.answer
        given = answer.certificate_der if isinstance(answer, QueryAnswer) else None
        return {
            "shown": _sha1(outcome.certificate_der),
            "reason": int(answer.reason),
            "given": _sha1(given),
            "roles": list(answer.roles),
        }
    if isinstance(outcome, PeerRefused):
        return {"shown": _sha1(outcome.certificate_der)}
    return {}


def _capf_fact(outcome: Outcome) -> dict[str, object]:
    if not isinstance(outcome, CapfAnswered):
        return {}
    lsc = None if outcome.installed is None else outcome.installed.certificate_der
    return {
        "operation": outcome.operation,
        "succeeded": outcome.succeeded,
        "text": outcome.text,
        "lsc": None if lsc is None else hashlib.sha256(lsc).hexdigest(),
    }


def _sha1(data: bytes | None) -> str:
    return "" if data is None else hashlib.sha1(data).hexdigest()
