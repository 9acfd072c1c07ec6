"""The trust decision of a phone: phone.md section 2 as two tables that can be read.

`SIGNERS` says for each state of the phone and each kind of file where its signer is looked for, in
order, and in which roles; `PEERS` says which roles a TLS server needs. `judge_file` and
`judge_peer` walk them. They ask nobody: where only TVS could tell, they return `NeedsTvs`, and are
called again with what came of asking. Sources: phone.md 2.1 to 2.4; seed 000 for the states, 001
for a phone with only an ITL that meets its first CTL, 002 for TVS.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, TypeAlias

from cryptography import x509

from cucmsim.errors import FormatError
from cucmsim.formats.header import Header, SignerId, decode_header, verify_file
from cucmsim.formats.names import serial_bytes
from cucmsim.formats.roles import Role
from cucmsim.formats.trustlist import (
    CTL_FILENAME,
    ITL_FILENAME,
    decode_trust_list,
    verify_trust_list,
)
from cucmsim.phone.steps import PeerVerdict
from cucmsim.phone.trustlists import Found, Holding, TrustLists
from cucmsim.phone.values import FileKind, Purpose, Refusal, Switches, TrustSource
from cucmsim.pki.certificates import load_certificate

__all__ = [
    "PEERS",
    "SIGNERS",
    "Accepted",
    "FileRequest",
    "NeedsTvs",
    "PeerRequest",
    "Place",
    "Refused",
    "TrustedPeers",
    "TvsDistrusts",
    "TvsKnowledge",
    "TvsNotAsked",
    "TvsSilent",
    "TvsVouches",
    "Verdict",
    "judge_file",
    "judge_peer",
    "purpose_of",
]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a signer is looked for, and the roles it needs there."""

    source: TrustSource
    roles: frozenset[Role] = frozenset()


def _ctl(*roles: Role) -> Place:
    return Place(TrustSource.CTL, frozenset(roles))


def _itl(*roles: Role) -> Place:
    return Place(TrustSource.ITL, frozenset(roles))


def _tvs(*roles: Role) -> Place:
    return Place(TrustSource.TVS, frozenset(roles))


_BLIND = Place(TrustSource.BLIND)
_SAST, _BOTH, _TFTP = Role.SAST, Role.CCM_TFTP, Role.TFTP
_FILE = FileKind.OTHER  # stands for configuration, encrypted or not, and every other signed file

SIGNERS: Final[Mapping[tuple[Holding, FileKind], tuple[Place, ...]]] = MappingProxyType(
    {
        # no CTL, no ITL, or an emptied ITL: the leap of faith; signed files are not asked for
        (Holding.NOTHING, FileKind.CTL): (_BLIND,),
        (Holding.NOTHING, FileKind.ITL): (_BLIND,),
        (Holding.NOTHING, _FILE): (),
        # CTL only
        (Holding.CTL, FileKind.CTL): (_ctl(_SAST), _tvs(_SAST)),
        (Holding.CTL, FileKind.ITL): (_ctl(_SAST, _BOTH),),
        (Holding.CTL, _FILE): (_ctl(_BOTH, _TFTP),),
        # ITL only
        (Holding.ITL, FileKind.CTL): (_itl(_SAST, _BOTH), _tvs(_SAST)),
        (Holding.ITL, FileKind.ITL): (_itl(_SAST, _BOTH), _tvs(_SAST)),
        (Holding.ITL, _FILE): (_itl(_BOTH, _TFTP), _tvs(_BOTH, _TFTP)),
        # CTL and ITL
        (Holding.BOTH, FileKind.CTL): (_ctl(_SAST), _itl(_SAST, _BOTH), _tvs(_SAST)),
        (Holding.BOTH, FileKind.ITL): (_ctl(_SAST, _BOTH), _itl(_SAST, _BOTH), _tvs(_SAST)),
        (Holding.BOTH, _FILE): (_ctl(_BOTH, _TFTP), _itl(_BOTH, _TFTP), _tvs(_BOTH, _TFTP)),
    }
)
"""Where the signer of a file is looked for, in order (phone.md 2.1 and 2.3).

In the CTL a SAST signs an ITL besides CCM+TFTP, which is all that 2.1 names: a tokenless CTL of
12.0 holds ITLRecovery, which signs the ITL there, as SAST only (cucm.md 3.6).
"""

PEERS: Final[Mapping[Purpose, frozenset[Role]]] = MappingProxyType(
    {
        Purpose.SIP_PEER: frozenset((Role.CCM, Role.CCM_TFTP)),
        Purpose.CAPF_SERVER: frozenset((Role.CAPF,)),
        Purpose.TVS_SERVER: frozenset((Role.TVS,)),
        Purpose.HTTPS_SERVICE: frozenset((Role.APP_SERVER,)),
        Purpose.HTTPS_PROVISIONING: frozenset((Role.CCM_TFTP, Role.TFTP)),
    }
)
"""The roles a TLS server needs, in a trust list or in TVS's answer (phone.md 2.3).

TVS is never asked about TVS itself (2.2), nor by a phone without trust lists: it would have to
take the word of a TVS server that it does not know.
"""


@dataclass(frozen=True, slots=True)
class FileRequest:
    """A file as it came, and the name it was asked for under."""

    kind: FileKind
    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class PeerRequest:
    """A certificate as a TLS server showed it."""

    purpose: Purpose
    certificate_der: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class TvsNotAsked:
    """Nobody asked TVS yet."""


@dataclass(frozen=True, slots=True)
class TvsSilent:
    """No TVS server gave an answer that could be believed; why."""

    reason: Refusal = Refusal.TVS_SILENT


@dataclass(frozen=True, slots=True)
class TvsDistrusts:
    """TVS says no."""


@dataclass(frozen=True, slots=True)
class TvsVouches:
    """TVS trusts this certificate in these roles, as it says now or, `cached`, said before."""

    certificate_der: bytes = field(repr=False)
    roles: tuple[int, ...]
    cached: bool = False


TvsKnowledge: TypeAlias = TvsNotAsked | TvsSilent | TvsDistrusts | TvsVouches


@dataclass(frozen=True, slots=True)
class Accepted:
    """Trusted because of `source`: the record found, or the certificate that TVS vouched for."""

    source: TrustSource
    found: Found | None = None
    certificate_der: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class NeedsTvs:
    """Only TVS can tell. `signer` is to be queried; None: the certificate is to be verified."""

    purpose: Purpose
    signer: SignerId | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Not trusted."""

    reason: Refusal


Verdict: TypeAlias = Accepted | NeedsTvs | Refused


def purpose_of(kind: FileKind) -> Purpose:
    """Return what the signer of a file has to be good for."""
    return Purpose.TRUST_LIST if kind.is_trust_list else Purpose.SIGNED_FILE


def judge_file(
    lists: TrustLists,
    request: FileRequest,
    tvs: TvsKnowledge,
    switches: Switches | None = None,
) -> Verdict:
    """Decide about a signed file or a new trust list."""
    switches = switches or Switches()
    if request.kind.is_trust_list and len(request.data) > switches.trust_list_limit:
        return Refused(Refusal.TOO_LARGE)
    try:
        header = decode_header(request.data)
        if request.kind.is_trust_list:
            decode_trust_list(request.data)
    except FormatError:
        return Refused(Refusal.DAMAGED)
    refusal = _switched_refusal(lists, request, header, switches)
    if refusal is not None:
        return Refused(refusal)
    return _judge_signer(lists, request, header, tvs)


def judge_peer(lists: TrustLists, request: PeerRequest, tvs: TvsKnowledge) -> Verdict:
    """Decide about the server at the other end of a TLS connection."""
    roles = PEERS[request.purpose]
    found = lists.find_certificate(request.certificate_der, roles)
    if found is not None:
        return Accepted(found.source, found)
    if request.purpose is Purpose.TVS_SERVER:
        return Refused(Refusal.UNKNOWN_CERTIFICATE)
    if lists.holding is Holding.NOTHING:
        return Refused(Refusal.NO_TRUST_LIST)
    answered = _answered(tvs, roles)
    if answered is None:
        return NeedsTvs(request.purpose)
    if isinstance(answered, Accepted) and answered.certificate_der != request.certificate_der:
        return Refused(Refusal.TVS_WRONG_CERTIFICATE)
    return answered


@dataclass(frozen=True, slots=True)
class TrustedPeers:
    """The check a step over TLS carries: the lists, and what TVS vouched for or refused besides."""

    lists: TrustLists
    purpose: Purpose
    vouched: frozenset[bytes] = field(default=frozenset(), repr=False)
    refused: frozenset[bytes] = field(default=frozenset(), repr=False)

    def judge(self, certificate_der: bytes | None) -> PeerVerdict:
        """Judge the certificate that a server showed, None when it showed none."""
        if certificate_der is None or certificate_der in self.refused:
            return PeerVerdict.REFUSED
        if certificate_der in self.vouched:
            return PeerVerdict.ACCEPTED
        verdict = judge_peer(self.lists, PeerRequest(self.purpose, certificate_der), TvsNotAsked())
        return _PEER_VERDICTS[type(verdict)]


_PEER_VERDICTS: Final[Mapping[type[Verdict], PeerVerdict]] = MappingProxyType(
    {
        Accepted: PeerVerdict.ACCEPTED,
        NeedsTvs: PeerVerdict.UNPROVEN,
        Refused: PeerVerdict.REFUSED,
    }
)


def _switched_refusal(
    lists: TrustLists, request: FileRequest, header: Header, switches: Switches
) -> Refusal | None:
    """Apply the rules that no document confirms (phone.md section 7), as far as switched on."""
    if switches.refuse_other_filename and header.filename != _expected_filename(request):
        return Refusal.OTHER_NAME
    held = lists.held(request.kind) if request.kind.is_trust_list else None
    if held is None or lists.holding is Holding.NOTHING:
        return None
    old, new = held.header.timestamp, header.timestamp
    if switches.refuse_older_timestamp and (new or 0) < (old or 0):
        return Refusal.OLDER_TIMESTAMP
    if switches.refuse_older_version and header.version < held.header.version:
        return Refusal.OLDER_VERSION
    return None


def _expected_filename(request: FileRequest) -> str:
    names = {FileKind.CTL: CTL_FILENAME, FileKind.ITL: ITL_FILENAME}
    return names.get(request.kind, request.name)


def _judge_signer(
    lists: TrustLists, request: FileRequest, header: Header, tvs: TvsKnowledge
) -> Verdict:
    """Walk the places of `SIGNERS`; the first that knows the signer decides."""
    kind = request.kind if request.kind.is_trust_list else _FILE
    places = SIGNERS[lists.holding, kind]
    for place in places:
        if place.source is TrustSource.BLIND:
            return _take_blindly(request.data)
        if place.source is TrustSource.TVS:
            return _judge_by_tvs(request, header, place.roles, tvs)
        known = [
            (found, certificate)
            for found in lists.find_signer(place.source, header.signer, place.roles)
            if (certificate := _certificate(found.record.certificate_der)) is not None
        ]
        for found, certificate in known:
            if verify_file(request.data, certificate):
                return Accepted(place.source, found, found.record.certificate_der)
        if known:
            return Refused(Refusal.BAD_SIGNATURE)
    return Refused(Refusal.UNKNOWN_SIGNER if places else Refusal.NO_TRUST_LIST)


def _take_blindly(data: bytes) -> Verdict:
    """Take a list from whomever; where it brings its signer's certificate, that must fit."""
    if verify_trust_list(decode_trust_list(data)) is False:
        return Refused(Refusal.BAD_SIGNATURE)
    return Accepted(TrustSource.BLIND)


def _judge_by_tvs(
    request: FileRequest, header: Header, roles: frozenset[Role], tvs: TvsKnowledge
) -> Verdict:
    answered = _answered(tvs, roles)
    if answered is None:
        return NeedsTvs(purpose_of(request.kind), header.signer)
    if isinstance(answered, Refused):
        return answered
    certificate = _certificate(answered.certificate_der)
    if certificate is None or serial_bytes(certificate) != header.signer.serial:
        return Refused(Refusal.TVS_WRONG_CERTIFICATE)
    if not verify_file(request.data, certificate):
        return Refused(Refusal.BAD_SIGNATURE)
    return answered


def _answered(tvs: TvsKnowledge, roles: frozenset[Role]) -> Accepted | Refused | None:
    """Say what TVS's answer means for somebody who needs one of `roles`; None: it was not asked."""
    if isinstance(tvs, TvsNotAsked):
        return None
    if isinstance(tvs, TvsSilent):
        return Refused(tvs.reason)
    if isinstance(tvs, TvsDistrusts):
        return Refused(Refusal.TVS_REFUSED)
    if not roles & set(tvs.roles):
        return Refused(Refusal.WRONG_ROLE)
    source = TrustSource.TVS_CACHE if tvs.cached else TrustSource.TVS
    return Accepted(source, certificate_der=tvs.certificate_der)


def _certificate(certificate_der: bytes | None) -> x509.Certificate | None:
    if certificate_der is None:
        return None
    try:
        return load_certificate(certificate_der)
    except FormatError:
        return None
