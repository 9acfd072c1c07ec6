"""Our TFTP daemon against the others: boots per second, side by side, in one run.

    python bench/tftp.py [--quick] [--rounds N] [--peers dnsmasq,atftpd,...] [--cases c1,c256,...]

A boot is three files from one phone: an ITL of 5302 bytes, a CTL of 6113, a signed configuration of
12 KiB, in blocks of 512 without options, as desk phones ask for them. The load generator,
tftpload.c, runs on one core and the server on the other; the servers take turns in every round, and
the table has the medians. Rates drift with the machine: compare only within one run.
See README.md for what else is measured, and for the servers.
"""

import argparse
import contextlib
import json
import os
import random
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent
LOAD = HERE / "bin" / "tftpload"
BOOT = {"boot-itl": 5302, "boot-ctl": 6113, "boot-config.sgn": 12288}
"""The files of a boot by their sizes; names that a whole cluster serves as they are."""
FIRMWARE = "firmware.sbn"
FIRMWARE_SIZE = 16 << 20
OURS = "cucmsim"
START_S = 15
RUN_S = 15

Result = dict[str, float]


@dataclass(frozen=True)
class Case:
    """One kind of load; `counts` are operations in a quick run and in a full one."""

    concurrency: int
    counts: tuple[int, int]
    options: tuple[str, ...] = ()
    files: tuple[str, ...] = tuple(BOOT)


CASES = {
    "c1": Case(1, (200, 400)),
    "c32": Case(32, (1500, 3000)),
    "c256": Case(256, (1500, 4000)),
    "c1000": Case(1000, (3000, 3000)),
    "burst": Case(1000, (1000, 1000)),
    "firmware": Case(8, (8, 16), ("-b", "1468"), (FIRMWARE,)),
    "window16": Case(8, (8, 32), ("-b", "1468", "-w", "16"), (FIRMWARE,)),
}
QUICK_CASES = ("c1", "c32", "c256")
QUICK_PEERS = ("dnsmasq",)

# How each server is started; dnsmasq cannot leave port 69 and needs root for it.
COMMANDS = {
    OURS: f"{sys.executable} {HERE / 'tftp_server.py'} {{files}} --port {{port}}",
    "dnsmasq": "dnsmasq -k --port=0 --conf-file=/dev/null --enable-tftp --tftp-root={files} "
    "--tftp-max=2000 --listen-address=127.0.0.1 --bind-interfaces --user=root --pid-file=",
    "atftpd": "atftpd --daemon --no-fork --maxthread 2000 --user root --port {port} "
    "--bind-address 127.0.0.1 {files}",
    "tftpd-hpa": "in.tftpd --listen --foreground --user root --secure "
    "--address 127.0.0.1:{port} {files}",
    "tftpy": f"{sys.executable} -c \"import tftpy; tftpy.TftpServer('{{files}}')"
    ".listen('127.0.0.1', {port})\"",
}
PORTS = {OURS: 17069, "dnsmasq": 69, "atftpd": 17169, "tftpd-hpa": 17269, "tftpy": 17369}


def main() -> int:
    """Measure, print the table, write the results; 1 when our own server failed anywhere."""
    arguments = read_arguments()
    build_load_generator()
    names = [OURS, *(arguments.peers.split(",") if arguments.peers else [])]
    cases = arguments.cases.split(",")
    commands = COMMANDS | {OURS: arguments.server}
    with tempfile.TemporaryDirectory(prefix="cucmsim-bench-") as folder:
        files = Path(folder)
        files.chmod(0o755)
        make_files(files)
        servers: dict[str, subprocess.Popen[bytes]] = {}
        try:
            for name in names:
                process = start(name, commands[name], files)
                if process is not None:
                    servers[name] = process
            results = measure(servers, commands, cases, arguments, files)
        finally:
            for process in servers.values():
                stop(process)
    show(results, cases)
    path = write(results, arguments)
    print(f"\n{path}")
    ours = results.get(OURS, {})
    failed = any(result["files_failed"] for runs in ours.values() for result in runs)
    return 1 if failed or not ours else 0


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="less of everything: under a minute")
    parser.add_argument("--rounds", type=int, help="rounds of every case [3]")
    parser.add_argument("--peers", help="who else is measured, comma between [all installed]")
    parser.add_argument("--cases", help=f"which loads: {','.join(CASES)} [all]")
    parser.add_argument(
        "--server", default=COMMANDS[OURS], help="our server's command, with {port} and {files}"
    )
    arguments = parser.parse_args()
    quick = arguments.quick
    peers = QUICK_PEERS if quick else tuple(name for name in COMMANDS if name != OURS)
    arguments.rounds = arguments.rounds or 3
    arguments.peers = ",".join(peers) if arguments.peers is None else arguments.peers
    arguments.cases = arguments.cases or ",".join(QUICK_CASES if quick else CASES)
    return arguments


def build_load_generator() -> None:
    """Compile tftpload.c when it is newer than its program."""
    source = HERE / "tftpload.c"
    if not LOAD.exists() or LOAD.stat().st_mtime < source.stat().st_mtime:
        LOAD.parent.mkdir(exist_ok=True)
        subprocess.run(["cc", "-O2", "-o", str(LOAD), str(source)], check=True)


def make_files(folder: Path) -> None:
    """Write the files of a boot and a firmware image; the same in every run."""
    for name, size in (BOOT | {FIRMWARE: FIRMWARE_SIZE}).items():
        (folder / name).write_bytes(random.Random(name).randbytes(size))  # noqa: S311 - no secret


def pinned(core: int) -> list[str]:
    """Return what keeps a command on a core, where there are two and the tool for it."""
    if shutil.which("taskset") is None or (os.cpu_count() or 1) < 2:
        return []
    return ["taskset", "-c", str(core)]


def start(name: str, command: str, files: Path) -> subprocess.Popen[bytes] | None:
    """Start a server and wait until it answers; None, and why, when it does not."""
    words = shlex.split(command.format(files=files, port=PORTS[name]))
    program = shutil.which(words[0])
    # Debian's atftpd calls itself in.tftpd as well; tftpd-hpa cannot be installed beside it
    if program is None or (name == "tftpd-hpa" and Path(program).resolve().name != "in.tftpd"):
        print(f"{name}: not installed, left out")
        return None
    silent = subprocess.DEVNULL
    process = subprocess.Popen([*pinned(1), *words], stdout=silent, stderr=silent)
    deadline = time.monotonic() + START_S
    probe = [str(LOAD), "-p", str(PORTS[name]), "-t", "100", "-r", "2", next(iter(BOOT))]
    while process.poll() is None and time.monotonic() < deadline:
        if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
            return process
    stop(process)
    print(f"{name}: does not start, left out")
    return None


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a server that we started."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(5)
    if process.poll() is None:
        process.kill()
        process.wait()


def measure(
    servers: dict[str, subprocess.Popen[bytes]],
    commands: dict[str, str],
    cases: list[str],
    arguments: argparse.Namespace,
    files: Path,
) -> dict[str, dict[str, list[Result]]]:
    """Run every case on every server in turn, round by round; start again who fell over."""
    results: dict[str, dict[str, list[Result]]] = {name: {} for name in servers}
    for number in range(arguments.rounds):
        for case in cases:
            # who goes first changes, so that a drift of the machine hits nobody alone
            for name in rotate(list(servers), number):
                print(f"\rround {number + 1}, {case}, {name}".ljust(60), end="", file=sys.stderr)
                if servers[name].poll() is not None:
                    servers[name] = start(name, commands[name], files) or servers[name]
                process = servers[name].pid
                result = run(CASES[case], name, process, files, quick=arguments.quick)
                results[name].setdefault(case, []).append(result)
    print("\r".ljust(61), end="\r", file=sys.stderr)
    return results


def rotate(names: list[str], number: int) -> Iterator[str]:
    """Give the names, starting with another one each time."""
    yield from names[number % len(names) :]
    yield from names[: number % len(names)]


def run(case: Case, name: str, process: int, files: Path, *, quick: bool) -> Result:
    """Run the load generator once."""
    total = case.counts[0 if quick else 1]
    load = ["-p", str(PORTS[name]), "-c", str(case.concurrency), "-n", str(total), "-j"]
    limits = ["-d", str(RUN_S), "-V", str(files)]
    command = [*pinned(0), str(LOAD), *load, *limits, *case.options, *case.files]
    before = cpu_s(process)
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    result: Result = json.loads(done.stdout)
    result["cpu_ms_per_boot"] = (cpu_s(process) - before) * 1000 / total
    return result


def cpu_s(process: int) -> float:
    """Return the processor seconds of a process and its finished children, where known."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def median(runs: list[Result], key: str) -> float:
    """Return the median of one figure."""
    return statistics.median(result[key] for result in runs)


def show(results: dict[str, dict[str, list[Result]]], cases: list[str]) -> None:
    """Print a block a case: rates, our ratio to each, latency, retransmissions."""
    for case in cases:
        print(f"\n{case}: {CASES[case].concurrency} at once, median of rounds")
        head = ("server", "boots/s", "ours/it", "MB/s", "CPU ms", "p99 ms", "resent", "failed")
        print("{:<11}{:>9}{:>9}{:>9}{:>9}{:>10}{:>8}{:>8}".format(*head))
        ours = results.get(OURS, {}).get(case)
        for name, runs in results.items():
            rate = median(runs[case], "boots_per_s")
            ratio = f"{median(ours, 'boots_per_s') / rate:.2f}" if ours and rate else "-"
            figures = [median(runs[case], key) for key in ("mb_per_s", "cpu_ms_per_boot")]
            counts = [median(runs[case], key) for key in ("retransmits", "files_failed")]
            latency = median(runs[case], "file_p99_ms")
            print(
                f"{name:<11}{rate:>9.0f}{ratio:>9}{figures[0]:>9.1f}{figures[1]:>9.2f}"
                f"{latency:>10.1f}{counts[0]:>8.0f}{counts[1]:>8.0f}"
            )


def write(results: dict[str, dict[str, list[Result]]], arguments: argparse.Namespace) -> Path:
    """Write every single result as JSON."""
    folder = HERE / "results"
    folder.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    path = folder / f"tftp-{now:%Y%m%dT%H%M%SZ}.json"
    about = {"time": now.isoformat(), "quick": arguments.quick, "python": sys.version}
    path.write_text(json.dumps(about | {"results": results}, indent=1) + "\n")
    return path


if __name__ == "__main__":
    sys.exit(main())
