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


async def test_the_same_seed_is_the_same_run_byte_for_byte_and_another_is_another(
    tmp_path: Path,
) -> None:
    first_lab = PhoneLab(tmp_path / "first")
    labs = [first_lab, *(first_lab.clone(tmp_path / name) for name in ("second", "third"))]
    for lab in labs:
        describe(lab)
    first, second, other = [
        await play(lab, seed) for lab, seed in zip(labs, (7, 7, 8), strict=True)
    ]
    assert differences(first, second) == []
    assert first == second
    services = {f"service='{name}'" for name in ("tftp", "capf", "tvs", "callmanager")}
    assert {name for name in services if any(name in line for line in first.journal)} == services
    assert all(first.files.values())
    assert [name for name, data in other.files.items() if first.files[name] == data] == []
