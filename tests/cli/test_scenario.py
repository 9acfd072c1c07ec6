"""`cucmsim scenario`: what is shown, what is refused, and what a run looks like."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from cucmsim.scenarios.seeding import draw_seed
from cucmsim.testing.places import Place
from tests.fixtures.clusters import TIMEOUT_S, run_cli

OWN = '''
from cucmsim.scenarios.model import Choice, scenario
from cucmsim.testing.shape import ClusterShape

@scenario("mine", title="My own", source="here", outcome="it goes left", phones=False,
          shape=ClusterShape(nodes=1, phones=()), releases=("11.5", "14"),
          choices={"way": Choice("which way", ("left", "right"))})
async def mine(stage):
    """A story."""
    await stage.cluster.regenerate("TVS")
    stage.expect("it goes left", stage.parameters["way"], "left")
'''


@pytest.fixture
def own(tmp_path: Path) -> str:
    path = tmp_path / "own.py"
    path.write_text(OWN)
    return str(path)


def test_the_list_has_every_scenario_as_text_and_as_json() -> None:
    shown = json.loads(run_cli("scenario", "list", "--json").output)
    names = [one["name"] for one in shown]
    assert "regen-both" in names
    assert all(one["steps"] for one in shown)
    text = run_cli("scenario", "list").output
    assert all(name in text for name in names)


def test_a_scenario_is_shown_with_its_story_and_what_it_takes(own: str) -> None:
    outcome = run_cli("scenario", "show", "mine", "--scenario-file", own)
    assert outcome.status == 0
    assert outcome.output.splitlines() == [
        "mine: My own",
        "",
        "  A story.",
        "",
        "steps       cluster.regenerate('TVS')",
        "            expect('it goes left', stage.parameters['way'], 'left')",
        "outcome     it goes left",
        "source      here",
        "cluster     1 node, non-secure, phones none",
        "releases    11.5, 14",
        "phone       none takes part",
        "parameter   way=left (or right): which way",
    ]


def test_a_run_is_narrated_and_passes(own: str, tmp_path: Path, quiet: None) -> None:
    del quiet
    outcome = run_cli(
        *("scenario", "run", "mine", "--scenario-file", own, "--seed", "81001"),
        *("--pcap", str(tmp_path / "captures")),
    )
    assert outcome.status == 0, outcome.errors
    assert "* administrator: cucm-pub: regenerate TVS" in outcome.output
    assert "  server  Successfully Regenerated Certificate for TVS." in outcome.output
    assert "  met     it goes left" in outcome.output
    assert "PASSED after " in outcome.output
    assert "cucmsim scenario run mine way=left --release 11.5 --seed 81001" in outcome.output
    names = [path.name for path in (tmp_path / "captures").iterdir()]
    assert names == ["mine-11.5-left-1-cluster.pcapng"]


def test_a_run_that_fails_ends_with_1_and_says_what_was_found(own: str, quiet: None) -> None:
    del quiet
    outcome = run_cli("scenario", "run", "mine", "way=right", "--scenario-file", own, "--json")
    assert outcome.status == 1, outcome.errors
    told = json.loads(outcome.output)
    assert (told["verdict"], told["parameters"]) == ("failed", {"way": "right"})
    assert told["reason"] == "it goes left: found right, expected left"
    assert [one["is"] for one in told["narration"]] == ["step", "step", "check"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["regen-bth"], "found scenario 'regen-bth', expected one of those that `cucmsim scenario"),
        (["regen-bth"], "did you mean 'regen-both'?"),
        (["regen-both", "--release", "11.4"], "did you mean '11.5'?"),
        (
            ["regen-both", "--release", "14"],
            "regen-both makes no sense on release 14, expected one",
        ),
        (["regen-both", "--phone", "8862"], "found phone '8862'"),
        (["regen-both", "way=left"], "found parameter 'way', expected none"),
        (["mine", "wya=left"], "found parameter 'wya', expected one of way; did you mean 'way'?"),
        (["mine", "way=lft"], "found way = 'lft', expected one of left, right, all"),
        ([], "found no scenario, expected names of some, or --all"),
        (["mine", "--all"], "found --all and 'mine', expected one or the other"),
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(
    arguments: list[str], said: str, own: str
) -> None:
    outcome = run_cli("scenario", "run", *arguments, "--scenario-file", own)
    assert outcome.status == 2
    assert said in outcome.errors


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "again.py"
    path.write_text(OWN.replace('"mine"', '"regen-both"'))
    outcome = run_cli("scenario", "list", "--scenario-file", str(path))
    assert outcome.status == 2
    assert "'regen-both', which the library has already" in outcome.errors


def test_scenarios_of_a_directory_are_known(
    own: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUCMSIM_SCENARIOS", str(tmp_path))
    assert "mine" in run_cli("scenario", "list").output
    # the same file once more is no second scenario
    assert run_cli("scenario", "list", "--scenario-file", own).status == 0


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_that_is_interrupted_leaves_no_file_and_no_address_behind(
    number: signal.Signals, status: int
) -> None:
    seed = draw_seed()
    command = [sys.executable, "-m", "cucmsim", "scenario", "run", "regen-both", "--seed"]
    # a directory of a short name: the path of a socket below it may have 103 bytes
    with TemporaryDirectory(prefix="cx") as short:
        environ = {**os.environ, "TMPDIR": short}
        with subprocess.Popen(
            [*command, str(seed)], stdout=subprocess.PIPE, text=True, env=environ
        ) as process:
            assert process.stdout is not None
            assert any("boots" in line for line in process.stdout)
            assert [*Path(short).iterdir()] != []
            process.send_signal(number)
            process.stdout.read()
            assert process.wait(TIMEOUT_S) == status
        assert [*Path(short).iterdir()] == []
    Place.take(seed).close()
