"""What the marker `cucm` takes, and how it says what it does not."""

from pathlib import Path

import pytest

from cucmsim.errors import SettingsError
from cucmsim.testing.shape import ClusterShape
from cucmsim.testing.wishes import KEYWORDS, make_wish, phone_of, read_wish


def problems(**given: object) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read_wish(given, "test_x.py::test_y")
    return [str(problem) for problem in caught.value.problems]


def test_keywords_become_the_shape_of_a_cluster(tmp_path: Path) -> None:
    wish = read_wish(
        {
            "release": "12.5",
            "mode": "mixed",
            "nodes": 3,
            "phones": ["8861", {"mac": "00:1b:54:aa:bb:cc", "model": "7962", "lines": ["7"]}],
            "scope": "module",
            "clock": "manual",
            "seed": 7,
            "faults": ["tvs-silent", {"kind": "tftp-drop", "times": 1}],
            "extra": {"enterprise_parameters": {"URLDirectories": "http://x/"}},
        },
        "here",
        tmp_path,
    )
    shape = wish.shape
    assert (shape.release, shape.mode, shape.nodes) == ("12.5", "mixed", 3)
    assert [phone.identity.model for phone in shape.phones] == ["8861", "7962"]
    assert shape.phones[1].identity.name == "SEP001B54AABBCC"
    assert shape.phones[1].keys == {"lines": ["7"]}
    assert shape.extra["faults"] == [{"kind": "tvs-silent"}, {"kind": "tftp-drop", "times": 1}]
    assert (wish.scope, wish.clock, wish.seed) == ("module", "manual", 7)


def test_every_wrong_keyword_is_told_with_the_nearest_that_exists() -> None:
    found = problems(relase="12.5", mode="mixd", scope="modul", nodes=True, seed=1.5)
    assert found[0] == (
        "test_x.py::test_y: relase: found an unknown keyword, expected one of"
        f" {', '.join(KEYWORDS)}; did you mean 'release'?"
    )
    assert found[1] == (
        'test_x.py::test_y: mode: found "mixd", expected one of "non-secure", "mixed";'
        " did you mean 'mixed'?"
    )
    assert found[2] == "test_x.py::test_y: nodes: found true, expected an integer from 1 to 9"
    assert found[3].endswith("did you mean 'module'?")
    assert found[4:] == ["test_x.py::test_y: seed: found 1.5, expected an integer or a text"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"release": "bla"}, 'release: found "bla", expected a release such as'),
        ({"release": 12.5}, "release: found 12.5, expected a text such as"),
        ({"phones": "8861"}, 'phones: found "8861", expected a list of phones'),
        ({"phones": ["8816"]}, "did you mean '8865'?"),
        ({"phones": [7]}, "phones[0]: found 7, expected a model"),
        ({"phones": [{"mac": "zz"}]}, 'phones[0].mac: found "zz", expected twelve hexadecimal'),
        ({"phones": [{"profil": "x"}]}, "phones[0].profil: found an unknown key"),
        ({"faults": "tvs-silent"}, "faults: found"),
        ({"faults": ["tvs-silnt"]}, "did you mean 'tvs-silent'?"),
        ({"extra": 7}, "extra: found 7, expected a dictionary"),
        ({"extra": {"limit": {}}}, "extra.limit: found an unknown key"),
        ({"extra": {"tftp_files": [{"path": "gone.bin"}]}}, "extra.tftp_files[0].path: found"),
        ({"clock": "x"}, 'clock: found "x", expected one of "manual", "real"'),
    ],
)
def test_values_are_refused_by_their_keyword(given: dict[str, object], told: str) -> None:
    (problem,) = problems(**given)
    assert told in problem


def test_files_are_looked_for_beside_the_test(tmp_path: Path) -> None:
    (tmp_path / "ring.raw").write_bytes(b"x")
    extra = {"tftp_files": [{"path": "ring.raw"}]}
    assert read_wish({"extra": extra}, "here", tmp_path).shape.base == tmp_path


def test_a_cluster_that_a_test_makes_is_shared_with_nobody() -> None:
    with pytest.raises(SettingsError, match="a cluster that a test makes is the test's own"):
        make_wish({"scope": "module"})


def test_a_phone_is_found_by_name_and_others_are_made() -> None:
    shape = ClusterShape()
    assert phone_of(shape, "") is shape.phones[0]
    assert phone_of(shape, "SEPB000B4BA0AEE") is shape.phones[1]
    assert phone_of(shape, "8845").identity.model == "8845"
    assert phone_of(ClusterShape(phones=()), "").identity.model == "8861"
    with pytest.raises(SettingsError, match="did you mean"):
        phone_of(shape, {"model": "88611"})
