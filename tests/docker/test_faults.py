"""What the lab's phones see when a container is stopped, killed or without its database."""

import json

import pytest

from tests.docker.lab import CONFIG, NODES, Lab, read_first_block, run, until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

PHONE = "SEP001B54C25A01"
ITL = f"ITL{PHONE}.tlv"


def _first_block(lab: Lab, service: str, name: str = ITL) -> bytes:
    block = read_first_block(lab.port(service, 69), name)
    assert block is not None
    return block


def _asks_tvs_of_subscriber(lab: Lab) -> None:
    certificate = lab.certificate("subscriber", "CallManager")
    said = lab.client("cucmsim", "tvs", "verify", lab.address("subscriber"), certificate)
    assert "Trusted: yes" in said.stdout


def _records_of_publisher(lab: Lab) -> object:
    """Return the records of the ITL that the publisher serves, which its certificate verifies."""
    certificate = lab.certificate("publisher", "CallManager")
    inspected = lab.inspect(lab.fetch("publisher", ITL), certificate)
    assert inspected["signature"] == "valid"
    return inspected["records"]


def test_the_subscriber_serves_on_while_the_publisher_is_stopped(lab: Lab) -> None:
    before = _records_of_publisher(lab)
    lab.add_phone("SEP00112233AA01")
    lab.compose("stop", "publisher")
    assert lab.state("publisher")["ExitCode"] == 0, "stopped by itself, in time"
    assert lab.logs("publisher").rstrip().endswith("Stopped.")
    assert _first_block(lab, "subscriber", "SEP00112233AA01.cnf.xml")
    _asks_tvs_of_subscriber(lab)
    lab.compose("start", "publisher")
    lab.wait_healthy()
    assert _records_of_publisher(lab) == before
    assert _first_block(lab, "publisher", "SEP00112233AA01.cnf.xml")


def test_nothing_is_lost_when_the_publisher_is_killed(lab: Lab) -> None:
    before = _records_of_publisher(lab)
    lab.add_phone("SEP00112233AA02")
    run(["docker", "kill", "-s", "KILL", lab.container("publisher")])
    until(lambda: lab.health("publisher") == "exited", 10, "ended")
    assert _first_block(lab, "subscriber", "SEP00112233AA02.cnf.xml")
    _asks_tvs_of_subscriber(lab)
    lab.compose("start", "publisher")
    lab.wait_healthy()
    assert _records_of_publisher(lab) == before
    assert _first_block(lab, "publisher", "SEP00112233AA02.cnf.xml")


def test_a_node_whose_program_dies_is_started_again(lab: Lab) -> None:
    status = json.loads(lab.exec("subscriber", "cucmsim", "status", CONFIG, "--json").stdout)
    started = lab.state("subscriber")["StartedAt"]
    lab.exec("subscriber", "python", "-c", f"import os; os.kill({status[0]['pid']}, 9)")
    until(lambda: lab.state("subscriber")["StartedAt"] != started, 30, "started again")
    lab.wait_healthy("subscriber")
    assert _first_block(lab, "subscriber")


def test_every_node_serves_on_without_the_database_and_catch_up(lab: Lab) -> None:
    lab.compose("stop", "db")
    assert all(_first_block(lab, node) for node in NODES)
    _asks_tvs_of_subscriber(lab)
    words = f"cucmsim device add {CONFIG} SEP00112233AA03 --model 7962".split()
    refused = lab.exec("publisher", *words, check=False)
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    lab.compose("start", "db")
    lab.wait_healthy()
    lab.add_phone("SEP00112233AA04")
    port = lab.port("subscriber", 69)
    name = "SEP00112233AA04.cnf.xml"
    until(lambda: read_first_block(port, name) is not None, 10, "caught up")
