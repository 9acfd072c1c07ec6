"""utils ctl, utils itl: the dialogs of each release, and what is refused unasked."""

import pytest

from cucmsim.services.operations.recovery import fetch_recovery_file
from cucmsim.services.trustlists import is_mixed_mode
from tests.fixtures.postgres import SECURITY_PASSWORD
from tests.services.admin.conftest import Desk, MakeClerk
from tests.services.admin.fakesftp import PASSWORD
from tests.services.operations.conftest import PUBLISHER, SUBSCRIBER

UNSUCCESSFUL = "Executed command unsuccessfully\n"
ADMINISTRATOR = "the administrator's own"
REMOTE = "utils itl reset remotekey server joemar2 /home/joemar2/ITLRecovery.p12"
RESTART = (
    "Please Restart the TFTP and Cisco CallManager services on all nodes in the cluster "
    "that run these services\n"
)
RESET_OF_10 = (
    "Locating active Tftp servers in the cluster.....\n"
    "\n"
    "Following is the list of Active tftp servers in the cluster\n"
    "\n"
    "['cucm-pub', 'cucm-sub']\n"
    "The reset ITL file was generated successfully\n"
)


@pytest.fixture
async def early(make_clerk: MakeClerk) -> Desk:
    """Sit at the publisher of release 10.5, with an account."""
    desk = await make_clerk(PUBLISHER, "10.5")
    await desk.context.platform.describe("admin", ADMINISTRATOR)
    return desk


async def test_mixed_mode_is_set_as_the_dialog_of_10_shows(early: Desk) -> None:
    shown = await early.give("utils ctl set-cluster mixed-mode", ["y"])
    assert shown == (
        "This operation will set the cluster to Mixed mode. Do you want to continue? (y/n):y\n"
        "Moving Cluster to Mixed Mode\nCluster set to Mixed Mode\n" + RESTART
    )
    shown = await early.give("utils ctl update CTLFile", ["y"])
    assert shown == (
        "This operation will update the CTLFile. Do you want to continue? (y/n):y\n"
        "Updating CTL file\nCTL file Updated\n" + RESTART
    )
    shown = await early.give("utils ctl set-cluster non-secure-mode", ["y"])
    assert shown == (
        "This operation will set the cluster to non secure mode. Do you want to continue? (y/n):y\n"
        "Moving Cluster to Non Secure Mode\nCluster set to Non Secure Mode\n" + RESTART
    )


async def test_from_12_phones_and_ctimanager_are_spoken_of(clerk: Desk) -> None:
    shown = await clerk.give("utils ctl set-cluster mixed-mode", ["y"])
    assert shown.endswith(
        "Cluster set to Mixed Mode\n"
        "You must reset all phones to ensure they received the updated CTL file.\n"
        "You must restart Cisco CTIManager services on all the nodes in the cluster that have the"
        " service activated.\n"
    )
    shown = await clerk.give("utils ctl reset localkey", ["y"])
    assert "Resetting CTL file\nCTL file Reset\n" in shown


@pytest.mark.parametrize(
    "line",
    ["utils ctl set-cluster mixed-mode", "utils ctl update CTLFile", "utils ctl reset localkey"],
)
async def test_without_a_yes_nothing_happens(clerk: Desk, line: str) -> None:
    assert (await clerk.give(line, ["n"])).endswith("Do you want to continue? (y/n):n\n")
    assert not is_mixed_mode(clerk.context.view.replica)


async def test_the_local_key_is_used_as_seed_003_lines_89_to_106_show(early: Desk) -> None:
    shown = await early.give("utils itl reset localkey", [ADMINISTRATOR])
    assert shown.startswith("Enter CCM Administrator password :\n\n" + RESET_OF_10)
    assert shown.endswith("Cisco Tftp service restarted on host cucm-sub\n")
    shown = await early.give("utils itl reset localkey", ["wrong"])
    assert shown.endswith(f"The password is not valid.\n{UNSUCCESSFUL}")
    assert "wrong" not in shown


async def test_who_has_no_password_may_give_any(make_clerk: MakeClerk) -> None:
    desk = await make_clerk(PUBLISHER, "11.5")
    assert "generated successfully" in await desk.give("utils itl reset localkey", ["any"])


async def test_the_remote_key_comes_from_a_server_as_seed_003_lines_114_to_138_show(
    early: Desk,
) -> None:
    operator, files = early.operations.operator(), early.operations.sftp.files
    saved = await fetch_recovery_file(operator, PUBLISHER, SECURITY_PASSWORD)
    files["/home/joemar2"] = {"ITLRecovery.p12": saved}
    shown = await early.give(REMOTE, [PASSWORD, ADMINISTRATOR])
    assert shown.startswith(
        "Enter Sftp password :\n"
        "Processing token in else 0 tac\ncoun is 1\n"
        "Processing token in else 0 tac\ncoun is 1\n"
        "\n"
        "Enter CCM Administrator password :\n"
        "\n" + RESET_OF_10
    )
    files["/home/joemar2"] = {"ITLRecovery.p12": b"rubbish"}
    shown = await early.give(REMOTE, [PASSWORD, ADMINISTRATOR])
    assert shown.endswith(UNSUCCESSFUL)


async def test_release_12_asks_for_the_password_of_the_server_alone(clerk: Desk) -> None:
    saved = await fetch_recovery_file(clerk.operations.operator(), PUBLISHER, SECURITY_PASSWORD)
    clerk.operations.sftp.files["/home/joemar2"] = {"ITLRecovery.p12": saved}
    assert "Successfully transferred" in await clerk.give(REMOTE, [PASSWORD])
    assert clerk.operations.sftp.accounts[-1].port == 22
    assert (await clerk.give("utils itl reset localkey")).startswith("Name is None\n")


async def test_the_server_of_the_remote_key_may_be_on_another_port(clerk: Desk) -> None:
    saved = await fetch_recovery_file(clerk.operations.operator(), PUBLISHER, SECURITY_PASSWORD)
    clerk.operations.sftp.files["/home/joemar2"] = {"ITLRecovery.p12": saved}
    line = REMOTE.replace("server", "server:2022")
    assert "Successfully transferred" in await clerk.give(line, [PASSWORD])
    account = clerk.operations.sftp.accounts[-1]
    assert (account.host, account.port) == ("server", 2022)
    shown = await clerk.give(REMOTE.replace("server", "server:ssh"), [PASSWORD])
    assert "Enter valid values for the port" in shown


@pytest.mark.parametrize(
    "line",
    [
        "utils ctl set-cluster mixed-mode",
        "utils ctl update CTLFile",
        "utils ctl reset localkey",
        "utils itl reset localkey",
        REMOTE,
    ],
)
async def test_a_subscriber_and_an_older_release_refuse_before_they_ask(
    make_clerk: MakeClerk, line: str
) -> None:
    subscriber = await make_clerk(SUBSCRIBER)
    assert await subscriber.give(line) == f"This is not a publisher node\n{UNSUCCESSFUL}"
    old = await make_clerk(PUBLISHER, "9.1")
    assert (await old.give(line)).startswith("Release 9.1(1) has no utils ")
    assert not subscriber.script.questions
    assert not old.script.questions
