"""The walkthroughs of the documents, followed with a stock `ssh` client and real processes.

So is the guide to migration, which has their form.
"""

from pathlib import Path

import pytest

from tests.fixtures.programs import program
from tests.walkthroughs.following import follow
from tests.walkthroughs.transcript import parse_walkthrough

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
WALKTHROUGHS = [*sorted((DOCS / "walkthroughs").glob("[0-9]*.md")), DOCS / "migration.md"]

pytestmark = [pytest.mark.interop, pytest.mark.slow]


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("path", WALKTHROUGHS, ids=lambda path: path.stem)
def test_a_walkthrough_shows_what_it_says(path: Path, tmp_path: Path) -> None:
    for name in ("ssh", "bash", "curl", "openssl"):
        program(name)
    follow(parse_walkthrough(path.read_text()), str(path.relative_to(ROOT)), tmp_path)
