"""The tables of docs/faults.md are what the kinds say."""

from pathlib import Path

from cucmsim.services.faults.check import COMMON
from cucmsim.services.faults.kinds import KINDS
from cucmsim.services.faults.reference import format_kinds

GUIDE = (Path(__file__).parents[3] / "docs" / "faults.md").read_text(encoding="utf-8")


def test_the_guide_ends_with_the_reference_of_every_kind() -> None:
    assert GUIDE.endswith(format_kinds() + "\n")


def test_the_guide_names_every_key_of_a_rule_and_the_reference_every_parameter_once() -> None:
    assert all(f"| `{name}` |" in GUIDE for name in COMMON)
    for kind, info in KINDS.items():
        (row,) = [line for line in format_kinds().splitlines() if line.startswith(f"| `{kind}` |")]
        assert all(f"`{name}" in row for name in info.parameters)
