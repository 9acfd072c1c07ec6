"""utils diagnose: what is tested, what is said of a failure, the file that is left."""

from pathlib import Path

from cucmsim.services.admin.command import ServiceState
from tests.services.admin.conftest import Desk
from tests.services.operations.conftest import NOW


async def test_every_test_passes_and_leaves_a_file(clerk: Desk, tmp_path: Path) -> None:
    clerk.operations.logs = tmp_path / "new" / "logs"
    clerk.operations.states = [ServiceState("web", True, NOW)]  # noqa: FBT003
    for number in (1, 2):
        shown = await clerk.give("utils diagnose test")
        assert shown.startswith(
            f"Log file: platform/log/diag{number}.log\n\nStarting diagnostic test(s)\n"
            "===========================\ntest - disk_space         : Passed (available: "
        )
        assert "test - tomcat             : Passed\n" in shown
        assert "Failed" not in shown
        assert clerk.outcome.succeeded
    text = await clerk.give("file dump activelog platform/log/diag2.log")
    assert "test - tomcat_keystore    : Passed\n" in text


async def test_a_failure_says_why(clerk: Desk) -> None:
    clerk.operations.network.silent = {5060}
    shown = await clerk.give("utils diagnose module validate_network")
    assert "test - validate_network   : Failed (cucm-sub does not answer on port 5060)\n" in shown
    assert not clerk.outcome.succeeded
    shown = await clerk.give("utils diagnose module tomcat")
    assert "Failed (Cisco Tomcat is not running)\n" in shown


async def test_modules_are_listed_and_others_refused(clerk: Desk) -> None:
    listed = await clerk.give("utils diagnose list")
    assert "validate_network   - " in listed
    refused = await clerk.give("utils diagnose module raid")
    assert refused.startswith("Enter valid values for the module. \nSuggested values are disk_s")
