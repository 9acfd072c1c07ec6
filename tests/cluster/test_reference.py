"""The reference of keys in config/README.md is what the models say."""

from pathlib import Path

from cucmsim.cluster.reference import format_reference

README = Path(__file__).parents[2] / "config" / "README.md"


def test_the_readme_holds_the_reference_of_every_key() -> None:
    assert README.read_text(encoding="utf-8").endswith(format_reference() + "\n")


def test_every_key_says_what_it_means() -> None:
    rows = [line for line in format_reference().splitlines() if line.startswith("| `")]
    assert len(rows) > 90
    assert not [row for row in rows if row.endswith("|  |")]
