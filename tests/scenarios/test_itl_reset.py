"""A reset of the ITL in a cluster with several TFTP servers (seed 003)."""

import pytest

from tests.fixtures.clusters import SUBSCRIBER
from tests.fixtures.phonelab import PhoneLab
from tests.scenarios.bench import (
    Administrator,
)
from tests.scenarios.trustlists import operate

pytestmark = pytest.mark.usefixtures("quiet")


async def test_itl_reset_local_reaches_every_tftp_server(phones: PhoneLab) -> None:
    async with phones.lab.running() as cluster:
        before = await cluster.trust_lists()
        lines = await operate(Administrator(cluster), "itl-reset/localkey")
        after = await cluster.trust_lists()

    assert f"Successfully transferred reset ITL to node {SUBSCRIBER}" in lines
    assert before[0].itl != before[1].itl
    assert after[0].itl == after[1].itl not in [each.itl for each in before]
