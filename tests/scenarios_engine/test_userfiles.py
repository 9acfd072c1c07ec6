"""Scenarios of one's own in files: what is read, what is refused, and the example of the guide."""

from pathlib import Path

import pytest

from cucmsim.errors import SettingsError
from cucmsim.scenarios.narrative import Happened, Passage
from cucmsim.scenarios.runner import Order, Verdict, run_scenario
from cucmsim.scenarios.seeding import draw_seed
from cucmsim.scenarios.tomlsteps import STEPS
from cucmsim.scenarios.userfiles import load_scenarios, scenario_files
from cucmsim.testing.shape import NEW_PHONE, OLD_PHONE
from tests.scenarios_engine.pretended import PretendedCluster

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs/scenarios/locked-and-freed.toml"
HEAD = 'name = "mine"\ntitle = "Mine"\noutcome = "something"\n'


def problems_of(tmp_path: Path, text: str, name: str = "mine.toml") -> list[str]:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(SettingsError) as refused:
        load_scenarios(path)
    return [str(problem).removeprefix(f"{path}: ") for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name = ", "the file: found Invalid value (at end of document), expected TOML in UTF-8"),
        (
            HEAD + 'titel = "x"\n[[steps]]\nphone = "boot"',
            (
                "titel: found an unknown key, expected one of cluster, clusters, name, outcome,"
                " source, steps, story, title; did you mean 'title'?"
            ),
        ),
        (HEAD, "steps: found nothing, expected a list, each a table"),
        (
            HEAD + '[[steps]]\nregenrate = "TVS"',
            (
                f"steps[0]: found regenrate, expected one verb of {', '.join(STEPS)};"
                " did you mean 'regenerate'?"
            ),
        ),
        (
            HEAD + '[[steps]]\nphone = "boot"\ncommand = "x"',
            f"steps[0]: found phone and command, expected one verb of {', '.join(STEPS)}",
        ),
        (
            HEAD + '[[steps]]\nphone = "bot"',
            (
                'steps[0].phone: found "bot", expected one of "boot", "move", "press-directories",'
                " \"erase\"; did you mean 'boot'?"
            ),
        ),
        (
            HEAD + '[[steps]]\nphone = "move"\nto = "clustr"',
            (
                'steps[0].to: found "clustr", expected the name of a cluster ("cluster");'
                " did you mean 'cluster'?"
            ),
        ),
        (
            HEAD + '[[steps]]\nexpect = "source"',
            'steps[0].is: found nothing, expected what expect = "source" must find',
        ),
        (
            HEAD + '[[steps]]\nadvance = "soon"',
            (
                'steps[0].advance: found "soon", expected numbers with s, m, h, d or w behind,'
                ' such as "5m 1s"'
            ),
        ),
        (
            HEAD + '[[steps]]\nopen = "other"',
            (
                'steps[0].open: found "other", expected the name of a table of [clusters]'
                " (none is described)"
            ),
        ),
        (
            HEAD + '[cluster]\nreleases = ["11.6"]\n[[steps]]\nphone = "boot"',
            (
                'cluster.releases[0]: found "11.6", expected one of "8.6", "9.1", "10.5", "11.5",'
                ' "12.5", "14"; did you mean \'11.5\'?'
            ),
        ),
        (
            HEAD + '[[cluster.phones]]\nmac = "12"\n[[steps]]\nphone = "boot"',
            "cluster.phones[0]: found \"MAC address '12'\", expected twelve upper-case hex digits",
        ),
    ],
)
def test_a_wrong_file_is_refused_with_its_key_and_the_nearest_name(
    text: str, problem: str, tmp_path: Path
) -> None:
    assert problems_of(tmp_path, text) == [problem]


def test_all_problems_of_a_file_are_found_at_once(tmp_path: Path) -> None:
    text = 'name = "Bad Name"\n[cluster]\nnodes = 0\n[[steps]]\nfault = "tvs-slient"'
    keys = [problem.partition(":")[0] for problem in problems_of(tmp_path, text)]
    assert set(keys) == {"name", "title", "outcome", "cluster.nodes", "steps[0].fault"}


WRONG_NAMES = """
[[steps]]
operate = "regenrate"
node = "cucm-sub2"
[[steps]]
restart = ["Cisco Tftp", "Cisco TPTP"]
[[steps]]
fault = "tvs-silent"
with = { tims = 1, node = "cucm-pup" }
"""


def test_names_of_a_file_that_mean_nothing_are_found_before_it_is_played(tmp_path: Path) -> None:
    found = problems_of(tmp_path, HEAD + WRONG_NAMES)
    hints = {one.partition(":")[0]: one.rpartition("did you mean ")[2] for one in found}
    assert hints == {
        "steps[0].operate": "'regenerate'?",
        "steps[0].node": "'cucm-sub'?",
        "steps[1].restart": "'Cisco Tftp'?",
        "steps[2].with.tims": "'times'?",
        "steps[2].with.node": "'cucm-pub'?",
    }


@pytest.mark.parametrize(
    ("steps", "verdict"),
    [
        ('[[steps]]\ncommand = "x"\n[[steps]]\nnarrate = "never told"', Verdict.FAILED),
        ('[[steps]]\ncommand = "x"\nmay_fail = true\n[[steps]]\nexpect = "says"\nis = "no"', None),
        ('[[steps]]\ncommand = "x"\n[[steps]]\nexpect = "succeeded"\nis = false', None),
    ],
)
async def test_an_order_that_is_refused_is_the_last_unless_it_may_be(
    steps: str, verdict: Verdict | None, tmp_path: Path
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(HEAD + steps)
    (scenario,) = load_scenarios(path)
    refused = {"text": "no such command", "succeeded": False}
    cluster = PretendedCluster({"POST /commands/cucm-pub": refused})
    told: list[Passage] = []
    result = await run_scenario(Order(scenario, "11.5", 7, opens=cluster.open), told.append)
    assert result.verdict is (verdict or Verdict.PASSED), result.reason
    if verdict is Verdict.FAILED:
        assert result.reason == (
            "the step is carried out: steps[0]: found no such command, expected no refusal"
        )
        assert "never told" not in [one.text for one in told if isinstance(one, Happened)]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x = 1\n1 / 0", "line 2: found ZeroDivisionError: division by zero, expected Python"),
        ("def", "line 1: found SyntaxError: invalid syntax (mine.py, line 1), expected Python"),
        ("x = 1", "file: found no scenario, expected a function with @scenario(...) at least"),
    ],
)
def test_a_python_file_that_cannot_be_loaded_is_refused_with_its_line(
    text: str, problem: str, tmp_path: Path
) -> None:
    assert problems_of(tmp_path, text, "mine.py")[0].startswith(problem)


def test_only_python_and_toml_hold_scenarios(tmp_path: Path) -> None:
    for name in ("b.toml", "a.py", "_c.py", "README.md"):
        (tmp_path / name).touch()
    assert [path.name for path in scenario_files(tmp_path)] == ["a.py", "b.toml"]
    with pytest.raises(SettingsError, match=r"a file that ends with \.py or \.toml"):
        load_scenarios(tmp_path / "README.md")
    with pytest.raises(SettingsError, match="found nothing, expected a file with scenarios"):
        load_scenarios(tmp_path / "none.py")
    with pytest.raises(SettingsError, match="expected a directory"):
        [*scenario_files(tmp_path / "none")]


ORDERS = """
[clusters.other]
nodes = 1
[[cluster.phones]]
mac = "00:1b:54:c2:5a:01"
model = "7962"
[[steps]]
operate = "itl-reset/localkey"
with = { password = "x" }
[[steps]]
restart = ["Cisco Tftp"]
node = "cucm-sub"
[[steps]]
stop = "Cisco Tftp"
[[steps]]
advance = "1h 5m1s"
[[steps]]
change-phone = { description = "Lobby" }
[[steps]]
fault = "tvs-silent"
with = { times = 2 }
[[steps]]
clear-faults = true
[[steps]]
open = "other"
[[steps]]
command = "show itl"
on = "other"
[[steps]]
expect = "says"
is = "ITL"
"""


async def test_every_order_of_a_file_reaches_the_cluster(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(HEAD + ORDERS)
    (scenario,) = load_scenarios(path)
    said = {"text": "The ITL file was verified", "succeeded": True}
    done = {"lines": ["done"], "restarts": [], "automatic": [], "resets_phones": False}
    answers = {"POST /commands/cucm-pub": said, "POST /operations/itl-reset/localkey": done}
    cluster = PretendedCluster({**answers, f"PATCH /devices/{OLD_PHONE.name}": _device()})
    order = Order(scenario, "11.5", 7, opens=cluster.open)
    result = await run_scenario(order, lambda _: None)
    assert result.verdict is Verdict.PASSED, result.reason
    assert [one for one in cluster.asked if not one.startswith("GET")] == [
        "POST /operations/itl-reset/localkey",
        "POST /services/cucm-sub/Cisco Tftp/restart",
        "POST /services/cucm-pub/Cisco Tftp/stop",
        "POST /clock/advance",
        f"PATCH /devices/{OLD_PHONE.name}",
        "POST /faults",
        "DELETE /faults",
        "POST /commands/cucm-pub",
    ]
    assert '{"seconds":3901}' in cluster.bodies
    assert '{"kind":"tvs-silent","times":2}' in cluster.bodies
    # the second cluster is another one beside the first
    assert [(one.prefix, one.first, one.nodes) for one in cluster.opened] == [
        ("cucm", 1, 2),
        ("other", 3, 1),
    ]


async def test_the_example_of_the_guide_passes(quiet: None) -> None:
    del quiet
    (scenario,) = load_scenarios(EXAMPLE)
    assert scenario.shape.phones[0].identity == NEW_PHONE
    result = await run_scenario(Order(scenario, "11.5", draw_seed()), lambda _: None)
    assert result.verdict is Verdict.PASSED, result.reason


def test_the_python_of_the_guide_can_be_loaded(tmp_path: Path) -> None:
    guide = (ROOT / "docs/writing-a-scenario.md").read_text()
    path = tmp_path / "guide.py"
    path.write_text(guide.partition("```python\n")[2].partition("```")[0])
    (scenario,) = load_scenarios(path)
    assert (scenario.name, [*scenario.choices]) == ("silent-tvs", ["fault"])


def test_the_guide_names_every_verb() -> None:
    guide = (ROOT / "docs/writing-a-scenario.md").read_text()
    assert [verb for verb in STEPS if f"`{verb}" not in guide and f", `{verb}" not in guide] == []


def _device() -> dict[str, object]:
    texts = [
        "device_pool",
        "security_profile",
        "authentication_mode",
        "pending_operation",
        "certificate_status",
        "lsc_issuer",
        "versionstamp",
        "description",
    ]
    nothing = ("lsc_valid_until", "lsc_issuer_valid_until", "operation_expires", "locked_until")
    return {
        "name": OLD_PHONE.name,
        "model": "7962",
        "protocol": "SIP",
        "security_mode": 1,
        "encrypted_config": False,
        "lines": [],
        **dict.fromkeys(texts, ""),
        **dict.fromkeys(nothing),
    }
