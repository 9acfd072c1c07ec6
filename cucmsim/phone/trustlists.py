"""What a phone can look up: the records of its CTL and its ITL.

Signers are found by issuer, serial number and role, servers by their whole certificate, or its
SHA-1 where a record has only that, and role; in the CTL first, then in the ITL (phone.md 2.2).
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Self

from cucmsim.errors import FormatError
from cucmsim.formats.header import SignerId
from cucmsim.formats.roles import Role
from cucmsim.formats.trustlist import Record, RecordTag, TrustList, decode_trust_list
from cucmsim.phone.flash import Flash
from cucmsim.phone.values import FileKind, TrustSource
from cucmsim.pki.digests import Digest

__all__ = ["Found", "Holding", "TrustLists", "is_emptied"]

_FILE_SIGNERS = (Role.CCM_TFTP, Role.TFTP)
_CALL_MANAGERS = (Role.CCM, Role.CCM_TFTP)
_ENCRYPTION_SUPPORTED = (1, 1)


class Holding(StrEnum):
    """The states of a phone in phone.md 2.1; an emptied ITL counts as none.

    So does, beside it, the CTL that a cluster in non-secure mode serves: the phone may go to any
    non-secure cluster then (cucm.md 3.6, and 7, row 10). A CTL of mixed mode holds it (seed 002).
    """

    NOTHING = "no CTL, no ITL"
    CTL = "CTL only"
    ITL = "ITL only"
    BOTH = "CTL and ITL"


@dataclass(frozen=True, slots=True)
class Found:
    """A record, and in which list it stands (CTL or ITL)."""

    source: TrustSource
    record: Record

    @property
    def by_hash(self) -> bool:
        """Whether the record holds a hash in place of the certificate."""
        return self.record.certificate_der is None


@dataclass(frozen=True, slots=True)
class TrustLists:
    """The lists of a phone, parsed; None where there is none, or none that can be read."""

    ctl: TrustList | None = None
    itl: TrustList | None = None

    @classmethod
    def of(cls, flash: Flash) -> Self:
        """Return the lists in `flash`; one that is damaged there counts as missing."""
        return cls(_parse(flash.ctl), _parse(flash.itl))

    @property
    def holding(self) -> Holding:
        """Which state of phone.md 2.1 the phone is in."""
        has_itl = self.itl is not None and not is_emptied(self.itl)
        if has_itl:
            return Holding.ITL if self.ctl is None else Holding.BOTH
        let_go = self.itl is not None and not self.names_file_signer
        return Holding.NOTHING if self.ctl is None or let_go else Holding.CTL

    @property
    def names_file_signer(self) -> bool:
        """Whether files are to be asked for with `.sgn` (phone.md 1.3)."""
        return any(
            found.record.role in _FILE_SIGNERS and not found.by_hash for found in self._all()
        )

    @property
    def names_call_manager(self) -> bool:
        """Whether there is a CallManager to register with over TLS (sip.md, TLS 5061)."""
        return any(found.record.role in _CALL_MANAGERS for found in self._all())

    @property
    def supports_encryption(self) -> bool:
        """Whether the ITL's signer version is 1.1 or higher: HTTPS for the configuration (1.4)."""
        version = None if self.itl is None else self.itl.header.signer_version
        return version is not None and version >= _ENCRYPTION_SUPPORTED

    def held(self, kind: FileKind) -> TrustList | None:
        """Return the CTL or the ITL."""
        return self.ctl if kind is FileKind.CTL else self.itl

    def find_signer(
        self, source: TrustSource, signer: SignerId, roles: frozenset[Role]
    ) -> tuple[Found, ...]:
        """Return the records of one list with a signer's issuer and serial number and a role."""
        return tuple(
            found
            for found in self._all()
            if found.source is source
            and found.record.role in roles
            and found.record.get(RecordTag.ISSUER_NAME) == signer.ca_name
            and found.record.serial == signer.serial
        )

    def find_certificate(self, certificate_der: bytes, roles: frozenset[Role]) -> Found | None:
        """Return the record with this certificate, or its hash, and a role."""
        sha1 = Digest.SHA1.hash(certificate_der)
        for found in self._all():
            if found.record.role not in roles:
                continue
            if certificate_der == found.record.certificate_der or sha1 == _sha1(found.record):
                return found
        return None

    def _all(self) -> tuple[Found, ...]:
        """Return every record, those of the CTL first."""
        return tuple(
            Found(source, record)
            for source, trust_list in ((TrustSource.CTL, self.ctl), (TrustSource.ITL, self.itl))
            for record in (() if trust_list is None else trust_list.records)
        )


def is_emptied(itl: TrustList) -> bool:
    """Tell whether an ITL was emptied for a rollback: no TVS and no TFTP in it (seed 000)."""
    return not any(record.role in (Role.TVS, *_FILE_SIGNERS) for record in itl.records)


@lru_cache(maxsize=256)
def _parse(data: bytes | None) -> TrustList | None:
    """Read a list. Cached: each of a phone's lists is looked into many times in a boot."""
    if data is None:
        return None
    try:
        return decode_trust_list(data)
    except FormatError:
        return None


def _sha1(record: Record) -> bytes | None:
    return record.certificate_hash if record.hash_algorithm == Digest.SHA1 else None
