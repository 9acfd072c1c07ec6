"""`cucmsim phones` against a cluster in this process, against nobody, and with wrong options."""

import asyncio
import json
import re
import signal
from pathlib import Path

import pytest

from cucmsim.cli.phones import _is_terminal, _Lines, report_lines
from cucmsim.phone.fleet import FleetCounts, FleetReport
from tests.fixtures.clusters import Lab, Outcome
from tests.fixtures.phonelab import PhoneLab

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    found = PhoneLab(tmp_path / "lab").lab
    found.phones = """
[[phones]]
mac = "B000B4BA0000"
model = "8861"
lines = ["2000"]
count = 4
"""
    found.write()
    return found


async def phones(lab: Lab, *options: str) -> Outcome:
    return await asyncio.to_thread(lab.cli, "phones", "CONFIG", *options)


async def test_all_phones_of_the_description_boot(lab: Lab, tmp_path: Path) -> None:
    async with lab.running():
        outcome = await phones(lab, f"--flash={tmp_path / 'flash'}", "--parallel=2")
    assert outcome.status == 0, outcome.errors
    first, *rest = outcome.output.splitlines()
    assert re.fullmatch(r"4 phones booted in [0-9.]+ s \([0-9]+/s\)", first)
    assert [line.split() for line in rest] == [
        ["trusted", "4"],
        ["locked", "0"],
        ["registered", "4"],
        ["failed", "0"],
        ["node", "4", "x", "cucm-pub"],
        ["CTL", "4", "x", "none"],
        ["ITL", "4", "x", "signed", "by", "CN=cucm-pub;OU=Lab;O=cucmsim;L=Lab;ST=Lab;C=US"],
    ]
    assert "booting 0  trusted 4  locked 0  registered 4  failed 0" in outcome.errors
    assert len(list((tmp_path / "flash").iterdir())) == 4


async def test_the_first_of_them_and_the_report_as_json(lab: Lab) -> None:
    async with lab.running():
        outcome = await phones(lab, "--count=3", "--json")
    report = json.loads(outcome.output)
    assert report.pop("seconds") > 0
    assert report == {
        "phones": 3,
        "trusted": 3,
        "locked": 0,
        "failed": 0,
        "registered": 3,
        "nodes": {"cucm-pub": 3},
        "ctls": {"none": 3},
        "itls": {"signed by CN=cucm-pub;OU=Lab;O=cucmsim;L=Lab;ST=Lab;C=US": 3},
        "reasons": {},
    }


async def test_locked_phones_end_with_status_1(lab: Lab, tmp_path: Path) -> None:
    flash = f"--flash={tmp_path / 'flash'}"
    async with lab.running():
        await phones(lab, flash)
    lab.write()
    other = Lab(tmp_path / "lab", nodes=lab.nodes, phones=lab.phones, environ={})
    other.environ["CUCMSIM_CLUSTER__DATA_DIRECTORY"] = str(tmp_path / "other")
    async with other.running():
        outcome = await phones(lab, flash)
    assert outcome.status == 1
    assert "4 x ITL: TVS shows a certificate that is in no trust list" in outcome.output


async def test_phones_that_are_sent_away_unprepared_stay_with_their_cluster(
    lab: Lab, tmp_path: Path
) -> None:
    other = PhoneLab(tmp_path / "other", addresses={"new-pub": "127.0.1.5"}).lab
    other.phones = lab.phones
    told = tmp_path / "option150"
    sent = (f"--also={other.write()}", f"--option-150={told}", f"--flash={tmp_path / 'flash'}")
    async with lab.running(), other.running():
        told.write_text("127.0.1.1\n")
        home = await phones(lab, *sent)
        told.write_text("127.0.1.5\n")
        away = await phones(lab, *sent, "--json")
    report = json.loads(away.output)
    assert (home.status, away.status) == (0, 1)
    assert (report["locked"], report["nodes"]) == (4, {"cucm-pub": 4})
    assert report["reasons"]["ITL: TVS does not trust it"] == 4


async def test_clusters_and_files_that_phones_cannot_be_sent_by_are_refused(
    lab: Lab, tmp_path: Path
) -> None:
    other = PhoneLab(tmp_path / "other", addresses={"cucm-pub": "127.0.1.5"}).lab
    same = await phones(lab, f"--also={other.write()}")
    gone = await phones(lab, f"--option-150={tmp_path / 'gone'}")
    told = tmp_path / "option150"
    told.write_text("127.0.1.5 # nobody\n")
    silent = await phones(lab, f"--option-150={told}")
    assert (same.status, gone.status, silent.status) == (2, 2, 69)
    assert "found a node cucm-pub at 127.0.1.5 where another cluster has one at" in same.errors
    assert f"--option-150 {tmp_path / 'gone'}: No such file or directory" in gone.errors
    assert f"no TFTP server of {told} answers (127.0.1.5:" in silent.errors


async def test_where_no_cluster_runs_it_says_how_to_start_one(lab: Lab) -> None:
    outcome = await phones(lab)
    assert outcome.status == 69
    assert "no TFTP server of LabCluster answers (127.0.1.1:" in outcome.errors
    assert f"`cucmsim run {lab.config}` starts it" in outcome.errors


async def test_more_phones_than_are_described_are_refused(lab: Lab) -> None:
    outcome = await phones(lab, "--count=5")
    assert outcome.status == 2
    assert "describes 4 phones; `count` in a [[phones]] entry" in outcome.errors


async def test_a_description_without_phones_or_tftp_is_refused(lab: Lab) -> None:
    whole = lab.phones
    lab.phones = ""
    lab.write()
    assert "no phones are described" in (await phones(lab)).errors
    lab.phones = whole
    lab.nodes = lab.nodes.replace('role = "', 'services = ["tvs"]\nrole = "')
    lab.write()
    outcome = await phones(lab)
    assert (outcome.status, outcome.errors.count("no node runs TFTP")) == (2, 1)


async def test_with_keep_they_stay_until_an_interrupt(lab: Lab) -> None:
    async with lab.running():
        process = await asyncio.create_subprocess_exec(
            *lab.command("phones", str(lab.config), "--keep", "--count=2"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stderr is not None
        async with asyncio.timeout(60):
            while b"ctrl-C" not in await process.stderr.readline():
                pass
            process.send_signal(signal.SIGINT)
            output, errors = await process.communicate()
    assert process.returncode == 0, errors
    assert output.startswith(b"2 phones booted in ")


def test_a_report_counts_the_reasons() -> None:
    nodes, ctls, itls = {"cucm-pub": 6}, {"none": 9}, {"signed by CN=pub": 8, "none": 1}
    reasons = {"ITL: damaged": 2, "no TFTP server answers": 1}
    report = FleetReport(10, 2.0, 7, 2, 1, 6, nodes, ctls, itls, reasons)
    assert list(report_lines(report)) == [
        "10 phones booted in 2.0 s (5/s)",
        "  trusted    7",
        "  locked     2",
        "  registered 6",
        "  failed     1",
        "  node       6 x cucm-pub",
        "  CTL        9 x none",
        "  ITL        8 x signed by CN=pub",
        "  ITL        1 x none",
        "       2 x ITL: damaged",
        "       1 x no TFTP server answers",
    ]


async def test_at_a_terminal_a_bar_is_shown(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cucmsim.cli.phones._is_terminal", lambda: True)
    async with lab.running():
        outcome = await phones(lab)
    assert outcome.status == 0
    assert "trusted 4" in outcome.errors
    assert " s  booting" not in outcome.errors


def test_the_rate_is_that_since_the_beginning_and_stays_once_all_have_booted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter([100.0, 101.0, 102.0, 104.0])
    monkeypatch.setattr("cucmsim.cli.phones.time.monotonic", lambda: next(now))
    lines = _Lines()
    for booting, trusted, registered in ((8, 2, 0), (0, 10, 0), (0, 10, 10)):
        lines.update(FleetCounts(0, booting, trusted, 0, 0, registered))
    rates = [line.rpartition("  ")[2] for line in capsys.readouterr().err.splitlines()]
    assert rates == ["(2/s)", "(5/s)", "(5/s)"]


@pytest.mark.parametrize(("term", "shown"), [("xterm", True), ("dumb", False)])
def test_a_dumb_terminal_is_shown_lines(
    monkeypatch: pytest.MonkeyPatch, term: str, *, shown: bool
) -> None:
    monkeypatch.setattr("cucmsim.cli.phones.sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", term)
    assert _is_terminal() is shown
