"""The platform of a node: its administrators and what they set for the command line.

Kept in the store for each node, as on a real server, and held here from the start of the node's
process, which is the only one that changes it. Source: cucm.md 1.1 (levels, locking, time-out).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta, timezone, tzinfo
from enum import Enum, auto
from zoneinfo import ZoneInfo

from cucmsim.clock import Clock
from cucmsim.entropy import Entropy
from cucmsim.errors import RefusedError
from cucmsim.services.admin.passwords import hash_password, is_password
from cucmsim.store.store import Store

__all__ = [
    "DEFAULT_ZONE",
    "INSTALL_LEVEL",
    "Administrator",
    "Platform",
    "PlatformValues",
    "Verdict",
]

INSTALL_LEVEL = 4
"""Privilege level of the administrator that the installation made: all commands."""

DEFAULT_ZONE = "Etc/GMT"
_GMT = timezone(timedelta(0), "GMT")
_ACCOUNT = "administrator/"
_VALUES = "values"
_CONFIGURED = "configured password of "


@dataclass(frozen=True, slots=True)
class PlatformValues:
    """What administrators set; the defaults are the documented ones."""

    time_zone: str = DEFAULT_ZONE
    session_timeout_minutes: int = 30
    is_locking: bool = True
    lock_count: int = 3
    unlock_s: int = 300


@dataclass(frozen=True, slots=True)
class Administrator:
    """An account; `locked_until` is seconds since 1970, 0 for not locked."""

    name: str
    level: int
    password: str = field(repr=False)
    wrong: int = 0
    locked_until: float = 0.0


class Verdict(Enum):
    """What came of a log-in."""

    ACCEPTED = auto()
    REFUSED = auto()
    LOCKED = auto()


class Platform:
    """The administrators and settings of one node. Made by `Platform.opened`."""

    def __init__(self, store: Store, node: str, clock: Clock, entropy: Entropy) -> None:
        self.values = PlatformValues()
        self._store = store
        self._node = node
        self._clock = clock
        self._entropy = entropy
        self._administrators: dict[str, Administrator] = {}
        self._nobody = ""

    @classmethod
    async def opened(cls, store: Store, node: str, clock: Clock, entropy: Entropy) -> "Platform":
        """Read what the node keeps. Raises StoreError."""
        platform = cls(store, node, clock, entropy)
        async with store.transaction() as transaction:
            kept = await transaction.platform(node)
        platform._take(kept)
        return platform

    def _take(self, kept: Mapping[str, str]) -> None:
        if _VALUES in kept:
            self.values = PlatformValues(**json.loads(kept[_VALUES]))
        for name, text in kept.items():
            if name.startswith(_ACCOUNT):
                held = Administrator(**json.loads(text))
                self._administrators[held.name] = held

    @property
    def administrators(self) -> Mapping[str, Administrator]:
        """The accounts by name."""
        return self._administrators

    @property
    def zone(self) -> tzinfo:
        """The node's time zone; that of the installation needs no list of zones."""
        name = self.values.time_zone
        return _GMT if name == DEFAULT_ZONE else ZoneInfo(name)

    def local_time(self) -> datetime:
        """Return the time of day where the node is set to be."""
        return self.localize(self._clock.now())

    def localize(self, moment: datetime) -> datetime:
        """Return a moment in the node's time zone."""
        return moment.astimezone(self.zone)

    async def change(self, values: PlatformValues) -> None:
        """Keep other settings. Raises StoreError."""
        await self._keep(_VALUES, json.dumps(asdict(values)))
        self.values = values

    async def describe(self, name: str, password: str) -> None:
        """Have the administrator that a description names, with its password.

        A password that was changed since stays, until the description says another one.
        """
        async with self._store.transaction() as transaction:
            said = (await transaction.platform(self._node)).get(_CONFIGURED + name)
        if said is not None and name in self._administrators and await is_password(password, said):
            return
        kept = await hash_password(password, self._entropy)
        await self._put(Administrator(name, INSTALL_LEVEL, kept))
        await self._keep(_CONFIGURED + name, kept)

    async def add(self, name: str, level: int, password: str) -> None:
        """Add an account. Raises RefusedError when there is one of that name."""
        if name in self._administrators:
            raise RefusedError(f"Account {name} already exists.")
        kept = await hash_password(password, self._entropy)
        await self._put(Administrator(name, level, kept))

    async def delete(self, name: str) -> None:
        """Delete an account. Raises RefusedError for none, and for the installation's."""
        held = self._administrators.get(name)
        if held is None:
            raise RefusedError(f"Account {name} does not exist.")
        if held.level == INSTALL_LEVEL:
            raise RefusedError(f"Account {name} cannot be deleted.")
        await self._keep(_ACCOUNT + name, None)
        del self._administrators[name]

    async def set_password(self, name: str, password: str) -> None:
        """Give an account another password, and unlock it."""
        held = self._administrators[name]
        kept = await hash_password(password, self._entropy)
        await self._put(replace(held, password=kept, wrong=0, locked_until=0.0))

    async def is_right(self, name: str, password: str) -> bool:
        """Tell whether a password is an account's; takes as long for no account."""
        held = self._administrators.get(name)
        self._nobody = self._nobody or await hash_password("", self._entropy)
        right = await is_password(password, held.password if held else self._nobody)
        return right and held is not None

    async def log_in(self, name: str, password: str) -> Verdict:
        """Tell whether a password lets an administrator in; counts wrong ones, and locks."""
        right = await self.is_right(name, password)
        held = self._administrators.get(name)
        if held is None:
            return Verdict.REFUSED
        now = self._clock.now().timestamp()
        if self.values.is_locking and held.locked_until > now:
            return Verdict.LOCKED
        wrong = 0 if right else held.wrong + 1
        until = now + self.values.unlock_s if wrong >= self.values.lock_count else 0.0
        if (wrong, until) != (held.wrong, held.locked_until):
            await self._put(replace(held, wrong=0 if until else wrong, locked_until=until))
        return Verdict.ACCEPTED if right else Verdict.REFUSED

    def locked_for(self, name: str) -> timedelta:
        """Return how long an account is still locked; nothing when it is not."""
        held = self._administrators.get(name)
        left = held.locked_until - self._clock.now().timestamp() if held else 0.0
        return timedelta(seconds=max(left, 0.0) if self.values.is_locking else 0.0)

    async def _put(self, held: Administrator) -> None:
        await self._keep(_ACCOUNT + held.name, json.dumps(asdict(held)))
        self._administrators[held.name] = held

    async def _keep(self, name: str, value: str | None) -> None:
        async with self._store.transaction() as transaction:
            await transaction.put_platform_value(self._node, name, value)
