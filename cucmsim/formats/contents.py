"""Which records a trust list holds, and in which order, release by release.

Source: formats.md section 4 and cucm.md 3.6. Where the real order is not known (ITL of 12.0 and
later after the CallManager records, ITLRecovery within a CTL) the plainest one is taken and stands
in docs/divergences.md: the publisher's own records, then ITLRecovery, then the other nodes, as the
ITL of 10.x has them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cryptography import x509

from cucmsim.formats.names import is_etoken
from cucmsim.formats.records import (
    Record,
    certificate_record,
    etoken_record,
    four_field_record,
    hash_record,
)
from cucmsim.formats.roles import Role
from cucmsim.pki.profiles import Unit
from cucmsim.pki.release import Release

__all__ = [
    "CtlContents",
    "CtlNode",
    "ItlContents",
    "ctl_records",
    "ctl_signer_unit",
    "etoken_ctl_records",
    "itl_records",
    "itl_signer_unit",
]

_FIRST_WITH_ITLRECOVERY = Release(10)
_FIRST_SIGNED_BY_ITLRECOVERY = Release(12)
_FIRST_WITH_ITLRECOVERY_IN_CTL = Release(10, 5, 2)
_FIRST_WITH_OWN_SAST_BESIDE_TOKENS = Release(11, 5)


@dataclass(frozen=True, slots=True)
class ItlContents:
    """The certificates an ITL of one TFTP node is made of.

    `callmanager` is that node's own, `tvs` those of the nodes in order: the phone's CallManager
    group in 8.x and 9.x, the publisher's first from 10.0. `capf` and `itl_recovery` are the
    publisher's; None where the service does not run or the release has none.
    """

    callmanager: x509.Certificate
    tvs: tuple[x509.Certificate, ...] = ()
    capf: x509.Certificate | None = None
    itl_recovery: x509.Certificate | None = None


@dataclass(frozen=True, slots=True)
class CtlNode:
    """A node that runs CallManager or TFTP: its name and address as the CTL gives them."""

    name: str
    address: str
    callmanager: x509.Certificate


@dataclass(frozen=True, slots=True)
class CtlContents:
    """What a CTL is made of; `publisher` also gives CAPF and ITLRecovery their name and address.

    The certificates of `phone_sast_trust`, eTokens' or other clusters', become SAST records from
    12.0.
    """

    publisher: CtlNode
    subscribers: tuple[CtlNode, ...] = ()
    capf: x509.Certificate | None = None
    itl_recovery: x509.Certificate | None = None
    phone_sast_trust: tuple[x509.Certificate, ...] = ()


def itl_signer_unit(release: Release, *, localkey_reset: bool = False) -> Unit:
    """Return whose key signs an ITL; after `utils itl reset localkey` it is the other one's."""
    by_recovery = release >= _FIRST_SIGNED_BY_ITLRECOVERY
    return Unit.ITLRECOVERY if by_recovery is not localkey_reset else Unit.CALLMANAGER


def ctl_signer_unit(release: Release, *, localkey_reset: bool = False) -> Unit:
    """Return whose key, of the publisher, signs a tokenless CTL.

    `utils ctl reset localkey` takes that of the second SAST, CallManager's (cucm.md 1.3).
    """
    by_recovery = release >= _FIRST_SIGNED_BY_ITLRECOVERY and not localkey_reset
    return Unit.ITLRECOVERY if by_recovery else Unit.CALLMANAGER


def itl_records(
    release: Release, contents: ItlContents, *, mixed_mode: bool = False, rollback: bool = False
) -> tuple[Record, ...]:
    """Return the records of an ITL.

    From 10.0 to 11.5 the CallManager certificate is TFTP's in a non-secure cluster (seed 003) and
    CCM+TFTP's in mixed mode (phone.md 2.4). `rollback` is the parameter Prepare Cluster for
    Rollback to pre 8.0: no TVS and no TFTP, and from 12.0 nothing but CAPF.
    """
    if release >= _FIRST_SIGNED_BY_ITLRECOVERY:
        records = _itl_of_release_12(contents, rollback=rollback)
    elif release >= _FIRST_WITH_ITLRECOVERY:
        records = _itl_of_release_10(contents, Role.CCM_TFTP if mixed_mode else Role.TFTP)
    else:
        records = _itl_of_release_8(contents)
    if rollback:
        emptied = (Role.TVS, Role.TFTP, Role.CCM_TFTP)
        return tuple(record for record in records if record.role not in emptied)
    return tuple(records)


def ctl_records(
    release: Release, contents: CtlContents, *, non_secure: bool = False
) -> tuple[Record, ...]:
    """Return the records of a tokenless CTL.

    `non_secure` gives what `utils ctl set-cluster non-secure-mode` leaves: CCM+TFTP records of
    four fields.
    """
    publisher = contents.publisher
    own_sast = [_ctl_record(Role.SAST, publisher.callmanager, publisher)]
    recovery = _recovery_records(release, contents)
    since_12 = release >= _FIRST_SIGNED_BY_ITLRECOVERY
    return (
        *(recovery + own_sast if since_12 else own_sast),
        _node_record(publisher, non_secure=non_secure),
        *_optional_record(Role.CAPF, contents.capf, publisher),
        *([] if since_12 else recovery),
        *(_node_record(node, non_secure=non_secure) for node in contents.subscribers),
        *(_trusted_records(contents) if since_12 else []),
    )


def etoken_ctl_records(
    contents: CtlContents,
    tokens: tuple[x509.Certificate, ...],
    release: Release = _FIRST_WITH_ITLRECOVERY,
) -> tuple[Record, ...]:
    """Return the records of a CTL made by the CTL client with eTokens.

    One token comes first, the others last; the nodes' records have the address as DNSNAME and no
    SIGNATURE. Source: the length 5728 in seed 001 (formats.md section 3). From 11.5 ITLRecovery
    and CallManager of the publisher are SAST records too, after the tokens (cucm.md 3.6).
    """
    publisher = contents.publisher
    members = [(Role.CCM_TFTP, publisher.callmanager, publisher.address)]
    if contents.capf is not None:
        members.append((Role.CAPF, contents.capf, publisher.address))
    members += [(Role.CCM_TFTP, node.callmanager, node.address) for node in contents.subscribers]
    own: list[tuple[Role, x509.Certificate, str]] = []
    if release >= _FIRST_WITH_OWN_SAST_BESIDE_TOKENS:
        second = (contents.itl_recovery, publisher.callmanager)
        own = [(Role.SAST, one, publisher.address) for one in second if one is not None]
    return (
        *(etoken_record(token) for token in tokens[:1]),
        *_client_records(members),
        *(etoken_record(token) for token in tokens[1:]),
        *_client_records(own),
    )


def _client_records(
    members: Iterable[tuple[Role, x509.Certificate, str]],
) -> Iterator[Record]:
    """Yield records as the CTL client writes them: role, certificate, address."""
    for role, certificate, address in members:
        yield certificate_record(
            role, certificate, dns_name=address, ip_address=address, with_signature=False
        )


def _itl_of_release_8(contents: ItlContents) -> list[Record]:
    return [
        certificate_record(Role.SAST, contents.callmanager),
        certificate_record(Role.CCM_TFTP, contents.callmanager),
        *_tvs_records(contents.tvs),
        *_capf_records(contents),
    ]


def _itl_of_release_10(contents: ItlContents, callmanager_role: Role) -> list[Record]:
    return [
        certificate_record(Role.SAST, contents.callmanager),
        certificate_record(callmanager_role, contents.callmanager),
        *_capf_records(contents),
        *_tvs_records(contents.tvs[:1]),
        *_itl_recovery_records(contents),
        *_tvs_records(contents.tvs[1:]),
    ]


def _itl_of_release_12(contents: ItlContents, *, rollback: bool) -> list[Record]:
    if rollback:
        return _capf_records(contents)
    return [
        *_itl_recovery_records(contents),
        certificate_record(Role.SAST, contents.callmanager),
        certificate_record(Role.CCM_TFTP, contents.callmanager),
        *_capf_records(contents),
        *_tvs_records(contents.tvs),
    ]


def _tvs_records(certificates: tuple[x509.Certificate, ...]) -> list[Record]:
    return [hash_record(Role.TVS, certificate) for certificate in certificates]


def _capf_records(contents: ItlContents) -> list[Record]:
    return [] if contents.capf is None else [hash_record(Role.CAPF, contents.capf)]


def _itl_recovery_records(contents: ItlContents) -> list[Record]:
    recovery = contents.itl_recovery
    return [] if recovery is None else [certificate_record(Role.SAST, recovery)]


def _ctl_record(role: Role, certificate: x509.Certificate, node: CtlNode) -> Record:
    return certificate_record(role, certificate, dns_name=node.name, ip_address=node.address)


def _optional_record(
    role: Role, certificate: x509.Certificate | None, node: CtlNode
) -> list[Record]:
    return [] if certificate is None else [_ctl_record(role, certificate, node)]


def _node_record(node: CtlNode, *, non_secure: bool) -> Record:
    if non_secure:
        return four_field_record(Role.CCM_TFTP, node.address)
    return _ctl_record(Role.CCM_TFTP, node.callmanager, node)


def _recovery_records(release: Release, contents: CtlContents) -> list[Record]:
    if release < _FIRST_WITH_ITLRECOVERY_IN_CTL:
        return []
    return _optional_record(Role.SAST, contents.itl_recovery, contents.publisher)


def _trusted_records(contents: CtlContents) -> list[Record]:
    return [
        etoken_record(certificate)
        if is_etoken(certificate)
        else _ctl_record(Role.SAST, certificate, contents.publisher)
        for certificate in contents.phone_sast_trust
    ]
