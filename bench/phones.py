"""Time a fleet of simulated phones against a cluster: seconds, phones a second, CPU, memory.

Usage: python bench/phones.py [COUNT [PARALLEL [PROTOCOL]]], by default 500 SIP phones of which 50
boot at a time. `cucmsim run` and `cucmsim phones` are processes of their own, so that what servers
and phones cost can be told apart; both share this machine.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ADDRESS = "127.0.0.1"
START_S = 120
KIB = 1024
SERVICES = ("tftp", "http", "https", "https_client", "tvs", "capf", "sip", "sccp", "web", "ssh")
SECURE_SCCP = 443
DESCRIPTION = """
[cluster]
security_password = "bench-password"
data_directory = "data"

[[nodes]]
name = "bench"
address = "{address}"
role = "publisher"
ports = {{ {ports} }}

[[phones]]
mac = "001122000000"
model = "{model}"
protocol = "{protocol}"
lines = ["100000"]
count = {count}
"""
MODELS = {"SIP": "8861", "SCCP": "7942"}


def free_port() -> int:
    """Return a port that nobody has just now."""
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return int(probe.getsockname()[1])


def describe(directory: Path, count: int, protocol: str) -> Path:
    """Write the description of a node with `count` phones."""
    ports = {service: free_port() for service in SERVICES}
    ports |= {"sip_tls": free_port(), "sccp_tls": ports["sccp"] + SECURE_SCCP}
    config = directory / "bench.toml"
    text = DESCRIPTION.format(
        address=ADDRESS,
        ports=", ".join(f"{service} = {port}" for service, port in ports.items()),
        model=MODELS[protocol],
        protocol=protocol,
        count=count,
    )
    config.write_text(text, encoding="utf-8")
    return config


def spawn(*arguments: str | Path) -> subprocess.Popen[str]:
    """Start `cucmsim ARGUMENTS`."""
    command = [sys.executable, "-m", "cucmsim", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def wait_for(ready: Path, server: subprocess.Popen[str]) -> None:
    """Wait until the cluster says that it serves; end the bench when it does not."""
    until = time.monotonic() + START_S
    while not ready.exists():
        if server.poll() is not None or time.monotonic() > until:
            sys.exit(f"the cluster did not start within {START_S} s")
        time.sleep(0.05)


def cost(process: subprocess.Popen[str], count: int) -> str:
    """Wait for the end of a process; return what it took, by phone too."""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    cpu_s, memory = used.ru_utime + used.ru_stime, used.ru_maxrss * KIB
    return (
        f"CPU {cpu_s:8.2f} s ({cpu_s / count * 1000:6.2f} ms a phone)   "
        f"memory {memory / KIB**2:7.1f} MiB ({memory / KIB / count:7.1f} KiB a phone)"
    )


def measure(directory: Path, count: int, parallel: int, protocol: str) -> None:
    """Print what became of the fleet, and what each side took."""
    config, ready = describe(directory, count, protocol), directory / "ready.json"
    began = time.perf_counter()
    server = spawn("run", config, "--ready-file", ready, "--log-level", "warning")
    try:
        wait_for(ready, server)
        print(
            f"cluster with {count} {protocol} phones started in {time.perf_counter() - began:.1f} s"
        )
        fleet = spawn("phones", config, "--parallel", str(parallel), "--json")
        answer = fleet.stdout.read() if fleet.stdout else ""
        phones = cost(fleet, count)
    finally:
        server.send_signal(signal.SIGTERM)
    report = json.loads(answer)
    rate = report["phones"] / report["seconds"]
    stages = ("trusted", "registered", "locked", "failed")
    print(
        f"{report['phones']} phones in {report['seconds']:.1f} s, {rate:.1f} phones/s, "
        f"{parallel} at a time: " + ", ".join(f"{report[each]} {each}" for each in stages)
    )
    print(f"phones   {phones}")
    print(f"cluster  {cost(server, count)}")


def main() -> None:
    """Run the bench."""
    given = dict(enumerate(sys.argv[1:]))
    count, parallel = int(given.get(0, "500")), int(given.get(1, "50"))
    with tempfile.TemporaryDirectory(prefix="cucmsim-bench-phones-") as directory:
        measure(Path(directory), count, parallel, given.get(2, "SIP"))


if __name__ == "__main__":
    main()
