"""A cable that is pulled, half a partition, lost packets, and a storm of notifications.

What phones must see stands in docs/node-faults.md.
"""

import time

import pytest

from tests.docker.administrator import Administrator
from tests.docker.lab import NODES, Lab, read_first_block, until
from tests.docker.labphones import LabPhone
from tests.docker.outages import Outages

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

ITL = "ITLSEP001B54C25A01.tlv"
STORM = 500


def test_phones_leave_a_publisher_that_is_cut_off_and_ask_the_other_tvs(
    lab: Lab, phones: list[LabPhone], outages: Outages, administrator: Administrator
) -> None:
    assert administrator.regenerate("subscriber", "CallManager")[0] == 200
    restart = "/services/cucm-sub/tftp/restart"
    assert administrator.ask("subscriber", "POST", restart)[0] == 200, "signs with the new key"
    trusted = [phone.itl for phone in phones]
    outages.cut("publisher")
    phones[0].restart()
    phones[2].wait_registered("cucm-sub", 90)
    phones[1].wait_registered("cucm-sub", 90)
    phones[0].boots("cucm-sub", 90)
    assert phones[0].refused == []
    assert phones[0].accepted["ITLFile.tlv"].startswith("by TVS,"), phones[0].accepted
    assert phones[0].itl[1] == "cucm-sub"

    outages.plug_in()
    lab.wait_healthy()
    administrator.add()
    administrator.wait_current()
    phones[2].wait_registered("cucm-pub", 90)
    phones[0].restart()
    phones[0].boots("cucm-pub", 90)
    assert phones[0].refused == []
    assert phones[1].itl == trusted[1]


def test_a_node_that_reaches_phones_alone_serves_what_it_knew(
    lab: Lab, phones: list[LabPhone], outages: Outages, administrator: Administrator
) -> None:
    administrator.wait_current()
    version = administrator.version("publisher")
    outages.cut("subscriber", "database")
    missed = administrator.add()
    until(lambda: "database away, serving on" in lab.logs("subscriber"), 30, "noticed")
    port = lab.port("subscriber", 69)
    assert read_first_block(port, f"{missed}.cnf.xml") is None
    assert administrator.version("subscriber") == version
    inspected = lab.inspect(
        lab.fetch("subscriber", ITL), lab.certificate("subscriber", "CallManager")
    )
    assert inspected["signature"] == "valid"
    outages.kill("publisher")
    for phone in phones:
        phone.wait_registered("cucm-sub", 90)
    outages.plug_in()
    until(lambda: read_first_block(port, f"{missed}.cnf.xml") is not None, 30, "caught up")
    assert [phone.registered_with for phone in phones] == ["cucm-sub"] * 3


def test_a_storm_of_notifications_hides_no_change(
    lab: Lab, phones: list[LabPhone], administrator: Administrator
) -> None:
    said = ["hello", "-1", "7", *(str(10**9 + number) for number in range(STORM))]
    storm = "".join(f"NOTIFY cucmsim, '{text}';\n" for text in said)
    administrator.sql(storm)
    begin = time.monotonic()
    added = administrator.add()
    administrator.sql(storm)
    ports = [lab.port(service, 69) for service in NODES]
    until(lambda: all(read_first_block(port, f"{added}.cnf.xml") for port in ports), 10, "served")
    assert time.monotonic() - begin < 20
    administrator.wait_current()
    assert "lost" not in "".join(phone.printed for phone in phones)
