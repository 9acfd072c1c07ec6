"""file list, delete, dump, search, tail and view: layouts, options, refusals, real deletion."""

import asyncio
import os
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cucmsim.formats.trustlist import CTL_FILENAME
from cucmsim.services.admin.commands_files import tail_file
from tests.fixtures.adminlines import at_node
from tests.fixtures.clusters import PUBLISHER, SUBSCRIBER, Lab
from tests.services.admin.conftest import Desk

_TRACE = "18:01:05.334 | debug Recd event\n18:01:05.855 | debug TLS HS Done for ph_conn\n"


def put(desk: Desk, name: str, text: str, moment: datetime | None = None) -> Path:
    """Write a file below the node's logs."""
    path = desk.operations.logs / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    stamp = (moment or datetime(2014, 2, 26, 12, 0, 59, tzinfo=UTC)).timestamp()
    os.utime(path, (stamp, stamp))
    return path


@pytest.fixture(autouse=True)
def _logs(desk: Desk, tmp_path: Path) -> None:
    desk.operations.logs = tmp_path / "logs"
    put(desk, "active/cm/trace/tvs/sdi/tvs00000001.txt", _TRACE)
    put(desk, "active/cm/trace/tvs/sdi/tvs00000002.txt", "x" * 2000)
    put(desk, "install/system-history.log", "installed\n")


async def test_a_list_shows_names_in_columns_and_counts(desk: Desk) -> None:
    assert await desk.give("file list activelog cm/trace/tvs/sdi/*") == (
        "tvs00000001.txt                         tvs00000002.txt\ndir count = 0, file count = 2\n"
    )
    assert await desk.give("file list activelog cm/trace") == (
        "<dir>   tvs\ndir count = 1, file count = 0\n"
    )
    assert "file count = 1\n" in await desk.give("file list install *.log page")


async def test_a_detailed_list_has_date_and_size_and_may_be_sorted(desk: Desk) -> None:
    assert await desk.give("file list activelog cm/trace/tvs/sdi detail size reverse") == (
        "26 Feb,2014 12:00:59   2,000         tvs00000002.txt\n"
        f"26 Feb,2014 12:00:59   {len(_TRACE)}            tvs00000001.txt\n"
        "dir count = 0, file count = 2\n"
    )
    put(desk, "active/cm/trace/tvs/sdi/tvs00000001.txt", "", datetime(2015, 1, 1, tzinfo=UTC))
    shown = await desk.give("file list activelog cm/trace/tvs/sdi/ date")
    assert shown.startswith("tvs00000002.txt ")


@pytest.mark.parametrize(
    "spec",
    [
        "nothing*",
        "cm/none/x",
        "../install/*",
        "cm/../../install/*",
        "/etc/passwd",
        "a\\b",
        "\u30b5",
    ],
)
@pytest.mark.parametrize("verb", ["list", "delete", "dump", "tail", "view"])
async def test_what_is_not_there_or_leads_out_is_refused(desk: Desk, verb: str, spec: str) -> None:
    shown = await desk.give(f"file {verb} activelog {spec}")
    assert shown.endswith("Executed command unsuccessfully\n")
    assert "file not found" in shown or "Path cannot contain '..'" in shown


async def test_a_link_that_leads_out_is_not_followed(desk: Desk, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (desk.operations.logs / "active/link").symlink_to(secret)
    assert "file not found" in await desk.give("file list activelog link")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("file list activelog cm loud", "Unknown parameter: loud"),
        ("file list somewhere cm", "Suggested values are tftp, activelog, inactivelog, install"),
        ("file delete activelog cm/* reltime days", "Mandatory parameter missing: value"),
        ("file delete activelog cm/* reltime years 2", "Enter valid values for the reltime. "),
        ("file delete activelog cm/* reltime days -2", "Enter valid values for the reltime. "),
        ("file delete activelog cm/* abstime 1 2", "Suggested values are hh:mm:MM/DD/YY"),
        ("file search activelog cm/* (", "Invalid regular expression: "),
        ("file dump activelog cm/trace/tvs/sdi/* regexp [", "Invalid regular expression: "),
        (f"file search activelog cm/* {'a' * 201}", "longer than 200 characters"),
        ("file view activelog cm/trace/tvs/sdi/*", "More than one file was found."),
        ("file view activelog", "Mandatory parameter missing: file"),
    ],
)
async def test_wrong_arguments_are_refused_in_words(desk: Desk, line: str, said: str) -> None:
    shown = await desk.give(line)
    assert said in shown
    assert shown.endswith("Executed command unsuccessfully\n")


async def test_files_are_deleted_after_a_question_each(desk: Desk) -> None:
    # seed 001, lines 274 to 277
    folder = desk.operations.logs / "active/cm/trace/tvs/sdi"
    assert await desk.give("file delete activelog cm/trace/tvs/sdi/tvs*", ["n", "y"]) == (
        "Delete the File tvs00000001.txt?\n"
        'Enter "y" followed by return to continue: n\n'
        "Delete the File tvs00000002.txt?\n"
        'Enter "y" followed by return to continue: y\n'
        "files: found = 2, deleted = 1\n"
    )
    assert [path.name for path in folder.iterdir()] == ["tvs00000001.txt"]
    assert await desk.give("file delete activelog cm/trace/tvs/sdi/* noconfirm detail") == (
        "cm/trace/tvs/sdi/tvs00000001.txt: deleted\nfiles: found = 1, deleted = 1\n"
    )


async def test_times_choose_files_in_the_node_s_zone(desk: Desk) -> None:
    put(desk, "active/old.log", "", datetime(2013, 1, 1, tzinfo=UTC))
    late = "file delete activelog old.log noconfirm reltime months 2"
    assert "file not found" in await desk.give(late)
    between = "abstime 23:00:12/31/12 01:00:01/01/13"
    assert "deleted = 1" in await desk.give(f"file delete activelog old.log noconfirm {between}")


async def test_a_dump_shows_text_lines_or_hexadecimal(desk: Desk) -> None:
    name = "cm/trace/tvs/sdi/tvs00000001.txt"
    assert await desk.give(f"file dump activelog {name}") == _TRACE
    assert await desk.give(f'file dump activelog {name} regexp "TLS HS"') == (
        "18:01:05.855 | debug TLS HS Done for ph_conn\n"
    )
    assert await desk.give("file dump install system-history.log hex recent") == (
        "00000000  69 6e 73 74 61 6c 6c 65 64 0a                    installed.\n"
    )


async def test_a_search_names_the_files_it_looks_through(desk: Desk) -> None:
    shown = await desk.give('file search activelog cm/trace/* "tls hs" ignorecase recurs')
    assert shown == (
        "Searching path: /var/log/active/cm/trace/*\n"
        "Searching file: /var/log/active/cm/trace/tvs/sdi/tvs00000001.txt\n"
        "18:01:05.855 | debug TLS HS Done for ph_conn\n"
        "Searching file: /var/log/active/cm/trace/tvs/sdi/tvs00000002.txt\n"
        "Search completed\n"
    )
    assert "HS Done" in await desk.give("file search activelog cm/trace/tvs/sdi/* TLS")


async def test_escape_sequences_in_a_file_do_not_reach_the_terminal(desk: Desk) -> None:
    put(desk, "active/evil.log", "\x1b[2Jgone\r\n")
    assert "\x1b" not in await desk.give("file dump activelog evil.log")


async def test_view_pages_with_its_own_keys(desk: Desk) -> None:
    # cucm.md 1.1: "options: q=quit, n=next, p=prev, b=begin, e=end (lines 61 - 80 of 207554) : "
    put(desk, "active/long.log", "".join(f"line {number}\n" for number in range(1, 51)))
    shown = await desk.give("file view activelog long.log", "nnpbeq")
    prompts = [one.prompt for one in desk.script.questions]
    assert prompts[0] == (
        "\x1b[1m\noptions: q=quit, n=next, p=prev, b=begin, e=end (lines 1 - 20 of 50) : \x1b[0m"
    )
    assert [prompt.partition("(")[2].partition(")")[0] for prompt in prompts] == [
        "lines 1 - 20 of 50",
        "lines 21 - 40 of 50",
        "lines 31 - 50 of 50",
        "lines 11 - 30 of 50",
        "lines 1 - 20 of 50",
        "lines 31 - 50 of 50",
    ]
    assert shown.count("end of the file reached\n") == 2
    put(desk, "active/empty.log", "")
    assert "(lines 0 - 0 of 0)" in await desk.give("file view activelog empty.log", "q")


async def test_tail_shows_the_end_and_what_is_added_until_it_is_interrupted(desk: Desk) -> None:
    path = put(desk, "active/grows.log", "".join(f"line {number}\n" for number in range(30)))
    arguments = {"place": "activelog", "file": "grows.log", "options": "2"}
    async with aclosing(tail_file(desk.context, arguments)) as steps:
        assert await anext(steps) == "line 28\nline 29\n"
        with path.open("a") as file:
            file.write("added\n")
        assert await anext(steps) == "added\n"


async def test_tail_ends_with_the_input_of_its_session(desk: Desk) -> None:
    put(desk, "active/grows.log", "one\ntwo\n")
    desk.context.session.has_ended_input = True
    async with asyncio.timeout(30):
        assert await desk.give("file tail activelog grows.log") == "one\ntwo\n"
    assert desk.outcome.succeeded


async def test_tail_filters_and_shows_hexadecimal(desk: Desk) -> None:
    put(desk, "active/short.log", "one\ntwo\n")
    arguments = {"place": "activelog", "file": "short.log", "options": "hex regexp tw"}
    async with aclosing(tail_file(desk.context, arguments)) as steps:
        assert await anext(steps) == "74 77 6f\n"


@pytest.mark.usefixtures("quiet")
async def test_a_deleted_ctl_is_served_no_more_by_that_node_alone(lab: Lab) -> None:
    # seed 001, lines 274 to 277, and line 20
    lab.mode = "mixed"
    async with lab.running() as cluster:
        give = at_node(cluster, SUBSCRIBER)
        assert "CTLFile.tlv" in await give("file list tftp *")
        assert await give("file delete tftp CTLFile.tlv", ["y"]) == (
            "Delete the File CTLFile.tlv?\n"
            'Enter "y" followed by return to continue: y\n'
            "files: found = 1, deleted = 1\n"
        )
        assert (await give("show ctl")).startswith("Length of CTL file: 0\n")
        served = {
            node: await cluster.command_lines[node].operations.tftp_file(CTL_FILENAME)
            for node in (PUBLISHER, SUBSCRIBER)
        }
        give = at_node(cluster, PUBLISHER)
        listed = await give("file list activelog cm/tftpdata/*")
        gone = await give("file delete activelog cm/tftpdata/CTLFile.tlv noconfirm")
        again = await give("file delete tftp CTLFile.tlv noconfirm")
    assert served[SUBSCRIBER] is None
    assert served[PUBLISHER] is not None
    assert "ITLRecovery.p12" in listed
    assert gone == "files: found = 1, deleted = 1\n"
    assert again == "file not found\nExecuted command unsuccessfully\n"
