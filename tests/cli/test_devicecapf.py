"""`cucmsim device capf`, and `device set` and `list` of many phones, while a cluster runs."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cucmsim.cluster.cluster import Cluster
from cucmsim.store.rows import CertificateStatus, PendingOperation
from tests.fixtures.clusters import PHONE, SIP_PHONE, Lab, Outcome

UNTIL = datetime(2030, 1, 2, 3, tzinfo=UTC)


@pytest.fixture
async def cluster(lab: Lab, quiet: None) -> AsyncIterator[Cluster]:
    del quiet  # in place before it starts
    async with lab.running() as running:
        yield running


async def cli(lab: Lab, *arguments: str) -> Outcome:
    command, *rest = arguments
    return await asyncio.to_thread(lab.cli, "device", command, "CONFIG", *rest)


async def names(lab: Lab, *options: str) -> list[str]:
    return [
        held["name"] for held in json.loads((await cli(lab, "list", "--json", *options)).output)
    ]


async def test_an_operation_is_ordered_of_all_phones_and_withdrawn(
    lab: Lab, cluster: Cluster
) -> None:
    done = await cli(lab, "capf", "troubleshoot", "--all", "--until", "2030-01-02T03:00:00")
    assert done == Outcome(0, "troubleshoot: 2 phones until 2030-01-02 03:00:00 UTC\n", "")
    for held in cluster.devices().values():
        assert held.pending_operation is PendingOperation.TROUBLESHOOT
        assert held.operation_expires == UNTIL
    assert "Operation expires:   2030-01-02 03:00:00" in (await cli(lab, "show", PHONE)).output
    done = await cli(lab, "capf", "none", PHONE)
    assert done == Outcome(0, "none: 1 phone\n", "")
    assert await names(lab, "--pending", "none") == [PHONE]
    assert await names(lab, "--status", "operation-pending") == [SIP_PHONE]


async def test_phones_are_found_by_their_lsc_and_ordered_a_new_one(
    lab: Lab, cluster: Cluster
) -> None:
    operator = cluster.operator()
    async with operator.store.transaction() as transaction:
        held = await transaction.get_device(PHONE)
        assert held is not None
        with_lsc = replace(
            held,
            lsc_der=b"an LSC of somebody",
            lsc_valid_until=UNTIL,
            lsc_issuer="CN=CAPF-1e55d2d1,OU=TAC",
            lsc_issuer_valid_until=UNTIL,
            certificate_status=CertificateStatus.UPGRADE_SUCCESS,
        )
        await transaction.put_device(with_lsc)
    await operator.newest()
    row = next(line for line in (await cli(lab, "list")).output.splitlines() if PHONE in line)
    assert "upgrade-success" in row
    assert "2030-01-02" in row
    assert "CAPF-1e55d2d1" in row
    for option in (
        ["--lsc"], ["--stale"], ["--issued-by", "capf-1e"], ["--expires-before", "2030-01-03"],
        ["--issuer-expires-before", "2030-01-03"],
    ):  # fmt: skip
        assert await names(lab, *option) == [PHONE]
    assert await names(lab, "--no-lsc") == [SIP_PHONE]
    assert await names(lab, "--expires-before", "2030-01-02") == []
    done = await cli(lab, "capf", "install", "--stale", "--authentication-mode", "null-string")
    assert done.output.startswith("install: 1 phone until ")
    assert cluster.devices()[PHONE].pending_operation is PendingOperation.INSTALL


async def test_many_phones_are_changed_at_once_or_none(lab: Lab, cluster: Cluster) -> None:
    done = await cli(lab, "set", "--all", "--device-security-mode", "encrypted")
    assert done == Outcome(0, "2 phones changed\n", "")
    profiles = {held.security_profile for held in cluster.devices().values()}
    assert profiles == {
        "Cisco 7962 - Standard SCCP Encrypted Profile",
        "Cisco 8861 - Standard SIP Encrypted Profile",
    }
    refused = await cli(lab, "set", PHONE, SIP_PHONE, "--protocol", "SCCP")
    assert refused.status == 1
    assert f"{SIP_PHONE}.protocol: found " in refused.errors
    refused = await cli(lab, "set", PHONE, "SEP00258400000A", "--description", "x")
    assert (refused.status, refused.errors) == (1, "cucmsim: no phone 'SEP00258400000A'\n")
    assert cluster.devices()[PHONE].description == "Reception"
    assert (await cli(lab, "set", "--match", "001B", "--description", "x")).output == (
        f"{PHONE} changed\n"
    )


async def test_an_order_of_device_set_expires_too(lab: Lab, cluster: Cluster) -> None:
    await cli(lab, "set", PHONE, "--pending-operation", "install")
    first = cluster.devices()[PHONE].operation_expires
    assert first is not None
    await cli(lab, "set", PHONE, "--description", "Hall")
    assert cluster.devices()[PHONE].operation_expires == first
    added = ("add", "SEP00258400000A", "--model", "8861", "--pending-operation", "install")
    assert (await cli(lab, *added)).status == 0
    assert cluster.devices()["SEP00258400000A"].operation_expires is not None


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (("install",), 2, "give phones, or what they have in common, or --all: one of these"),
        (("install", PHONE, "--all"), 2, "or --all: one of these"),
        (("install", "--stale"), 1, "no phone is like that"),
        (("install", "--status", "fine"), 1, "status"),
        (("burn", PHONE), 1, "body.operation: "),
        (("install", "SEP00258400000A"), 1, "no phone 'SEP00258400000A'"),
        (("install", PHONE, "--until", "2001-01-01"), 1, "would expire at 2001-01-01 00:00:00"),
        (("install", PHONE, "--until", "tomorrow"), 2, "--until"),
    ],
)
async def test_what_cannot_be_ordered_is_told_in_words(
    lab: Lab, arguments: tuple[str, ...], status: int, told: str
) -> None:
    ended = await cli(lab, "capf", *arguments)
    assert (ended.status, ended.output) == (status, "")
    assert told in ended.errors
