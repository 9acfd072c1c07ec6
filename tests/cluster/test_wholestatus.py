"""The whole cluster seen from one process, restarted node by node, under another password."""

import asyncio
import io
import sys
from datetime import UTC, datetime, timedelta
from unittest.mock import AsyncMock

import pytest

from cucmsim.cluster import clusterapi
from cucmsim.cluster.cluster import Cluster
from cucmsim.cluster.wholestatus import ClusterReport, ItlReport
from cucmsim.errors import StoreError
from cucmsim.formats.phonealarms import DEVICE_TL_INFO, Alarm, AlarmParameter
from cucmsim.pki.profiles import Unit
from cucmsim.services.operations.clockmove import advance_clock
from cucmsim.services.operations.regeneration import regenerate_certificate
from cucmsim.services.operations.securitypassword import security_password
from cucmsim.store.alarms import StoredAlarm
from tests.fixtures.clusters import PHONE, PUBLISHER, SUBSCRIBER, Lab, Outcome

pytestmark = pytest.mark.usefixtures("quiet")
OLD_ITL = "1b" * 20
RESTART = ("cluster", "restart", "CONFIG")


async def cli(lab: Lab, *arguments: str) -> Outcome:
    return await asyncio.to_thread(lab.cli, *arguments)


async def look_until_whole(cluster: Cluster) -> ClusterReport:
    """Look again until each process has told of its nodes."""
    async with asyncio.timeout(30):
        while True:
            report = await cluster.observatory.look(names_phones=True)
            if report.is_whole:
                return report


async def tell_of_old_itl(cluster: Cluster) -> None:
    """Have the phone tell the subscriber that it holds a list which nobody serves."""
    held = Alarm(DEVICE_TL_INFO, (AlarmParameter("ITL_Signature", OLD_ITL),))
    alarm = StoredAlarm(datetime.now(UTC), SUBSCRIBER, PHONE, "127.0.0.9", held)
    async with cluster.operator().store.transaction() as transaction:
        await transaction.put_alarms(SUBSCRIBER, [alarm])


async def test_every_process_sees_the_others_and_restarts_them_one_by_one(
    postgres_lab: Lab,
) -> None:
    lab = postgres_lab
    async with lab.running(PUBLISHER) as publisher:
        await tell_of_old_itl(publisher)
        async with lab.running(SUBSCRIBER) as subscriber:
            seen = await look_until_whole(subscriber)
            assert (seen.seen_from, [node.name for node in seen.nodes]) == (
                [SUBSCRIBER],
                [PUBLISHER, SUBSCRIBER],
            )
            assert ItlReport(sha1=OLD_ITL, served_by=[], held_by=1, phones=[PHONE]) in seen.itls
            assert [itl.served_by for itl in seen.itls[:2]] == [[PUBLISHER], [SUBSCRIBER]]
            powers = {**publisher.powers, **subscriber.powers}
            before = {name: power.started for name, power in powers.items()}
            restarted = await cli(lab, *RESTART)
            assert (restarted.status, restarted.errors) == (0, "")
            told = [line.partition(":")[0] for line in restarted.output.splitlines()]
            assert told == [PUBLISHER, PUBLISHER, SUBSCRIBER, SUBSCRIBER]
            starts = [power.started for power in powers.values()]
            assert starts == sorted(starts)
            assert all(power.started > before[name] for name, power in powers.items())
            shown = await cli(lab, "status", "CONFIG", "--phones")
            assert shown.status == 0
            assert f"{OLD_ITL}" in shown.output
            assert PHONE in shown.output
        left = await publisher.observatory.look()
        assert [(node.name, node.is_alive) for node in left.nodes] == [
            (PUBLISHER, True),
            (SUBSCRIBER, False),
        ]
        shown = await cli(lab, "status", "CONFIG")
        assert shown.status == 1
        assert "gone: " in shown.output
        refused = await cli(lab, *RESTART)
        assert refused.errors == (
            f"cucmsim: {SUBSCRIBER}: no process runs it; nothing was restarted\n"
        )


async def test_certificates_that_end_soon_and_a_database_that_is_away_are_told(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with lab.running() as cluster:
        await advance_clock(cluster.operator(), timedelta(days=5 * 365 - 10))
        shown = await cli(lab, "status", "CONFIG")
        assert shown.status == 0
        assert f"{PUBLISHER}: TVS.der ends " in shown.output
        assert " in trust stores end from " in shown.output

        async def fail() -> None:
            raise StoreError("away")

        monkeypatch.setattr(cluster.operator().store, "read_presence", fail)
        away = await cluster.observatory.look()
        assert (away.has_database, away.is_whole) == (False, False)
        assert all(node.is_alive for node in away.nodes)  # its own
        assert "the database does not answer" in (await cli(lab, "status", "CONFIG")).output
        monkeypatch.setattr(clusterapi, "order_restart", AsyncMock())  # it is never heard of
        late = await cli(lab, *RESTART, "--node", SUBSCRIBER, "--timeout", "0")
        why = "not up again after 0 s: it has not restarted"
        assert late.errors == f"cucmsim: {SUBSCRIBER}: {why}\n"
        unknown = await cli(lab, *RESTART, "--node", "none")
        assert unknown.errors.startswith("cucmsim: no node 'none'; the cluster has: cucm-pub")


async def test_under_another_password_nodes_go_on_and_start_again_with_it_alone(
    postgres_lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab, given = postgres_lab, "found-another-1"

    async def change(text: str) -> Outcome:
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))
        return await cli(lab, "cluster", "security-password", "CONFIG", "--stdin")

    async with lab.running(PUBLISHER) as publisher:
        async with lab.running(SUBSCRIBER) as subscriber:
            wrong = await change(f"guessed-wrong\n{given}\n")
            assert wrong.errors == "cucmsim: The old password did not match.\n"
            assert "found 1 lines, expected" in (await change("one")).errors
            changed = await change(f"{lab.security_password}\n{given}\n")
            assert changed.output.startswith("Changed. Nodes that run go on;")
            assert await security_password(publisher.operator()) == given
            await regenerate_certificate(publisher.operator(), SUBSCRIBER, Unit.TVS)
            follows = await subscriber.operator().newest()  # opens what was sealed since
            assert follows.own == publisher.view.replica.own
        with pytest.raises(StoreError, match="security password is not the one"):
            async with lab.running(SUBSCRIBER):
                pass
        lab.security_password = given
        async with lab.running(SUBSCRIBER) as subscriber:
            assert subscriber.view.replica.own == publisher.view.replica.own
