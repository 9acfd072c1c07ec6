"""A whole cluster as the server of `tftp.py`: `python bench/cluster_server.py PORT FILES`.

Runs `cucmsim run` with one node whose TFTP is on PORT of 127.0.0.1 and serves every file below
FILES through the real provisioning, journal and log.
"""

import os
import sys
import tempfile
from pathlib import Path

DESCRIPTION = """
[cluster]
security_password = "bench-password"
data_directory = "data"

[[nodes]]
name = "bench"
address = "127.0.0.1"
role = "publisher"
services = ["tftp"]
ports = {{ tftp = {port} }}

[[tftp_files]]
directory = "{files}"
"""


def main() -> None:
    """Write the description and become `cucmsim run`."""
    port, files = sys.argv[1:3]
    directory = Path(tempfile.mkdtemp(prefix="cucmsim-bench-cluster-"))
    config = directory / "bench.toml"
    config.write_text(DESCRIPTION.format(port=port, files=Path(files).absolute()))
    command = [sys.executable, "-m", "cucmsim", "run", str(config), "--log-level", "warning"]
    os.execv(sys.executable, command)  # noqa: S606 - this program becomes the server


if __name__ == "__main__":
    main()
