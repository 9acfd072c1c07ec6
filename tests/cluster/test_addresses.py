"""Machines that have 127.0.0.1 only."""

from pathlib import Path

import pytest

from cucmsim.cluster.addresses import has_address, missing_addresses, with_single_address
from cucmsim.cluster.loading import load_settings
from cucmsim.errors import SettingsError

CONFIG = Path(__file__).parents[2] / "config"


def test_an_address_of_this_machine_is_told_from_another() -> None:
    assert has_address("127.0.0.1")
    assert not has_address("192.0.2.1")


def test_loopback_addresses_that_the_machine_lacks_are_named() -> None:
    settings = load_settings(CONFIG / "lab.toml", {})
    problems = missing_addresses(settings, lambda address: address == "127.0.1.1")
    assert [problem.key for problem in problems] == ["nodes[1].address"]
    assert "lab-single-address.toml" in problems[0].expected
    single = load_settings(CONFIG / "lab-single-address.toml", {})
    assert not missing_addresses(single, lambda address: address == "127.0.0.1")


def test_a_lab_moved_to_one_address_is_the_ready_one() -> None:
    moved = with_single_address(load_settings(CONFIG / "lab.toml", {}))
    ready = load_settings(CONFIG / "lab-single-address.toml", {})
    assert moved.nodes == ready.nodes
    assert moved.node("cucm-sub").ports.tftp == (7969,)


def test_ports_that_do_not_fit_are_named() -> None:
    environ = {"CUCMSIM_NODES__CUCM_SUB__PORTS__TVS": "65000"}
    with pytest.raises(SettingsError, match="66000 with the offset"):
        with_single_address(load_settings(CONFIG / "lab.toml", environ))
