"""Every operation, on both engines and clusters of two and five nodes, at publisher and subscriber.

What is refused at a subscriber changes nothing; what is done there is done as at the publisher.
Afterwards the store differs in what the row says and in nothing else, and every node knows, shows
and serves that, once the services are restarted that the outcome names.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import replace

import pytest

from cucmsim.pki.certificates import certificate_der
from tests.fixtures.clock import MovedClock
from tests.fixtures.clusters import PUBLISHER, SUBSCRIBER, Lab
from tests.fixtures.sftpservers import serving
from tests.operations_matrix.bench import Bench, describe_nodes, difference
from tests.operations_matrix.row import DONE, RELEASE, STALE, Row
from tests.operations_matrix.rows import ROWS
from tests.operations_matrix.systemrows import IMAGE
from tests.services.operations.conftest import Authority

pytestmark = [pytest.mark.usefixtures("quiet"), pytest.mark.slow, pytest.mark.timeout(300)]


def test_every_operation_on_two_nodes_and_sqlite(lab: Lab, subtests: pytest.Subtests) -> None:
    asyncio.run(try_all(lab, 2, subtests))


def test_every_operation_on_five_nodes_and_postgresql(
    postgres_lab: Lab, subtests: pytest.Subtests
) -> None:
    asyncio.run(try_all(postgres_lab, 5, subtests))


async def try_all(lab: Lab, count: int, subtests: pytest.Subtests) -> None:
    """Try every row on one cluster."""
    lab.nodes, lab.release = describe_nodes(count), str(RELEASE)
    clock, directory = MovedClock(), lab.directory / "sftp"
    directory.mkdir()
    (directory / IMAGE).touch()
    async with serving(directory) as served, lab.running(clock=clock) as cluster:
        bench = Bench(cluster, clock, served)
        await give_stale_lsc(bench)
        for row in ROWS:
            with subtests.test(row.name):
                await try_row(bench, row)


async def give_stale_lsc(bench: Bench) -> None:
    """Give a phone an LSC that somebody else signed."""
    lsc = certificate_der(Authority("CAPF-01234567").certificate)
    operator = bench.cluster.operator()
    async with operator.store.transaction() as transaction:
        await transaction.put_device(replace(bench.replica.devices[STALE], lsc_der=lsc))
    await operator.newest()


async def try_row(bench: Bench, row: Row) -> None:
    """Give the operation at the subscriber, refused or not, and at the publisher."""
    bench.pass_hold_timer()
    refusal = row.at_subscriber or row.before_publisher
    if refusal:
        before = bench.replica
        assert refusal in await row.give(bench, SUBSCRIBER)
        assert await bench.cluster.operator().newest() is before
    await try_at(bench, row, PUBLISHER)
    if row.at_subscriber == DONE:
        await try_at(bench, row, SUBSCRIBER)


async def try_at(bench: Bench, row: Row, node: str) -> None:
    """Give the operation at a node, and look at all of them."""
    before, since = bench.replica, bench.since()
    shown = await row.give(bench, node)
    assert row.says in shown, shown
    changes = () if row.is_done_for_all and node != PUBLISHER else row.changes
    after = await bench.cluster.operator().newest()
    assert difference(before, after, node) == expected(changes, bench, node)
    if row.check is not None:
        await row.check(bench)
    await bench.restart(node, row.restarts)
    await bench.restarted(node, row.automatic, since)
    if row.restarts_nodes:
        await bench.restart_nodes()
    await bench.check_nodes(is_full=row.itl_is_full)


def expected(changes: Iterable[str], bench: Bench, node: str) -> set[str]:
    """Return the changes of a row, for this cluster and this node."""
    return {one.format(**bench.words(node)) for one in changes}
