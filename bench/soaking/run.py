"""The soak itself: everything is started, goes through rounds of faults, is judged, and ended."""

import asyncio
import os
import random
import time
import traceback
from collections import deque
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from .administrator import Administrator
from .chaos import Chaos, plan_round
from .database import Database, read_state
from .herd import Herd
from .judge import Finding, Judge
from .ledger import ANYTHING, Ledger
from .lockout import lock_everybody_out
from .memory import Memory
from .nodes import ApiError, NodeProcess
from .place import NODES, Place
from .readback import Reader, found_in
from .relays import TcpWay, UdpWay
from .truth import SLOW, Truth, process_of

__all__ = ["Options", "Soak", "leftovers"]

_ROUND_S: Final = 50.0
_SAMPLE: Final = 6
_LOOK_S: Final = 0.7
_MEMORY_S: Final = 2.0
_PROGRESS_S: Final = 10.0
_READ_S: Final = 0.5
_SLOW_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Options:
    """How long, with which seed, how many phones, and whether all are locked out at the end."""

    minutes: float = 10.0
    seed: int = 0
    phones: int = 24
    locks_out: bool = True


@dataclass
class Soak:
    """One soak in a directory; `run` it once, then read it."""

    directory: Path
    options: Options
    began: float = field(default_factory=time.time)
    findings: list[Finding] = field(default_factory=list)
    rounds: int = 0

    def __post_init__(self) -> None:
        """Put the parts together; nothing runs yet."""
        seed = self.options.seed
        self.place = Place(self.directory, self.options.phones)
        self.truth = Truth()
        self.ledger = Ledger()
        self.memory = Memory()
        self.database = Database(self.directory / "postgresql")
        names = {self.place.address(node): node for node in NODES} | {node: node for node in NODES}
        self.judge = Judge(self.truth, names)
        self.ways = {node: TcpWay(("127.0.0.1", self.database.port)) for node in NODES}
        self.links = {
            node: UdpWay(
                (self.place.address(node), self.place.ports[node]["tftp"]),
                random.Random(f"{seed} {node}"),  # noqa: S311 - no secret
            )
            for node in NODES
        }
        self.herd = Herd(self.place, seed, self.judge.files, self._hear)
        self.nodes: dict[str, NodeProcess] = {}
        self.marks: list[tuple[float, str]] = []
        """What happened when, in seconds from the beginning."""
        self._waiting: deque[Mapping[str, Any]] = deque()
        self._make_workers()

    @property
    def elapsed_s(self) -> float:
        """How long it has gone on."""
        return time.time() - self.began

    def show(self, text: str) -> None:
        """Say what happens."""
        self.marks.append((self.elapsed_s, text))
        print(f"{self.elapsed_s:6.1f} s  {text}", flush=True)

    async def run(self) -> None:
        """Run it; whatever happens, everything that was started is ended."""
        async with AsyncExitStack() as stack:
            await self._start(stack)
            watchers = [
                asyncio.create_task(work)
                for work in (self._watch(), self._remember(), self._progress(), self._read_around())
            ]
            try:
                await self._rounds()
                await self._end_well()
            finally:
                for task in watchers:
                    task.cancel()
                await asyncio.wait(watchers)
                for task in watchers:
                    if not task.cancelled():
                        task.result()

    async def _start(self, stack: AsyncExitStack) -> None:
        place = self.place
        stack.callback(self.database.end)
        await asyncio.to_thread(self.database.make)
        for node in NODES:
            await self.ways[node].open()
            stack.push_async_callback(self.ways[node].refuse)
            place.relays[node] = await self.links[node].start()
            stack.callback(self.links[node].close)
            self.nodes[node] = NodeProcess(
                node, place, self.database.url_by(self.ways[node].port), self.truth.availability
            )
            self.truth.availability.mark(f"{node}/database", time.time(), up=True)
            stack.push_async_callback(self.nodes[node].kill)
        self.truth.availability.mark("link", time.time(), up=True)
        place.write()
        for node in NODES:
            await self.nodes[node].start(wait=False)
        for node in NODES:
            await self.nodes[node].ready()
        self.show(f"{len(NODES)} nodes are ready")
        stack.push_async_callback(self.herd.end)
        await self.herd.start()
        await self._expect_beginning()
        await self.herd.order("on")

    def _make_workers(self) -> None:
        chance = random.Random(self.options.seed)  # noqa: S311 - no secret
        self.administrator = Administrator(
            self.place,
            self.nodes,
            self.truth,
            self.judge,
            self.ledger,
            self.herd.holds,
            random.Random(chance.random()),  # noqa: S311 - no secret
        )
        self.reader = Reader(
            self.place,
            self.nodes,
            self.database,
            self.truth,
            self.ledger,
            random.Random(chance.random()),  # noqa: S311 - no secret
        )
        self.chaos = Chaos(
            self.nodes,
            self.database,
            self.ways,
            list(self.links.values()),
            self.truth.availability,
            self.show,
        )
        self._chance = random.Random(chance.random())  # noqa: S311 - no secret

    async def _expect_beginning(self) -> None:
        """Take what the database holds now for announced: the nodes are ready."""
        state = await read_state(self.database.url, time.time())
        if state is None:
            raise ChildProcessError("the database does not answer at the beginning")
        self.truth.certificates.look(state)
        for key, value in found_in(state).items():
            if key[0] == "own":
                self.ledger.expect(key, value)
        for phone in self.place.phones:
            self.ledger.expect(("description", phone.name), "first")
            self.ledger.expect(("label", phone.name), "first")

    async def _rounds(self) -> None:
        """Go through rounds of faults, each with a quiet moment at its end."""
        total = self.options.minutes * 60
        self.began = time.time()
        working = asyncio.create_task(self.administrator.run())
        try:
            while (left := total - self.elapsed_s) > 1:
                self.administrator.may_work.set()
                length = left if left < 1.5 * _ROUND_S else _ROUND_S
                plan = plan_round(self._chance, length, self.elapsed_s / total)
                await self._unless_broken(self.chaos.carry_out(plan), working)
                await self._quiet(_SAMPLE)
                self.rounds += 1
        finally:
            working.cancel()
            await asyncio.wait([working])

    async def _unless_broken(self, work: Any, working: asyncio.Task[None]) -> None:  # noqa: ANN401
        """Await `work`; stop at once when the administrator or the fleet has broken down."""
        task = asyncio.create_task(work)
        while not task.done():
            await asyncio.wait([task, working], timeout=1, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                task.cancel()
                working.result()
            if self.herd.has_ended:
                task.cancel()
                raise ChildProcessError(f"the fleet ended: {self.herd.log.read_text()[-2000:]}")
        task.result()

    async def _quiet(self, sample: int) -> None:
        """Let everything come to rest and check all of it."""
        await self.administrator.pause()
        await self.administrator.finish_restarts()
        found = await self.reader.quiet(sample)
        self.findings += found
        self.show(f"quiet: {len(self.ledger.entries)} values read back, {len(found)} findings")
        for one in found:
            self.show(f"  {one.kind}: {one.text}")

    async def _end_well(self) -> None:
        """Check everything once more, and have everybody stop."""
        await self._quiet(self.options.phones)
        await self.herd.order("off")
        if self.options.locks_out:
            self.findings += await lock_everybody_out(self)
        await self._judge_waiting(patience_s=10)
        await self.herd.order("quit")
        for node in NODES:
            taken = await self.nodes[node].stop()
            self.chaos.slowest_stop_s = max(self.chaos.slowest_stop_s, taken)

    async def boot_and_judge(self) -> None:
        """Have every phone boot once, and judge all of it."""
        await self.herd.order("boot")
        await asyncio.sleep(_LOOK_S)
        await self._judge_waiting(patience_s=30)

    def broke(self, error: BaseException) -> None:
        """Note that the soak itself came to an end that was not meant."""
        text = "".join(traceback.format_exception(error))
        self.findings.append(Finding(time.time(), "the soak broke", text))

    # what goes on beside

    def _hear(self, fact: Mapping[str, Any]) -> None:
        """Take a fact of the fleet: what it announces now, what it decides to be judged later."""
        if fact["kind"] == "boot":
            for step in fact["steps"]:
                if step["step"] == "capf":
                    self._hear_of_lsc(str(fact["phone"]), step)
        if fact["kind"] in ("boot", "peer"):
            self._waiting.append(fact)

    def _hear_of_lsc(self, phone: str, step: Mapping[str, Any]) -> None:
        """Take an LSC that a phone was given for announced; a visit that broke off is in doubt."""
        if step.get("lsc"):
            self.ledger.announce(("lsc", phone), str(step["lsc"]), 0)
        elif not step.get("succeeded"):
            self.ledger.doubt(("lsc", phone), ANYTHING)

    async def _watch(self) -> None:
        """Look at the database and at the nodes, and judge what lies before that."""
        while True:
            await self._look_at_database()
            await asyncio.gather(*(self._look_at_node(node) for node in NODES))
            for node in self.nodes.values():
                self.findings += await node.watch_over()
            await self._judge_waiting()
            await asyncio.sleep(_LOOK_S)

    async def _look_at_database(self) -> None:
        state = await read_state(self.database.url, time.time())
        if state is not None:
            self.truth.certificates.look(state)

    async def _look_at_node(self, node: str) -> None:
        """Ask a node; one that answers slowly, on a busy machine, is not held to be up."""
        availability = self.truth.availability
        if not availability.is_up(process_of(node)):
            return
        began = time.time()
        with suppress(ApiError):
            self.truth.knowledge.look(node, await self.nodes[node].look())
        is_slow = time.time() - began > _SLOW_S
        if is_slow:
            availability.mark(SLOW + node, began, up=False)
        elif not availability.is_up(SLOW + node):
            availability.mark(SLOW + node, time.time(), up=True)

    async def _judge_waiting(self, patience_s: float = 0.0) -> None:
        """Judge what happened before the database was last looked at."""
        until = time.monotonic() + patience_s
        while self._waiting:
            fact = self._waiting[0]
            if float(fact["ended"]) >= self.truth.certificates.looked_at - 1:
                if time.monotonic() > until:
                    return
                await asyncio.sleep(0.2)
                continue
            self._waiting.popleft()
            if fact["kind"] == "boot":
                self.judge.judge_boot(fact)
            else:
                self.judge.judge_peer(fact)
            await asyncio.sleep(0)

    async def _remember(self) -> None:
        while True:
            for name, node in self.nodes.items():
                size = node.memory()
                if size is not None:
                    self.memory.add(f"{name} #{node.lives}", self.elapsed_s, size)
            await asyncio.sleep(_MEMORY_S)

    async def _read_around(self) -> None:
        while True:
            self.findings += await self.reader.look_around()
            await asyncio.sleep(_READ_S)

    async def _progress(self) -> None:
        while True:
            await asyncio.sleep(_PROGRESS_S)
            up = sum(self.truth.availability.is_up(node) for node in NODES)
            sizes = [node.memory() or 0 for node in self.nodes.values()]
            self.show(
                f"  {up} of {len(NODES)} nodes up, {self.judge.counts['boots']} boots,"
                f" {self.ledger.announced} changes, {self.all_findings} findings, memory "
                + " ".join(f"{size / 2**20:.0f}" for size in sizes)
                + " MiB"
            )

    @property
    def all_findings(self) -> int:
        """How much was found so far."""
        return len(self.findings) + len(self.judge.findings)


def leftovers(marker: str) -> list[str]:
    """Return the processes that have `marker` in their environment, but this one."""
    found: list[str] = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with suppress(OSError):
            if marker.encode() in (entry / "environ").read_bytes():
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                found.append(f"{entry.name}: {command.strip()}")
    return found
