"""`cucmsim where`: addresses, ports, logins, and which nodes answer."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from cucmsim.cli.published import PublishedPort, parse_published
from cucmsim.cli.where import register
from cucmsim.errors import CommandError

DESCRIPTION = """
[cluster]
id = "Here"
security_password = "secret-2445"

[[nodes]]
name = "pub"
address = "127.0.0.1"
role = "publisher"
ports = {{ http = {port}, tftp = [69, 0], ssh = 22 }}

[[nodes]]
name = "silent"
address = "127.3.9.77"
role = "subscriber"
ports = {{ http = {port} }}

[[nodes]]
name = "bare"
address = "127.3.9.78"
role = "subscriber"
services = ["tftp"]

[[phones]]
mac = "00:1B:54:C2:5A:01"
model = "7962"
count = 5
"""
PUBLISHED = "pub@192.0.2.7 16969:69/udp 12222:22 silent@192.0.2.7 :22"


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Path]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        path = tmp_path / "cluster.toml"
        path.write_text(DESCRIPTION.format(port=listening.getsockname()[1]))
        yield path


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> typer.Typer:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUCMSIM_CLUSTER__ADMINISTRATOR_PASSWORD", "secret-2222")
    monkeypatch.setenv("CUCMSIM_CLUSTER__DATABASE", "postgresql://a:secret@db/c")
    app = typer.Typer()
    register(app)
    return app


def test_it_tells_ports_logins_phones_and_which_nodes_answer(
    app: typer.Typer, config: Path
) -> None:
    result = CliRunner().invoke(app, [str(config)], env={"LAB_PUBLISHED": PUBLISHED})
    assert result.exit_code == 0
    rows = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert rows[0] == "Here: release 11.5(1), non-secure, 5 phones"
    assert rows[1] == "pub (publisher) silent (subscriber) bare (subscriber)"
    assert "from here answers silent silent" in rows
    assert "TFTP (UDP) 69, any = 192.0.2.7:16969 6969 6969" in rows
    assert "command line, SSH 22 = 192.0.2.7:12222 2222" in rows
    assert f"security password {config}" in rows
    named = "CUCMSIM_CLUSTER__ADMINISTRATOR_PASSWORD of the environment"
    assert f"administrator password {named}" in rows
    assert rows[rows.index("Next:") - 2].endswith("SEP001B54C25A03 (7962) and 2 more")
    assert rows[rows.index("Next:") + 1] == "cucmsim status cluster.toml"
    assert rows[-1] == "on the host: ssh -p 12222 admin@192.0.2.7"
    assert "secret" not in result.stdout


def test_json_has_a_place_for_each_port(app: typer.Typer, config: Path) -> None:
    result = CliRunner().invoke(app, [str(config), "--json", "--published", PUBLISHED])
    told = json.loads(result.stdout)
    assert [(node["name"], node["answers"]) for node in told["nodes"]] == [
        ("pub", True),
        ("silent", False),
        ("bare", False),
    ]
    places = {(each["key"], each["port"]): each for each in told["nodes"][0]["places"]}
    assert places["tftp", 69]["published"] == {"address": "192.0.2.7", "port": 16969}
    assert places["tvs", 2445] == {
        "key": "tvs",
        "protocol": "tcp",
        "port": 2445,
        "published": None,
    }
    assert set(told["credentials"]) == {
        "administrator password",
        "security password",
        "database password",
    }
    assert "secret" not in result.stdout


def test_a_cluster_where_nobody_answers_is_to_be_run_first(app: typer.Typer, config: Path) -> None:
    alone = config.with_name("alone.toml")
    alone.write_text(config.read_text().partition("[[nodes]]")[0] + _ALONE)
    lines = CliRunner().invoke(app, [str(alone)]).stdout.splitlines()
    assert lines[lines.index("Next:") + 1] == "  cucmsim run alone.toml"
    assert any(line.split() == ["phones", "none"] for line in lines)
    assert not any("After =" in line or "on the host" in line for line in lines)


_ALONE = """
[[nodes]]
name = "pub"
address = "127.3.9.79"
role = "publisher"
"""


def test_a_port_that_the_engine_chose_is_published_all_the_same() -> None:
    assert parse_published("a@127.0.0.1 :22") == {
        ("a", "tcp", 22): PublishedPort("127.0.0.1", None)
    }


@pytest.mark.parametrize("word", ["x:22", "6969", "1:ssh", "1:2/sctp"])
def test_a_word_that_says_nothing_is_refused(word: str) -> None:
    with pytest.raises(CommandError, match=r"found '.*' among published ports"):
        parse_published(f"pub@192.0.2.7 {word}")
    with pytest.raises(CommandError, match="expected NODE@ADDRESS"):
        parse_published("6969:69")
