"""Banner, dialogs and tables against the texts of cucm.md and the seeds, named by line.

Those of cucm.md are held to every blank. Seed 003 broke lines anew: there one blank is as good as
another, and its nodes are ours by another name.
"""

from collections.abc import Sequence

import pytest

from cucmsim.services.admin.commandline import BANNER
from cucmsim.services.operations.recovery import fetch_recovery_file
from tests.fixtures.listings import document
from tests.fixtures.postgres import SECURITY_PASSWORD
from tests.services.admin.conftest import Desk, MakeClerk
from tests.services.admin.fakesftp import PASSWORD
from tests.services.operations.conftest import PUBLISHER

ADMINISTRATOR = "the administrator's own"


def given(document_text: str) -> tuple[str, str]:
    """Split a transcript into the line that was given and what was shown then."""
    line, _, shown = document_text.removesuffix("admin:\n").partition("\n")
    return line.removeprefix("admin:"), shown


def flat(text: str) -> str:
    return " ".join(text.replace("```", "").split())


async def operated(make_clerk: MakeClerk, release: str) -> Desk:
    desk = await make_clerk(PUBLISHER, release)
    await desk.context.platform.describe("admin", ADMINISTRATOR)
    return desk


def test_the_banner_is_that_of_cucm_md_line_15() -> None:
    # the inventory is indented by one TAB, which a capture shows as eight blanks
    expected = "\n" + document("cucm-md-015-banner").replace(" " * 8, "\t")
    assert f"{BANNER}admin:\n" == expected


@pytest.mark.parametrize(
    ("name", "release", "answers", "said"),
    [
        ("cucm-md-112-set-cluster-mixed-mode", "10.5", ["y"], ""),
        ("cucm-md-129-set-cluster-mixed-mode-11.6", "12.5", ["y"], "mixed"),
        ("cucm-md-179-set-cert-regen-tomcat", "11.5", ["yes"], ""),
        ("cucm-md-099-show-ctl-absent", "10.5", [], ""),
        ("cucm-md-411-run-sql", "10.5", [], ""),
    ],
)
async def test_a_dialog_is_that_of_cucm_md_to_every_blank(
    make_clerk: MakeClerk, name: str, release: str, answers: Sequence[str], said: str
) -> None:
    desk = await operated(make_clerk, release)
    async with desk.context.store.transaction() as transaction:
        await transaction.set_enterprise_parameter("ClusterSecurityMode", "0")
    line, expected = given(document(name))
    if said == "mixed":
        # no node here registers phones by itself, and the answer was typed with a blank before
        expected = expected.replace(
            "  Auto-registration is enabled on at least one CM node. ", " "
        ).replace("(y/n): y", "(y/n):y")
    assert await desk.give(line, answers) == expected


async def test_leaving_mixed_mode_is_as_cucm_md_line_121_shows(make_clerk: MakeClerk) -> None:
    desk = await operated(make_clerk, "10.5")
    await desk.give("utils ctl set-cluster mixed-mode", ["y"])
    line, expected = given(document("cucm-md-121-set-cluster-non-secure-mode"))
    assert await desk.give(line, ["y"]) == expected.replace("(y/n):\n", "(y/n):y\n")


async def test_itlrecovery_is_regenerated_as_cucm_md_line_188_shows(make_clerk: MakeClerk) -> None:
    desk = await operated(make_clerk, "12.5")
    shown = await desk.give("set cert regen ITLRecovery", ["yes"])
    assert shown == document("cucm-md-188-set-cert-regen-itlrecovery")


async def test_the_itl_is_reset_in_12_5_as_cucm_md_line_147_shows(make_clerk: MakeClerk) -> None:
    desk = await operated(make_clerk, "12.5")
    _, expected = given(document("cucm-md-147-utils-itl-reset-12.5"))
    transferred = "Successfully transferred reset ITL to node {}\n"
    here = (
        expected.replace("se032c-94-42\n=", "cucm-pub\ncucm-sub\n=")
        .replace("cluster : 1\n", "cluster : 2\n")
        .replace(
            transferred.format("se032c-94-42"),
            transferred.format("cucm-pub") + transferred.format("cucm-sub"),
        )
    )
    assert await desk.give("utils itl reset localkey") == here


async def test_the_itl_is_reset_in_10_as_seed_003_lines_89_to_106_show(
    make_clerk: MakeClerk,
) -> None:
    desk = await operated(make_clerk, "10.0")
    line, expected = given(document("seed-003-089-utils-itl-reset-localkey"))
    shown = await desk.give(line, [ADMINISTRATOR])
    assert flat(shown) == flat(expected.replace("test10", "cucm-"))


async def test_the_itl_is_reset_by_a_remote_key_as_seed_003_lines_114_to_138_show(
    make_clerk: MakeClerk,
) -> None:
    desk = await operated(make_clerk, "10.0")
    saved = await fetch_recovery_file(desk.operations.operator(), PUBLISHER, SECURITY_PASSWORD)
    desk.operations.sftp.files["/home/joemar2"] = {"ITLRecovery.p12": saved}
    # the page broke the command line in two
    text = document("seed-003-114-utils-itl-reset-remotekey")
    text = text.replace("joemar2\n/home", "joemar2 /home")
    line, expected = given(text)
    shown = await desk.give(line, [PASSWORD, ADMINISTRATOR])
    # nothing is echoed of a hidden answer, nor its Enter; a script's answer ends its line
    shown = shown.replace("password :\nProcessing", "password :Processing")
    assert flat(shown) == flat(expected.replace("test10", "cucm-"))


async def test_callmanager_is_regenerated_and_tvs_held_as_seed_003_lines_467_to_490_show(
    make_clerk: MakeClerk,
) -> None:
    desk = await operated(make_clerk, "10.0")
    line, expected = given(document("seed-003-467-set-cert-regen-callmanager"))
    assert flat(await desk.give(line, ["yes"])) == flat(expected)
    line, expected = given(document("seed-003-485-set-cert-regen-tvs"))
    assert flat(await desk.give(line, ["yes"])) == (
        f"{flat(expected)} Executed command unsuccessfully"
    )
