"""Nodes that are killed, stopped amid a transfer, brought back old, doubled, or have a wrong clock.

What phones must see stands in docs/node-faults.md.
"""

import json
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from tests.docker.administrator import Administrator
from tests.docker.lab import CONFIG, Lab, read_first_block, run, until
from tests.docker.labphones import LabPhone
from tests.docker.outages import Outages
from tests.docker.slowtransfer import SlowTransfer

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

ITL = "ITLSEP001B54C25A01.tlv"
LSC_PHONE = "SEPB000B4BA0AEE"


def test_phones_carry_on_at_the_subscriber_while_the_publisher_is_dead(
    lab: Lab, phones: list[LabPhone], outages: Outages, administrator: Administrator
) -> None:
    trusted = [phone.itl for phone in phones]
    added = administrator.add()
    outages.kill("publisher")
    for phone in phones:
        phone.wait_registered("cucm-sub", 90)
    phones[0].restart()
    phones[0].boots("cucm-sub", 90)
    assert phones[0].refused == []
    assert phones[0].itl[1] == "cucm-sub", "the ITL of the node that was there"
    assert read_first_block(lab.port("subscriber", 69), f"{added}.cnf.xml")
    change = {"name": "StationKeepAliveInterval", "value": "20"}
    status, refusal = administrator.ask("subscriber", "POST", "/parameters", change)
    assert status == 503, refusal
    assert "The publisher, cucm-pub, is not available" in str(refusal)
    said = administrator.command("subscriber", "utils dbreplication runtimestate")
    assert _states(said)["cucm-pub"] != "(2) Setup Completed", said
    assert _states(said)["cucm-sub"] == "(2) Setup Completed", said

    outages.kill("subscriber")
    for phone in phones:
        phone.wait_registered("cucm-sub2", 60)

    outages.heal()
    phones[2].wait_registered("cucm-pub", 90)
    phones[0].restart()
    phones[0].boots("cucm-pub", 90)
    assert [phone.itl for phone in phones] == trusted, "no certificate was made anew"
    assert read_first_block(lab.port("publisher", 69), f"{added}.cnf.xml")


def _states(runtimestate: str) -> dict[str, str]:
    """Return the set-up state of each node in what `utils dbreplication runtimestate` printed."""
    lines = [line for line in runtimestate.splitlines() if "(g_" in line]
    return {line.split()[0]: line[line.rindex(" (") + 1 :].strip() for line in lines}


@pytest.mark.usefixtures("outages")
def test_a_transfer_is_finished_when_its_node_is_told_to_stop(
    lab: Lab, phones: list[LabPhone]
) -> None:
    whole = SlowTransfer(lab.port("publisher", 69), ITL, pause_s=0).rest()
    transfer = SlowTransfer(lab.port("publisher", 69), ITL, pause_s=0.15)
    with subprocess.Popen(["docker", "stop", "-t", "30", lab.container("publisher")]) as stopping:
        assert transfer.rest() == whole
    assert stopping.returncode == 0
    assert lab.state("publisher")["ExitCode"] == 0
    last = lab.logs("publisher").rpartition("Stopping ...")[2]
    assert f"answer='{len(whole)} bytes' file={ITL}" in last, "finished after the order to stop"
    assert last.rstrip().endswith("Stopped.")
    for phone in phones:
        phone.wait_registered("cucm-sub", 90)


def test_a_node_serves_from_its_old_volume_until_it_has_caught_up(
    lab: Lab, phones: list[LabPhone], outages: Outages, administrator: Administrator
) -> None:
    known = administrator.add()
    administrator.wait_current()
    lab.exec("saboteur", "sh", "-c", "rm -rf /saved; cp -a /subscriber /saved")
    missed = administrator.add()
    lab.exec("publisher", *f"cucmsim device remove {CONFIG} {known}".split())
    outages.kill("subscriber")
    outages.stop("db")
    lab.exec("saboteur", "sh", "-c", "rm -rf /subscriber/* && cp -a /saved/. /subscriber")
    outages.start("subscriber")
    port = lab.port("subscriber", 69)
    until(lambda: _serves(port, f"{known}.cnf.xml"), 60, "served from the volume")
    assert read_first_block(port, f"{missed}.cnf.xml") is None, (
        "it does not know what changed since"
    )
    inspected = lab.inspect(
        lab.fetch("subscriber", ITL), lab.certificate("subscriber", "CallManager")
    )
    assert inspected["signature"] == "valid"
    started = lab.state("subscriber")["StartedAt"]

    outages.start("db")
    until(lambda: _serves(port, f"{missed}.cnf.xml"), 30, "caught up")
    assert read_first_block(port, f"{known}.cnf.xml") is None
    administrator.wait_current()
    assert lab.state("subscriber")["StartedAt"] == started
    assert [phone.registered_with for phone in phones] == ["cucm-pub"] * 3


def _serves(port: int, name: str) -> bool:
    try:
        return read_first_block(port, name, timeout_s=0.5) is not None
    except (TimeoutError, ConnectionRefusedError):
        return False


def test_a_second_process_of_the_same_node_refuses_to_start(
    lab: Lab, phones: list[LabPhone], administrator: Administrator
) -> None:
    shown = run(["docker", "inspect", "-f", "{{json .Config}}", lab.container("subscriber")])
    settings = json.loads(shown.stdout)
    environment = [word for pair in settings["Env"] for word in ("-e", pair)]
    name = f"{lab.project}-twin"
    place = ("--rm", "--no-healthcheck", f"--name={name}", f"--network={lab.project}_database")
    try:
        twin = run(
            ["docker", "run", *place, *environment, settings["Image"], *settings["Cmd"]],
            check=False,
        )
    finally:
        run(["docker", "rm", "-f", name], check=False)
    assert twin.returncode == 1, twin.stdout
    said = twin.stdout + twin.stderr
    assert "node cucm-sub runs already" in said
    assert "Traceback" not in said
    assert lab.health("subscriber") == "healthy"
    administrator.add()
    administrator.wait_current()
    assert [phone.registered_with for phone in phones] == ["cucm-pub"] * 3


def test_what_a_node_with_a_wrong_clock_signs_and_issues_is_valid_now(
    lab: Lab, phones: list[LabPhone], administrator: Administrator
) -> None:
    try:
        lab.compose("up", "-d", "--no-deps", "publisher", override="wrong-clock")
        lab.wait_healthy()
        assert datetime.fromisoformat(lab.exec("publisher", "date", "-Is").stdout.strip()) < (
            datetime.now(UTC) - timedelta(hours=23)
        )
        words = ("--device", LSC_PHONE, "--out", "lsc.pem", "--key-out", "lsc.key")
        path, wanted = f"/devices/{LSC_PHONE}", {"pending_operation": "install"}
        assert administrator.ask("publisher", "PATCH", path, wanted)[0] == 200
        lab.client("cucmsim", "capf", "enrol", lab.address("publisher"), *words)
        shown = lab.client("openssl", "x509", "-in", "lsc.pem", "-noout", "-startdate").stdout
        begins = datetime.strptime(f"{shown.strip()} +0000", "notBefore=%b %d %H:%M:%S %Y GMT %z")
        assert abs(begins - datetime.now(UTC)) < timedelta(minutes=10)
        for phone in phones:
            phone.restart()
        for phone in phones:
            phone.boots("cucm-pub", 90)
            assert phone.refused == []
    finally:
        lab.compose("up", "-d", "--no-deps", "publisher")
        lab.wait_healthy()
