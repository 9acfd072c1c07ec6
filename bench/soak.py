"""Soak a cluster of three processes in faults by seed, under phones and an administrator at work.

    python bench/soak.py                      # 10 minutes
    python bench/soak.py --minutes 1 --seed 7

Starts a PostgreSQL of its own, three `cucmsim run --node` on loopback addresses, a fleet of phones
and an administrator; kills, stops and freezes nodes and the database, cuts the ways between them,
and checks that no announced change is lost, no file is served that does not verify, no phone
decides otherwise than the documents say, memory stays flat, logs stay clean, nobody is left behind.
Exit status: 0 nothing was found, 1 something was, and the report says what.
"""

import argparse
import asyncio
import os
import secrets
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Final

from soaking.facts import FleetSpec
from soaking.fleet import run_fleet
from soaking.report import check_end, report_lines, write_report
from soaking.run import Options, Soak, leftovers

_MARKER: Final = "CUCMSIM_TEST_SOAK"
_RESULTS: Final = Path(__file__).parent / "results"
_MOST_SEED: Final = 1 << 31


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=None, help="default: another one each time")
    parser.add_argument("--phones", type=int, default=24)
    parser.add_argument("--no-lockout", action="store_true", help="leave the cross-check out")
    parser.add_argument("--results", type=Path, default=_RESULTS, help="where the JSON goes")
    parser.add_argument("--keep", action="store_true", help="keep logs and data")
    parser.add_argument("--fleet", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


async def soak_in(directory: Path, options: Options) -> Soak:
    """Run a soak; SIGINT and SIGTERM end it early, with what was found so far."""
    soak = Soak(directory, options)
    running = asyncio.create_task(soak.run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, running.cancel)
    await asyncio.wait([running])
    if running.cancelled():
        soak.show("ended early")
    elif (error := running.exception()) is not None:
        soak.broke(error)
    return soak


def main() -> int:
    """Run the soak, or the fleet that it has started."""
    given = arguments()
    if given.fleet is not None:
        asyncio.run(run_fleet(FleetSpec.load(given.fleet)))
        return 0
    seed = secrets.randbelow(_MOST_SEED) if given.seed is None else given.seed
    marker = os.environ[_MARKER] = secrets.token_hex(8)
    options = Options(given.minutes, seed, given.phones, not given.no_lockout)
    directory = Path(tempfile.mkdtemp(prefix="cucmsim-soak-", dir="/tmp"))
    directory.chmod(0o755)
    print(f"soak of {given.minutes:g} minutes, seed {seed}, in {directory}", flush=True)
    try:
        soak = asyncio.run(soak_in(directory, options))
        soak.findings += check_end(soak, leftovers(marker))
    finally:
        if not given.keep:
            shutil.rmtree(directory, ignore_errors=True)
    print("\n".join(report_lines(soak)))
    write_report(soak, given.results / "soak.json")
    return 1 if soak.all_findings else 0


if __name__ == "__main__":
    sys.exit(main())
