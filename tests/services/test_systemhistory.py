"""install/system-history.log: what is noted of a node's versions, and a disk that takes nothing."""

from datetime import timedelta
from pathlib import Path

from cucmsim.services.operations.versions import Installation, Sides, Version
from cucmsim.services.systemhistory import SystemHistory, changes
from tests.services.conftest import SteppingClock

OLD, NEW = Version.parse("10.5.2.10000-5"), Version.parse("12.5.1.10000-22")


def test_an_installation_is_noted_once_and_each_start(
    tmp_path: Path, stepping_clock: SteppingClock
) -> None:
    for _ in range(2):
        SystemHistory(tmp_path, stepping_clock).boot(str(NEW))
    assert (tmp_path / "install/system-history.log").read_text() == (
        "=======================================\n"
        "Product Name -    Cisco Unified Communications Manager\n"
        "Product Version - 12.5.1.10000-22\n"
        "=======================================\n"
        "02/26/2014 18:24:27 | root: Install 12.5.1.10000-22 Started\n"
        "02/26/2014 18:24:27 | root: Install 12.5.1.10000-22 Success\n"
        "02/26/2014 18:24:27 | root: Boot 12.5.1.10000-22 Start\n"
        "02/26/2014 18:24:27 | root: Boot 12.5.1.10000-22 Start\n"
    )


def test_an_upgrade_and_a_switch_are_told(stepping_clock: SteppingClock) -> None:
    runs = Installation(NEW, stepping_clock.now() + timedelta(hours=1))
    before, during = Sides(OLD), Sides(OLD, installation=runs)
    assert list(changes(before, during)) == ["Upgrade 12.5.1.10000-22 Start"]
    assert list(changes(during, Sides(OLD, NEW))) == ["Upgrade 12.5.1.10000-22 Success"]
    assert list(changes(during, before)) == ["Upgrade 12.5.1.10000-22 Failed"]
    assert list(changes(Sides(OLD, NEW), Sides(NEW, OLD))) == [
        "Switch Version 10.5.2.10000-5 to 12.5.1.10000-22 Start",
        "Switch Version 10.5.2.10000-5 to 12.5.1.10000-22 Success",
        "Boot 12.5.1.10000-22 Start",
    ]
    assert not list(changes(before, before))


def test_a_file_that_cannot_be_written_stops_nothing(
    tmp_path: Path, stepping_clock: SteppingClock
) -> None:
    (tmp_path / "install").write_text("no directory")
    SystemHistory(tmp_path, stepping_clock).boot(str(NEW))
    assert (tmp_path / "install").read_text() == "no directory"
