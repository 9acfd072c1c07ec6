"""`cucmsim device` while a cluster runs: what it does, prints and refuses."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from cucmsim.cli import devicechoice
from cucmsim.cli.client import ManagementClient, _detail
from cucmsim.cluster.cluster import Cluster
from cucmsim.errors import UnreachableError
from cucmsim.store.rows import (
    AuthenticationMode,
    CertificateStatus,
    Line,
    PendingOperation,
)
from tests.cli.test_status import leave_socket
from tests.fixtures.clusters import PHONE, SIP_PHONE, Lab, Outcome


@pytest.fixture
async def cluster(lab: Lab, quiet: None) -> AsyncIterator[Cluster]:
    del quiet  # in place before it starts
    async with lab.running() as running:
        yield running


async def cli(lab: Lab, command: str, *arguments: str) -> Outcome:
    return await asyncio.to_thread(lab.cli, "device", command, "CONFIG", *arguments)


@pytest.mark.usefixtures("cluster")
async def test_phones_are_listed(lab: Lab) -> None:
    shown = await cli(lab, "list")
    assert (shown.status, shown.errors) == (0, "")
    assert PHONE in shown.output
    assert shown.output.endswith("2 phones, 0 registered\n")


@pytest.mark.usefixtures("cluster")
async def test_phones_are_listed_in_pages_and_as_json(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devicechoice, "_PAGE", 1)
    listed = json.loads((await cli(lab, "list", "--json")).output)
    assert [held["name"] for held in listed] == [PHONE, SIP_PHONE]
    matching = json.loads((await cli(lab, "list", "--json", "--match", "b000")).output)
    assert [held["name"] for held in matching] == [SIP_PHONE]


async def test_a_phone_is_added_with_all_that_was_given(lab: Lab, cluster: Cluster) -> None:
    added = await cli(
        lab, "add", "SEP00258400000A", "--model", "8861", "--line", "2009", "--line", "2010",
        "--description", "Hall", "--authentication-mode", "authentication-string",
        "--authentication-string", "13579", "--pending-operation", "install",
        "--key-size-bits", "1024", "--load", "sip88xx.1",
    )  # fmt: skip
    assert added == Outcome(0, "SEP00258400000A added\n", "")
    held = cluster.devices()["SEP00258400000A"]
    assert (held.protocol, held.description, held.key_size_bits) == ("SIP", "Hall", 1024)
    assert held.lines == (Line("2009"), Line("2010"))
    assert held.authentication_mode is AuthenticationMode.AUTHENTICATION_STRING
    assert held.authentication_string == "13579"
    assert held.pending_operation is PendingOperation.INSTALL
    assert held.certificate_status is CertificateStatus.PENDING


async def test_a_phone_is_changed_and_what_is_not_given_stays(lab: Lab, cluster: Cluster) -> None:
    changed = await cli(lab, "set", "00:1B:54:C2:5A:01", "--description", "Hall")
    assert changed == Outcome(0, f"{PHONE} changed\n", "")
    held = cluster.devices()[PHONE]
    assert (held.description, held.lines) == ("Hall", (Line("2001"),))
    assert (await cli(lab, "set", PHONE, "--line", "")).status == 0
    assert cluster.devices()[PHONE].lines == ()


async def test_a_phone_is_removed(lab: Lab, cluster: Cluster) -> None:
    assert await cli(lab, "remove", PHONE) == Outcome(0, f"{PHONE} removed\n", "")
    assert PHONE not in cluster.devices()


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (("add", PHONE, "--model", "7962"), 1, "is there already; `device set` changes it"),
        (("add", "SEP00258400000A", "--model", "7926"), 1, 'device: model: found "7926"'),
        (("add", "SEPX", "--model", "7962"), 1, 'device: mac: found "SEPX"'),
        (("set", "SEP00258400000A", "--model", "7962"), 1, "no phone 'SEP00258400000A'"),
        (("set", PHONE), 2, "nothing to change: give at least one option"),
        (("set", "SEPX", "--model", "7962"), 2, "found device 'SEPX', expected SEP and 12"),
        (("set", PHONE, "--device-pool", "Lost"), 1, 'device: device_pool: found "Lost"'),
        (("set", PHONE, "--authentication-string", "12345"), 1, "authentication_string: found a"),
        (("set", PHONE, "--pending-operation", "burn"), 1, "pending_operation: found "),
        (("remove", "SEP00258400000A"), 1, "no phone 'SEP00258400000A'"),
        (("remove", "SEPX"), 2, "found device 'SEPX'"),
        (("set", PHONE, "--key-size-bits", "many"), 2, "--key-size-bits"),
    ],
)
async def test_each_refusal_is_told_in_words(
    lab: Lab, arguments: tuple[str, ...], status: int, told: str
) -> None:
    ended = await cli(lab, *arguments)
    assert (ended.status, ended.output) == (status, "")
    assert told in ended.errors
    assert "12345" not in ended.errors.replace("13579", "")


def test_without_a_cluster_nothing_is_changed(lab: Lab) -> None:
    lab.write()
    assert lab.cli("device", "remove", "CONFIG", PHONE).status == 69


def test_without_its_publisher_nothing_is_changed(lab: Lab) -> None:
    lab.write()
    leave_socket(lab, "cucm-pub")
    leave_socket(lab, "cucm-sub")
    ended = lab.cli("device", "remove", "CONFIG", PHONE)
    assert ended.status == 69
    assert f"the publisher, cucm-pub, does not run in {lab.data}" in ended.errors


class _Answer:
    """An answer of something that is not our API."""

    status_code = 502

    def json(self) -> object:
        raise ValueError("no JSON")


def test_an_answer_that_is_not_ours_is_told_by_its_status() -> None:
    assert _detail(_Answer()) == "status 502"  # type: ignore[arg-type]  # as far as it is needed


def test_a_socket_that_is_not_there_is_unreachable(lab: Lab) -> None:
    client = ManagementClient(lab.data / "cluster.sock")
    with pytest.raises(UnreachableError):
        client.get("/ready")
    assert not client.answers()
