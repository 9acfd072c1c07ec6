"""How long a cluster takes to be ready: from nothing, and as the pytest fixture starts it.

    python bench/startup.py [--rounds N]

A cold start makes tables, keys and certificates; the fixture starts from a copy of a store that it
has filled before. Both start all daemons and wait until every port answers. Rounds take turns.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from cucmsim.testing.labcluster import LabCluster, Surroundings
from cucmsim.testing.labs import Labs
from cucmsim.testing.places import Place
from cucmsim.testing.wishes import make_wish


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    print(f"{'cluster':<28}{'cold':>16}{'fixture':>16}{'ratio':>8}   (wall, CPU seconds)")
    with Labs.running() as labs:
        for nodes, mode in ((1, "non-secure"), (2, "non-secure"), (3, "non-secure"), (3, "mixed")):
            warm(labs, nodes, mode)  # the first fills the shelf
            pairs = [(cold(labs, nodes, mode), warm(labs, nodes, mode)) for _ in range(rounds)]
            colds, warms = (median([pair[side] for pair in pairs]) for side in (0, 1))
            shown = [f"{wall:.2f} / {cpu:.2f}" for wall, cpu in (colds, warms)]
            name = f"{nodes} node{'s' * (nodes > 1)}, {mode}"
            print(f"{name:<28}{shown[0]:>16}{shown[1]:>16}{colds[1] / warms[1]:>8.1f}")


def cold(labs: Labs, nodes: int, mode: str) -> tuple[float, float]:
    """Return wall and CPU seconds of a start from nothing."""
    shape = make_wish({"nodes": nodes, "mode": mode}).shape

    async def start(directory: Path, place: Place) -> tuple[float, float]:
        begin = time.perf_counter(), time.process_time()
        async with LabCluster.running(shape, Surroundings(place, directory)):
            return time.perf_counter() - begin[0], time.process_time() - begin[1]

    with tempfile.TemporaryDirectory() as directory, Place.take() as place:
        return labs.thread.wait(start(Path(directory), place))


def warm(labs: Labs, nodes: int, mode: str) -> tuple[float, float]:
    """Return wall and CPU seconds of a start as the fixture does it."""
    wish = make_wish({"nodes": nodes, "mode": mode})
    with labs.bench() as bench:
        begin = time.perf_counter(), time.process_time()
        labs.thread.wait(bench.cluster(wish, "cucm"))
        return time.perf_counter() - begin[0], time.process_time() - begin[1]


def median(measured: list[tuple[float, float]]) -> tuple[float, float]:
    """Return the median of each column."""
    walls, processors = zip(*measured, strict=True)
    return statistics.median(walls), statistics.median(processors)


main()
