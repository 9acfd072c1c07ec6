"""show itl and show ctl: present, absent, damaged, old."""

from dataclasses import replace
from pathlib import Path

from cucmsim.formats.trustlist import CTL_FILENAME, ITL_FILENAME
from cucmsim.pki.release import Release
from cucmsim.services.view import View
from cucmsim.store.rows import TftpFile
from tests.services.admin.conftest import Desk
from tests.services.conftest import PUBLISHER

VECTORS = Path(__file__).parents[2] / "vectors"
ITL = (VECTORS / "itl" / "ITL-sha1-v1.0.tlv").read_bytes()
CTL = (VECTORS / "ctl" / "CTL-sha1-1024.tlv").read_bytes()


def _with_ctl(desk: Desk, data: bytes) -> None:
    held = TftpFile(name=CTL_FILENAME, data=data, node=PUBLISHER)
    replica = replace(desk.context.view.replica, tftp_files={(PUBLISHER, CTL_FILENAME): held})
    desk.context = replace(desk.context, view=View(replica))


async def test_show_itl_prints_what_tftp_serves_in_the_node_s_time(desk: Desk) -> None:
    # seed 003, lines 147 to 159
    desk.operations.files[ITL_FILENAME] = ITL
    values = desk.context.platform.values
    await desk.context.platform.change(replace(values, time_zone="America/Los_Angeles"))
    shown = (await desk.give("show itl")).splitlines()
    assert shown[0] == "The checksum value of the ITL file:"
    assert shown[1].endswith("(MD5)")
    assert shown[2].endswith("(SHA1)")
    assert shown[3:5] == ["", f"Length of ITL file: {len(ITL)}"]
    assert shown[5].startswith("The ITL File was last modified on ")
    assert shown[5].split()[-2] in ("PST", "PDT")
    assert shown[7] == "\tParse ITL File"
    assert desk.outcome.succeeded


async def test_a_release_8_prints_no_checksums(desk: Desk) -> None:
    # seed 000, line 180
    desk.operations.files[ITL_FILENAME] = ITL
    desk.context = replace(desk.context, release=Release.parse("8.6"))
    assert (await desk.give("show itl")).startswith("Length of ITL file: ")


async def test_show_ctl_prints_the_node_s_file(desk: Desk) -> None:
    # seed 001, lines 31 to 42
    _with_ctl(desk, CTL)
    shown = await desk.give("show ctl")
    assert shown.startswith("The checksum value of the CTL file:\n")
    assert shown.endswith("The CTL file was verified successfully.\n")


async def test_show_ctl_of_a_cluster_without_one_prints_the_three_lines(desk: Desk) -> None:
    # seed 001, line 17; cucm.md 1.2 "CTL absent (all of it)"
    assert await desk.give("show ctl") == (
        "Length of CTL file: 0\n"
        "CTL File not found. Please run CTLClient plugin or run the CLI - utils ctl.."
        " to generate the CTL file.\n"
        "Error parsing the CTL File.\n"
    )
    assert not desk.outcome.succeeded


async def test_a_damaged_file_is_named_without_a_verdict(desk: Desk) -> None:
    _with_ctl(desk, CTL[:100])
    shown = await desk.give("show ctl")
    assert shown.startswith("Length of CTL file: 100\n")
    assert shown.endswith("\nError parsing the CTL File.\n")
    assert not desk.outcome.succeeded
