"""Plays a scenario once, and says what came of it.

    result = await run_scenario(order, tell)

Every run follows from a seed (`seeding`). Whatever happens while it is played is part of the
result: a row that fails, a cluster that cannot start, a device that never appears. Only being
cancelled (Ctrl-C) is passed on. Clusters, phones, ports and files of the run are gone when this
returns.
"""

import asyncio
import hashlib
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, AsyncExitStack
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from types import MappingProxyType
from typing import Final

from cucmsim.errors import CommandError, CucmsimError, NotApplicableError, UnreachableError
from cucmsim.phone.values import Generation, PhoneIdentity
from cucmsim.scenarios.model import Scenario
from cucmsim.scenarios.narrative import Check, Result, Tell
from cucmsim.scenarios.seeding import surroundings
from cucmsim.scenarios.stage import Cast, MakePhone, OpenCluster, Record, Stage
from cucmsim.services.capture import Snapshot, digest
from cucmsim.testing.labcluster import Surroundings
from cucmsim.testing.shape import NEW_PHONE, ClusterShape, PhoneShape

__all__ = ["Order", "RunResult", "Verdict", "run_scenario", "shape_for"]

_LIMIT_S: Final = 300.0


SetAround = Callable[[], AbstractContextManager[Surroundings]]


class Verdict(StrEnum):
    """What came of a run."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    NOT_APPLICABLE = "not applicable"
    """It cannot be played with this cluster or phone."""
    NOT_JUDGED = "not judged"
    """It was played, and nothing of what decides it was seen of the device."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be played.

    `identity` None: the scenario's own phone. `parameters` are those given; others have their
    defaults. `limit_s` bounds the whole run. `device` makes the phone under test where it is not
    ours; `opens` gives clusters that are not started here; `around` sets time, chance and place,
    None: as the seed says. `has_real_keys`: the certificates have keys of the release's size, not
    small ones.
    """

    scenario: Scenario
    release: str
    seed: int
    identity: PhoneIdentity | None = None
    parameters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    limit_s: float = _LIMIT_S
    device: MakePhone | None = None
    opens: OpenCluster | None = None
    around: SetAround | None = None
    has_real_keys: bool = False


@dataclass(frozen=True, slots=True)
class RunResult:
    """What came of a run; `reason` says why it did not pass, or how much of it was not seen.

    `captures` is what crossed the wire of each cluster of its own, by name. `seed` is None where
    not everything followed from one.
    """

    scenario: str
    release: str
    phone: str
    model: str
    seed: int | None
    verdict: Verdict
    seconds: float
    checks: tuple[Check, ...] = ()
    reason: str = ""
    parameters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    captures: tuple[tuple[str, Snapshot], ...] = field(default=(), repr=False)
    is_unreachable: bool = False

    @property
    def digest(self) -> str:
        """SHA-256 of all that crossed the wire; "" where not everything followed from a seed."""
        if self.seed is None or not self.captures:
            return ""
        told = hashlib.sha256()
        for name, snapshot in self.captures:
            told.update(f"{name} {digest(snapshot)}\n".encode())
        return told.hexdigest()


async def run_scenario(order: Order, tell: Tell) -> RunResult:
    """Play a scenario; tell what happens on the way."""
    began = time.monotonic()
    return replace(await _result(order, tell), seconds=time.monotonic() - began)


def shape_for(
    shape: ClusterShape, release: str, identity: PhoneIdentity | None
) -> tuple[ClusterShape, PhoneIdentity]:
    """Return the cluster of a release that knows the phone under test, and that phone.

    Another phone takes the place of the shape's own of its generation, with all that is said of it.
    """
    own = _own_phone(shape, identity)
    if identity is None or own is None:
        chosen = identity or (own.identity if own else NEW_PHONE)
        phones = shape.phones if own else (*shape.phones, PhoneShape(chosen))
        return replace(shape, release=release, phones=phones), chosen
    phones = tuple(replace(one, identity=identity) if one is own else one for one in shape.phones)
    return replace(shape, release=release, phones=phones), identity


def _own_phone(shape: ClusterShape, identity: PhoneIdentity | None) -> PhoneShape | None:
    """Return the phone of a shape that is under test, or whose place `identity` takes."""
    if identity is None:
        own = [one for one in shape.phones if one.identity == NEW_PHONE]
        return next(iter([*own, *shape.phones]), None)
    same = [one for one in shape.phones if one.identity.mac == identity.mac]
    is_old = identity.generation is Generation.SERIES_79XX
    alike = [
        one for one in shape.phones if (one.identity.generation is Generation.SERIES_79XX) is is_old
    ]
    return next(iter([*same, *alike]), None)


async def _result(order: Order, tell: Tell) -> RunResult:
    shape, identity = shape_for(order.scenario.shape, order.release, order.identity)
    if order.has_real_keys:
        shape = replace(shape, key=None)
    parameters = {name: one.values[0] for name, one in order.scenario.choices.items()}
    parameters |= order.parameters
    record = Record()
    result = RunResult(
        scenario=order.scenario.name,
        release=order.release,
        phone=identity.name if order.scenario.phones else "",
        model=identity.model if order.scenario.phones else "",
        seed=order.seed if order.around is None else None,
        verdict=Verdict.ERROR,
        seconds=0,
        parameters=parameters,
    )
    cast = Cast(shape, identity, parameters, order.device, order.opens)
    try:
        await _play(order, cast, tell, record)
    except NotApplicableError as needs:
        return replace(result, verdict=Verdict.NOT_APPLICABLE, reason=str(needs))
    except Exception as error:  # noqa: BLE001 - whatever a row does is its verdict
        return replace(
            result,
            checks=tuple(record.checks),
            captures=tuple(record.captures),
            reason=_explained(error, order),
            is_unreachable=isinstance(error, UnreachableError),
        )
    verdict, reason = _verdict(record.checks)
    return replace(
        result,
        checks=tuple(record.checks),
        captures=tuple(record.captures),
        verdict=verdict,
        reason=reason,
    )


async def _play(order: Order, cast: Cast, tell: Tell, record: Record) -> None:
    """Set the stage and play, within the limit; the checks are kept whatever happens."""
    async with AsyncExitStack() as stack:
        set_around = order.around or partial(surroundings, order.seed)
        around = stack.enter_context(set_around())
        async with asyncio.timeout(order.limit_s):
            stage = await stack.enter_async_context(Stage.set(cast, around, tell, record))
            await order.scenario.play(stage)
            for cluster in stage.clusters:
                await cluster.tell_exchanges()


def _verdict(checks: list[Check]) -> tuple[Verdict, str]:
    broken = [one for one in checks if one.result is Result.BROKEN]
    if broken:
        return Verdict.FAILED, "; ".join(
            f"{one.claim}: found {one.found}, expected {one.wanted}" for one in broken
        )
    if not checks:
        return Verdict.ERROR, "the scenario expects nothing, so nothing was found out"
    unseen = [one for one in checks if one.result is Result.UNSEEN]
    if len(unseen) == len(checks):
        return Verdict.NOT_JUDGED, "nothing of what it expects was seen from outside"
    decisive = [one for one in checks if one.is_decisive]
    if decisive and all(one in unseen for one in decisive):
        claims = "; ".join(dict.fromkeys(f"{one.claim} ({one.found})" for one in decisive))
        return Verdict.NOT_JUDGED, f"what decides it was not seen from outside: {claims}"
    count = f"{len(unseen)} of {len(checks)} claims were not seen from outside"
    return Verdict.PASSED, count if unseen else ""


def _explained(error: BaseException, order: Order) -> str:
    """Say what went wrong; for a fault of a row, where."""
    if isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        return _explained(error.exceptions[0], order)
    cause = error.__cause__
    if isinstance(error, TimeoutError) and isinstance(cause, asyncio.CancelledError):
        return f"not at its end after {order.limit_s:g} s{_place(cause, order)}"
    if isinstance(error, CommandError):
        return str(error)
    place = _place(error, order)
    if isinstance(error, CucmsimError):
        return f"{error}{place}"
    text = str(error)
    return f"{type(error).__name__}{': ' if text else ''}{text}{place}"


def _place(error: BaseException, order: Order) -> str:
    """Return the line of the scenario's own file where it was; "" where that is not known."""
    file = getattr(getattr(order.scenario.play, "__code__", None), "co_filename", "")
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename == file]
    return f" ({file.rpartition('/')[2]}, line {own[-1].lineno})" if own else ""
