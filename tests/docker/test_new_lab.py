"""A lab made from nothing: how soon it has a phone, what an upgrade keeps, what it leaves."""

import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import pytest

from tests.docker.lab import CONFIG, NODES, Lab, read_first_block, run

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

FIRST_PHONE_S = 60.0
"""What docs/docker.md promises, with images present."""
OLDER = "0003"
"""The schema of a release before this one: without what upgrades, alarms and CAPF profiles need."""
_GO_BACK = f"""
import asyncio, os
from alembic import command
from cucmsim.store.engine import Database
from cucmsim.store.migrate import alembic_config

async def go_back():
    database = Database.parse(os.environ["CUCMSIM_CLUSTER__DATABASE"])
    async with database.session(write=True) as session:
        await session.run(lambda held: command.downgrade(alembic_config(held), "{OLDER}"))
    await database.close()

asyncio.run(go_back())
"""


@dataclass(frozen=True, slots=True)
class NewLab:
    """A lab, as docker-compose.yml alone describes it, and how long its first phone took."""

    lab: Lab
    seconds: float


@pytest.fixture(scope="module")
def new(_session_lab: Lab) -> Iterator[NewLab]:
    """Make a lab with a phone, once the session's has built the images."""
    lab = Lab(f"cucmsimtest{os.getpid()}new", with_client=False)
    try:
        begin = time.monotonic()
        lab.compose("--profile", "phones", "up", "-d")
        lab.wait(partial(_has_registered, lab), 240, "a phone registered")
        yield NewLab(lab, time.monotonic() - begin)
    finally:
        lab.down()


def _has_registered(lab: Lab) -> bool:
    (phone,) = lab.containers("phone")
    printed = run(["docker", "logs", phone]).stdout
    return re.search(r"^ +registered +with cucm-pub", printed, re.MULTILINE) is not None


def test_the_first_phone_of_a_new_cluster_is_registered_within_a_minute(new: NewLab) -> None:
    logs = new.lab.all_logs()
    assert new.seconds < FIRST_PHONE_S, f"{new.seconds:.1f} s\n{logs}"


def test_an_upgrade_of_the_image_keeps_phones_certificates_and_trust(new: NewLab) -> None:
    lab = new.lab
    lab.wait_healthy()
    lab.add_phone("SEP00112233AA07")
    held = _held(lab)
    lab.compose("stop", *NODES)
    lab.compose("run", "--rm", "--no-deps", "--entrypoint", "python", "publisher", "-c", _GO_BACK)
    assert _schema(lab) == OLDER
    lab.compose("up", "-d", "--force-recreate", *NODES)
    lab.wait_healthy(*NODES)
    assert _schema(lab) > OLDER
    assert _held(lab) == held
    block = read_first_block(lab.port("subscriber2", 69), "SEP00112233AA07.cnf.xml")
    assert block is not None


def _held(lab: Lab) -> tuple[object, ...]:
    """Return the phones and what each node shows of its CallManager certificate."""
    listed = lab.exec("publisher", "cucmsim", "device", "list", CONFIG, "--json").stdout
    phones = [(phone["name"], phone["lines"]) for phone in json.loads(listed)]
    path = "/var/lib/cucmsim/certs/{}/CallManager.pem"
    shown = [lab.exec(each, "cat", path.format(node.name)).stdout for each, node in NODES.items()]
    return phones, shown


def _schema(lab: Lab) -> str:
    query = "select version_num from cucmsim_schema"
    words = ("env", "PGPASSWORD=cucmsim", "psql", "-U", "cucmsim", "-h", "127.0.0.1", "-Atc")
    return lab.exec("db", *words, query).stdout.strip()


def test_two_labs_stand_side_by_side_and_down_leaves_nothing(lab: Lab, new: NewLab) -> None:
    new.lab.wait_healthy()
    assert new.lab.net != lab.net
    name = "ITLSEP001B54C25A01.tlv"
    blocks = [read_first_block(each.port("subscriber", 69), name) for each in (new.lab, lab)]
    assert None not in blocks
    assert blocks[0] != blocks[1]
    new.lab.compose("--profile", "phones", "down", "-v")
    assert new.lab.leftovers() == []
    assert read_first_block(lab.port("subscriber", 69), name) == blocks[1]
