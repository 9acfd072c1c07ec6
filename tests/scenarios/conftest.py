"""The clusters that scenarios are played on: SIP phones of both generations."""

from pathlib import Path

import pytest

from tests.fixtures.clusters import PUBLISHER
from tests.fixtures.phonelab import PhoneLab
from tests.scenarios.bench import NEW, OLD

PHONES = "\n".join(
    f"""
[[phones]]
mac = "{identity.mac}"
model = "{identity.model}"
protocol = "SIP"
lines = ["{number}"]
"""
    for identity, number in ((OLD, 2001), (NEW, 2002))
)


@pytest.fixture
def phones(tmp_path: Path) -> PhoneLab:
    """Describe a cluster of two nodes."""
    lab = PhoneLab(tmp_path / "lab")
    lab.lab.phones = PHONES
    return lab


@pytest.fixture
def single(tmp_path: Path, phones: PhoneLab) -> PhoneLab:
    """Describe a cluster of one node."""
    lab = PhoneLab(tmp_path / "single", {PUBLISHER: phones.ports[PUBLISHER]})
    lab.lab.phones = PHONES
    return lab
