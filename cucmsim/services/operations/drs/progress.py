"""What is told of backups and restores: how far one is, and how earlier ones ended.

Both are kept by the publisher's platform. One runs at a time; one that was cut off (the process
ended) is noted as failed when the publisher comes up again.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

from cucmsim.errors import CucmsimError, RefusedError
from cucmsim.services.operations.operator import Operator
from cucmsim.store.store import Transaction

__all__ = [
    "Kind",
    "Mode",
    "Operation",
    "Past",
    "Progress",
    "State",
    "Step",
    "cancel_backup",
    "fail_interrupted",
    "progress_of",
    "read_history",
    "running",
]

_CANCEL = "drs cancel"
_LONGEST_HISTORY = 100
_WHOLE = 100


class Kind(StrEnum):
    """What is done."""

    BACKUP = "backup"
    RESTORE = "restore"


class Mode(StrEnum):
    """Who had it done."""

    MANUAL = "MANUAL"
    SCHEDULED = "SCHEDULED"


class State(StrEnum):
    """How it stands."""

    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    ERROR = "ERROR"
    CANCELED = "CANCELED"


@dataclass(frozen=True, slots=True)
class Step:
    """A component that is done; `at` is ISO."""

    feature: str
    server: str
    component: str
    at: str


@dataclass(frozen=True, slots=True)
class Progress:
    """The latest backup or restore; `stamp` names its tars, `total` is how many there are."""

    kind: Kind
    stamp: str
    features: tuple[str, ...]
    total: int
    mode: Mode = Mode.MANUAL
    state: State = State.RUNNING
    why: str = ""
    steps: tuple[Step, ...] = ()

    @property
    def percentage(self) -> int:
        """How much of it is done; 100 is all."""
        return _WHOLE if not self.total else len(self.steps) * _WHOLE // self.total


@dataclass(frozen=True, slots=True)
class Past:
    """An operation that ended; `ended` is ISO."""

    stamp: str
    ended: str
    state: State
    mode: Mode
    features: tuple[str, ...]


class CanceledError(RefusedError):
    """Somebody gave `cancel_backup`."""


@dataclass(slots=True)
class Operation:
    """A backup or restore that runs."""

    operator: Operator
    publisher: str
    progress: Progress

    async def step(self, server: str, component: str) -> None:
        """Note that a component is done. Raises CanceledError when it is to be given up."""
        self.note(server, component)
        async with self.operator.store.transaction() as transaction:
            if _CANCEL in await transaction.platform(self.publisher):
                raise CanceledError("drfCliMsg: The backup was canceled.")
            await _keep(transaction, self.publisher, self.progress)

    def note(self, server: str, component: str) -> None:
        """Count a component as done; the next that is kept tells it."""
        now = self.operator.clock.now().isoformat()
        made = Step(self.progress.features[0], server, component, now)
        self.progress = replace(self.progress, steps=(*self.progress.steps, made))

    async def succeed(self, transaction: Transaction) -> None:
        """Note the end in a transaction, which may hold more."""
        await self._end(transaction, State.SUCCESS, "")

    async def _end(self, transaction: Transaction, state: State, why: str) -> None:
        self.progress = replace(self.progress, state=state, why=why)
        await _keep(transaction, self.publisher, self.progress)
        await transaction.put_platform_value(self.publisher, _CANCEL, None)
        ended = self.operator.clock.now().isoformat()
        await _remember(transaction, self.publisher, self.progress, ended)

    async def fail(self, error: BaseException) -> None:
        """Note how it failed; the database may be what failed."""
        state = State.CANCELED if isinstance(error, CanceledError) else State.ERROR
        why = str(error) if isinstance(error, CucmsimError) else "interrupted"
        with suppress(CucmsimError):
            async with self.operator.store.transaction() as transaction:
                await self._end(transaction, state, why)


@asynccontextmanager
async def running(operator: Operator, progress: Progress) -> AsyncIterator[Operation]:
    """Note that an operation runs while the block does, and how it ends.

    The block calls `succeed` itself. Raises RefusedError while another one runs.
    """
    publisher = (await operator.newest()).publisher.name
    async with operator.store.transaction() as transaction:
        kept = await transaction.platform(publisher)
        for kind in Kind:
            held = _progress(kept, kind)
            if held is not None and held.state is State.RUNNING:
                raise RefusedError(f"drfCliMsg: A {kind} is already in progress.")
        await transaction.put_platform_value(publisher, _CANCEL, None)
        await _keep(transaction, publisher, progress)
    operation = Operation(operator, publisher, progress)
    try:
        yield operation
    except BaseException as error:
        await operation.fail(error)
        raise


async def progress_of(operator: Operator, kind: Kind) -> Progress | None:
    """Return how the latest one stands; None when there was none. Raises StoreError."""
    publisher = (await operator.newest()).publisher.name
    async with operator.store.transaction() as transaction:
        return _progress(await transaction.platform(publisher), kind)


async def read_history(operator: Operator, kind: Kind) -> tuple[Past, ...]:
    """Return those that ended, oldest first. Raises StoreError."""
    publisher = (await operator.newest()).publisher.name
    async with operator.store.transaction() as transaction:
        return _history(await transaction.platform(publisher), kind)


async def cancel_backup(operator: Operator) -> None:
    """Have the backup that runs given up after its next component.

    Raises:
        RefusedError: none runs.
        StoreError: nothing was changed.

    """
    publisher = (await operator.newest()).publisher.name
    async with operator.store.transaction() as transaction:
        held = _progress(await transaction.platform(publisher), Kind.BACKUP)
        if held is None or held.state is not State.RUNNING:
            raise RefusedError("drfCliMsg: No backup is in progress.")
        await transaction.put_platform_value(publisher, _CANCEL, held.stamp)


async def fail_interrupted(operator: Operator) -> None:
    """Note what ran when the process ended as failed. Raises StoreError."""
    publisher = (await operator.newest()).publisher.name
    for kind in Kind:
        held = await progress_of(operator, kind)
        if held is not None and held.state is State.RUNNING:
            await Operation(operator, publisher, held).fail(KeyboardInterrupt())


def _progress(kept: Mapping[str, str], kind: Kind) -> Progress | None:
    text = kept.get(f"drs {kind}")
    if text is None:
        return None
    held = json.loads(text)
    return Progress(
        kind,
        held["stamp"],
        tuple(held["features"]),
        held["total"],
        Mode(held["mode"]),
        State(held["state"]),
        held["why"],
        tuple(Step(**one) for one in held["steps"]),
    )


async def _keep(transaction: Transaction, publisher: str, progress: Progress) -> None:
    text = json.dumps(asdict(progress))
    await transaction.put_platform_value(publisher, f"drs {progress.kind}", text)


def _history(kept: Mapping[str, str], kind: Kind) -> tuple[Past, ...]:
    return tuple(
        Past(
            one["stamp"],
            one["ended"],
            State(one["state"]),
            Mode(one["mode"]),
            tuple(one["features"]),
        )
        for one in json.loads(kept.get(f"drs {kind} history", "[]"))
    )


async def _remember(
    transaction: Transaction, publisher: str, progress: Progress, ended: str
) -> None:
    """Add an operation to the history, of which the latest hundred are kept."""
    kept = await transaction.platform(publisher)
    past = Past(progress.stamp, ended, progress.state, progress.mode, progress.features)
    history = [asdict(one) for one in (*_history(kept, progress.kind), past)][-_LONGEST_HISTORY:]
    name = f"drs {progress.kind} history"
    await transaction.put_platform_value(publisher, name, json.dumps(history))
