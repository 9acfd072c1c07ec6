"""What the Trust Verification Service of a node vouches for.

Two caches, looked through in this order: the certificate database (own certificates of every node
and the trust stores this node has) and the certificates of the CTL. A certificate is found by its
serial number and issuer, which the traces call its Unique MAP ID; a verification then compares the
whole certificate. Only certificates with a role are in the caches: an upload to CallManager-trust
alone does not make TVS vouch for a signer, one to Phone-SAST-trust does.

The database cache is rebuilt when the node's view changes, the CTL cache when the CTL file does.
Names in the database are written as trust lists write them, those of the CTL are taken from its
records; so an eToken, whose name a CTL spells in its own way, is found in the CTL only (seed 001).

Source: seeds 000, 001, 002, whose trace lines this module emits; cucm.md 2.1 for the roles.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import structlog

from cucmsim.errors import FormatError
from cucmsim.formats.names import escape_controls, format_name, serial_bytes
from cucmsim.formats.trustlist import decode_trust_list
from cucmsim.formats.tvs import DEFAULT_TIME_TO_LIVE_S
from cucmsim.pki.certificates import load_certificate
from cucmsim.services.journal import Trace
from cucmsim.services.view import View
from cucmsim.store.replica import Replica
from cucmsim.store.rows import StoredCertificate

__all__ = ["TIME_TO_LIVE_PARAMETER", "MapId", "Verdict", "Verification"]

TIME_TO_LIVE_PARAMETER = "TimeToLive"
"""Service parameter of TVS: seconds; a certificate's own `timetolive` goes before it."""

_LIFE_LIMIT_S = 0xFFFFFFFF
_ETOKEN_SUBJECT = 'cn="sast-'
_ETOKEN_ISSUER = " manufacturing ca"
"""How the issuer's common name ends: Cisco's of real tokens, cucmsim's of simulated ones."""


@dataclass(frozen=True, slots=True)
class MapId:
    """What a certificate is found by: serial number in upper-case hex, and issuer."""

    serial: str
    issuer: str

    def __str__(self) -> str:
        """Format as the traces do: the two joined."""
        return self.serial + self.issuer


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer about one certificate; `roles` and what follows only where it is trusted."""

    trusted: bool
    map_id: MapId
    certificate_der: bytes | None = field(default=None, repr=False)
    roles: tuple[int, ...] = ()
    time_to_live_s: int = DEFAULT_TIME_TO_LIVE_S


@dataclass(frozen=True, slots=True)
class _Entry:
    certificate_der: bytes = field(repr=False)
    roles: tuple[int, ...]
    time_to_live_s: int


_Cache = Mapping[MapId, tuple[_Entry, ...]]


class Verification:
    """Answers for the node `node` from its `view` and from the CTL file that `ctl` returns.

    `trace` receives the service's trace lines; `database_cache` is how they call the first cache:
    `CertificateDBCACHE` in seeds 000 and 002, `CertificateDBCache` in seed 001.
    """

    def __init__(
        self,
        node: str,
        view: View,
        ctl: Callable[[], bytes | None],
        *,
        trace: Trace | None = None,
        database_cache: str = "CertificateDBCACHE",
    ) -> None:
        self._node = node
        self._read_ctl = ctl
        self._trace = trace
        self._names = (
            f"{database_cache}::getCertificateInformation",
            "CertificateCTLCache::getCertificateInformation",
        )
        self._known: dict[bytes, MapId] = {}
        self._time_to_live_s = _time_to_live(view.replica, node)
        self._certificates = view.replica.certificates
        self._database = self._build_database()
        self._ctl_file = ctl()
        self._ctl = self._build_ctl()
        self._unsubscribe = view.subscribe(self._on_change)

    def close(self) -> None:
        """Follow the view no longer."""
        self._unsubscribe()
        self._unsubscribe = _nothing

    def verify(self, certificate_der: bytes) -> Verdict:
        """Decide whether exactly this certificate is trusted; what is no certificate is not."""
        self._watch_ctl()
        map_id = self._known.get(certificate_der)
        if map_id is None:
            try:
                map_id = _map_id(certificate_der)
            except FormatError:
                return Verdict(trusted=False, map_id=MapId("", "no certificate"))
        self._say(
            f"tvsGetIssuerNameFromX509 - issuerName : {map_id.issuer} "
            f"and Length: {len(map_id.issuer.encode())}"
        )
        for name, cache in self._caches():
            entries = cache.get(map_id, ())
            for entry in entries:
                equal = entry.certificate_der == certificate_der
                self._say(f"{name} - Certificate compare return ={0 if equal else 1}")
                if equal:
                    self._say(f"{name} - Certificate found and equal")
                    return _found(map_id, entry)
            if not entries:
                self._say_not_found(name)
        return Verdict(trusted=False, map_id=map_id)

    def query(self, issuer: str, serial: bytes, subject: str = "") -> Verdict:
        """Find the certificate with this issuer, spelt as in trust lists, and serial number."""
        self._watch_ctl()
        self._say_query(issuer, serial, subject)
        said = MapId(serial.hex().upper(), issuer)
        map_id = MapId((serial.lstrip(b"\0") or b"\0").hex().upper(), issuer)
        for name, cache in self._caches():
            length = f", len : {len(str(said).encode())}" if cache is self._ctl else ""
            self._say(
                f"{name} - Looking up the certificate cache using Unique MAP ID : {said}{length}"
            )
            entries = cache.get(map_id, ())
            if entries:
                self._say(f"{name} - Found entry {{rolecount : {len(entries[0].roles)}}}")
                for role in entries[0].roles:
                    self._say(f"{name} - {{role : {role}}}")
                return _found(map_id, entries[0])
            self._say_not_found(name)
        return Verdict(trusted=False, map_id=map_id)

    # traces

    def _say(self, line: str) -> None:
        """Write a trace line; a name with line breaks in it makes no line of its own."""
        if self._trace is not None:
            self._trace(line if line.isprintable() else escape_controls(line))

    def _say_not_found(self, cache: str) -> None:
        self._say(f"ERROR:{cache} - Cannot find the certificate in the cache")

    def _say_query(self, issuer: str, serial: bytes, subject: str) -> None:
        say, handler = self._say, "tvsHandleQueryCertReq"
        say(f"{handler}")
        say(f"{handler} : Subject Name is: {subject}")
        say(f"{handler} : Issuer Name is: {issuer}")
        if _is_etoken(subject, issuer):
            say(f"{handler} :subjectName and issuerName matches for eToken certificate")
            say(f"{handler} : SAST Issuer Name is: {issuer}")
            say(f"{handler} : This is SAST eToken cert")
        say(f"{handler} : Serial Number is: {serial.hex().upper()}")

    # caches

    def _caches(self) -> tuple[tuple[str, _Cache], ...]:
        """Return both caches with what their trace lines start with."""
        database, ctl = self._names
        return (database, self._database), (ctl, self._ctl)

    def _on_change(self, _old: Replica, new: Replica) -> None:
        """Rebuild what the change touches."""
        time_to_live_s = _time_to_live(new, self._node)
        if (new.certificates, time_to_live_s) != (self._certificates, self._time_to_live_s):
            self._certificates, self._time_to_live_s = new.certificates, time_to_live_s
            self._known.clear()
            self._database = self._build_database()
            self._ctl = self._read_ctl_records(quiet=True)
        self._watch_ctl()

    def _watch_ctl(self) -> None:
        """Rebuild the CTL cache if the file is another one now."""
        data = self._read_ctl()
        if data is self._ctl_file or data == self._ctl_file:
            return
        self._ctl_file = data
        self._say(
            "CertificateCache::localCTLCacheMonitor - CTLFile.tlv has been modified. "
            "Recaching CTL Certificate Cache"
        )
        self._ctl = self._build_ctl()

    def _build_database(self) -> _Cache:
        """Read the certificates with a role that this node's certificate page shows."""
        return self._index(
            (self._map_id_of(held.certificate_der), self._entry_of(held))
            for held in self._certificates
            if held.roles and held.is_on(self._node)
        )

    def _build_ctl(self) -> _Cache:
        self._say("updateLocalCTLCache : Refreshing the local CTL certificate cache")
        return self._read_ctl_records(quiet=False)

    def _read_ctl_records(self, *, quiet: bool) -> _Cache:
        """Read the certificates of the CTL, each with all the roles its records give it."""
        roles: dict[tuple[MapId, bytes], set[int]] = {}
        for map_id, certificate_der, role in _ctl_certificates(self._ctl_file, self._node):
            if not quiet:
                self._say(
                    "tvs_sql_get_all_CTL_certificate - Unique Key used for Caching :: "
                    f"{map_id}, length : {len(str(map_id).encode())}"
                )
            self._known.setdefault(certificate_der, map_id)
            roles.setdefault((map_id, certificate_der), set()).add(role)
        return self._index(
            (map_id, _Entry(certificate_der, tuple(sorted(held)), self._time_to_live_s))
            for (map_id, certificate_der), held in roles.items()
        )

    def _index(self, entries: Iterable[tuple[MapId, _Entry]]) -> _Cache:
        index: dict[MapId, tuple[_Entry, ...]] = {}
        for map_id, entry in entries:
            index[map_id] = (*index.get(map_id, ()), entry)
        return index

    def _map_id_of(self, certificate_der: bytes) -> MapId:
        """Return how a stored certificate is found, and remember it: parsing takes time."""
        map_id = self._known[certificate_der] = _map_id(certificate_der)
        return map_id

    def _entry_of(self, held: StoredCertificate) -> _Entry:
        own = held.timetolive
        life_s = self._time_to_live_s if own is None else min(max(own, 0), _LIFE_LIMIT_S)
        return _Entry(held.certificate_der, tuple(sorted(held.roles)), life_s)


def _ctl_certificates(data: bytes | None, node: str) -> tuple[tuple[MapId, bytes, int], ...]:
    """Return map id, certificate and role of each CTL record that holds a certificate."""
    if data is None:
        return ()
    try:
        records = decode_trust_list(data).records
    except FormatError as error:
        log: structlog.typing.FilteringBoundLogger = structlog.get_logger(node=node, service="tvs")
        log.warning("CTL file cannot be read", reason=str(error))
        return ()
    return tuple(
        (MapId(record.serial.hex().upper(), record.issuer), record.certificate_der, record.role)
        for record in records
        if record.certificate_der is not None
        and record.serial is not None
        and record.issuer is not None
    )


def _map_id(certificate_der: bytes) -> MapId:
    """Return how a certificate is found. Raises FormatError for bytes that are none."""
    certificate = load_certificate(certificate_der)
    return MapId(serial_bytes(certificate).hex().upper(), format_name(certificate.issuer))


def _found(map_id: MapId, entry: _Entry) -> Verdict:
    return Verdict(
        trusted=True,
        map_id=map_id,
        certificate_der=entry.certificate_der,
        roles=entry.roles,
        time_to_live_s=entry.time_to_live_s,
    )


def _time_to_live(replica: Replica, node: str) -> int:
    """Return the time to live that the service parameters give, in seconds."""
    text = replica.service_parameter("tvs", TIME_TO_LIVE_PARAMETER, node) or ""
    if not (text.isascii() and text.isdigit()):
        return DEFAULT_TIME_TO_LIVE_S
    return min(int(text[:20]), _LIFE_LIMIT_S)


def _is_etoken(subject: str, issuer: str) -> bool:
    """Whether the names are those of a hardware token's certificate (seed 001)."""
    issuer_name = issuer.lower().partition(";")[0]
    return subject.lower().startswith(_ETOKEN_SUBJECT) and issuer_name.endswith(_ETOKEN_ISSUER)


def _nothing() -> None:
    """Do nothing; there is nothing to unsubscribe any more."""
