"""The options of `cucmsim scenario run` that are about runs in general."""

from pathlib import Path
from typing import Annotated, Final

import typer

from cucmsim.scenarios.seeding import LARGEST_SEED

__all__ = [
    "DEVICE_LIMIT_S",
    "LIMIT_S",
    "EveryOption",
    "JsonOption",
    "LimitOption",
    "LogOption",
    "PcapOption",
    "PhoneOption",
    "ReleaseOption",
    "SeedOption",
    "VerboseOption",
    "WordsArgument",
]

LIMIT_S: Final = 300
"""How long a run may take."""

DEVICE_LIMIT_S: Final = 3600
"""How long a run with a device may take, unless its patience asks for more."""

WordsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME... [PARAMETER=VALUE...]", help="Scenarios, and parameters."),
]
EveryOption = Annotated[
    bool,
    typer.Option(
        "--all", help="Every scenario there is; those that are not applicable do not count."
    ),
]
ReleaseOption = Annotated[
    list[str] | None,
    typer.Option("--release", metavar="RELEASE", help="On this release, or on 'all' of them."),
]
PhoneOption = Annotated[
    list[str] | None, typer.Option("--phone", metavar="MODEL", help="With this phone.")
]
SeedOption = Annotated[
    int | None, typer.Option(min=0, max=LARGEST_SEED, help="The same seed is the same run.")
]
LimitOption = Annotated[
    float | None,
    typer.Option(
        "--limit-s",
        min=1,
        help=f"The longest that a run may take, in seconds: {LIMIT_S}, with a device"
        f" {DEVICE_LIMIT_S}, or more where its patience asks for it.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print a JSON object a run.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Tell more of it.")]
LogOption = Annotated[
    typer.FileTextWrite | None,
    typer.Option("--log", metavar="FILE", help="Write what the servers log there."),
]
PcapOption = Annotated[
    Path | None,
    typer.Option(
        "--pcap",
        metavar="DIR",
        file_okay=False,
        help="Write what crossed the wire there, a file a cluster, for Wireshark.",
    ),
]
