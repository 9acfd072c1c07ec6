"""The kinds of values a configuration holds: what they look like, and how they are read.

Each is an annotated type for the pydantic models of `settings.py` and `phones.py`. A validator
only says no (ValueError); what was expected stands in the type's schema under `expected`, from
which problem reports and the reference of keys are both written.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    InstanceOf,
    Strict,
    WithJsonSchema,
)
from pydantic import BaseModel as PydanticModel

from cucmsim.pki.digests import Digest
from cucmsim.pki.keys import KeySpec
from cucmsim.pki.release import Release
from cucmsim.services.filelocations import LOCATION_FORM, parse_location

__all__ = [
    "AdministratorName",
    "AdministratorPassword",
    "ClusterName",
    "DatabaseUrl",
    "DeviceMac",
    "DigestValue",
    "DomainName",
    "FileLocationText",
    "Flag",
    "HostName",
    "IpAddress",
    "KeySpecValue",
    "Name",
    "NodeName",
    "Number",
    "PathValue",
    "Port",
    "PortRange",
    "ReleaseValue",
    "Seconds",
    "SecurityPassword",
    "TableModel",
    "Text",
    "choice",
    "expecting",
    "parse_mac",
]

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_MAC = re.compile(r"(?:SEP)?([0-9A-F]{12})")
_MAC_SEPARATORS = str.maketrans("", "", ":-.")
_LAST_PORT = 65535
_IPV4 = r"(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(?:\.(?!$)|$)){4}"


class TableModel(PydanticModel):
    """A table of the file: frozen, and no key but those declared."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def expecting(text: str, kind: str = "string") -> WithJsonSchema:
    """Describe a type by what a person is to write for it."""
    return WithJsonSchema({"type": kind, "expected": text})


def parse_mac(text: str) -> str:
    """Return the twelve upper-case digits of a MAC address or of a device name (SEP...).

    Raises:
        ValueError: the text is neither.

    """
    match = _MAC.fullmatch(text.strip().upper().translate(_MAC_SEPARATORS))
    if match is None:
        raise ValueError("no MAC address")
    return match[1]


def choice(names: Mapping[str, object]) -> tuple[BeforeValidator, WithJsonSchema]:
    """Read one of `names` as what it stands for; unpack it into an `Annotated`."""

    def read(value: object) -> object:
        if value in names.values():
            return value
        return names[_text_of(value)] if value in names else _refuse(value)

    return BeforeValidator(read), WithJsonSchema({"type": "string", "enum": list(names)})


def _refuse(value: object) -> object:
    """Raise ValueError."""
    raise ValueError(f"{value!r} is none of them")


def _text_of(value: object) -> str:
    """Return a text as it is. Raises ValueError for anything else."""
    if not isinstance(value, str):
        raise ValueError("no text")  # noqa: TRY004  pydantic turns ValueError into a problem
    return value


def _read_release(value: object) -> object:
    return value if isinstance(value, Release) else Release.parse(_text_of(value))


def _read_key(value: object) -> object:
    return value if isinstance(value, KeySpec) else KeySpec.parse(_text_of(value))


def _read_digest(value: object) -> object:
    return value if isinstance(value, Digest) else Digest.parse(_text_of(value))


def _read_path(value: object) -> object:
    return Path(_text_of(value)) if not isinstance(value, Path) else value


def _read_ports(value: object) -> object:
    """Read "40000-40999"."""
    if isinstance(value, range):
        return value
    match = re.fullmatch(r"([0-9]{1,5})-([0-9]{1,5})", _text_of(value))
    if match is None:
        return _refuse(value)
    first, last = int(match[1]), int(match[2])
    return range(first, last + 1) if 0 < first <= last <= _LAST_PORT else _refuse(value)


def _check_location(text: str) -> str:
    """Refuse what names no TFTP server."""
    parse_location(text)
    return text


def _check_database(url: str) -> str:
    """Refuse what is neither of the two kinds of database."""
    if not re.fullmatch(r"sqlite:///.+|postgresql://.+", url):
        raise ValueError("no database")
    return url


Flag = Annotated[bool, Strict()]
Number = Annotated[int, Strict()]
Text = Annotated[str, Field(max_length=255, pattern=r"^[^\x00-\x1f]*$"), expecting("a text")]
Name = Annotated[
    str,
    Field(pattern=r"^[^\x00-\x1f\"']{1,128}$"),
    expecting("a name of 1 to 128 characters without quotes"),
]
HostName = Annotated[
    str,
    Field(pattern=rf"^{_LABEL}$"),
    expecting("a host name: 1 to 63 letters, digits and hyphens"),
]
NodeName = Annotated[
    str,
    Field(pattern=rf"^{_LABEL}(\.{_LABEL})*$", max_length=253),
    expecting("a host name, a fully qualified name or an IPv4 address"),
]
DomainName = Annotated[
    str,
    Field(pattern=rf"^({_LABEL}(\.{_LABEL})*)?$", max_length=189),
    expecting('a domain name such as "lab.example", or ""'),
]
IpAddress = Annotated[
    str,
    AfterValidator(lambda text: _match(_IPV4, text)),
    expecting('an IPv4 address such as "127.0.1.1"'),
]
ClusterName = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9.-]{1,50}$"),
    expecting("1 to 50 letters, digits, dots and hyphens"),
]
SecurityPassword = Annotated[
    str,
    Field(pattern=r"^[!-~]{6,128}$", repr=False),
    expecting("6 to 128 printable ASCII characters without blanks"),
]
AdministratorName = Annotated[
    str,
    Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,31}$"),
    expecting("a letter, then up to 31 letters, digits, hyphens and underscores"),
]
AdministratorPassword = Annotated[
    str,
    Field(pattern=r"^[!-~]{6,128}$"),
    expecting("6 to 128 printable ASCII characters without blanks"),
]
DatabaseUrl = Annotated[
    str,
    AfterValidator(_check_database),
    expecting('"sqlite:///PATH" or "postgresql://USER:PASSWORD@HOST/DATABASE"'),
]
FileLocationText = Annotated[
    str,
    AfterValidator(_check_location),
    expecting(LOCATION_FORM),
]
Port = Annotated[
    int,
    Strict(),
    Field(ge=0, le=_LAST_PORT),
    expecting("a port number from 1 to 65535, or 0 for any free port", "integer"),
]
PortRange = Annotated[
    InstanceOf[range],
    BeforeValidator(_read_ports),
    expecting('two ports such as "40000-40999", the lower one first'),
]
Seconds = Annotated[
    float,
    Strict(),
    Field(gt=0, le=86400),
    expecting("seconds, more than 0 and at most 86400", "number"),
]
DeviceMac = Annotated[
    str,
    AfterValidator(parse_mac),
    expecting('a MAC address of 12 hexadecimal digits such as "00:1B:54:C2:5A:01"'),
]
ReleaseValue = Annotated[
    InstanceOf[Release],
    BeforeValidator(_read_release),
    expecting('a release such as "8.6", "10.5(2)", "11.5" or "14SU3"'),
]
KeySpecValue = Annotated[
    InstanceOf[KeySpec],
    BeforeValidator(_read_key),
    expecting('"rsa-1024" to "rsa-4096", "ec-256", "ec-384" or "ec-521"'),
]
DigestValue = Annotated[
    InstanceOf[Digest],
    BeforeValidator(_read_digest),
    expecting('"sha1", "sha256", "sha384" or "sha512"'),
]
PathValue = Annotated[
    InstanceOf[Path], BeforeValidator(_read_path), expecting("the path of a file or directory")
]


def _match(pattern: str, text: str) -> str:
    """Return `text` when the whole of it matches. Raises ValueError."""
    if not re.fullmatch(pattern, text):
        raise ValueError("no match")
    return text
