"""What several commands take: the description, and another data directory for it."""

from pathlib import Path

import pytest

from cucmsim.cli import options
from cucmsim.cli.options import settings_for
from cucmsim.errors import Problem
from tests.fixtures.clusters import Lab


def test_data_takes_the_place_of_both_directories(lab: Lab, tmp_path: Path) -> None:
    settings = settings_for(lab.write(), tmp_path / "other")
    assert settings.cluster.data_directory == tmp_path / "other"
    assert settings.cluster.certs_directory == tmp_path / "other" / "certs"
    assert settings.cluster.database == f"sqlite:///{tmp_path / 'other' / 'cucm.db'}"


def test_a_machine_with_one_loopback_address_runs_every_node_there(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = Problem("lab.toml", "nodes[0].address", "127.0.1.1", "an address")
    monkeypatch.setattr(options, "missing_addresses", lambda _: (missing,))
    settings = settings_for(lab.write(), None)
    assert {node.address for node in settings.nodes} == {"127.0.0.1"}
