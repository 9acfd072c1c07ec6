"""What becomes of a node whose program dies. More faults: `test_*_faults.py`."""

import json

import pytest

from tests.docker.lab import CONFIG, Lab, read_first_block, until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

PHONE = "SEP001B54C25A01"
ITL = f"ITL{PHONE}.tlv"


def _first_block(lab: Lab, service: str, name: str = ITL) -> bytes:
    block = read_first_block(lab.port(service, 69), name)
    assert block is not None
    return block


def test_a_node_whose_program_dies_is_started_again(lab: Lab) -> None:
    status = json.loads(lab.exec("subscriber", "cucmsim", "status", CONFIG, "--json").stdout)
    started = lab.state("subscriber")["StartedAt"]
    lab.exec("subscriber", "python", "-c", f"import os; os.kill({status[0]['pid']}, 9)")
    until(lambda: lab.state("subscriber")["StartedAt"] != started, 30, "started again")
    lab.wait_healthy("subscriber")
    assert _first_block(lab, "subscriber")
