"""A database that is killed amid changes, hangs, refuses connections, or has no room left.

What phones must see stands in docs/node-faults.md: nothing.
"""

import time
from collections.abc import Callable

import pytest

from tests.docker.administrator import Administrator
from tests.docker.lab import CONFIG, NODES, Lab, read_first_block, until
from tests.docker.labphones import LabPhone
from tests.docker.outages import Outages

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

ITL = "ITLSEP001B54C25A01.tlv"
COUNT = 150


def _is_served_everywhere(lab: Lab, name: str) -> bool:
    ports = [lab.port(service, 69) for service in NODES]
    return all(read_first_block(port, name) for port in ports)


def test_every_announced_change_is_there_after_the_database_was_killed_amid_changes(
    lab: Lab, phones: list[LabPhone], outages: Outages, administrator: Administrator
) -> None:
    adding = administrator.start_adding(COUNT)
    before = len(administrator.phones())
    until(lambda: len(administrator.phones()) > before + 5, 30, "amid changes")
    outages.kill("db")
    phones[0].restart()
    phones[0].boots("cucm-pub", 90)
    assert _is_served_everywhere(lab, ITL)
    certificate = lab.certificate("subscriber", "CallManager")
    said = lab.client("cucmsim", "tvs", "verify", lab.address("subscriber"), certificate)
    assert "Trusted: yes" in said.stdout
    ordered = administrator.ask(
        "publisher", "POST", "/orders", {"action": "reset", "devices": [phones[1].name]}
    )
    assert ordered[0] == 200
    phones[1].boots("cucm-pub", 90)

    outages.start("db")
    added, refused = adding.finish()
    assert added
    assert refused, "the database was away"
    lab.wait_healthy()
    assert set(added) <= administrator.phones()
    administrator.wait_current()
    port = lab.port("subscriber", 69)
    assert all(read_first_block(port, f"{name}.cnf.xml") for name in added)
    gaps = "SELECT max(version) - min(version) + 1 - count(DISTINCT version) FROM cucmsim_changelog"
    assert administrator.sql(gaps) == "0"
    assert [phone.registered_with for phone in phones] == ["cucm-pub"] * 3
    assert "lost" not in phones[2].printed


def _hangs(outages: Outages) -> Callable[[], None]:
    outages.pause("db")
    return lambda: outages.unpause("db")


def _refuses(outages: Outages) -> Callable[[], None]:
    outages.lose(outages.lab.container("db"), "tcp dport 5432 reject with tcp reset")
    return outages.lose_no_more


@pytest.mark.parametrize("break_it", [_hangs, _refuses])
def test_nobody_waits_for_a_database_that_does_not_answer(
    lab: Lab,
    phones: list[LabPhone],
    outages: Outages,
    administrator: Administrator,
    break_it: Callable[[Outages], Callable[[], None]],
) -> None:
    mend = break_it(outages)
    begin = time.monotonic()
    words = f"cucmsim device add {CONFIG} SEP001122FF0001 --model 7962".split()
    refused = lab.exec("publisher", *words, check=False)
    assert refused.returncode == 1
    assert "at db does not answer" in refused.stderr, refused.stderr
    assert "Traceback" not in refused.stderr
    status, _ = administrator.ask("subscriber", "GET", "/status")
    assert status == 200
    assert time.monotonic() - begin < 40
    assert _is_served_everywhere(lab, ITL)
    phones[0].restart()
    phones[0].boots("cucm-pub", 90)
    mend()
    lab.wait_healthy()
    until(lambda: _can_add(administrator), 30, "changes work again")
    administrator.wait_current()
    assert "lost" not in phones[1].printed + phones[2].printed


def _can_add(administrator: Administrator) -> bool:
    return bool(administrator.start_adding(1).finish()[0])


def test_a_full_disk_is_said_and_nothing_is_lost_when_there_is_room_again(
    lab: Lab, phones: list[LabPhone], outages: Outages, administrator: Administrator
) -> None:
    started = [lab.state(service)["StartedAt"] for service in NODES]
    outages.fill_disk()
    added, refused = administrator.start_adding(60).finish()
    assert any("disk is full" in str(reason) for reason in refused), refused[:1]
    assert _is_served_everywhere(lab, ITL)
    phones[0].restart()
    phones[0].boots("cucm-pub", 90)
    outages.empty_disk()
    lab.wait_healthy()
    until(lambda: _can_add(administrator), 60, "changes work again")
    administrator.wait_current()
    assert set(added) <= administrator.phones()
    assert [lab.state(service)["StartedAt"] for service in NODES] == started
    assert "lost" not in phones[1].printed + phones[2].printed
