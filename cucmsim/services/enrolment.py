"""Enrolment: what CAPF decides about a phone, and what it writes down.

A conversation asks `admit` what is to be done, `issue` for an LSC, and reports how it ended to one
of the `record_…` methods; nothing is written before that, so an operation is not lost when the
phone drops the connection half way. Each record is one transaction that reads the phone afresh; it
clears the pending operation only if that is still the one just done.

What CAPF holds until it is restarted (`load`): its certificate and key, how long an LSC is valid,
and how many wrong strings lock a phone for how long. CAPF-trust and phones are read afresh.

Source: capf.md; cucm.md 2.3 and 6.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cryptography import x509

from cucmsim.clock import Clock
from cucmsim.entropy import Entropy, stream_of
from cucmsim.errors import FormatError, StoreError, VerificationError
from cucmsim.formats.capf import CertificateType, NestedCertificate, Reason
from cucmsim.formats.names import rfc2253_name
from cucmsim.pki.certificates import certificate_der, issue_lsc, load_certificate, new_serial
from cucmsim.pki.keys import KeyAlgorithm, KeySpec, PublicKey, key_spec, load_public_key
from cucmsim.pki.signatures import Signer
from cucmsim.protocols.capf_server import AuthenticationReceived
from cucmsim.services.enrolment_proof import CertificateRules, string_matches
from cucmsim.services.parameters import SERVICE_PARAMETERS
from cucmsim.services.view import View
from cucmsim.store.replica import Replica
from cucmsim.store.rows import (
    AuthenticationMode,
    CertificateStatus,
    Device,
    KeyOrder,
    PendingOperation,
)
from cucmsim.store.store import Store

__all__ = ["Admission", "Enrolment", "Refusal"]

_FIRST_VERSION_WITH_EC = 3
_BY_CERTIFICATE = (AuthenticationMode.EXISTING_LSC, AuthenticationMode.EXISTING_MIC)

_SUCCESS = {
    PendingOperation.INSTALL: CertificateStatus.UPGRADE_SUCCESS,
    PendingOperation.DELETE: CertificateStatus.DELETE_SUCCESS,
    PendingOperation.TROUBLESHOOT: CertificateStatus.TROUBLESHOOT_SUCCESS,
}
_FAILURE = {
    PendingOperation.INSTALL: CertificateStatus.UPGRADE_FAILED,
    PendingOperation.DELETE: CertificateStatus.DELETE_FAILED,
    PendingOperation.TROUBLESHOOT: CertificateStatus.TROUBLESHOOT_FAILED,
}


@dataclass(frozen=True, slots=True)
class Admission:
    """A phone that proved who it is, and what is pending for it. `key` is set for an install."""

    device_name: str
    operation: PendingOperation
    key: KeySpec | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the session ends: the reason for the phone, a text for the log."""

    reason: Reason
    text: str


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What CAPF holds until it is restarted."""

    issuer: Signer
    validity: timedelta
    attempts: int
    lockout: timedelta


class Enrolment:
    """The rules of one node's CAPF. Raises StoreError wherever the database cannot be used.

    `follow` brings the view up to date: when a phone is told that its operation has ended, what the
    node serves to it is what follows from that.
    """

    def __init__(
        self,
        node: str,
        store: Store,
        view: View,
        *,
        clock: Clock,
        entropy: Entropy,
        follow: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self._node = node
        self._follow = follow
        self._store = store
        self._view = view
        self._clock = clock
        self._entropy = entropy
        self.load()

    def load(self) -> None:
        """Take certificate, key and parameters as they are now, as a restart does.

        Raises StoreError when this node has no CAPF certificate.
        """
        replica = self._view.replica
        self._loaded = _Loaded(
            issuer=replica.signer(self._node, "CAPF"),
            validity=timedelta(days=self._parameter(replica, "DurationOfCertificateValidity")),
            attempts=self._parameter(replica, "MaximumAllowableAttempts"),
            lockout=timedelta(minutes=self._parameter(replica, "LockoutMinutes")),
        )

    @property
    def issuer(self) -> Signer:
        """The CAPF certificate and key in use."""
        return self._loaded.issuer

    async def admit(self, claim: AuthenticationReceived, session_id: int) -> Admission | Refusal:
        """Decide who the phone is and what is to be done with it."""
        replica = await self._current()
        device = replica.devices.get(claim.device_name)
        if device is None:
            return Refusal(Reason.UNKNOWN_DEVICE, "unknown device")
        problem = await self._authenticate(replica, device, claim, session_id)
        if problem is not None:
            return Refusal(Reason.INVALID_ELEMENT, problem)
        await self._note_mic(device, claim)
        if await self._is_late(device):
            return Admission(device.name, PendingOperation.NONE)
        return _admission(device, claim.version)

    async def issue(self, admission: Admission, public_key_der: bytes | None) -> bytes | Refusal:
        """Sign an LSC for the phone's new key in a worker thread; return its DER.

        The key must be of the kind and size asked for.
        """
        if public_key_der is None:
            return Refusal(Reason.INVALID_ELEMENT, "the phone made no key")
        try:
            public_key = load_public_key(public_key_der)
            found = key_spec(public_key)
        except (FormatError, ValueError) as error:
            return Refusal(Reason.INVALID_ELEMENT, str(error))
        if found != admission.key:
            problem = f"the phone's key is {found}, expected {admission.key}"
            return Refusal(Reason.INVALID_ELEMENT, problem)
        entropy = stream_of(self._entropy, f"lsc/{admission.device_name}")
        serial = new_serial(entropy)
        return await asyncio.to_thread(self._sign, admission.device_name, public_key, serial)

    async def record_installed(self, admission: Admission, lsc_der: bytes) -> None:
        """Note the LSC that the phone said it stored."""
        lsc = load_certificate(lsc_der)
        issuer_until = self.issuer.certificate.not_valid_after_utc

        def installed(device: Device) -> Device:
            return replace(_with_lsc(device, lsc), lsc_issuer_valid_until=issuer_until)

        await self._finish(admission, _SUCCESS, installed)

    async def record_fetched(
        self, admission: Admission, nested: NestedCertificate | None
    ) -> Refusal | None:
        """Note the certificate that the phone sent, or that it has none (nothing changes then)."""
        if nested is None:
            await self._finish(admission, _SUCCESS, _unchanged)
            return None
        try:
            certificate = load_certificate(nested.certificate_der)
        except FormatError as error:
            await self.record_failed(admission)
            return Refusal(Reason.INVALID_ELEMENT, str(error))

        def fetched(device: Device) -> Device:
            if nested.certificate_type == CertificateType.MIC:
                return replace(device, mic_der=nested.certificate_der)
            return _with_lsc(device, certificate)

        await self._finish(admission, _SUCCESS, fetched)
        return None

    async def record_deleted(self, admission: Admission) -> None:
        """Note that the phone has no LSC any more."""
        await self._finish(admission, _SUCCESS, _without_lsc)

    async def record_failed(self, admission: Admission) -> None:
        """Note that the phone could not do it. The operation is over; order it again to retry."""
        await self._finish(admission, _FAILURE, _unchanged)

    # the inside

    async def _current(self) -> Replica:
        """Return what is committed now, also where the view does not have it yet."""
        return await self._store.update_replica(self._view.replica)

    def _parameter(self, replica: Replica, name: str) -> int:
        default = SERVICE_PARAMETERS["capf"][name].default
        return int(replica.service_parameter("capf", name, self._node, default) or default)

    async def _authenticate(
        self, replica: Replica, device: Device, claim: AuthenticationReceived, session_id: int
    ) -> str | None:
        """Return what is wrong with the phone's proof, None if nothing."""
        if device.authentication_mode is AuthenticationMode.NULL_STRING:
            return None
        if device.authentication_mode is AuthenticationMode.AUTHENTICATION_STRING:
            return await self._check_string(claim)
        rules = CertificateRules(self._anchors(replica), self._clock.now())
        try:
            rules.check(claim, session_id)
        except VerificationError as error:
            return str(error)
        return None

    async def _note_mic(self, device: Device, claim: AuthenticationReceived) -> None:
        """Keep the MIC by which a phone proved itself: its files can be encrypted to that."""
        shown = claim.certificate
        if device.authentication_mode not in _BY_CERTIFICATE or shown is None:
            return
        if shown.certificate_type == CertificateType.MIC:
            mic = shown.certificate_der
            await self._change(device.name, lambda held: replace(held, mic_der=mic))

    async def _check_string(self, claim: AuthenticationReceived) -> str | None:
        """Compare and count in one transaction, so that tries in parallel all count."""
        problem: str | None = "unknown device"

        def judged(device: Device) -> Device:
            nonlocal problem
            now = self._clock.now()
            if device.locked_until is not None and now < device.locked_until:
                problem = f"locked until {device.locked_until:%H:%M:%S} after wrong strings"
                return device
            if string_matches(device, claim):
                problem = None
                return replace(device, wrong_strings=0, locked_until=None)
            problem = "wrong authentication string"
            return self._counted(device, now)

        await self._change(claim.device_name, judged)
        return problem

    def _counted(self, device: Device, now: datetime) -> Device:
        """Count a wrong string; the last one allowed locks the phone and starts over."""
        wrong = device.wrong_strings + 1
        if wrong < self._loaded.attempts:
            return replace(device, wrong_strings=wrong, locked_until=None)
        return replace(device, wrong_strings=0, locked_until=now + self._loaded.lockout)

    def _anchors(self, replica: Replica) -> list[x509.Certificate]:
        held = replica.in_store("CAPF-trust")
        return [self.issuer.certificate, *(load_certificate(one.certificate_der) for one in held)]

    async def _is_late(self, device: Device) -> bool:
        """Tell whether the phone came after its operation had expired, and note that."""
        expires = device.operation_expires
        if expires is None or self._clock.now() < expires:
            return False
        await self.record_failed(Admission(device.name, device.pending_operation))
        return True

    def _sign(self, device_name: str, public_key: PublicKey, serial: bytes) -> bytes:
        """Make the LSC; blocks."""
        lsc = issue_lsc(
            self.issuer,
            device_name,
            public_key,
            not_before=self._clock.now(),
            serial=serial,
            validity=self._loaded.validity,
        )
        return certificate_der(lsc)

    async def _finish(
        self,
        admission: Admission,
        statuses: dict[PendingOperation, CertificateStatus],
        change: Callable[[Device], Device],
    ) -> None:
        """Write the outcome of an operation."""
        operation = admission.operation
        if operation is PendingOperation.NONE:
            return

        def finished(device: Device) -> Device:
            changed = change(device)
            if changed.pending_operation is not operation:
                return changed  # another one was ordered meanwhile: it stays pending
            return replace(
                changed,
                pending_operation=PendingOperation.NONE,
                operation_expires=None,
                certificate_status=statuses[operation],
            )

        await self._change(admission.device_name, finished)
        if self._follow is not None:
            with suppress(StoreError):  # it is written; the view follows when it can
                await self._follow()

    async def _change(self, device_name: str, change: Callable[[Device], Device]) -> None:
        """Read a phone, change it and write it in one transaction; nothing if it is gone."""
        async with self._store.transaction() as transaction:
            device = await transaction.get_device(device_name)
            if device is not None and (changed := change(device)) != device:
                await transaction.put_device(changed)


def _admission(device: Device, version: int | None) -> Admission | Refusal:
    """Return what is pending for an authenticated phone."""
    if device.pending_operation is not PendingOperation.INSTALL:
        return Admission(device.name, device.pending_operation)
    knows_ec = (version or 0) >= _FIRST_VERSION_WITH_EC
    try:
        if device.key_type is KeyOrder.RSA_ONLY or not knows_ec:
            key = KeySpec(KeyAlgorithm.RSA, device.key_size_bits)
        else:
            key = KeySpec(KeyAlgorithm.EC, device.ec_size_bits)
    except ValueError as error:
        return Refusal(Reason.INVALID_ELEMENT, str(error))
    if device.key_type is KeyOrder.EC_ONLY and not knows_ec:
        return Refusal(Reason.INVALID_ELEMENT, f"EC only, but the phone has version {version}")
    return Admission(device.name, PendingOperation.INSTALL, key)


def _with_lsc(device: Device, lsc: x509.Certificate) -> Device:
    return replace(
        device,
        lsc_der=certificate_der(lsc),
        lsc_valid_until=lsc.not_valid_after_utc,
        lsc_issuer=rfc2253_name(lsc.issuer),
        lsc_issuer_valid_until=None,
    )


def _without_lsc(device: Device) -> Device:
    return replace(
        device, lsc_der=None, lsc_valid_until=None, lsc_issuer="", lsc_issuer_valid_until=None
    )


def _unchanged(device: Device) -> Device:
    return device
