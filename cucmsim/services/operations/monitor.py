"""The certificate monitor: which certificates of a node end soon, and the alarms for them.

*Cisco Certificate Expiry Monitor* looks once a day, and every hour while a certificate is over or
ends within a day (cucm.md 5.5, which has the whole line for an expired one). The alarms before that
day carry the names and severities of Cisco's alarm catalogue; their texts are ours
(docs/divergences.md). What `set cert` calls the notice period is `NOTICE`. From 11.5 the publisher
looks at the LSCs of phones too where the parameter Enable LSC Monitoring says so.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from cucmsim.formats.names import escape_controls
from cucmsim.pki.certificates import load_certificate
from cucmsim.pki.release import Release
from cucmsim.services.mirror import trust_file_names
from cucmsim.services.parameters import is_true
from cucmsim.store.replica import Replica
from cucmsim.store.rows import StoredCertificate

__all__ = [
    "LSC_MONITORING",
    "NOTICE",
    "ExpiryAlarm",
    "expiry_alarms",
    "lsc_alarms",
    "next_check",
]

LSC_MONITORING = "EnableLSCMonitoring"
"""The parameter of the certificate monitor that has LSCs watched."""

NOTICE = timedelta(days=30)
"""How long before its end a certificate is spoken of for the first time."""

_DAILY, _HOURLY = timedelta(days=1), timedelta(hours=1)
_TRUST = "-trust"
_LSC_FROM = Release(11, 5)


@dataclass(frozen=True, slots=True)
class _Level:
    """From when an alarm is raised, its place in the catalogue, and what it says."""

    before: timedelta
    severity: int
    name: str
    text: str


_LEVELS = (
    _Level(
        timedelta(0),
        0,
        "CertExpired",
        "Certificate has Expired and needs to be changed at the earliest",
    ),
    _Level(
        timedelta(days=1),
        2,
        "CertValidLessThanADay",
        "Certificate is about to expire in less than 24 hours or has expired",
    ),
    _Level(
        timedelta(days=7),
        1,
        "CertValidfor7days",
        "Certificate is about to expire in less than seven days",
    ),
    _Level(
        timedelta(days=30),
        6,
        "CertValidLessThanMonth",
        "Certificate is about to expire in less than 30 days",
    ),
    _Level(timedelta.max, 6, "CertExpiryApproaching", "Certificate is approaching its expiry"),
)


@dataclass(frozen=True, slots=True)
class ExpiryAlarm:
    """One alarm: `certificate` is a file name, "tomcat.der", `unit` its unit or trust store.

    `kind` is own-cert, trust-cert or LSC; an LSC has the name of its phone for a file name.
    """

    node_host: str
    certificate: str
    unit: str
    kind: str
    ends: datetime
    severity: int
    name: str
    text: str

    def __str__(self) -> str:
        """Format as the line of the application log (cucm.md 5.5)."""
        ends = self.ends.strftime("%a %b %d %H:%M:%S:000 %Z")
        return (
            f"%UC_CERT-{self.severity}-{self.name}: %[Message=Certificate expiration Notification."
            f" Certificate name:{escape_controls(self.certificate)} Unit:{self.unit}"
            f" Type:{self.kind} Expiration:{ends}][AppID=Cisco Certificate Monitor][ClusterID=]"
            f"[NodeID={self.node_host}]: {self.text}"
        )


def expiry_alarms(
    replica: Replica, node: str, now: datetime, *, notice: timedelta = NOTICE
) -> tuple[ExpiryAlarm, ...]:
    """Return the alarms of a node's certificates, own ones first, each store by file name."""
    host = replica.node(node).host
    found = []
    for unit, name, held in _held_by(replica, node):
        ends = load_certificate(held.certificate_der).not_valid_after_utc
        if ends - now <= notice:
            kind = "trust-cert" if unit.endswith(_TRUST) else "own-cert"
            found.append(_alarm(host, name, unit, kind, ends, now))
    return tuple(found)


def lsc_alarms(
    replica: Replica,
    node: str,
    release: Release,
    now: datetime,
    *,
    notice: timedelta = NOTICE,
) -> tuple[ExpiryAlarm, ...]:
    """Return the alarms of phones' LSCs by name, if `node` is the publisher and watches them."""
    watches = is_true(replica.enterprise.get(LSC_MONITORING, "F"))
    held = replica.node(node)
    if not (watches and held.is_publisher and release >= _LSC_FROM):
        return ()
    return tuple(
        _alarm(held.host, f"{name}.der", "CAPF", "LSC", device.lsc_valid_until, now)
        for name, device in sorted(replica.devices.items())
        if device.lsc_valid_until is not None and device.lsc_valid_until - now <= notice
    )


def _alarm(
    host: str, certificate: str, unit: str, kind: str, ends: datetime, now: datetime
) -> ExpiryAlarm:
    level = _level(ends - now)
    return ExpiryAlarm(host, certificate, unit, kind, ends, level.severity, level.name, level.text)


def _held_by(replica: Replica, node: str) -> Iterator[tuple[str, str, StoredCertificate]]:
    """Yield what a node has: unit or trust store, file name, certificate."""
    for (owner, unit), held in replica.own.items():
        if owner == node:
            yield unit, f"{unit}.der", held
    stores: dict[str, list[StoredCertificate]] = {}
    for held in replica.certificates:
        for unit in held.units if held.is_on(node) else ():
            if unit.endswith(_TRUST):
                stores.setdefault(unit, []).append(held)
    for unit, trusted in sorted(stores.items()):
        for name, held in sorted(trust_file_names(trusted).items()):
            yield unit, name.removesuffix(".pem") + ".der", held


def _level(left: timedelta) -> _Level:
    return next(level for level in _LEVELS if left <= level.before)


def next_check(alarms: Iterable[ExpiryAlarm], now: datetime) -> datetime:
    """Return when the monitor looks again after it found these alarms at `now`."""
    urgent = any(alarm.ends - now <= _DAILY for alarm in alarms)
    return now + (_HOURLY if urgent else _DAILY)
