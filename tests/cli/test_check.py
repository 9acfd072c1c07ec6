"""`cucmsim check`: what it prints, and its exit status."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from cucmsim.cli.check import register

CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    register(app)
    return app


def test_a_right_description_is_described(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, [str(CONFIG / "lab.toml")])
    assert result.exit_code == 0
    assert "cluster    LabCluster, release 11.5(1), non-secure" in result.stdout
    files = "tftp 6969, http 6970/6971/6972, tvs 2445"
    rest = "callmanager 5060/5061/2000/2443, web 8443, ssh 2222\n"
    publisher = f"publisher  cucm-pub.lab.example at 127.0.1.1: {files}, capf 3804, {rest}"
    assert publisher in result.stdout
    assert f"subscriber cucm-sub.lab.example at 127.0.1.2: {files}, {rest}" in result.stdout
    assert "phones     3 (1 x 7821 SIP, 1 x 7962 SCCP, 1 x 8861 SIP)" in result.stdout
    assert result.stdout.endswith("nothing wrong\n")


def test_a_right_description_is_described_as_json(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, [str(CONFIG / "lab.toml"), "--json"])
    assert result.exit_code == 0
    summary = json.loads(result.stdout)
    assert summary["valid"] is True
    assert summary["nodes"][1]["services"] == {
        "tftp": [6969],
        "http": [6970, 6971, 6972],
        "tvs": [2445],
        "callmanager": [5060, 5061, 2000, 2443],
        "web": [8443],
        "ssh": [2222],
    }
    assert summary["phones"] == 3
    assert "lab-password" not in result.stdout


def test_the_faults_of_a_description_are_told(app: typer.Typer, tmp_path: Path) -> None:
    faulty = tmp_path / "lab.toml"
    faults = '[[faults]]\nkind = "tftp-drop"\ntimes = 2\nblock = 3\n'
    faulty.write_text((CONFIG / "lab.toml").read_text() + faults)
    result = CliRunner().invoke(app, [str(faulty)])
    assert "fault      tftp-drop times=2 block=3\n" in result.stdout
    result = CliRunner().invoke(app, [str(faulty), "--json"])
    assert json.loads(result.stdout)["faults"] == [{"kind": "tftp-drop", "times": 2, "block": 3}]


def test_what_the_machine_lacks_is_a_warning(
    app: typer.Typer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUCMSIM_NODES__CUCM_SUB__BIND", "127.0.0.9")
    monkeypatch.setattr(
        "cucmsim.cluster.addresses.missing_addresses.__defaults__", (lambda _: False,)
    )
    result = CliRunner().invoke(app, [str(CONFIG / "lab.toml")])
    assert result.exit_code == 0
    assert result.stderr.count("warning: ") == 2
    assert "at 127.0.1.2 on 127.0.0.9" in result.stdout


@pytest.mark.parametrize(
    ("pending", "mode", "warnings"),
    [
        ("none", "authentication-string", 1),
        ("none", "null-string", 1),
        ("delete", "null-string", 1),
        ("install", "authentication-string", 0),
        ("troubleshoot", "null-string", 0),
        ("none", "existing-mic", 0),
    ],
)
def test_phones_that_cannot_get_their_encrypted_configuration_are_a_warning(
    app: typer.Typer, tmp_path: Path, pending: str, mode: str, warnings: int
) -> None:
    string = 'authentication_string = "123456"' if pending == "install" else ""
    phones = f"""
[[security_profiles]]
name = "Encrypted"
encrypted_config = true

[[phones]]
mac = "001122334400"
count = 4
model = "8861"
security_profile = "Encrypted"
pending_operation = "{pending}"
authentication_mode = "{mode}"
{string}
"""
    lab = tmp_path / "lab.toml"
    lab.write_text((CONFIG / "lab.toml").read_text(encoding="utf-8") + phones, encoding="utf-8")
    result = CliRunner().invoke(app, [str(lab), "--json"])
    assert result.exit_code == 0, result.output
    told = [one for one in json.loads(result.stdout)["warnings"] if one["key"] == "phones"]
    assert len(told) == warnings
    for one in told:
        assert one["found"].startswith("4 with `encrypted_config`")
        assert "SEP001122334402, ...)" in one["found"]


@pytest.mark.parametrize("name", ["lab.toml", "mixed-mode.toml", "lab-single-address.toml"])
def test_the_shipped_descriptions_lock_no_phone_out(app: typer.Typer, name: str) -> None:
    result = CliRunner().invoke(app, [str(CONFIG / name), "--json"])
    assert "encrypted_config" not in str(json.loads(result.stdout)["warnings"])


def test_the_environment_counts(app: typer.Typer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUCMSIM_CLUSTER__RELEASE", "14")
    assert "release 14," in CliRunner().invoke(app, [str(CONFIG / "lab.toml")]).stdout


def test_static_files_are_counted(app: typer.Typer, tmp_path: Path) -> None:
    (tmp_path / "RingList.xml").write_text("x")
    lab = tmp_path / "lab.toml"
    lab.write_text(
        (CONFIG / "lab.toml").read_text(encoding="utf-8")
        + '[[tftp_files]]\npath = "RingList.xml"\n',
        encoding="utf-8",
    )
    assert "files      1 static" in CliRunner().invoke(app, [str(lab)]).stdout


@pytest.mark.parametrize("as_json", [False, True])
def test_a_wrong_description_is_refused_with_every_problem(
    app: typer.Typer, tmp_path: Path, *, as_json: bool
) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("[cluster]\nrelaese = '11.5'\n[[nodes]]\nrole = 'publisher'\n")
    result = CliRunner().invoke(app, [str(wrong), *(["--json"] if as_json else [])])
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    if as_json:
        problems = json.loads(result.stdout)["problems"]
        assert [problem["key"] for problem in problems] == [
            "cluster.security_password",
            "cluster.relaese",
            "nodes[0].name",
            "nodes[0].address",
        ]
        assert problems[1]["nearest"] == "release"
    else:
        assert result.stdout == ""
        assert f"{wrong}: cluster.relaese: found an unknown key" in result.stderr
        assert result.stderr.endswith("refused, 4 problems\n")
