"""What TVS has vouched for, for as long as it said; a phone that remembers asks nobody.

Source: phone.md 2.2 (86,400 s where the answer names no time), seeds 000 and 002.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cucmsim.formats.header import SignerId
from cucmsim.formats.tvs import DEFAULT_TIME_TO_LIVE_S

__all__ = ["CacheEntry", "TvsCache"]


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """A certificate that TVS trusts, with its roles, until a time."""

    certificate_der: bytes = field(repr=False)
    roles: tuple[int, ...]
    until: datetime


class TvsCache:
    """The cache of one phone."""

    def __init__(self) -> None:
        self._entries: dict[bytes, CacheEntry] = {}
        self._signers: dict[tuple[bytes, bytes], bytes] = {}

    def save(
        self,
        certificate_der: bytes,
        roles: tuple[int, ...],
        now: datetime,
        *,
        time_to_live_s: int | None = None,
        signer: SignerId | None = None,
    ) -> int:
        """Remember a certificate, under `signer` too if it was asked for so; return its seconds."""
        seconds = DEFAULT_TIME_TO_LIVE_S if time_to_live_s is None else time_to_live_s
        until = now + timedelta(seconds=seconds)
        self._entries[certificate_der] = CacheEntry(certificate_der, roles, until)
        if signer is not None:
            self._signers[signer.ca_name, signer.serial] = certificate_der
        return seconds

    def find_certificate(self, certificate_der: bytes, now: datetime) -> CacheEntry | None:
        """Return what is known of a certificate, None once its time is over."""
        entry = self._entries.get(certificate_der)
        return None if entry is None or entry.until <= now else entry

    def find_signer(self, signer: SignerId, now: datetime) -> CacheEntry | None:
        """Return what is known of a signer, None once its time is over."""
        certificate_der = self._signers.get((signer.ca_name, signer.serial))
        return None if certificate_der is None else self.find_certificate(certificate_der, now)

    def flush(self) -> None:
        """Forget everything, as phones do after a trust list changed (phone.md 4.5)."""
        self._entries.clear()
        self._signers.clear()
