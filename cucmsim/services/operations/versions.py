"""Which versions are on the two sides of a node, and which release it therefore is.

A node has an active side, which runs, and an inactive one with what an upgrade installed or what
ran before. The numbers stand in processconfig as parameters of a service of our own for that node,
so every process of the cluster learns of a change as of any other, and they last over restarts.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from cucmsim.errors import StoreError
from cucmsim.pki.release import NEWEST_RELEASE, OLDEST_RELEASE, Release
from cucmsim.services.operations.clockmove import OWN_SERVICE
from cucmsim.store.replica import Replica
from cucmsim.store.store import Transaction

__all__ = [
    "Installation",
    "Sides",
    "Version",
    "active_release",
    "has_sides",
    "is_upgrading",
    "put_sides",
    "sides_of",
    "version_of_image",
]

_ACTIVE, _INACTIVE, _INSTALLATION = "ActiveVersion", "InactiveVersion", "Installation"
_NUMBER = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{1,2})\.(\d)(\d{1,2})(\d{3})-(\d{1,4})", re.ASCII)
_IMAGE = re.compile(
    r"(?:Bootable_)?UCSInstall_UCOS_(?:UNRST_)?(\d[\d.]*-\d+)\.(?:sgn|sha512)\.iso", re.ASCII
)
_FINISHED_UPDATE = 900
_COUNTS_ON = (11, 5)
_COUNTS_ON_AFTER = 8


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A version as the platform numbers it, comparable: "12.5.1.13900-152" is 12.5(1)SU3.

    The fourth number is 1N900 and above for service update N; below 900 it is a special on top of
    the one before. In 11.5 alone 2N900 goes on after SU8. Source: the published file names.
    """

    release: Release
    build: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the version of a number. Raises ValueError for what is none that is played."""
        match = _NUMBER.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is no version; expected for example 12.5.1.10000-22")
        major, minor, maintenance, base, update, rest, patch = map(int, match.groups())
        counted = update - (rest < _FINISHED_UPDATE and update > 0)
        if (major, minor) == _COUNTS_ON and base > 1 and counted:
            counted += _COUNTS_ON_AFTER
        if not OLDEST_RELEASE.major <= major <= NEWEST_RELEASE.major:
            raise ValueError(f"version {text} is not played; expected 8.0 to 15")
        build = int("".join(match.groups()[3:6]))
        return cls(Release(major, minor, maintenance, counted), build, patch)

    @classmethod
    def of(cls, release: Release) -> Self:
        """Return the version that a description means by a release; its last number is ours."""
        update, base = release.service_update, 1
        if (release.major, release.minor) == _COUNTS_ON and update > _COUNTS_ON_AFTER:
            update, base = update - _COUNTS_ON_AFTER, 2
        return cls(release, int(f"{base}{update}{_FINISHED_UPDATE if update else '000'}"), 1)

    def __str__(self) -> str:
        """Format as the platform numbers it."""
        of = self.release
        return f"{of.major}.{of.minor}.{of.maintenance}.{self.build}-{self.patch}"


def version_of_image(name: str) -> Version | None:
    """Return the version that an image installs, read off its name; None for no such image.

    "UCSInstall_UCOS_12.5.1.10000-22.sgn.iso", from 14 ".sha512.iso"; restricted or not (`UNRST`).
    """
    match = _IMAGE.fullmatch(name)
    try:
        return None if match is None else Version.parse(match[1])
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Installation:
    """An upgrade that runs until `ends`; the node `switches` to the version by itself then."""

    version: Version
    ends: datetime
    switches: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` wrote. Raises ValueError."""
        version, ends, switches = text.split(" ")
        moment = datetime.fromtimestamp(int(ends), UTC)
        return cls(Version.parse(version), moment, switches == "switch")

    def __str__(self) -> str:
        """Return version, seconds since 1970 and what follows."""
        follows = "switch" if self.switches else "stay"
        return f"{self.version} {int(self.ends.timestamp())} {follows}"


@dataclass(frozen=True, slots=True)
class Sides:
    """The versions of a node."""

    active: Version
    inactive: Version | None = None
    installation: Installation | None = None

    def holds(self, version: Version) -> bool:
        """Tell whether a version is on either side."""
        return version in (self.active, self.inactive)


def has_sides(replica: Replica, node: str) -> bool:
    """Tell whether it is known what a node runs; it is not before its first start."""
    return replica.service_parameter(OWN_SERVICE, _ACTIVE, node) is not None


def sides_of(replica: Replica, node: str) -> Sides:
    """Return the versions of a node. Raises StoreError when they cannot be told."""
    active, inactive, installation = (
        replica.service_parameter(OWN_SERVICE, name, node)
        for name in (_ACTIVE, _INACTIVE, _INSTALLATION)
    )
    if active is None:
        raise StoreError(f"node {node!r} has no version in the store")
    try:
        return Sides(
            Version.parse(active),
            None if inactive is None else Version.parse(inactive),
            None if installation is None else Installation.parse(installation),
        )
    except (ValueError, OverflowError) as error:
        raise StoreError(f"the versions of node {node!r} cannot be read: {error}") from error


def active_release(replica: Replica, node: str) -> Release:
    """Return the release that a node runs. Raises StoreError when that cannot be told."""
    return sides_of(replica, node).active.release


def is_upgrading(replica: Replica, node: str) -> bool:
    """Tell whether an upgrade runs on a node."""
    return replica.service_parameter(OWN_SERVICE, _INSTALLATION, node) is not None


async def put_sides(transaction: Transaction, node: str, sides: Sides) -> None:
    """Write the versions of a node in a transaction. Raises StoreError."""
    held = {
        _ACTIVE: sides.active,
        _INACTIVE: sides.inactive,
        _INSTALLATION: sides.installation,
    }
    for name, value in held.items():
        if value is None:
            await transaction.delete_service_parameter(OWN_SERVICE, name, node)
        else:
            await transaction.set_service_parameter(OWN_SERVICE, name, str(value), node)
