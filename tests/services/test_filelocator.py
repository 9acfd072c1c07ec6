"""Which cluster is asked for a file that is not here, and what is remembered of it."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from cucmsim.clock import MovableClock, SystemClock
from cucmsim.services.filelocations import (
    FileLocation,
    Found,
    Missing,
    NoAnswer,
    RemoteAnswer,
    location_parameters,
    parse_location,
)
from cucmsim.services.filelocator import KEPT, REST, FileLocator, Lapsing
from cucmsim.services.journal import Journal
from cucmsim.services.view import View
from cucmsim.store.replica import Replica
from cucmsim.store.rows import Device

PHONE = "SEP001B54C25A01"
CTL, ITL, CONFIG = f"CTL{PHONE}.tlv", f"ITL{PHONE}.tlv", f"{PHONE}.cnf.xml.sgn"
A, B = parse_location("10.0.0.1"), parse_location("tftp://10.0.0.2")
WAIT_S = 10


class Remotes:
    """The other clusters: what each has; `away` gives no answer, `gate` holds answers back."""

    def __init__(self) -> None:
        self.files: dict[tuple[FileLocation, str], bytes] = {}
        self.away: dict[FileLocation, NoAnswer] = {}
        self.asked: list[tuple[FileLocation, str]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.most = self.now = 0

    async def get(self, location: FileLocation, name: str) -> RemoteAnswer:
        self.asked.append((location, name))
        self.now += 1
        self.most = max(self.most, self.now)
        await self.gate.wait()
        self.now -= 1
        data = self.files.get((location, name))
        return self.away.get(location) or (Missing() if data is None else Found(data))

    def taken(self) -> list[tuple[FileLocation, str]]:
        """Return what was asked since the last look."""
        asked, self.asked = self.asked, []
        return asked


class Desk:
    """A locator with its surroundings."""

    def __init__(self, *texts: str) -> None:
        self.clock = MovableClock(SystemClock())
        self.remotes = Remotes()
        self.journal = Journal()
        self.view = View(Replica(version=1))
        self.point_to(*texts)
        self.locator = FileLocator(
            "cucm-pub",
            self.view,
            self.remotes,
            clock=self.clock,
            journal=self.journal,
            patience_s=0.05,
        )

    def point_to(self, *texts: str) -> None:
        held = location_parameters("", texts)
        self.view.replace(replace(self.view.replica, service_parameters=held))

    def pass_time(self, time: timedelta) -> None:
        self.clock.move(self.clock.ahead + time)


@pytest.fixture
def desk() -> Desk:
    return Desk(str(A), str(B))


async def test_locations_are_asked_in_order_and_the_first_that_has_the_file_answers(
    desk: Desk,
) -> None:
    desk.remotes.files = {(A, CTL): b"a", (B, CTL): b"b", (B, "ring.raw"): b"\0\1"}
    assert await desk.locator.find(CTL) == b"a"
    assert await desk.locator.find("/ring.raw") == b"\0\1"
    assert desk.remotes.asked == [(A, CTL), (A, "ring.raw"), (B, "ring.raw")]


async def test_a_phone_s_home_alone_is_asked_for_half_an_hour(desk: Desk) -> None:
    desk.remotes.files = {(B, ITL): b"b", (A, CONFIG): b"moved"}
    assert await desk.locator.find(ITL.lower().replace("itlsep", "ITLSEP")) == b"b"
    desk.remotes.taken()
    desk.pass_time(KEPT - timedelta(minutes=1))
    assert await desk.locator.find(CONFIG) is None
    assert await desk.locator.find(ITL) == b"b"
    assert desk.remotes.taken() == [(B, CONFIG), (B, ITL)]
    desk.pass_time(timedelta(minutes=1, seconds=1))  # asking meanwhile made it last no longer
    assert await desk.locator.find(CONFIG) == b"moved"
    assert await desk.locator.find(ITL) is None
    assert desk.remotes.taken() == [(A, CONFIG), (A, ITL)]


async def test_what_nobody_has_is_not_looked_for_again_for_half_an_hour(desk: Desk) -> None:
    assert await desk.locator.find(CTL) is None
    desk.remotes.files = {(B, CTL): b"added"}
    assert await desk.locator.find(CTL) is None
    assert desk.remotes.taken() == [(A, CTL), (B, CTL)]
    desk.pass_time(KEPT + timedelta(seconds=1))
    assert await desk.locator.find(CTL) == b"added"


async def test_one_missing_file_does_not_hide_the_others_of_the_phone(desk: Desk) -> None:
    desk.remotes.files = {(B, ITL): b"b"}
    assert await desk.locator.find(CTL) is None
    assert await desk.locator.find(ITL) == b"b"
    desk.remotes.files[B, CTL] = b"mixed mode by now"
    assert await desk.locator.find(CTL) == b"mixed mode by now"


async def test_a_location_that_is_away_teaches_nothing(desk: Desk) -> None:
    desk.remotes.away = {A: NoAnswer("refused")}
    assert await desk.locator.find(ITL) is None
    desk.remotes.away = {}
    desk.remotes.files = {(A, ITL): b"back"}
    assert await desk.locator.find(ITL) == b"back"


async def test_other_locations_stand_in_for_a_home_that_is_away(desk: Desk) -> None:
    desk.remotes.files = {(A, ITL): b"a"}
    await desk.locator.find(ITL)
    desk.remotes.away = {A: NoAnswer("refused")}
    assert await desk.locator.find(ITL) is None
    desk.remotes.files[B, ITL] = b"b"
    assert await desk.locator.find(ITL) == b"b"
    desk.remotes.taken()
    assert await desk.locator.find(ITL) == b"b"
    assert desk.remotes.taken() == [(B, ITL)]


async def test_a_silent_location_rests_for_half_a_minute(desk: Desk) -> None:
    desk.remotes.away = {A: NoAnswer("silence", is_silent=True)}
    desk.remotes.files = {(B, "one"): b"1", (B, "two"): b"2", (A, "three"): b"3"}
    assert await desk.locator.find("one") == b"1"
    desk.remotes.away = {}
    assert await desk.locator.find("two") == b"2"
    assert await desk.locator.find("three") is None
    assert desk.remotes.taken() == [(A, "one"), (B, "one"), (B, "two"), (B, "three")]
    desk.pass_time(REST + timedelta(seconds=1))
    assert await desk.locator.find("three") == b"3"


@pytest.mark.parametrize(
    "name", ["CTLFile.tlv", "ITLFile.tlv", "XMLDefault.cnf.xml", "../x", CONFIG, CTL, ""]
)
async def test_what_is_this_cluster_s_is_never_looked_for_elsewhere(desk: Desk, name: str) -> None:
    own = Device(name=PHONE, model="7962")
    desk.view.replace(replace(desk.view.replica, devices={PHONE: own}))
    desk.remotes.files = {(A, name): b"foreign"}
    assert not desk.locator.seeks(name)
    assert await desk.locator.find(name) is None
    assert desk.remotes.asked == []


async def test_nothing_is_sought_without_locations(desk: Desk) -> None:
    assert desk.locator.seeks(CONFIG)
    desk.point_to()
    assert not desk.locator.seeks(CONFIG)
    assert await desk.locator.find(CONFIG) is None
    assert desk.remotes.asked == []


async def test_a_change_of_the_locations_counts_at_once_and_forgets_the_past(desk: Desk) -> None:
    desk.remotes.files = {(A, ITL): b"a", (B, CTL): b"b"}
    desk.point_to(str(A))
    assert await desk.locator.find(ITL) == b"a"
    assert await desk.locator.find(CTL) is None
    desk.point_to(str(B))
    assert await desk.locator.find(CTL) == b"b"
    assert await desk.locator.find(ITL) is None


@pytest.mark.parametrize("name", [ITL, CTL])
async def test_an_answer_of_locations_that_were_changed_meanwhile_is_not_remembered(
    desk: Desk, name: str
) -> None:
    desk.remotes.files = {(A, ITL): b"old", (B, ITL): b"new", (B, CTL): b"new"}
    desk.point_to(str(A))
    desk.remotes.gate.clear()
    asking = asyncio.create_task(desk.locator.find(name))
    await asyncio.sleep(0)
    desk.point_to(str(B))
    desk.locator.seeks(name)
    desk.remotes.gate.set()
    assert await asking == desk.remotes.files.get((A, name))
    assert await desk.locator.find(name) == b"new"


async def test_what_is_no_location_is_passed_over_and_one_given_twice_asked_once() -> None:
    desk = Desk("nonsense!", str(A), "", str(A))
    with capture_logs() as lines:
        assert await desk.locator.find(ITL) is None
        assert await desk.locator.find(CTL) is None
    assert desk.remotes.asked == [(A, ITL), (A, CTL)]
    assert [line["event"] for line in lines] == ["alternate file location is passed over"]
    assert "expected [http://|tftp://]HOST[:PORT]" in lines[0]["reason"]


async def test_a_location_gets_sixteen_requests_at_once_and_holds_the_others_up_not_for_long(
    desk: Desk,
) -> None:
    desk.point_to(str(A))
    desk.remotes.gate.clear()
    asking = [asyncio.create_task(desk.locator.find(f"file{number}")) for number in range(20)]
    async with asyncio.timeout(WAIT_S):
        await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
        assert desk.remotes.most == 16
        desk.remotes.gate.set()
        assert await asyncio.gather(*asking) == [None] * 20
    assert len(desk.remotes.asked) == 16


async def test_each_question_to_another_cluster_stands_in_the_journal(desk: Desk) -> None:
    desk.remotes.files = {(B, ITL): b"12345"}
    desk.remotes.away = {A: NoAnswer("refused")}
    await desk.locator.find(ITL)
    await desk.locator.find("ring.raw")
    told = [
        (each.node, each.service, each.peer, each.device, each.request, each.answer)
        for _, each in desk.journal.since()
    ]
    asked = ("cucm-pub", "tftp")
    assert told == [
        (*asked, "http://10.0.0.1:6970", PHONE, f"off-cluster {ITL}", "no answer: refused"),
        (*asked, "tftp://10.0.0.2:69", PHONE, f"off-cluster {ITL}", "5 bytes"),
        (*asked, "http://10.0.0.1:6970", None, "off-cluster ring.raw", "no answer: refused"),
        (*asked, "tftp://10.0.0.2:69", None, "off-cluster ring.raw", "not found"),
    ]


async def test_the_log_says_once_that_a_location_went_away_and_that_it_is_back(desk: Desk) -> None:
    with capture_logs() as lines:
        desk.remotes.away = {A: NoAnswer("refused")}
        await desk.locator.find("one")
        await desk.locator.find("two")
        desk.remotes.away = {}
        await desk.locator.find("three")
    assert [line["event"] for line in lines] == [
        "alternate file location is away",
        "alternate file location is back",
    ]


def test_the_oldest_value_makes_room() -> None:
    memory: Lapsing[str, int] = Lapsing(SystemClock(), KEPT, most=2)
    for number, key in enumerate("abc"):
        memory.put(key, number)
    memory.put("b", 1)
    memory.put("b", 3)
    assert [memory.get(key) for key in "abc"] == [None, 3, 2]
    memory.clear()
    assert memory.get("c") is None
