"""Releases: which version of CUCM a cluster plays, written as Cisco writes it and comparable.

"10.5(2)" is major 10, minor 5, maintenance 2; "12.5SU3" means 12.5(1) with service update 3; from
14 on the minor number is gone. What a release decides stands where it is decided: certificates in
`profiles.py`, trust lists in `formats/contents.py`.
"""

import re
from dataclasses import dataclass
from typing import Self

__all__ = ["NEWEST_RELEASE", "OLDEST_RELEASE", "Release"]

_SPELLING = re.compile(r"(\d{1,2})(?:\.(\d{1,2}))?(?:\((\d{1,2})\))?(?:\s*su\s*(\d{1,2})[a-z]?)?")
_FIRST_WITHOUT_MINOR = 14


@dataclass(frozen=True, slots=True, order=True)
class Release:
    """A release of CUCM, comparable: `release >= Release(10, 5, 2)`."""

    major: int
    minor: int = 0
    maintenance: int = 1
    service_update: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the release written as "8.6", "10.5(2)", "12.5SU3", "12.5(1)SU3" or "14".

        Raises:
            ValueError: the text is no release from 8.0 to 15.

        """
        match = _SPELLING.fullmatch(text.strip().lower())
        if match is None:
            raise ValueError(f"{text!r} is no release; expected for example 10.5(2), 12.5SU3 or 14")
        major, minor, maintenance, service_update = match.groups()
        release = cls(int(major), int(minor or 0), int(maintenance or 1), int(service_update or 0))
        if not OLDEST_RELEASE.major <= release.major <= NEWEST_RELEASE.major:
            raise ValueError(f"release {text!r} is not played; expected 8.0 to 15")
        return release

    def __str__(self) -> str:
        """Format as Cisco writes it: "10.5(2)", "12.5(1)SU3", "14SU1"."""
        update = f"SU{self.service_update}" if self.service_update else ""
        if self.major >= _FIRST_WITHOUT_MINOR:
            return f"{self.major}{update}"
        return f"{self.major}.{self.minor}({self.maintenance}){update}"


OLDEST_RELEASE = Release(8)
NEWEST_RELEASE = Release(15)
