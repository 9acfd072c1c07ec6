"""A cluster on the stage: an administrator operates it, and everything he does is told."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import timedelta
from typing import Final

from cucmsim.clock import MovableClock
from cucmsim.cluster.journalapi import EventReport
from cucmsim.cluster.trustlistsapi import MadeEToken
from cucmsim.errors import NotApplicableError, RefusedError
from cucmsim.scenarios.narrative import Happened, Shown, Tell, WhoActs
from cucmsim.testing.administrator import Administrator, Said
from cucmsim.testing.labcluster import LabCluster
from cucmsim.testing.reached import ReachedCluster

__all__ = ["CALLMANAGER", "CAPF", "TFTP", "TVS", "StageCluster"]

TFTP: Final = "Cisco Tftp"
TVS: Final = "Cisco Trust Verification Service"
CALLMANAGER: Final = "Cisco CallManager"
_RELISTED_S: Final = 60.0
_LOOK_S: Final = 0.05
_LONG: Final = 64
"""Longer values, such as files, are not told."""

CAPF: Final = "Cisco Certificate Authority Proxy Function"


class StageCluster:
    """A running cluster; `name` is what the narration calls it."""

    def __init__(
        self,
        name: str,
        reached: ReachedCluster,
        tell: Tell,
        phones_clock: MovableClock | None = None,
        settle: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.name = name
        self.reached = reached
        self._tell = tell
        self._phones_clock = phones_clock
        self._settle = settle
        self._told = 0

    @property
    def lab(self) -> LabCluster:
        """The cluster from inside. Raises NotApplicableError where it runs elsewhere."""
        if not isinstance(self.reached, LabCluster):
            raise NotApplicableError("looks inside the cluster, and this one runs elsewhere")
        return self.reached

    @property
    def administrator(self) -> Administrator:
        """The administrator, for what is not to be told."""
        return self.reached.administrator

    @property
    def publisher(self) -> str:
        """The name of the publisher."""
        return self.reached.publisher

    @property
    def nodes(self) -> tuple[str, ...]:
        """The names of the nodes, the publisher's first."""
        return tuple(self.reached.nodes)

    async def command(self, line: str, answers: Iterable[str] = (), *, node: str = "") -> Said:
        """Give a command at a node, by default the publisher."""
        at = node or self.publisher
        said = await self.administrator.command(line, answers, node=at)
        self._happened(f"{at}: admin:{line}", said.lines)
        await self._settled()
        return said

    async def operate(self, operation: str, *, node: str = "", **wanted: object) -> Said:
        """Carry out an operation of the management API, given at a node."""
        at = node or self.publisher
        said = await self.administrator.operate(operation, node=at, **wanted)
        told = "".join(f" {value}" for value in wanted.values() if len(str(value)) < _LONG)
        self._happened(f"{at}: {operation}{told}", said.lines)
        await self._settled()
        return said

    async def prepare_rollback(self, *, prepared: bool) -> Said:
        """Set "Prepare Cluster for Rollback to pre 8.0"."""
        said = await self.administrator.operate("rollback", prepared=prepared)
        self._happened(f"Prepare Cluster for Rollback to pre 8.0: {prepared}", said.lines)
        return said

    async def regenerate(self, unit: str, *, node: str = "") -> Said:
        """Regenerate a certificate."""
        return await self.operate("regenerate", node=node, unit=unit)

    async def restart(self, *services: str, node: str = "") -> None:
        """Restart services of a node, by default of the publisher."""
        for service in services:
            await self.act("restart", service, node=node)

    async def act(self, action: str, service: str, *, node: str = "") -> None:
        """Start, stop or restart a service of a node, by default of the publisher."""
        at = node or self.publisher
        await self.administrator.act(action, service, node=at)
        self._happened(f"{at}: {action} {service}")
        await self._settled()

    async def add_fault(self, kind: str, **values: object) -> None:
        """Have something go wrong from now on; values are keys as in `[[faults]]`."""
        await self.administrator.post("/faults", {"kind": str(kind), **values})
        told = "".join(f", {key} = {value}" for key, value in values.items())
        self._tell(Happened(WhoActs.FAULT, self.name, f"{kind}{told}"))

    async def clear_faults(self) -> None:
        """Have nothing go wrong any more."""
        await self.administrator.delete("/faults")
        self._tell(Happened(WhoActs.FAULT, self.name, "none any more"))

    async def advance(self, **by: float) -> None:
        """Move the cluster's clock forward: `advance(minutes=5)`."""
        moved = timedelta(**by)
        await self.administrator.advance(moved)
        if self._phones_clock is not None:
            self._phones_clock.move(self._phones_clock.ahead + moved)
        self._tell(Happened(WhoActs.CLOCK, self.name, f"{moved} pass"))

    async def forget(self, store: str, certificate_hash: str, *, node: str = "") -> Said:
        """Delete a certificate, by its hash, from a trust store. Raises RefusedError for none."""
        for held in await self.administrator.certificates(store):
            if held.hash == certificate_hash:
                return await self.command(f"set cert delete {store} {held.file}", node=node)
        raise RefusedError(f"{store} has no certificate with the hash {certificate_hash}")

    async def set_mixed_mode(self) -> Said:
        """Set mixed mode, tokenless, and restart what serves the CTL."""
        said = await self.operate("security-mode", mode="mixed")
        await self.restart(TFTP, CALLMANAGER)
        return said

    async def buy_tokens(self, *numbers: str) -> tuple[MadeEToken, ...]:
        """Have eTokens of these numbers."""
        made = [await self.administrator.post("/etokens", {"number": one}) for one in numbers]
        self._happened(f"buys the eTokens {', '.join(numbers)}")
        return tuple(map(MadeEToken.model_validate, made))

    async def run_ctl_client(self, task: str, tokens: Iterable[MadeEToken]) -> Said:
        """Run the CTL client; the last of the tokens signs."""
        files = [{"file": one.file, "password": one.password} for one in tokens]
        said = await self.administrator.operate("ctl-client", task=task, tokens=files)
        self._happened(f"runs the CTL client: {task}", said.lines)
        return said

    async def upgrade(self, version: str) -> None:
        """Upgrade every node, the publisher first, and switch to the new version."""
        image = f"UCSInstall_UCOS_{version}.sgn.iso"
        for node in self.nodes:
            wish = {"node": node, "image": image, "switch": True}
            before = await self.administrator.status()
            await self.administrator.post("/operations/upgrade", wish)
            self._happened(f"{node}: upgrades to {version}")
            await self.advance(minutes=1, seconds=1)
            await self.administrator.comes_up(node, version, before)

    async def change_phone(self, name: str, **changes: object) -> None:
        """Change a phone, with keys as in a description."""
        await self.administrator.change_phone(name, **changes)
        told = ", ".join(f"{key} = {value}" for key, value in changes.items())
        self._happened(f"{name}: {told}")
        await self._settled()

    async def exchanges(
        self, after: int = 0, *, service: str = "", device: str = ""
    ) -> tuple[EventReport, ...]:
        """Return what crossed the wire after a number of the journal."""
        return tuple(
            one
            for one in await self.administrator.exchanges(after)
            if service in ("", one.service) and device in ("", one.device)
        )

    async def mark(self) -> int:
        """Return the number of the last exchange."""
        found = await self.administrator.exchanges(self._told)
        return found[-1].number if found else self._told

    async def tell_exchanges(self) -> None:
        """Tell what crossed the wire since the last time."""
        for one in await self.administrator.exchanges(self._told):
            self._told = one.number
            self._tell(Shown(self.name, one))

    async def served(self) -> Mapping[str, tuple[str | None, str | None]]:
        """Return the SHA-1 of the ITL and of the CTL that each node serves."""
        return {one.node: (one.itl, one.ctl) for one in await self.administrator.trust_lists()}

    async def relisted(self, before: Mapping[str, tuple[str | None, str | None]]) -> None:
        """Wait until every node serves another ITL than `before`. Raises TimeoutError.

        For changes after which the services restart by themselves.
        """
        async with asyncio.timeout(_RELISTED_S):
            while any(itl in (None, before[node][0]) for node, (itl, _) in await self._lists()):  # noqa: ASYNC110 - it may run elsewhere
                await asyncio.sleep(_LOOK_S)

    async def _lists(self) -> list[tuple[str, tuple[str | None, str | None]]]:
        return list((await self.served()).items())

    async def _settled(self) -> None:
        """Wait for what follows from an order by itself, in a run that is to be had again."""
        if self._settle is not None:
            await self._settle()
            await self.tell_exchanges()

    def _happened(self, text: str, said: tuple[str, ...] = ()) -> None:
        self._tell(Happened(WhoActs.ADMINISTRATOR, self.name, text, said))
