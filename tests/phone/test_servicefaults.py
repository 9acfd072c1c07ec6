"""Phones that meet the faults of the plan in a real cluster: whom they ask, what they conclude."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from cucmsim.cluster.cluster import Cluster
from cucmsim.phone.device import Phone, PhoneOptions
from cucmsim.phone.execute import Button
from cucmsim.phone.http import HttpPatience
from cucmsim.phone.link import LinkOptions
from cucmsim.phone.values import PhoneIdentity
from cucmsim.services.faults.kinds import FaultKind, Value
from cucmsim.services.faults.plan import FaultRule
from tests.fixtures.clock import MovedClock
from tests.fixtures.clusters import PUBLISHER, SUBSCRIBER
from tests.fixtures.phonelab import PhoneLab

NEW = PhoneIdentity("B000B4BA0AEE", "8861")
DAY_S = 86_400

pytestmark = pytest.mark.usefixtures("quiet")


class Desk:
    """A phone with little patience that booted from a cluster."""

    def __init__(self, phones: PhoneLab, cluster: Cluster) -> None:
        self.cluster = cluster
        self.clock = MovedClock()
        self.phone = Phone(
            NEW,
            replace(
                phones.network(),
                link=LinkOptions(timeout_s=1.5),
                http=HttpPatience(idle_s=1.5),
            ),
            options=PhoneOptions(settle_s=0),
            clock=self.clock,
        )

    def fail(self, kind: FaultKind, service: str, **values: Value) -> None:
        """Have a service of the publisher fail this phone, and no other, once."""
        self.cluster.faults.clear()
        rule = FaultRule(kind, PUBLISHER, service, NEW.name, times=1, values=values)
        self.cluster.faults.add(rule)

    async def press(self) -> tuple[list[str], str]:
        """Press the button, nothing remembered; return which TVS answered, and the screen."""
        self.clock.ahead_s += DAY_S + 60
        before = len(self.cluster.journal.since())
        await self.phone.press(Button.DIRECTORIES)
        told = [exchange for _, exchange in self.cluster.journal.since()[before:]]
        asked = [each.node for each in told if each.service == "tvs" and not each.fault]
        screen = self.phone.browser.screen
        return asked, screen.title or screen.reason


@asynccontextmanager
async def booted(phones: PhoneLab) -> AsyncIterator[Desk]:
    async with phones.lab.running() as cluster:
        desk = Desk(phones, cluster)
        await desk.phone.start()
        await desk.phone.boot()
        yield desk


@pytest.fixture
def phones(tmp_path: Path) -> PhoneLab:
    return PhoneLab(tmp_path / "lab")


async def test_a_phone_whose_tvs_fails_asks_the_next_one(phones: PhoneLab) -> None:
    async with booted(phones) as desk:
        assert await desk.press() == ([PUBLISHER], "Directories")
        for kind in (
            FaultKind.TVS_SILENT,
            FaultKind.TVS_REFUSE,
            FaultKind.TVS_MALFORMED,
            FaultKind.TVS_WRONG_SESSION,
            FaultKind.TLS_CERTIFICATE,
        ):
            desk.fail(kind, "tvs")
            assert await desk.press() == ([SUBSCRIBER], "Directories"), kind
        desk.fail(FaultKind.TVS_SPLIT, "tvs")
        assert await desk.press() == ([], "Directories")
        desk.fail(FaultKind.TVS_NOT_TRUSTED, "tvs")  # an answer is an answer: nobody else is asked
        asked, reason = await desk.press()
        assert (asked, "TVS does not trust it" in reason) == ([], True)
        desk.fail(FaultKind.TLS_CERTIFICATE, "web")
        asked, reason = await desk.press()
        assert (asked, "TVS does not trust it" in reason) == ([PUBLISHER], True)


async def test_a_phone_whose_http_fails_takes_its_files_over_tftp(phones: PhoneLab) -> None:
    async with booted(phones) as desk:
        faults: list[tuple[FaultKind, dict[str, Value]]] = [
            (FaultKind.HTTP_STATUS, {"status": 500}),
            (FaultKind.HTTP_STALL, {"keep": 50}),
            (FaultKind.HTTP_TRUNCATE, {"keep": 50}),
        ]
        for kind, values in faults:
            desk.fail(kind, "http", **values)
            summary = await desk.phone.boot()
            assert summary.refused == (), kind
            assert summary.was_answered
            told = [exchange for _, exchange in desk.cluster.journal.since()]
            (fault,) = [each for each in told if each.fault.startswith(f"{kind} (")]
            name = fault.request.split()[-1]
            later = told[told.index(fault) + 1 :]
            assert any(each.service == "tftp" and name in each.request for each in later), kind
