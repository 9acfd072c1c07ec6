"""Option 150 in a file: what it may hold, what a phone is told, and a file that is gone."""

from pathlib import Path

import pytest

from cucmsim.phone.dhcp import DhcpAnswer
from cucmsim.phone.dhcpevents import DhcpAnswered, DhcpEvent, DhcpTimedOut, ServerSource
from cucmsim.phone.optionfile import OptionFile, OptionFileError


async def test_each_boot_takes_what_the_file_says_by_then(tmp_path: Path) -> None:
    path, told = tmp_path / "option150", list[DhcpEvent]()
    finder = OptionFile(path)
    answers = []
    for text in ("127.0.1.61\n", "# the new ones\n\n 127.0.1.62 # TFTP 1\n127.0.1.63\n127.0.1.64"):
        path.write_text(text)
        answers.append(await finder.find(told.append))
    path.unlink()
    answers.append(await finder.find(told.append))

    servers = [("127.0.1.61",), ("127.0.1.62", "127.0.1.63")]
    assert answers == [*(DhcpAnswer(each, ServerSource.OPTION_150) for each in servers), None]
    assert told == [
        *(DhcpAnswered(str(path), each, ServerSource.OPTION_150) for each in servers),
        DhcpTimedOut(str(path)),
    ]


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"# nobody\n", "found no TFTP server, expected an address a line"), (b"\xff", "not a text")],
)
def test_a_file_without_a_server_is_refused(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "option150"
    path.write_bytes(data)
    with pytest.raises(OptionFileError, match=said):
        OptionFile(path).read()
