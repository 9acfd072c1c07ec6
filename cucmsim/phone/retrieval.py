"""A booting phone's way to its configuration (phone.md 1.3, 2.5; cucm.md 3.5).

The name asked for depends on the trust lists: `.cnf.xml.sgn` where one names a file signer, plain
`.cnf.xml` where none does, and `XMLDefault.cnf.xml` when that is missing. What comes may be the
whole configuration, or a short one: a stub that names the certificate the whole one is encrypted
to, or the minimum to reach CAPF. A key that does not fit leads to CAPF and, if that gave a new
LSC, to another retrieval. Whatever is refused leaves the configuration in force as it was.
"""

import hashlib
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.asymmetric import rsa

from cucmsim.errors import FormatError, VerificationError
from cucmsim.formats.encryptedfile import decrypt_file
from cucmsim.formats.names import decode_text
from cucmsim.formats.signedfile import decode_signed_file
from cucmsim.phone.capfvisit import CapfMode, CapfReason, visit_capf
from cucmsim.phone.config import PhoneConfiguration, parse_configuration
from cucmsim.phone.downloads import Wanted, download, size_limit
from cucmsim.phone.events import (
    CertificateHashMismatch,
    ConfigurationAccepted,
    ConfigurationDecrypted,
    ConfigurationKept,
    SignatureVerified,
    VerificationFailed,
)
from cucmsim.phone.lookup import ask_about_file
from cucmsim.phone.machine import Script, Session
from cucmsim.phone.steps import FetchFailure
from cucmsim.phone.trust import FileRequest, Refused
from cucmsim.phone.values import Certified, FileKind, Refusal, Transport, TrustSource

__all__ = ["retrieve_configuration"]

_DEFAULT_NAME = "XMLDefault.cnf.xml"


@dataclass(frozen=True, slots=True)
class _Verified:
    """A file whose signature is right, or that needs none; `source` None: it has none.

    `tls_server` is the trusted server that it came from over HTTPS, in place of a signature.
    """

    name: str
    data: bytes = field(repr=False)
    source: TrustSource | None = None
    signer: str = ""
    tls_server: str = ""


@dataclass(frozen=True, slots=True)
class _Configuration:
    """A configuration that may be used: where its XML came in, and what that says."""

    file: _Verified
    values: PhoneConfiguration


def retrieve_configuration(session: Session) -> Script[None]:
    """Get the phone's configuration and put it in force, with CAPF on the way where needed."""
    for _ in range(session.switches.retrievals):
        configuration = yield from _fetch(session)
        if configuration is None:
            return
        if configuration.values.full_config:
            again = yield from _use(session, configuration)
        else:
            again = yield from _unlock(session, configuration)
        if not again:
            return
    _keep(session, f"{session.identity.name}.cnf.xml", "asked for too often")


def _fetch(session: Session) -> Script[_Configuration | None]:
    """Get what is served under the phone's name, or, to a phone without trust list, to anyone."""
    secure = session.lists.names_file_signer
    plain_name = f"{session.identity.name}.cnf.xml"
    name = f"{plain_name}.sgn" if secure else plain_name
    result = yield from _fetch_file(session, Wanted(name, FileKind.CONFIG, secure))
    if result is FetchFailure.NOT_FOUND and not secure:
        result = yield from _fetch_file(session, Wanted(_DEFAULT_NAME, FileKind.CONFIG))
    if isinstance(result, FetchFailure):
        _keep(session, plain_name, result)
        return None
    return None if result is None else _parsed(session, FileKind.CONFIG, result)


def _fetch_file(session: Session, wanted: Wanted) -> Script[_Verified | FetchFailure | None]:
    """Get one file and check its signature; None when it came and was refused.

    Over HTTPS the configuration comes unsigned: the server was trusted (phone.md 1.4).
    """
    result = yield from download(session, wanted)
    if isinstance(result, FetchFailure):
        return result
    over_tls = result.transport is Transport.HTTPS and wanted.kind is FileKind.CONFIG
    if over_tls or not wanted.secure:
        tls_server = result.server if over_tls else ""
        return _Verified(wanted.plain_name, result.data, tls_server=tls_server)
    return (yield from _verify(session, wanted, result.data))


def _verify(session: Session, wanted: Wanted, data: bytes) -> Script[_Verified | None]:
    decision = yield from ask_about_file(session, FileRequest(wanted.kind, wanted.name, data))
    if isinstance(decision, Refused):
        _refuse(session, wanted.plain_name, wanted.kind, decision.reason)
        return None
    signed = decode_signed_file(data)
    signer = decode_text(signed.header.signer.name)
    session.emit(SignatureVerified(wanted.plain_name, wanted.kind, decision.source, signer))
    kept = data if wanted.kind is FileKind.ENCRYPTED_CONFIG else signed.payload
    return _Verified(wanted.plain_name, kept, decision.source, signer)


def _parsed(session: Session, kind: FileKind, file: _Verified) -> _Configuration | None:
    try:
        limit = size_limit(session.identity.generation)
        return _Configuration(file, parse_configuration(file.data, size_limit=limit))
    except FormatError:
        _refuse(session, file.name, kind, Refusal.DAMAGED)
        return None


def _refuse(session: Session, name: str, kind: FileKind, reason: Refusal) -> None:
    session.emit(VerificationFailed(name, kind, reason))
    _keep(session, name, reason)


def _keep(session: Session, name: str, reason: str) -> None:
    held = session.flash.config is not None
    session.emit(ConfigurationKept(name, reason, held))


def _use(session: Session, configuration: _Configuration) -> Script[bool]:
    """Put a configuration in force and do what CAPF has pending; True: retrieve again."""
    file, values = configuration.file, configuration.values
    session.store(replace(session.flash, config=file.data))
    session.emit(
        ConfigurationAccepted(
            file.name, values.version_stamp, file.source, file.signer, file.tls_server
        )
    )
    if values.capf_mode == CapfMode.NONE:
        return False
    return (yield from visit_capf(session, values, CapfReason.PENDING))


def _unlock(session: Session, short: _Configuration) -> Script[bool]:
    """Follow a short configuration to the whole one; True: a new LSC, retrieve again."""
    expected = short.values.certificate_hash
    key = _key_for(session, expected)
    if key is None:
        if expected:
            session.emit(CertificateHashMismatch(expected))
        reason = CapfReason.PUBKEY_MISMATCH if expected else CapfReason.NO_KEY
        return (yield from _renew(session, short, reason))
    name = f"{session.identity.name}.cnf.xml.enc.sgn"
    wanted = Wanted(name, FileKind.ENCRYPTED_CONFIG, secure=True)
    result = yield from _fetch_file(session, wanted)
    if result is FetchFailure.NOT_FOUND:
        return True  # encryption was switched off a moment ago: `.sgn` is the whole file now
    if isinstance(result, FetchFailure):
        _keep(session, wanted.plain_name, result)
        return False
    if result is None:
        return False
    return (yield from _open(session, short, result, key))


def _open(session: Session, short: _Configuration, file: _Verified, key: Certified) -> Script[bool]:
    xml = _decrypted(file.data, key)
    if xml is None:
        reason = Refusal.DECRYPTION_FAILED
        session.emit(VerificationFailed(file.name, FileKind.ENCRYPTED_CONFIG, reason))
        return (yield from _renew(session, short, CapfReason.DECRYPT_FILE_FAILED))
    session.emit(ConfigurationDecrypted(file.name, with_mic=key is session.flash.mic))
    whole = _parsed(session, FileKind.ENCRYPTED_CONFIG, replace(file, data=xml))
    if whole is None:
        return False
    return (yield from _use(session, whole))


def _renew(session: Session, short: _Configuration, reason: CapfReason) -> Script[bool]:
    """Have CAPF give the phone another LSC; without one the old configuration stays."""
    renewed = yield from visit_capf(session, short.values, reason)
    if not renewed:
        _keep(session, short.file.name, reason)
    return renewed


def _key_for(session: Session, certificate_hash: str) -> Certified | None:
    """Return the LSC or MIC whose MD5 is `certificate_hash` (phone.md 2.5)."""
    for held in (session.flash.lsc, session.flash.mic):
        if held is None:
            continue
        digest = hashlib.md5(held.certificate_der, usedforsecurity=False).hexdigest()
        if digest == certificate_hash:
            return held
    return None


def _decrypted(data: bytes, key: Certified) -> bytes | None:
    """Return the XML inside, None where `key` does not open it or the file is damaged inside."""
    try:
        private_key = key.signer().private_key
        if not isinstance(private_key, rsa.RSAPrivateKey):
            return None
        return decrypt_file(data, private_key)
    except (FormatError, VerificationError):
        return None
