"""Certificates that make a signature wrong: of somebody nobody knows, and one that has expired.

Each is made once for a subject and then kept, so that all files of a node that are signed by an
expired certificate are signed by the same one. Keys are made in a worker thread.
"""

import asyncio
from datetime import timedelta

from cucmsim.clock import Clock
from cucmsim.entropy import Entropy
from cucmsim.formats.header import Header
from cucmsim.formats.names import decode_text
from cucmsim.pki.certificates import new_serial, self_signed
from cucmsim.pki.keys import KeyAlgorithm, KeySpec
from cucmsim.pki.keysource import key_job
from cucmsim.pki.profiles import CertificateProfile, SubjectFields, Unit
from cucmsim.pki.signatures import Signer

__all__ = ["Strangers"]

_NAME = "stranger"
_SMALLEST_BITS = 1024
_SINCE = timedelta(days=30)
"""How long a stranger is valid already, and how long an expired certificate is no more."""


class Strangers:
    """The certificates of one node that should not have signed anything."""

    def __init__(self, clock: Clock, entropy: Entropy) -> None:
        self._clock = clock
        self._entropy = entropy
        self._made: dict[tuple[bytes, bool], Signer] = {}
        self._making = asyncio.Lock()

    async def unknown(self, header: Header) -> Signer:
        """Return somebody whom nobody knows, of the same house as the signer in `header`."""
        return await self._signer(header, is_expired=False)

    async def expired(self, header: Header) -> Signer:
        """Return a certificate with the name of the signer in `header`, no longer valid."""
        return await self._signer(header, is_expired=True)

    async def _signer(self, header: Header, *, is_expired: bool) -> Signer:
        async with self._making:
            key = header.signer.name, is_expired
            if key not in self._made:
                self._made[key] = await self._make(header, is_expired=is_expired)
            return self._made[key]

    async def _make(self, header: Header, *, is_expired: bool) -> Signer:
        spec = KeySpec(KeyAlgorithm.RSA, max(_SMALLEST_BITS, 8 * len(header.signature)))
        job, serial = key_job(spec, self._entropy), new_serial(self._entropy)
        key = await asyncio.to_thread(job)
        profile = CertificateProfile(Unit.CALLMANAGER, spec)
        name, fields = _subject(header)
        begin = self._clock.now() - _SINCE
        if is_expired:
            begin -= profile.validity
        else:
            name = ".".join((_NAME, *name.split(".")[1:]))
        certificate = self_signed(profile, name, fields, key, not_before=begin, serial=serial)
        return Signer(certificate, key)


def _subject(header: Header) -> tuple[str, SubjectFields]:
    """Return common name and fields of the signer that a header names."""
    parts = (part.partition("=") for part in decode_text(header.signer.name).split(";"))
    values = {name.upper(): value.strip('"') for name, _, value in parts}
    fields = SubjectFields(*(values.get(name, "") for name in ("OU", "O", "L", "ST", "C")))
    return values.get("CN", _NAME), fields
