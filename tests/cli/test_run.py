"""`cucmsim run`: in this process for its ways, as a process of its own for its manners."""

import asyncio
import json
import os
import signal
import socket
import struct
import time
from collections.abc import Coroutine
from pathlib import Path

import pytest

from cucmsim.cli import run
from cucmsim.cli.run import RunFiles, _announce, _entropy, _until_signal
from cucmsim.cluster.cluster import Cluster, RunOptions
from cucmsim.errors import StartError
from cucmsim.formats.records import RecordTag
from cucmsim.formats.trustlist import decode_trust_list
from cucmsim.services.operations.upgrade import begin_upgrade, finish_upgrade
from cucmsim.services.operations.versions import Version
from tests.fixtures.clusters import (
    ADDRESSES,
    PHONE,
    PUBLISHER,
    SUBSCRIBER,
    Lab,
    TftpRefusedError,
    tftp_get,
)

STOP_WITHIN_S = 5.0


async def exists(path: Path) -> None:
    """Wait until a file is there."""
    async with asyncio.timeout(30):
        while not path.exists():  # noqa: ASYNC110, ASYNC240 - of another task, seen by its effect
            await asyncio.sleep(0.01)


# in this process


def test_processes_of_one_seed_draw_apart_and_without_a_seed_nothing_repeats() -> None:
    nodes = (None, PUBLISHER, SUBSCRIBER, None)
    whole, first, second, again = (_entropy(7, node).token(8) for node in nodes)
    assert len({whole, first, second}) == 3
    assert whole == again
    assert _entropy(None, None).token(8) != _entropy(None, None).token(8)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_the_cluster_and_the_ready_file_goes(
    lab: Lab, capsys: pytest.CaptureFixture[str], number: int
) -> None:
    lab.ready_file.write_text("of a run that was killed")
    running = asyncio.create_task(
        _until_signal(lab.settings(), RunOptions(), RunFiles(lab.ready_file))
    )
    while not lab.ready_file.read_text("utf-8").startswith("{"):
        await exists(lab.data / "cluster.sock")
        await exists(lab.ready_file)
    ready = json.loads(lab.ready_file.read_text())
    assert [node["name"] for node in ready["nodes"]] == [PUBLISHER, SUBSCRIBER]
    os.kill(os.getpid(), number)
    os.kill(os.getpid(), number)
    await running
    assert not lab.ready_file.exists()
    told = capsys.readouterr().out
    assert told.startswith("Starting LabCluster (release 11.5(1)) ...\n")
    _, ready_told, after = told.partition("Ready: 2 nodes, 2 phones. Ctrl-C stops the cluster.\n")
    assert ready_told
    assert "Stopping ...\n" in after
    assert told.endswith("Stopped.\n")


async def test_an_upgraded_cluster_says_so_at_its_start(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    version = Version.parse("12.5.1.10000-22")
    async with lab.running() as cluster:
        await begin_upgrade(cluster.operator(), PUBLISHER, version, switches=True)
        await finish_upgrade(cluster.operator(), PUBLISHER)
    async with lab.running() as cluster:
        _announce(cluster, None)
    told = capsys.readouterr().out
    assert "  Upgraded: release 12.5(1) runs, the description says 11.5(1).\nReady: " in told


async def test_a_signal_gives_up_a_start(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    started = asyncio.Event()

    async def never(*_: object, **__: object) -> None:
        started.set()
        await asyncio.Event().wait()

    monkeypatch.setattr("cucmsim.cluster.cluster.first_replica", never)
    running = asyncio.create_task(_until_signal(lab.settings(), RunOptions(), RunFiles()))
    await started.wait()
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(5):
        await running


async def test_stop_ends_the_run(lab: Lab) -> None:
    running = asyncio.create_task(
        _until_signal(lab.settings(), RunOptions(), RunFiles(lab.ready_file))
    )
    await exists(lab.ready_file)
    stopped = await asyncio.to_thread(lab.cli, "stop", "CONFIG")
    assert (stopped.status, stopped.errors) == (0, "")
    await running


async def test_a_run_that_cannot_start_says_why(lab: Lab) -> None:
    async with Cluster.running(lab.settings()):
        with pytest.raises(StartError, match="already running"):
            await _until_signal(lab.settings(), RunOptions(), RunFiles(lab.ready_file))
    assert not lab.ready_file.exists()


async def test_a_ready_file_that_cannot_be_written_ends_the_run(lab: Lab) -> None:
    lab.ready_file.mkdir()
    with pytest.raises(StartError, match="cannot write"):
        await _until_signal(lab.settings(), RunOptions(), RunFiles(lab.ready_file))


@pytest.fixture
def never_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def close(main: Coroutine[None, None, None]) -> None:
        main.close()

    monkeypatch.setattr(run, "run_loop", close)
    monkeypatch.setattr(run, "configure_logs", lambda *_: None)


@pytest.mark.usefixtures("never_run")
def test_options_are_checked_before_anything_starts(lab: Lab) -> None:
    lab.write()
    assert lab.cli("run", "CONFIG").status == 0
    assert lab.cli("run", "CONFIG", "--log-format", "cisco").status == 0
    wrong = lab.cli("run", "CONFIG", "--node", "x")
    assert (wrong.status, wrong.output) == (2, "")
    assert "--node: found 'x', expected one of cucm-pub, cucm-sub" in wrong.errors
    level = lab.cli("run", "CONFIG", "--log-level", "loud")
    assert level.status == 2
    assert "expected debug, info, warning or error" in level.errors
    device = lab.cli("run", "CONFIG", "--ready-file", str(lab.directory))
    assert device.status == 2
    assert "expected a plain file" in device.errors
    assert not lab.data.exists()


# as a process of its own


def test_every_port_of_the_ready_file_answers(lab: Lab) -> None:
    with lab.process() as running:
        for node, ports in running.ports.items():
            assert tftp_get(ADDRESSES[node], ports["tftp"], f"ITL{PHONE}.tlv")
            for service in ports.keys() - {"tftp"}:
                socket.create_connection((ADDRESSES[node], ports[service]), 5).close()
        status = lab.cli("status", "CONFIG")
        assert (status.status, status.errors) == (0, "")
        assert running.stop() == 0
    assert not lab.ready_file.exists()
    assert lab.cli("status", "CONFIG").status == 69
    assert "Traceback" not in running.errors


def test_a_wrong_description_starts_and_writes_nothing(lab: Lab) -> None:
    lab.phones = lab.phones.replace('"7962"', '"7926"') + "colour = 1\n"
    ended = lab.run("--ready-file", str(lab.ready_file))
    assert (ended.returncode, ended.stdout) == (2, "")
    lines = ended.stderr.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f'cucmsim: {lab.config}: phones[0].model: found "7926", expected ')
    assert lines[1].startswith(f"cucmsim: {lab.config}: phones[1].colour: ")
    assert [path.name for path in lab.directory.iterdir()] == ["lab.toml"]


def test_a_port_in_use_is_told_in_one_line(lab: Lab) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((ADDRESSES[PUBLISHER], 0))
        port = other.getsockname()[1]
        lab.environ["CUCMSIM_NODES__CUCM_PUB__PORTS__TFTP"] = str(port)
        ended = lab.run("--log-level", "error")
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"cucmsim: tftp: cannot listen on 127.0.1.1:{port}: the port is in use;")


def test_a_second_run_is_told_which_process_runs(lab: Lab) -> None:
    with lab.process() as running:
        ended = lab.run()
        assert ended.returncode == 1
        assert f"already running (process {running.process.pid})" in ended.stderr


def big_file(lab: Lab) -> bytes:
    """Give the lab a file of some 600 blocks."""
    data = os.urandom(300_000)
    (lab.directory / "firmware.bin").write_bytes(data)
    lab.extra = '[[tftp_files]]\npath = "firmware.bin"'
    return data


def test_a_transfer_under_way_is_finished_before_the_end(lab: Lab) -> None:
    data = big_file(lab)
    with lab.process() as running:
        endpoint = (ADDRESSES[PUBLISHER], running.ports[PUBLISHER]["tftp"])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
            link.settimeout(5)
            link.sendto(b"\0\1firmware.bin\0octet\0", endpoint)
            packet, peer = link.recvfrom(1024)
            running.process.send_signal(signal.SIGTERM)
            received = packet[4:]
            while len(packet) == 516:
                link.sendto(struct.pack("!HH", 4, *struct.unpack_from("!H", packet, 2)), peer)
                packet, _ = link.recvfrom(1024)
                received += packet[4:]
            link.sendto(struct.pack("!HH", 4, *struct.unpack_from("!H", packet, 2)), peer)
        assert received == data
        assert running.stop() == 0


def test_a_client_that_falls_silent_holds_the_end_up_for_5_seconds_at_most(lab: Lab) -> None:
    big_file(lab)
    lab.extra += "\n[limits]\nstop_timeout_s = 1.0\n"  # the rest is for a busy machine
    with lab.process() as running:
        ports = running.ports[PUBLISHER]
        silent = socket.create_connection((ADDRESSES[PUBLISHER], ports["tvs"]), 5)
        with silent, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
            link.settimeout(5)
            link.sendto(b"\0\1firmware.bin\0octet\0", (ADDRESSES[PUBLISHER], ports["tftp"]))
            link.recvfrom(1024)
            begun = time.monotonic()
            assert running.stop() == 0
            assert time.monotonic() - begun < STOP_WITHIN_S
    assert "Traceback" not in running.errors


@pytest.mark.parametrize(
    ("form", "line"),
    [
        ("console", "[info     ] service started"),
        ("json", '"event": "service started"'),
        ("cisco", " | info service started node=cucm-pub"),
    ],
)
def test_logs_come_in_three_formats(lab: Lab, form: str, line: str) -> None:
    with lab.process("--log-format", form) as running:
        running.stop()
    lines = running.errors.splitlines()
    assert any(line in one for one in lines)
    if form == "json":
        assert all(json.loads(one)["level"] in ("info", "warning") for one in lines)


def test_one_node_may_run_alone(lab: Lab) -> None:
    with lab.process("--node", PUBLISHER) as running:
        assert list(running.ports) == [PUBLISHER]
        assert (lab.data / f"{PUBLISHER}.sock").exists()
        shown = lab.cli("status", "CONFIG")
        assert (shown.status, shown.errors) == (1, ""), "the other node does not run"
        assert PUBLISHER in shown.output
        assert lab.cli("stop", "CONFIG").status == 0


def test_a_phone_added_on_the_publisher_is_served_by_the_subscribers_process_within_a_second(
    postgres_lab: Lab,
) -> None:
    lab = postgres_lab
    name = "SEP00258400000A.cnf.xml"
    subscriber = lab.spawn("--node", SUBSCRIBER, "--ready-file", str(lab.directory / "sub.json"))
    try:
        with lab.process("--node", PUBLISHER):
            subscriber.wait_ready()
            ready = json.loads((lab.directory / "sub.json").read_text())
            endpoint = (ADDRESSES[SUBSCRIBER], ready["nodes"][0]["services"]["tftp"])
            with pytest.raises(TftpRefusedError):
                tftp_get(*endpoint, name)
            added = lab.cli("device", "add", "CONFIG", "00258400000A", "--model", "7841")
            assert (added.status, added.output) == (0, "SEP00258400000A added\n")
            deadline = time.monotonic() + 1
            while True:
                try:
                    data = tftp_get(*endpoint, name)
                except TftpRefusedError:
                    assert time.monotonic() < deadline, "not served within a second"
                else:
                    break
            assert b"<device " in data
            status = lab.cli("status", "CONFIG")
            assert status.status == 0
            assert status.output.count("LabCluster: ") == 2
    finally:
        assert subscriber.stop() == 0


def test_a_subscriber_that_waits_for_its_publisher_ends_at_once_on_a_signal(
    postgres_lab: Lab,
) -> None:
    waiting = postgres_lab.spawn("--node", SUBSCRIBER)
    assert waiting.process.stdout is not None
    assert waiting.process.stdout.readline().startswith("Starting")
    begun = time.monotonic()
    assert waiting.stop() == 0
    assert time.monotonic() - begun < STOP_WITHIN_S
    assert "Traceback" not in waiting.errors


def _keys(lab: Lab, seed: int) -> list[bytes]:
    """Return the public keys of the ITL that a seeded run serves."""
    with lab.process("--seed", str(seed), "--log-level", "error") as running:
        itl = tftp_get(ADDRESSES[PUBLISHER], running.ports[PUBLISHER]["tftp"], "ITLFile.tlv")
    found = [record.get(RecordTag.PUBLIC_KEY) for record in decode_trust_list(itl).records]
    return [key for key in found if key]


def test_a_cluster_of_the_same_seed_has_the_same_keys(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    first, again = _keys(lab, 7), _keys(Lab(tmp_path / "again"), 7)
    assert len(set(first)) >= 4
    assert again == first
