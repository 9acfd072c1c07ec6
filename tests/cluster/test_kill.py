"""kill -9 at any moment of the first start: the next start completes, nothing announced is lost."""

import random
import re
import signal
import sqlite3
import subprocess
import time
from contextlib import closing

import pytest

from tests.fixtures.clusters import PUBLISHER, Lab, tftp_get

MOMENTS = 16


def announced(lab: Lab) -> dict[str, str]:
    """Return the certificates of the store by pkid, none where there is no store yet."""
    path = lab.data / "cucm.db"
    if not path.exists():
        return {}
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        try:
            found = database.execute("SELECT pkid, certificate FROM certificate").fetchall()
        except sqlite3.OperationalError:  # no tables yet
            return {}
    return dict(found)


def first_start_s(lab: Lab) -> float:
    """Return how long a first start takes on this machine now."""
    begun = time.monotonic()
    with lab.process("--data", str(lab.directory / "measured")):
        return time.monotonic() - begun


def kill_during_start(lab: Lab, after_s: float) -> None:
    """Start, and kill `after_s` seconds later, at whatever it is doing then."""
    running = lab.spawn()
    try:
        running.process.wait(after_s)
    except subprocess.TimeoutExpired:
        running.process.send_signal(signal.SIGKILL)
    running.process.communicate()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_first_start_killed_at_any_moment_is_completed_by_the_next(lab: Lab) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    chance = random.Random(seed)  # noqa: S311 - moments, no secrets
    whole_s = first_start_s(lab)
    for moment in range(MOMENTS):
        here = Lab(lab.directory / str(moment))
        here.directory.mkdir()
        # the first third of a start imports modules; every moment after it is tried
        after_s = whole_s * (0.3 + 0.75 * (moment + chance.random()) / MOMENTS)
        kill_during_start(here, after_s)
        before = announced(here)
        with here.process() as running:
            place = f"moment {moment}, {after_s:.3f} s of {whole_s:.3f} s, seed {seed}"
            port = running.ports[PUBLISHER]["tftp"]
            assert tftp_get("127.0.1.1", port, "ITLFile.tlv"), place
            after = announced(here)
            assert before.items() <= after.items(), place
            assert re.search(r"Ready: 2 nodes, 2 phones", running.output), place
            assert running.stop() == 0, place
        assert "Traceback" not in running.errors, place
