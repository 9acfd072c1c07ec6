"""Numbers, prefixes and files of console logs, and the list of status messages."""

from datetime import datetime

import pytest

from cucmsim.phone import events
from cucmsim.phone.console import Console, ConsoleLine, Level, format_line
from cucmsim.phone.statuslist import STATUS_LIMIT, StatusList
from cucmsim.phone.statustexts import status_message
from cucmsim.phone.values import FileKind, Generation, Refusal, Transport

NIGHT = datetime(2009, 12, 16, 3, 43, 3, 20)  # noqa: DTZ001 - a phone's own time
OLD, NEW = Generation.SERIES_79XX, Generation.SERIES_88XX
LINE = ConsoleLine(Level.DEBUG, "SECD", "text")


def test_the_prefix_of_each_generation() -> None:
    assert format_line(OLD, 7, NIGHT, LINE) == "7: DBG 03:43:03.000020 SECD: text"
    assert format_line(NEW, 7, NIGHT, LINE) == "7 DEB Dec 16 03:43:03.000020 SECD-text"
    threaded = format_line(NEW, 7, NIGHT, LINE, thread=(12, 34))
    assert threaded == "7 DEB Dec 16 03:43:03.000020 (12:34) SECD-text"


def test_what_a_server_said_cannot_begin_a_line_of_its_own() -> None:
    hostile = LINE._replace(text="no\n8 NOT Dec 16\x1b[2J")
    assert format_line(NEW, 7, NIGHT, hostile).endswith("SECD-no?8 NOT Dec 16?[2J")


def test_a_console_numbers_its_lines() -> None:
    console = Console(NEW, first_number=9, thread=(1, 2))
    assert console.write([LINE, LINE], NIGHT) == (
        "9 DEB Dec 16 03:43:03.000020 (1:2) SECD-text",
        "10 DEB Dec 16 03:43:03.000020 (1:2) SECD-text",
    )
    assert console.write([LINE], NIGHT)[0].startswith("11 ")


def test_the_newest_lines_are_in_messages() -> None:
    console = Console(NEW, lines_per_file=2)
    console.write([LINE] * 9, NIGHT)
    newest, middle, oldest = console.files
    assert [file.name for file in console.files] == ["messages", "messages.0", "messages.1"]
    assert [len(file.lines) for file in console.files] == [1, 2, 2]
    assert oldest.lines[0].startswith("5 ")
    assert newest.data == b"9 DEB Dec 16 03:43:03.000020 SECD-text\n"
    assert console.lines == (*oldest.lines, *middle.lines, *newest.lines)


def test_the_logs_of_a_79xx_begin_with_a_header() -> None:
    console = Console(OLD, lines_per_file=4)
    console.write([LINE] * 9, NIGHT)
    assert [file.name for file in console.files] == ["log2.log", "log3.log", "log4.log"]
    header, rule, first, _ = console.files[0].lines
    assert header == "|== Syslogd TNP== Wed Dec 16 03:43:03 2009"
    assert set(rule) == {"="}
    assert first == console.lines[0]
    assert [line[0] for line in console.lines] == ["5", "6", "7", "8", "9"]


def test_an_empty_console_has_no_files() -> None:
    assert (Console(NEW).files, Console(OLD).lines) == ((), ())


def test_only_the_thirty_latest_status_messages_are_kept() -> None:
    kept = StatusList()
    for index in range(40):
        kept = kept.add(NIGHT, str(index))
    assert len(kept.messages) == STATUS_LIMIT
    assert (kept.messages[0].text, kept.messages[-1].text) == ("10", "39")


@pytest.mark.parametrize(
    ("hour", "old", "new"),
    [
        (0, "12:43:03a Trust", "[12:43:03am 12/16/09] Trust"),
        (8, "8:43:03a Trust", "[8:43:03am 12/16/09] Trust"),
        (12, "12:43:03p Trust", "[12:43:03pm 12/16/09] Trust"),
        (21, "9:43:03p Trust", "[9:43:03pm 12/16/09] Trust"),
    ],
)
def test_a_message_has_its_time_of_day(hour: int, old: str, new: str) -> None:
    (message,) = StatusList().add(NIGHT.replace(hour=hour), "Trust").messages
    assert (message.format(OLD), message.format(NEW)) == (old, new)


def failed(
    kind: FileKind, failure: str, code: int | None = None, transport: Transport = Transport.TFTP
) -> events.DownloadFailed:
    return events.DownloadFailed(1, "SEPA.cnf.xml", kind, "a", transport, failure, "", code)


def summary(*, ctl: bool, itl: bool, updated: bool = False) -> events.TrustListsSummarised:
    return events.TrustListsSummarised(ctl, itl, updated, refused=False)


MESSAGES: list[tuple[object, str | None, str | None]] = [
    (
        events.TrustListMissing(FileKind.CTL),
        "File Not Found : CTLFile.tlv",
        "File Not Found <CTLFile.tlv>",
    ),
    (
        events.TrustListUpdated(FileKind.ITL, replaced=True, sha1=b""),
        "Trust List Updated",
        "Trust List updated",
    ),
    (
        events.TrustListRefused(FileKind.ITL, Refusal.TVS_SILENT),
        "Trust List Update Failed",
        "Trust List update failed",
    ),
    (summary(ctl=True, itl=True), "CTL and ITL Installed", "CTL and ITL installed"),
    (summary(ctl=True, itl=False), "CTL Installed", "CTL Installed"),
    (summary(ctl=False, itl=True), "ITL Installed", "ITL installed"),
    (summary(ctl=False, itl=False), "No Trust List Installed", "No Trust List installed"),
    (summary(ctl=False, itl=True, updated=True), None, None),
    (events.TrustListsErased(), "Erasing CTL and ITL files", "Erasing CTL and ITL files"),
    (
        events.VerificationFailed("a", FileKind.CONFIG, Refusal.BAD_SIGNATURE),
        "Verification Failed",
        "Verification Failed",
    ),
    (events.ConfigurationAccepted("SEPA.cnf.xml.sgn", "1"), "SEPA.cnf.xml.sgn", "SEPA.cnf.xml.sgn"),
    (
        events.ResetReceived("restart"),
        "Restart requested by Cisco Unified Communications Manager",
        "Restart requested by Cisco Unified Communications Manager",
    ),
    (events.ResetReceived("apply-config"), None, None),
    (
        failed(FileKind.CONFIG, "not found"),
        "File Not Found : SEPA.cnf.xml",
        "File not found <SEPA.cnf.xml>",
    ),
    (failed(FileKind.ITL, "not found"), None, None),
    (failed(FileKind.CONFIG, "timeout", transport=Transport.HTTP), None, None),
    (
        failed(FileKind.CONFIG, "too large", transport=Transport.HTTP),
        "CFG TFTP Size Error",
        "CFG TFTP Size Error",
    ),
    (failed(FileKind.OTHER, "too large"), "TFTP Error : SEPA.cnf.xml", "TFTP error"),
    (failed(FileKind.ITL, "timeout"), "TFTP Timeout : SEPA.cnf.xml", "TFTP timeout"),
    (failed(FileKind.ITL, "unreachable"), "TFTP Timeout : SEPA.cnf.xml", "TFTP timeout"),
    (failed(FileKind.ITL, "error", 2), "TFTP Access Error : SEPA.cnf.xml", "TFTP access error"),
    (failed(FileKind.ITL, "error", 4), "TFTP Error : SEPA.cnf.xml", "TFTP error"),
    (events.RegistrationSucceeded("a"), None, None),
    (events.RegistrationLost("a", "closed"), None, None),
]


@pytest.mark.parametrize(("event", "old", "new"), MESSAGES)
def test_what_the_screen_shows(event: object, old: str | None, new: str | None) -> None:
    assert status_message(event, OLD) == old
    assert status_message(event, Generation.SERIES_78XX) == new
    assert status_message(event, NEW) == new
