"""set password user security: the recovery key is under another password then."""

import pytest

from cucmsim.services.operations.recovery import backup_alert, open_recovery_file
from tests.fixtures.postgres import SECURITY_PASSWORD
from tests.services.admin.conftest import Desk
from tests.services.admin.fakesftp import PASSWORD

UNSUCCESSFUL = "Executed command unsuccessfully\n"
SERVER = ["y", "joemar2-server.cisco.com", "", "joemar2", PASSWORD, "/home/joemar2/", "yes"]
NEW = "another-password-1"


async def test_another_security_password_makes_another_file_and_brings_the_alert_back(
    clerk: Desk,
) -> None:
    # seed 003, line 560
    operator = clerk.operations.operator()
    await clerk.give("file get tftp ITLRecovery.p12", SERVER)
    shown = await clerk.give("set password user security", [SECURITY_PASSWORD, NEW, NEW, "y"])
    assert shown.endswith("Password updated successfully.\n")
    assert NEW not in shown
    assert SECURITY_PASSWORD not in shown
    assert await backup_alert(operator) is not None
    await clerk.give("file get tftp ITLRecovery.p12", SERVER)
    data = clerk.operations.sftp.files["/home/joemar2/"]["ITLRecovery.p12"]
    await open_recovery_file(data, NEW)
    assert await backup_alert(operator) is None
    # and the old one is wrong from now on
    shown = await clerk.give("set password user security", [SECURITY_PASSWORD, NEW, NEW, "y"])
    assert shown.endswith(f"The old password did not match.\n{UNSUCCESSFUL}")


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ([SECURITY_PASSWORD, NEW, "other", "y"], "The passwords do not match."),
        ([SECURITY_PASSWORD, "short"], "The password must have 6 to 128 printable ASCII"),
        ([SECURITY_PASSWORD, "with a blank"], "The password must have 6 to 128 printable ASCII"),
        ([SECURITY_PASSWORD, "Łódź-2445"], "The password must have 6 to 128 printable ASCII"),
        (["wrong", NEW, NEW, "y"], "The old password did not match."),
        ([SECURITY_PASSWORD, NEW, NEW, "n"], "Continue (y/n)?n"),
    ],
)
async def test_a_password_that_is_refused_changes_nothing(
    clerk: Desk, answers: list[str], words: str
) -> None:
    await clerk.give("file get tftp ITLRecovery.p12", SERVER)
    assert words in await clerk.give("set password user security", answers)
    assert not clerk.outcome.succeeded
    assert await backup_alert(clerk.operations.operator()) is None
    await clerk.give("file get tftp ITLRecovery.p12", SERVER)
    data = clerk.operations.sftp.files["/home/joemar2/"]["ITLRecovery.p12"]
    await open_recovery_file(data, SECURITY_PASSWORD)


async def test_a_subscriber_is_told_to_go_to_the_publisher(subscriber_clerk: Desk) -> None:
    assert await subscriber_clerk.give("set password user security") == (
        f"This is not a publisher node\n{UNSUCCESSFUL}"
    )
