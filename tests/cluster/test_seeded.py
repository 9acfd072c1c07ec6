"""The same seed is the same run: everything a seed decides, compared between runs."""

from pathlib import Path

import pytest

from tests.fixtures.phonelab import PhoneLab
from tests.fixtures.seededruns import Transcript, describe, play

pytestmark = pytest.mark.usefixtures("quiet")


def differences(first: Transcript, second: Transcript) -> list[str]:
    """Name what is not the same."""
    lines = [
        f"journal: {one} != {other}"
        for one, other in zip(first.journal, second.journal, strict=False)
        if one != other
    ]
    lines += [
        f"console: {one} != {other}"
        for one, other in zip(first.console, second.console, strict=False)
        if one != other
    ]
    for mine, theirs in ((first.wire, second.wire), (first.files, second.files)):
        lines += [f"{key}: only in one" for key in mine.keys() ^ theirs.keys()]
        for key in mine.keys() & theirs.keys():
            lines += [f"{key}: {mine[key]!r} != {theirs[key]!r}"] * (mine[key] != theirs[key])
    return lines


async def test_the_same_seed_is_the_same_run_byte_for_byte(tmp_path: Path) -> None:
    first_lab = PhoneLab(tmp_path / "first")
    second_lab = first_lab.clone(tmp_path / "second")
    for lab in (first_lab, second_lab):
        describe(lab)
    first, second = await play(first_lab, 7), await play(second_lab, 7)
    assert differences(first, second) == []
    assert first == second
    services = {f"service='{name}'" for name in ("tftp", "capf", "tvs", "callmanager")}
    assert {name for name in services if any(name in line for line in first.journal)} == services
    assert all(first.files.values())


async def test_another_seed_is_another_run(tmp_path: Path) -> None:
    first_lab = PhoneLab(tmp_path / "first")
    second_lab = first_lab.clone(tmp_path / "second")
    for lab in (first_lab, second_lab):
        describe(lab)
    first, second = await play(first_lab, 7), await play(second_lab, 8)
    assert [name for name, data in first.files.items() if second.files[name] == data] == []
