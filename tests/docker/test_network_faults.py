"""A cable that is pulled, half a partition, lost packets, and a storm of notifications.

What phones must see stands in docs/node-faults.md.
"""

import time

import pytest

from tests.docker.administrator import Administrator
from tests.docker.lab import NODES, Lab, read_first_block, until
from tests.docker.labphones import LabPhone

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

ITL = "ITLSEP001B54C25A01.tlv"
STORM = 500


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
