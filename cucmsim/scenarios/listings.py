"""What an administrator reads off `show itl` and `show ctl`: checksum, length, and who signed."""

from dataclasses import dataclass
from typing import Final

from cucmsim.scenarios.stagecluster import StageCluster

__all__ = ["ShownList", "shown_list"]

_SHA1: Final = "(SHA1)"
_LENGTH: Final = "Length of "
_SERIAL, _SIGNER = "SERIALNUMBER", "SIGNERNAME"


@dataclass(frozen=True, slots=True)
class ShownList:
    """A trust list as a node shows it; `sha1` "" in 8.x and 9.x, which show no checksum.

    `signer` is the unit whose certificate, of that node or of the publisher, signed the list;
    another signer's name otherwise, "" where there is no list. `serial` is that certificate's
    serial number, in small hexadecimal digits.
    """

    length: int
    sha1: str
    signer: str
    serial: str


async def shown_list(cluster: StageCluster, kind: str, *, node: str = "") -> ShownList:
    """Return what `show itl` or `show ctl` tells at a node, by default the publisher."""
    at = node or cluster.publisher
    said = await cluster.administrator.command(f"show {kind}", node=at)
    lines = said.lines
    sha1 = next((line.removesuffix(_SHA1) for line in lines if line.endswith(_SHA1)), "")
    length = next((line.split()[-1] for line in lines if line.startswith(_LENGTH)), "0")
    serial = _value(lines, _SERIAL).replace(":", "").lower()
    signer = await _signer(cluster, lines, at, serial) if serial else ""
    return ShownList(int(length), sha1, signer, serial)


async def _signer(cluster: StageCluster, lines: tuple[str, ...], node: str, serial: str) -> str:
    """Return the unit that a list's header names by its serial number."""
    for held in await cluster.administrator.certificates():
        if held.node in (node, cluster.publisher) and held.serial == serial:
            return held.store
    return _value(lines, _SIGNER)


def _value(lines: tuple[str, ...], tag: str) -> str:
    """Return the value of the first line with a tag."""
    rows = (line.split("\t") for line in lines)
    return next((row[-1] for row in rows if tag in row), "")
