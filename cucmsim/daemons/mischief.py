"""Chosen faults at the services over TCP: who asks the plan, and how a client is taken.

    mischief = Mischief(plan, node, service, clock, entropy, key)
    fault = mischief.take((FaultKind.TVS_SILENT,), address, device)

A daemon has a `Mischief` of its own, or none, and then does everything right. What happens to a
connection before a word is said (a reset, other TLS) is its `Doorman`'s; what happens to messages
is told beside the conversation that sends them. A plan without rules costs one look.
"""

import socket
import struct
from asyncio import Transport
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import structlog
from OpenSSL import SSL

from cucmsim.clock import Clock
from cucmsim.daemons.tls import TlsIdentity, TlsPolicy, TlsVersion, server_context
from cucmsim.entropy import Entropy, stream_of
from cucmsim.errors import StartError
from cucmsim.pki.certificates import new_serial, self_signed
from cucmsim.pki.keys import PrivateKey, key_spec
from cucmsim.pki.profiles import CertificateProfile, SubjectFields, Unit
from cucmsim.services.faults.kinds import FaultKind
from cucmsim.services.faults.plan import Fault, FaultPlan, FaultRule, Scene

__all__ = ["TLS_FAULTS", "Doorman", "Mischief", "TlsTerms", "Welcome", "reset"]

TLS_FAULTS: Final = (FaultKind.TLS_VERSIONS, FaultKind.TLS_CIPHERS, FaultKind.TLS_CERTIFICATE)

_VERSIONS: Final = {
    "1.0": TlsVersion.TLS_1_0,
    "1.1": TlsVersion.TLS_1_1,
    "1.2": TlsVersion.TLS_1_2,
    "1.3": TlsVersion.TLS_1_3,
}
_FIELDS: Final = SubjectFields("Faults", "cucmsim", "Nowhere", "Nowhere", "US")
_WEAK: Final = "@SECLEVEL=0"
_AT_ONCE: Final = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Mischief:
    """The faults of one service of a node; `key` returns a key that no phone trusts."""

    plan: FaultPlan
    node: str
    service: str
    clock: Clock
    entropy: Entropy
    key: Callable[[], PrivateKey]

    def take(
        self,
        kinds: tuple[FaultKind, ...],
        address: str,
        device: str | None = None,
        file: str = "",
        fits: Callable[[FaultRule], bool] | None = None,
    ) -> Fault | None:
        """Return the fault of `kinds` that happens to a client, if one does."""
        if self.plan.is_empty:
            return None
        scene = Scene(self.node, self.service, device, address, file)
        return self.plan.take(kinds, scene, fits)

    def learn(self, address: str, device: str | None) -> None:
        """Take note of which device speaks from an address."""
        if device:
            self.plan.learn(address, device)

    def chance(self, fault: Fault) -> Entropy:
        """Return random bytes for one use of a fault; what else happens does not change them."""
        return stream_of(self.entropy, f"fault {fault.number}, use {fault.use}")

    def impostor(self, fault: Fault, name: str) -> TlsIdentity:
        """Return a certificate of another name, self-signed: in no trust list, in no store."""
        key = self.key()
        profile = CertificateProfile(Unit.TOMCAT, key_spec(key))
        yesterday = self.clock.now() - timedelta(days=1)
        serial = new_serial(self.chance(fault))
        made = self_signed(profile, name, _FIELDS, key, not_before=yesterday, serial=serial)
        return TlsIdentity(made, key)


@dataclass(frozen=True, slots=True)
class TlsTerms:
    """What a server shows and speaks."""

    identity: TlsIdentity
    policy: TlsPolicy

    def under(self, fault: Fault, mischief: Mischief) -> "TlsTerms":
        """Return what it shows and speaks instead where `fault` happens."""
        match fault.kind:
            case FaultKind.TLS_VERSIONS:
                low, high = _VERSIONS[fault.text("low")], _VERSIONS[fault.text("high")]
                return self._with(minimum_version=low, maximum_version=high)
            case FaultKind.TLS_CIPHERS:
                return self._with(**_cipher_terms(fault.text("ciphers")))
            case _:
                return replace(self, identity=mischief.impostor(fault, fault.text("name")))

    def _with(self, **changes: str | TlsVersion) -> "TlsTerms":
        return replace(self, policy=replace(self.policy, **changes))  # type: ignore[arg-type]  # each name has its type


def _cipher_terms(text: str) -> dict[str, str | TlsVersion]:
    """Return the policy for ciphers as OpenSSL names them; those of TLS 1.3 begin with TLS_.

    TLS 1.3 has a list of its own, which the other versions do not look at. So without one of its
    names it is not spoken at all, and with no other name nothing else is.
    """
    names = text.split(":")
    new = [name for name in names if name.startswith("TLS_")]
    old = [name for name in names if name not in new]
    if not new:
        ciphers = text if "@SECLEVEL" in text else f"{text}:{_WEAK}"
        return {"ciphers": ciphers, "maximum_version": TlsVersion.TLS_1_2}
    if not old:
        return {"suites": ":".join(new), "minimum_version": TlsVersion.TLS_1_3}
    return {"ciphers": ":".join([*old, _WEAK]), "suites": ":".join(new)}


@dataclass(frozen=True, slots=True)
class Welcome:
    """How a client is taken: over this TLS (None: plain TCP); `is_reset`: not at all.

    `fault` is the fault at work, `device` whom it was meant for, if the rule says.
    """

    context: SSL.Context | None
    fault: str = ""
    device: str | None = None
    is_reset: bool = False


class Doorman:
    """Decides how a server takes each client; what a fault needs is built once a rule.

    `terms` are None for plain TCP. `refuses` are the faults that reset a connection at once.
    """

    def __init__(
        self,
        mischief: Mischief,
        terms: TlsTerms | None,
        refuses: tuple[FaultKind, ...] = (),
    ) -> None:
        self._mischief = mischief
        self._terms = terms
        self._refuses = refuses
        self._contexts: dict[int, SSL.Context] = {}

    def welcome(self, usual: SSL.Context | None, address: str) -> Welcome:
        """Decide about a client at `address`, who as a rule is taken over `usual`."""
        fault = self._mischief.take(self._refuses, address)
        if fault is not None:
            return Welcome(usual, str(fault), fault.rule.device or None, is_reset=True)
        if self._terms is None:
            return Welcome(usual)
        fault = self._mischief.take(TLS_FAULTS, address)
        return Welcome(usual) if fault is None else self._tls_for(fault, self._terms, usual)

    def _tls_for(self, fault: Fault, terms: TlsTerms, usual: SSL.Context | None) -> Welcome:
        device = fault.rule.device or None
        try:
            context = self._contexts.get(fault.number) or self._build(fault, terms)
        except (StartError, ValueError) as error:
            # the rule was added with a cipher or name that cannot be: say so, and let nobody in
            structlog.get_logger().error("a fault cannot happen", fault=str(fault), why=str(error))
            return Welcome(usual, f"{fault}: {error}", device, is_reset=True)
        return Welcome(context, str(fault), device)

    def _build(self, fault: Fault, terms: TlsTerms) -> SSL.Context:
        changed = terms.under(fault, self._mischief)
        context = server_context(self._mischief.service, changed.identity, changed.policy)
        self._contexts[fault.number] = context
        return context


def reset(transport: Transport) -> None:
    """End a TCP connection with a reset instead of an orderly end."""
    held = transport.get_extra_info("socket")
    if held is not None and not transport.is_closing():
        held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    transport.abort()
