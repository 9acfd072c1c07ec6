"""set cert bulk: two steps on a server, as in seed 002 from line 59."""

import pytest

from tests.services.admin.conftest import Desk
from tests.services.admin.fakesftp import PASSWORD
from tests.services.operations.conftest import PUBLISHER

UNSUCCESSFUL = "Executed command unsuccessfully\n"
SERVER = ["sftp.lab.local", "", "joemar2", PASSWORD, "/bulk", "yes"]


async def test_the_server_is_asked_for_and_never_shown_again(clerk: Desk) -> None:
    shown = await clerk.give("set cert bulk sftp", SERVER)
    assert shown == (
        "SFTP server IP: sftp.lab.local\n"
        "SFTP server port [22]: \n"
        "User ID: joemar2\n"
        "Password: ******\n"
        "\nDirectory: /bulk\n"
        "\nThe authenticity of host 'sftp.lab.local (172.18.172.254)' can't be established.\n"
        "RSA key fingerprint is 2c:8f:9b:b2:ff:f7:a6:31:61:1b:bc:95:cc:bc:ba:bd.\n"
        "Are you sure you want to continue connecting (yes/no)? yes\n"
        "\nSuccessfully set the sftp server.\n"
    )
    async with clerk.context.store.transaction() as transaction:
        kept = await transaction.platform(PUBLISHER)
    assert PASSWORD not in str(kept)


async def test_certificates_are_exported_consolidated_and_imported_cucm_md_line_175(
    clerk: Desk, subscriber_clerk: Desk
) -> None:
    await clerk.give("set cert bulk sftp", SERVER)
    assert await clerk.give("set cert bulk export tomcat") == (
        "Successfully exported tomcat certificate(s) to sftp server.\n"
    )
    assert await clerk.give("set cert bulk export tftp") == (
        "Successfully exported tftp certificate(s) to sftp server.\n"
    )
    files = clerk.operations.sftp.files["/bulk"]
    assert set(files) == {"cucm-pub_tomcat.p12", "cucm-pub_tftp.p12", "cucm-sub_tftp.p12"}
    assert await clerk.give("set cert bulk consolidate all") == (
        "Successfully consolidated tomcat certificates.\n"
        "Successfully consolidated tftp certificates.\n"
    )
    subscriber_clerk.operations.sftp = clerk.operations.sftp
    assert await subscriber_clerk.give("set cert bulk import all") == (
        "Successfully imported tomcat certificates.\nSuccessfully imported tftp certificates.\n"
    )
    replica = await clerk.context.store.load_replica()
    assert len(replica.in_store("Phone-SAST-trust")) == 2


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("set cert bulk export all", "No sftp server is set. Please use set cert bulk sftp first."),
        ("set cert bulk import all", "No sftp server is set. Please use set cert bulk sftp first."),
        ("set cert bulk export", "Mandatory parameter missing: unit"),
        ("set cert bulk import TVS", "Enter valid values for the unit."),
    ],
)
async def test_a_step_without_server_or_type_is_refused(clerk: Desk, line: str, words: str) -> None:
    shown = await clerk.give(line)
    assert shown.startswith(words)
    assert shown.endswith(UNSUCCESSFUL)


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (["h", "22", "u", "wrong", "/d", "yes"], "refused user name or password"),
        (["h", "22", "u", PASSWORD, "/d", "no"], "Host key verification failed."),
        (["h", "0", "u", PASSWORD, "/d"], "Enter valid values for the port. \nSuggested values"),
        (["h", "٢٢", "u", PASSWORD, "/d"], "Enter valid values for the port."),
        (["h", "123456", "u", PASSWORD, "/d"], "Enter valid values for the port."),
        ([" ", "", "u", PASSWORD, "/d"], "The SFTP server IP must not be empty."),
        (["h", "", "", PASSWORD, "/d"], "The User ID must not be empty."),
    ],
)
async def test_a_server_that_is_no_good_is_not_kept(
    clerk: Desk, answers: list[str], words: str
) -> None:
    shown = await clerk.give("set cert bulk sftp", answers)
    assert words in shown
    assert shown.endswith(UNSUCCESSFUL)
    assert "No sftp server is set" in await clerk.give("set cert bulk export all")


async def test_a_full_or_absent_server_is_named_and_nothing_changes(clerk: Desk) -> None:
    await clerk.give("set cert bulk sftp", SERVER)
    before = await clerk.context.store.load_replica()
    clerk.operations.sftp.is_full = True
    shown = await clerk.give("set cert bulk export tftp")
    assert shown == f"cucm-pub_tftp.p12: No space left on device\n{UNSUCCESSFUL}"
    clerk.operations.sftp.is_away = True
    shown = await clerk.give("set cert bulk sftp", SERVER)
    assert shown.endswith(f"sftp.lab.local: Connection refused\n{UNSUCCESSFUL}")
    clerk.operations.sftp.files["/bulk"]["tomcat.p12"] = b"rubbish"
    shown = await clerk.give("set cert bulk import tomcat")
    assert shown == f"tomcat.p12 is not a PKCS12 file of certificates.\n{UNSUCCESSFUL}"
    assert await clerk.context.store.load_replica() == before
