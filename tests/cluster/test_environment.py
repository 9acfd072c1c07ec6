"""Values from the environment: their names, their kinds, and names that match nothing."""

from pathlib import Path

import pytest

from cucmsim.cluster.loading import parse_settings
from cucmsim.cluster.settings import ServiceName, Settings
from cucmsim.errors import Problem, SettingsError
from cucmsim.pki.keys import KeySpec
from cucmsim.pki.profiles import Unit

TEXT = """
[cluster]
id = "Lab"
[[nodes]]
name = "cucm-pub.lab.example"
address = "127.0.1.1"
role = "publisher"
[[phones]]
mac = "00:1B:54:C2:5A:01"
model = "7962"
lines = [{ number = "2001" }]
"""
PASSWORD = {"CUCMSIM_CLUSTER__SECURITY_PASSWORD": "123456"}


def read(**environ: str) -> Settings:
    named = {f"CUCMSIM_{name}": value for name, value in environ.items()}
    return parse_settings(TEXT, Path("/srv/lab.toml"), {**PASSWORD, **named, "HOME": "/root"})


def refused(**environ: str) -> tuple[Problem, ...]:
    with pytest.raises(SettingsError) as caught:
        read(**environ)
    return caught.value.problems


def test_a_missing_value_can_come_from_the_environment_and_a_text_stays_one() -> None:
    assert read().cluster.security_password == "123456"
    assert str(read(CLUSTER__RELEASE="14").cluster.release) == "14"


@pytest.mark.parametrize("node", ["0", "CUCM_PUB_LAB_EXAMPLE"])
def test_an_entry_is_named_by_place_or_by_name(node: str) -> None:
    settings = read(
        **{
            f"NODES__{node}__ADDRESS": "10.0.0.1",
            f"NODES__{node}__PORTS__TVS": "3445",
            f"NODES__{node}__PORTS__TFTP": "69, 6970",
            f"NODES__{node}__TFTP_SINGLE_PORT": "true",
            f"NODES__{node}__SERVICES": "tftp,tvs",
        }
    )
    (found,) = settings.nodes
    assert (found.address, found.tftp_single_port) == ("10.0.0.1", True)
    assert (found.ports.tvs, found.ports.tftp) == (3445, (69, 6970))
    assert found.services == (ServiceName.TFTP, ServiceName.TVS)


@pytest.mark.parametrize("phone", ["0", "00_1B_54_C2_5A_01"])
def test_a_phone_is_named_by_place_or_by_its_address(phone: str) -> None:
    settings = read(
        **{f"PHONES__{phone}__MODEL": "7942", f"PHONES__{phone}__LINES__0__NUMBER": "2002"}
    )
    assert settings.phones[0].model == "7942"
    assert settings.phones[0].lines[0].number == "2002"


def test_tables_that_the_file_does_not_have_are_made() -> None:
    settings = read(
        CERTIFICATES__CALLMANAGER_ECDSA__KEY="ec-521",
        ENTERPRISE_PARAMETERS__ROLLBACKTOPREGRAYBACK="true",
        SERVICE_PARAMETERS__CAPF__LOCKOUTMINUTES="1",
        LIMITS__TFTP_TIMEOUT_S="0.5",
        CLUSTER__SECURITY_MODE="mixed",
        TEST_POSTGRES="left alone",
    )
    assert settings.certificates.of(Unit.CALLMANAGER_ECDSA).key == KeySpec.parse("ec-521")
    assert settings.enterprise_parameters == {"RollBackToPreGrayback": "T"}
    assert settings.service_parameters["", "capf", "LockoutMinutes"] == "1"
    assert settings.limits.tftp_timeout_s == 0.5
    assert settings.cluster.security_mode == "mixed"


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("CLUSTER__SECURTY_MODE", "CUCMSIM_CLUSTER__SECURITY_MODE"),
        ("SECURITY_PASSWORD", "CUCMSIM_CLUSTER__SECURITY_PASSWORD"),
        ("NODES__1__ADDRESS", "CUCMSIM_NODES__0__ADDRESS"),
        ("NODES", None),
        ("PHONES__1__MODEL", "CUCMSIM_PHONES__0__MODEL"),
        ("WHATEVER_ELSE", None),
        ("FOO", None),
        ("NODES__0__FOO", None),
    ],
)
def test_a_name_that_matches_no_key_is_refused(name: str, nearest: str | None) -> None:
    (problem,) = refused(**{name: "1"})
    assert (problem.file, problem.key) == ("environment", f"CUCMSIM_{name}")
    assert problem.nearest == nearest


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("NODES__0__PORTS__TVS", "high", '"high"'),
        ("NODES__0__PORTS__TFTP", "69,70000", "70000"),
        ("NODES__0__TFTP_SINGLE_PORT", "[" * 100_000, '"' + "[" * 59 + '..."'),
        ("CLUSTER__SECURITY_PASSWORD", "kurz", "a value not shown here"),
        ("CLUSTER__LOG_FORMAT", "xml", '"xml"'),
    ],
)
def test_a_wrong_value_is_laid_to_its_variable(name: str, value: str, found: str) -> None:
    (problem,) = refused(**{name: value})
    assert (problem.file, problem.key) == ("environment", f"CUCMSIM_{name}")
    assert problem.found == found


def test_a_variable_below_what_is_no_table_changes_nothing() -> None:
    text = 'cluster = 5\nnodes = ["x"]\n'
    with pytest.raises(SettingsError) as caught:
        parse_settings(text, Path("x.toml"), PASSWORD)
    assert [problem.key for problem in caught.value.problems] == ["cluster", "nodes[0]", "nodes"]
