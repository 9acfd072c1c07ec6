"""utils disaster_recovery: cucm.md 1.7 has its syntax, the line of the history and one answer."""

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from cucmsim.pki.release import Release
from cucmsim.services.operations.drs.progress import Kind, Progress, running
from tests.services.admin.conftest import Desk
from tests.services.admin.fakesftp import PASSWORD
from tests.services.operations.conftest import PUBLISHER

DRS = "utils disaster_recovery"
UNSUCCESSFUL = "Executed command unsuccessfully\n"
STAMP = "2026-03-01-12-00-00"
ADD = f"{DRS} device add network sftp1 /backups sftp.lab.local joemar2"
ANSWERS = (PASSWORD, "yes")


async def add_device(clerk: Desk) -> None:
    assert (await clerk.give(ADD, ANSWERS)).endswith("Device added successfully.\n")


async def test_a_device_is_added_listed_and_deleted_and_no_password_shown(clerk: Desk) -> None:
    assert await clerk.give(f"{DRS} device list") == "drfCliMsg: No backup devices configured.\n"
    assert await clerk.give(f"{ADD} 3", ANSWERS) == (
        "Please enter password to access network server sftp.lab.local:\n"
        "\nThe authenticity of host 'sftp.lab.local (172.18.172.254)' can't be established.\n"
        "RSA key fingerprint is 2c:8f:9b:b2:ff:f7:a6:31:61:1b:bc:95:cc:bc:ba:bd.\n"
        "Are you sure you want to continue connecting (yes/no)? yes\n"
        "drfCliMsg: Network Device added successfully.\n"
    )
    assert await clerk.give(f"{DRS} device list") == (
        "Device Name  Device Type  Device Path              User     Backups\n"
        "-------------------------------------------------------------------\n"
        "sftp1        NETWORK      sftp.lab.local:/backups  joemar2  3\n"
    )
    assert await clerk.give(f"{DRS} device delete *") == (
        "drfCliMsg: Device sftp1 deleted successfully.\n"
    )
    assert await clerk.give(f"{DRS} device list") == "drfCliMsg: No backup devices configured.\n"


@pytest.mark.parametrize(
    ("line", "answers", "words"),
    [
        (f"{ADD} x", (), "Invalid number of backups: found 'x'"),
        (f"{ADD} 1000", (), "Invalid number of backups"),
        (f"{ADD} 15", ANSWERS, "found 15, expected 1 to 14"),
        (ADD, ("wrong", "yes"), "refused user name or password"),
        (ADD, (PASSWORD, "no"), "Host key verification failed."),
        (ADD.replace("sftp.lab.local", "host:x"), (PASSWORD,), "Enter valid values for the port."),
        (f"{DRS} device delete sftp1", (), "Device sftp1 does not exist."),
        (f"{DRS} backup network UCM sftp1", (), "Device sftp1 does not exist."),
        (f"{DRS} restore network ALL {STAMP} sftp1", ("y",), "Device sftp1 does not exist."),
        (f"{DRS} backup network PLM,UCM sftp1", (), "Invalid feature: found 'PLM', expected UCM"),
        (f"{DRS} estimate_tar_size nothing", (), "Invalid feature: found 'nothing'"),
        (f"{DRS} show_registration nobody", (), "Server nobody is not registered."),
        (f"{DRS} cancel_backup", ("y",), "No backup is in progress."),
        (f"{DRS} prepare restore pub_from_sub", (), "Process nodes have been added already"),
        (f"{DRS} status nothing", (), "Suggested values are backup, restore"),
        (f"{DRS} schedule enable x", (), "Schedule x does not exist. Known schedules: none"),
        (f"{DRS} schedule delete x", (), "Schedule x does not exist."),
        (f"{DRS} schedule add a sftp1 UCM x daily", (), "Device sftp1 does not exist."),
    ],
)
async def test_what_cannot_be_done_is_refused(
    clerk: Desk, line: str, answers: Sequence[str], words: str
) -> None:
    shown = await clerk.give(line, answers)
    assert words in shown
    assert shown.endswith(UNSUCCESSFUL)


async def test_a_backup_is_made_told_and_restored(clerk: Desk) -> None:
    await add_device(clerk)
    assert await clerk.give(f"{DRS} status backup") == "drfCliMsg: No backup has been made.\n"
    assert await clerk.give(f"{DRS} history backup") == (
        "drfCliMsg: No backup history available.\n"
    )
    assert await clerk.give(f"{DRS} show_backupfiles sftp1") == (
        "drfCliMsg: No backup files found on the device.\n"
    )
    assert await clerk.give(f"{DRS} backup network UCM sftp1") == (
        "drfCliMsg: Backup initiated successfully. Please run 'utils disaster_recovery status"
        " backup' command to see the status\n"
    )
    at = "SUCCESS Sun Mar  1 12:00:00 GMT 2026"
    assert await clerk.give(f"{DRS} status backup") == (
        "Status: SUCCESS :Backup Completed...\n"
        f"Tar Filename: {STAMP}.tar\n"
        "Storage Location: NETWORK\n"
        "Operation: backup\n"
        "Percentage Complete: 100\n"
        f"UCM cucm-pub PLATFORM {at}\n"
        f"UCM cucm-pub CCMDB {at}\n"
        f"UCM cucm-pub TFTP {at}\n"
        f"UCM cucm-sub PLATFORM {at}\n"
        f"UCM cucm-sub TFTP {at}\n"
    )
    assert await clerk.give(f"{DRS} history backup") == (  # the form of cucm.md line 310
        f"{STAMP}.tar NETWORK Sun Mar  1 12:00:00 GMT 2026 SUCCESS MANUAL UCM\n"
    )
    assert await clerk.give(f"{DRS} show_backupfiles sftp1") == f"{STAMP}.tar\n"
    assert await clerk.give(f"{DRS} restore network ALL {STAMP} sftp1", ["n"]) == (
        "drfCliMsg: WARNING! The data of the server(s) is replaced with that of the backup; what"
        " was changed since is lost.\n"
        "Do you want to continue (y/n)?n\n"
    )
    shown = await clerk.give(f"{DRS} restore network cucm-pub {STAMP}.tar sftp1", ["y"])
    assert shown.endswith(
        "Do you want to continue (y/n)?y\n"
        "drfCliMsg: Restore initiated successfully. Please run 'utils disaster_recovery status"
        " restore' command to see the status\n"
        "drfCliMsg: Restore Completed...\n"
        "drfCliMsg: Restart Required: Please restart the server(s) [cucm-pub] before performing"
        " next restore for changes to take effect. In case of a cluster, restart the entire"
        " cluster.\n"
    )
    assert "Operation: restore\nPercentage Complete: 100\n" in await clerk.give(
        f"{DRS} status restore"
    )


async def test_a_failed_backup_says_why_and_may_be_canceled_while_it_runs(clerk: Desk) -> None:
    await add_device(clerk)
    clerk.operations.sftp.is_full = True
    shown = await clerk.give(f"{DRS} backup network UCM sftp1")
    assert shown.endswith(f"PLATFORM.tar: No space left on device\n{UNSUCCESSFUL}")
    status = await clerk.give(f"{DRS} status backup")
    assert status.startswith("Status: ERROR :Backup Failed... ")
    assert " ERROR MANUAL UCM\n" in await clerk.give(f"{DRS} history backup")
    operator = clerk.operations.operator()
    async with running(operator, Progress(Kind.BACKUP, STAMP, ("UCM",), 5)) as operation:
        assert "RUNNING :Backup In Progress..." in await clerk.give(f"{DRS} status backup")
        refused = await clerk.give(f"{DRS} cancel_backup", ["n"])
        assert refused == "Do you want to continue (y/n)?n\n"
        assert (await clerk.give(f"{DRS} cancel_backup", ["y"])).endswith("requested.\n")
        async with operator.store.transaction() as transaction:
            await operation.succeed(transaction)


async def test_registration_size_logs_and_the_stopped_service(clerk: Desk) -> None:
    await add_device(clerk)
    assert await clerk.give(f"{DRS} show_registration cucm-sub") == (
        "Feature  Component\n------------------\nUCM      PLATFORM\nUCM      TFTP\n"
    )
    size = await clerk.give(f"{DRS} estimate_tar_size UCM")
    assert re.fullmatch(r"drfCliMsg: Estimated size of the backup: \d+ bytes\n", size)
    for action in ("enable", "disable"):
        assert await clerk.give(f"{DRS} jschLogs operation {action}") == (
            f"drfCliMsg: JSch logs {action}d successfully.\n"
        )
    await clerk.give("utils service stop Cisco DRF Master")
    shown = await clerk.give(f"{DRS} backup network UCM sftp1")
    assert shown == (
        "drfCliMsg: Master Agent is not responding. Cisco DRF Master is not started on cucm-pub.\n"
        + UNSUCCESSFUL
    )
    await clerk.give("utils service start Cisco DRF Master")
    assert "initiated successfully" in await clerk.give(f"{DRS} backup network UCM sftp1")


async def test_schedules_are_added_enabled_listed_and_deleted(clerk: Desk) -> None:
    await add_device(clerk)
    add = f"{DRS} schedule add nightly sftp1 UCM 2026/03/02-02:00 daily"
    assert await clerk.give(add) == "Schedule added successfully.\n"
    listed = "Schedule Name  Device Name  Features  Schedule Frequency  Due               Status"
    row = "nightly        sftp1        UCM       daily               2026/03/02-02:00  "
    rule = "-" * 84
    assert await clerk.give(f"{DRS} schedule list") == f"{listed}\n{rule}\n{row}disabled\n"
    assert await clerk.give(f"{DRS} schedule enable nightly") == (
        "Schedule enabled successfully.\n"  # cucm.md line 310
    )
    assert (await clerk.give(f"{DRS} schedule list")).endswith(f"{row}enabled\n")
    assert await clerk.give(f"{DRS} schedule disable nightly") == (
        "Schedule disabled successfully.\n"
    )
    for line, words in (
        (add, "Schedule nightly already exists."),
        (add.replace("nightly", "x").replace("2026", "2025"), "must be in the future."),
        (add.replace("nightly", "x").replace("2026/", ""), "expected yyyy/mm/dd-hh:mm"),
        (add.replace("daily", "yearly"), "Suggested values are once, daily, weekly, monthly"),
        (f"{DRS} device delete sftp1", "Device sftp1 is used by schedule nightly."),
    ):
        assert words in await clerk.give(line)
    assert await clerk.give(f"{DRS} schedule delete nightly") == "Schedule deleted successfully.\n"
    assert await clerk.give(f"{DRS} schedule list") == "drfCliMsg: No schedules configured.\n"


async def test_it_is_the_publisher_s_and_takes_privilege_1(
    clerk: Desk, subscriber_clerk: Desk
) -> None:
    shown = await subscriber_clerk.give(f"{DRS} device list")
    assert shown == f"This command is only available on the publisher node.\n{UNSUCCESSFUL}"
    clerk.context = replace(clerk.context, level=0)
    assert "No valid command entered" in await clerk.give(f"{DRS} device list")


async def test_a_release_before_9_calls_the_feature_ccm(clerk: Desk) -> None:
    operates = replace(clerk.operations.operator(), release=Release(8, 6))
    clerk.operations.operates = operates
    clerk.context = replace(clerk.context, release=operates.release)
    await add_device(clerk)
    assert "CCM" in await clerk.give(f"{DRS} show_registration {PUBLISHER}")
    assert "initiated successfully" in await clerk.give(f"{DRS} backup network CCM sftp1")
