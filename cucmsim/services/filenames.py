"""The names phones ask the TFTP service for, and what each stands for.

A trust list or configuration of a phone has the phone's name in it; the MAC address is taken in
either case and everything else exactly as CUCM spells it (old phones ask for
`SEP<mac in lower case>.cnf.xml`). Leading slashes are dropped, sub-folders belong to the name of a
static file, and a name that climbs out of its folder stands for nothing.
Source: the table of files in the reference (TFTP service), seeds 000 and 003.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto

from cucmsim.formats.trustlist import CTL_FILENAME, ITL_FILENAME

__all__ = ["DEFAULT_CONFIG", "SIGNED_SUFFIX", "FileKind", "FileRequest", "parse_file_name"]

DEFAULT_CONFIG = "XMLDefault.cnf.xml"
SIGNED_SUFFIX = ".sgn"

_LONGEST = 255
_OF_PHONE = re.compile(
    r"(?:(?P<list>CTL|ITL)SEP(?P<list_mac>[0-9A-Fa-f]{12})\.tlv"
    r"|SEP(?P<mac>[0-9A-Fa-f]{12})\.cnf\.xml(?P<form>|\.sgn|\.enc\.sgn))"
)
_UNFIT = re.compile(r"[\x00-\x1f\x7f\\]|(?:^|/)\.{0,2}(?:/|$)")


class FileKind(Enum):
    """What a file is made from."""

    CTL = auto()
    ITL = auto()
    CONFIG = auto()
    ENCRYPTED_CONFIG = auto()
    DEFAULT = auto()
    STATIC = auto()


@dataclass(frozen=True, slots=True)
class FileRequest:
    """A file asked for: `name` as CUCM spells it, without `.sgn` where `signed`.

    `device` is the phone the name names, None where it names none.
    """

    kind: FileKind
    name: str
    device: str | None = None
    signed: bool = False

    @property
    def full_name(self) -> str:
        """The name with its suffix, which a signed file carries as FILENAME."""
        return self.name + SIGNED_SUFFIX if self.signed else self.name


_BY_NAME = {
    CTL_FILENAME: FileRequest(FileKind.CTL, CTL_FILENAME),
    ITL_FILENAME: FileRequest(FileKind.ITL, ITL_FILENAME),
    DEFAULT_CONFIG: FileRequest(FileKind.DEFAULT, DEFAULT_CONFIG),
    DEFAULT_CONFIG + SIGNED_SUFFIX: FileRequest(FileKind.DEFAULT, DEFAULT_CONFIG, signed=True),
}


def parse_file_name(name: str) -> FileRequest | None:
    """Return what `name` asks for; None when no file can have that name."""
    name = name.lstrip("/")
    match = _OF_PHONE.fullmatch(name)
    if match is not None:
        return _of_phone(match)
    if len(name) > _LONGEST or _UNFIT.search(name) is not None:
        return None
    known = _BY_NAME.get(name)
    if known is not None:
        return known
    signed = name.endswith(SIGNED_SUFFIX)
    return FileRequest(FileKind.STATIC, name.removesuffix(SIGNED_SUFFIX), signed=signed)


def _of_phone(match: re.Match[str]) -> FileRequest:
    trust_list = match["list"]
    if trust_list is not None:
        device = "SEP" + match["list_mac"].upper()
        return FileRequest(FileKind[trust_list], f"{trust_list}{device}.tlv", device)
    device, form = "SEP" + match["mac"].upper(), match["form"]
    if form == ".enc.sgn":
        return FileRequest(FileKind.ENCRYPTED_CONFIG, f"{device}.cnf.xml.enc", device, signed=True)
    return FileRequest(FileKind.CONFIG, f"{device}.cnf.xml", device, signed=form == SIGNED_SUFFIX)
