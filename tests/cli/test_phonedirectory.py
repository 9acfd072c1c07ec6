"""`cucmsim phone directory` with phones that have booted from a cluster in this process."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import typer

from cucmsim.cli.phonedirectory import register
from cucmsim.clock import SystemClock
from cucmsim.entropy import SystemEntropy
from cucmsim.errors import CommandError, UnreachableError
from cucmsim.phone.device import Phone, PhoneOptions
from cucmsim.phone.factory import make_mic
from cucmsim.phone.flashdir import FlashDirectory
from cucmsim.phone.values import PhoneIdentity
from tests.fixtures.phonelab import PhoneLab

IDENTITY = PhoneIdentity("001B54C25A01", "7962")
NAME = IDENTITY.name

pytestmark = pytest.mark.usefixtures("quiet")

Open = Callable[..., str]


@pytest.fixture
def phones(tmp_path: Path) -> PhoneLab:
    return PhoneLab(tmp_path / "lab")


@pytest.fixture
def flash(tmp_path: Path) -> Path:
    return tmp_path / "flash"


@pytest.fixture
def open_directory(phones: PhoneLab, flash: Path, capsys: pytest.CaptureFixture[str]) -> Open:
    """Return what runs the command and gives what it printed."""
    hosts = [option for option in phones.options() if option.startswith("--host")]

    def run(*options: str, knows_hosts: bool = True) -> str:
        app = typer.Typer()
        register(app)
        capsys.readouterr()
        app([str(flash), *(hosts if knows_hosts else []), *options], standalone_mode=False)
        return capsys.readouterr().out

    return run


async def boot(phones: PhoneLab, flash: Path) -> None:
    mic = make_mic(IDENTITY, SystemEntropy(), SystemClock().now())
    options = PhoneOptions(mic=mic, settle_s=0)
    phone = Phone(IDENTITY, phones.network(), keeper=FlashDirectory(flash), options=options)
    await phone.start()
    await phone.boot()


async def test_the_log_and_every_screen_are_printed(
    phones: PhoneLab, flash: Path, open_directory: Open
) -> None:
    async with phones.lab.running():
        await boot(phones, flash)
        options = ("--press=2", "--choose=1", "--search=n=200")
        output = await asyncio.to_thread(open_directory, *options)
    assert output.count("Authentication Response received, status : 0") == 1
    assert output.count("Authenticated the HTTPS conn via TVS") == 4
    screens = [line[2:] for line in output.splitlines() if line.startswith("| ")]
    assert screens[:6] == ["Directories", "  1 Corporate Directory", "Select a directory"] * 2
    assert screens[6:11] == [
        "Directory Search",
        "  First Name:",
        "  Last Name:",
        "  Number:",
        "Enter search criteria",
    ]
    assert "  Reception  2001" in screens
    assert "[Dial]  [Exit]" in screens


async def test_a_phone_of_another_cluster_is_shown_no_directory(
    phones: PhoneLab, flash: Path, open_directory: Open, tmp_path: Path
) -> None:
    async with phones.lab.running():
        await boot(phones, flash)
    async with phones.clone(tmp_path / "other").lab.running():
        with pytest.raises(CommandError, match=f"{NAME}: Host Not Found: .*TVS shows") as ended:
            await asyncio.to_thread(open_directory, "--choose=1")
    assert ended.value.exit_status == 1


async def test_where_nobody_answers_the_status_is_69(
    phones: PhoneLab, flash: Path, open_directory: Open
) -> None:
    async with phones.lab.running():
        await boot(phones, flash)
    for knows_hosts in (True, False):
        with pytest.raises(UnreachableError, match=f"{NAME}: Host Not Found"):
            await asyncio.to_thread(open_directory, knows_hosts=knows_hosts)


async def test_what_is_not_on_the_screen_cannot_be_chosen(
    phones: PhoneLab, flash: Path, open_directory: Open
) -> None:
    async with phones.lab.running():
        await boot(phones, flash)
        for option, problem in (("--choose=2", "item 2"), ("--search=n=2", "no form")):
            with pytest.raises(CommandError, match=problem) as ended:
                await asyncio.to_thread(open_directory, option)
            assert ended.value.exit_status == 2


def test_a_flash_must_be_there_and_say_whose_it_is(flash: Path, open_directory: Open) -> None:
    with pytest.raises(CommandError, match="no such directory"):
        open_directory()
    flash.mkdir()
    with pytest.raises(CommandError, match="no MIC that names its phone"):
        open_directory()
    keeper = FlashDirectory(flash)
    stranger = make_mic(IDENTITY, SystemEntropy(), SystemClock().now())
    keeper.store(replace(keeper.load(), mic=stranger))
    with pytest.raises(CommandError, match=re.escape("--search n: expected KEY=TEXT")):
        open_directory("--search=n")
    with pytest.raises(CommandError, match=re.escape("--host x: expected NAME=ADDRESS")):
        open_directory("--host=x")
    with pytest.raises(CommandError, match="no directory URL in the configuration"):
        open_directory()
