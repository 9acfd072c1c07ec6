"""file get: to the administrator's server, as in seed 003."""

import gzip
from pathlib import Path

import pytest

from cucmsim.services.admin.commands_files_get import kilobytes
from cucmsim.services.operations.recovery import backup_alert, open_recovery_file
from tests.fixtures.postgres import SECURITY_PASSWORD
from tests.services.admin.conftest import Desk
from tests.services.admin.fakesftp import PASSWORD

UNSUCCESSFUL = "Executed command unsuccessfully\n"
SERVER = ["y", "joemar2-server.cisco.com", "", "joemar2", PASSWORD, "/home/joemar2/", "yes"]


def test_kilobytes_are_printed_as_in_seed_003_line_531() -> None:
    assert kilobytes(1709) == "1.6689453"
    assert kilobytes(0) == "0.0"
    assert kilobytes(1024) == "1.0"
    assert kilobytes(1) == "9.765625E-4"


async def test_the_recovery_key_is_delivered_as_seed_003_lines_526_to_550_show(
    clerk: Desk,
) -> None:
    operator = clerk.operations.operator()
    assert await backup_alert(operator) is not None
    shown = await clerk.give("file get tftp ITLRecovery.p12", SERVER)
    data = clerk.operations.sftp.files["/home/joemar2/"]["ITLRecovery.p12"]
    assert shown == (
        "Please wait while the system is gathering files info ...done.\n"
        "Sub-directories were not traversed.\n"
        "Number of files affected: 1\n"
        f"Total size in Bytes: {len(data)}\n"
        f"Total size in Kbytes: {shown.split('Kbytes: ')[1].split()[0]}\n"
        "Would you like to proceed [y/n]? y\n"
        "SFTP server IP: joemar2-server.cisco.com\n"
        "SFTP server port [22]: \n"
        "User ID: joemar2\n"
        "Password: ******\n"
        "\n"
        "Download directory: /home/joemar2/\n"
        "\n"
        "The authenticity of host 'joemar2-server.cisco.com (172.18.172.254)' can't be"
        " established.\n"
        "RSA key fingerprint is 2c:8f:9b:b2:ff:f7:a6:31:61:1b:bc:95:cc:bc:ba:bd.\n"
        "Are you sure you want to continue connecting (yes/no)? yes\n"
        "\n"
        "Transfer completed.\n"
        "Downloading file: /usr/local/cm/tftp/ITLRecovery.p12\n"
    )
    await open_recovery_file(data, SECURITY_PASSWORD)
    assert await backup_alert(operator) is None


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (["n"], "Would you like to proceed [y/n]? n\n"),
        ([*SERVER[:4], "wrong", "/", "yes"], "refused user name or password\n"),
        ([*SERVER[:6], "no"], "Host key verification failed.\n"),
        ([*SERVER[:2], "0", "u", "p", "/"], "Enter valid values for the port."),
        ([], "Would you like to proceed [y/n]? "),
    ],
)
async def test_a_file_that_does_not_arrive_leaves_the_alert(
    clerk: Desk, answers: list[str], words: str
) -> None:
    assert words in await clerk.give("file get tftp ITLRecovery.p12", answers)
    assert await backup_alert(clerk.operations.operator()) is not None


async def test_a_full_server_leaves_the_alert(clerk: Desk) -> None:
    clerk.operations.sftp.is_full = True
    shown = await clerk.give("file get tftp ITLRecovery.p12", SERVER)
    assert shown.endswith(f"ITLRecovery.p12: No space left on device\n{UNSUCCESSFUL}")
    assert await backup_alert(clerk.operations.operator()) is not None


async def test_a_subscriber_has_no_recovery_file_seed_003_line_523(
    subscriber_clerk: Desk,
) -> None:
    assert await subscriber_clerk.give("file get tftp ITLRecovery.p12") == (
        f"file not found\n{UNSUCCESSFUL}"
    )


async def test_logs_are_delivered_by_name_match_and_time(clerk: Desk, tmp_path: Path) -> None:
    clerk.operations.logs = tmp_path / "logs"
    base = clerk.operations.log_directory() / "active" / "cm" / "trace" / "tvs"
    (base / "sdi").mkdir(parents=True)
    for name in ("sdi/tvs1.txt", "sdi/tvs2.txt", "sdi/other.log", "top.txt"):
        (base / name).write_text(name)
    shown = await clerk.give('file get activelog cm/trace/tvs/sdi/* match "sdi/tvs"', SERVER)
    assert shown.endswith(
        "\nTransfer completed.\nDownloading file: /var/log/active/cm/trace/tvs/sdi/tvs1.txt\n"
        "Transfer completed.\nDownloading file: /var/log/active/cm/trace/tvs/sdi/tvs2.txt\n"
    )
    assert "Number of files affected: 2\nTotal size in Bytes: 24\n" in shown
    kept = clerk.operations.sftp.files["/home/joemar2/"]
    assert kept == {"tvs1.txt": b"sdi/tvs1.txt", "tvs2.txt": b"sdi/tvs2.txt"}
    shown = await clerk.give("file get activelog cm/trace/tvs/* recurs compress", SERVER)
    assert "Sub-directories were traversed.\nNumber of files affected: 4\n" in shown
    assert gzip.decompress(kept["sdi/other.log.gz"]) == b"sdi/other.log"
    assert gzip.decompress(kept["top.txt.gz"]) == b"top.txt"
    assert await backup_alert(clerk.operations.operator()) is not None
    old = "file get activelog cm/trace/tvs/sdi/* abstime 00:00:01/01/00 00:00:01/02/00"
    assert await clerk.give(old) == f"file not found\n{UNSUCCESSFUL}"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("fast", "Unknown parameter: fast\n"),
        ("match", "Mandatory parameter missing: match\n"),
        ("match (", "Invalid regular expression: "),
        ("match nothing", "file not found\n"),
        ("reltime days x", "Enter valid values for the reltime. "),
    ],
)
async def test_wrong_options_are_named_before_anything_is_asked(
    clerk: Desk, options: str, words: str
) -> None:
    shown = await clerk.give(f"file get tftp ITLRecovery.p12 {options}")
    assert shown.startswith(words)
    assert shown.endswith(UNSUCCESSFUL)
    assert clerk.script.questions == []


@pytest.mark.parametrize("name", ["nothing.xml", '"a b"', "ł" * 200, "a\\b"])
async def test_a_file_that_tftp_does_not_have_is_not_found(clerk: Desk, name: str) -> None:
    assert await clerk.give(f"file get tftp {name}") == f"file not found\n{UNSUCCESSFUL}"


async def test_a_path_out_of_the_place_is_refused(clerk: Desk) -> None:
    shown = await clerk.give("file get tftp ../../etc/passwd")
    assert shown == f"Path cannot contain '..'\n{UNSUCCESSFUL}"


async def test_a_file_must_be_named(clerk: Desk) -> None:
    shown = await clerk.give("file get tftp")
    assert shown == f"Mandatory parameter missing: file\n{UNSUCCESSFUL}"
