"""A node whose machine's clock is wrong has the cluster's time, which is the database's."""

from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from cucmsim.clock import MovableClock, SystemClock
from cucmsim.pki.certificates import load_certificate
from cucmsim.testing import ManualClock
from tests.fixtures.clusters import PUBLISHER, Lab

DAY = timedelta(days=1)
CLOSE = timedelta(seconds=60)


class WrongClock(SystemClock):
    """The clock of a machine that is wrong."""

    def __init__(self, ahead: timedelta) -> None:
        self.ahead = ahead

    def now(self) -> datetime:
        """Return its time of day."""
        return super().now() + self.ahead


def is_now(moment: datetime) -> bool:
    return abs(moment - datetime.now(UTC)) < CLOSE


@pytest.mark.parametrize("ahead", [DAY, -DAY])
async def test_a_machine_a_day_off_signs_and_tells_by_the_cluster_s_time(
    postgres_lab: Lab, ahead: timedelta
) -> None:
    machine = WrongClock(ahead)
    clock = MovableClock(machine)
    with capture_logs() as logs:
        async with postgres_lab.running(clock=clock) as cluster:
            assert is_now(clock.now())
            tvs = cluster.view.replica.own[PUBLISHER, "TVS"]
            assert is_now(load_certificate(tvs.certificate_der).not_valid_before_utc)
            assert is_now(cluster.status().started)
            await cluster._tasks.timekeeper.look()
            (told, _) = cluster._tasks.presence.own()
            machine.ahead = timedelta(seconds=0.5)
            await cluster._tasks.timekeeper.look()
            assert clock.correction == timedelta(0)
    warned = [one for one in logs if "machine's clock" in one["event"]]
    assert [round(one["machine_ahead_s"] / 86400) for one in warned] == [ahead.days, 0]
    assert (
        abs(told.clock_offset_s) < 1 or abs(timedelta(seconds=told.clock_offset_s) - ahead) < CLOSE
    )


async def test_a_clock_that_was_given_stays_as_it_is(postgres_lab: Lab) -> None:
    clock = ManualClock()
    async with postgres_lab.running(clock=clock) as cluster:
        await cluster._tasks.timekeeper.look()
        assert clock.correction == timedelta(0)
