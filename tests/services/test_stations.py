"""What an SCCP phone is told of itself."""

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from cucmsim.protocols.sccp_station import Station, StationLine
from cucmsim.services.stations import date_template_of, station_of, time_zone_of
from cucmsim.store.replica import Replica
from cucmsim.store.rows import Device, DevicePool, Line

NAME = "SEP001B54C25A01"


def replica(device: Device, zone: str = "Europe/Berlin") -> Replica:
    pool = DevicePool(name="Berlin", callmanager_group="", date_template="D.M.Y", time_zone=zone)
    return Replica(version=1, devices={NAME: device}, device_pools={pool.name: pool})


def test_a_phone_has_its_lines_and_the_load_of_its_model() -> None:
    device = Device(name=NAME, model="7942", lines=(Line("2001", "Desk", "Reception"),))
    lines = (StationLine("2001", "Reception", "Desk"),)
    assert station_of(replica(device), NAME, "pub") == Station(
        NAME, "pub", lines, (), "SCCP42.9-4-2SR3-1S"
    )


def test_a_load_of_its_own_comes_before_that_of_the_model() -> None:
    device = Device(name=NAME, model="7942", load_information="SCCP42.8-5-2S")
    assert station_of(replica(device), NAME, "pub").load == "SCCP42.8-5-2S"
    unknown = Device(name=NAME, model="none such")
    assert station_of(replica(unknown), NAME, "pub").load == ""


def test_a_phone_that_is_not_configured_has_nothing() -> None:
    assert station_of(Replica(version=1), NAME, "pub") == Station(NAME, "pub")
    assert date_template_of(Replica(version=1), NAME) == "M/D/Y"


def test_dates_and_times_are_those_of_the_pool() -> None:
    device = Device(name=NAME, model="7942", device_pool="Berlin")
    assert date_template_of(replica(device), NAME) == "D.M.Y"
    assert time_zone_of(replica(device), NAME) == ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize("zone", ["Nowhere/None", "../x", ""])
def test_a_time_zone_that_is_not_known_is_utc(zone: str) -> None:
    device = Device(name=NAME, model="7942", device_pool="Berlin")
    assert time_zone_of(replica(device, zone), NAME) is UTC
    assert time_zone_of(Replica(version=1), NAME) is UTC
