"""The certificate monitor speaks of what ends, in the words of cucm.md 5.5."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from cucmsim.pki.certificates import load_certificate
from cucmsim.pki.release import Release
from cucmsim.services.operations.monitor import (
    LSC_MONITORING,
    expiry_alarms,
    lsc_alarms,
    next_check,
)
from cucmsim.store.replica import Replica
from cucmsim.store.rows import Device, StoredCertificate
from tests.services.conftest import PUBLISHER, SUBSCRIBER


def end_of(replica: Replica, unit: str) -> datetime:
    """Return when the publisher's certificate of a unit ends."""
    return load_certificate(replica.own[PUBLISHER, unit].certificate_der).not_valid_after_utc


def only(replica: Replica, unit: str) -> Replica:
    """Return a replica in which the publisher has the certificate of one unit alone."""
    return replace(replica, own={(PUBLISHER, unit): replica.own[PUBLISHER, unit]}, certificates=())


def test_an_expired_certificate_is_told_as_in_cucm_md_line_593(two_nodes: Replica) -> None:
    replica, ends = only(two_nodes, "CAPF"), end_of(two_nodes, "CAPF")
    (alarm,) = expiry_alarms(replica, PUBLISHER, ends)
    shown = ends.strftime("%a %b %d %H:%M:%S:000 UTC")
    assert str(alarm) == (
        "%UC_CERT-0-CertExpired: %[Message=Certificate expiration Notification. Certificate"
        f" name:CAPF.der Unit:CAPF Type:own-cert Expiration:{shown}][AppID=Cisco Certificate"
        f" Monitor][ClusterID=][NodeID={PUBLISHER}]: Certificate has Expired and needs to be"
        " changed at the earliest"
    )


@pytest.mark.parametrize(
    ("left", "name", "severity"),
    [
        (timedelta(seconds=1), "CertValidLessThanADay", 2),
        (timedelta(days=1), "CertValidLessThanADay", 2),
        (timedelta(days=7), "CertValidfor7days", 1),
        (timedelta(days=30), "CertValidLessThanMonth", 6),
        (timedelta(days=60), "CertExpiryApproaching", 6),
    ],
)
def test_the_alarm_grows_more_urgent_towards_the_end(
    two_nodes: Replica, left: timedelta, name: str, severity: int
) -> None:
    now = end_of(two_nodes, "CAPF") - left
    replica = only(two_nodes, "CAPF")
    (alarm,) = expiry_alarms(replica, PUBLISHER, now, notice=timedelta(days=90))
    assert (alarm.name, alarm.severity) == (name, severity)


def test_before_the_notice_period_there_is_no_alarm_and_a_day_until_the_next_look(
    two_nodes: Replica,
) -> None:
    now = end_of(two_nodes, "CAPF") - timedelta(days=30, seconds=1)
    assert expiry_alarms(only(two_nodes, "CAPF"), PUBLISHER, now) == ()
    assert next_check((), now) == now + timedelta(days=1)


def test_the_monitor_looks_every_hour_in_the_last_day(two_nodes: Replica) -> None:
    replica, ends = only(two_nodes, "CAPF"), end_of(two_nodes, "CAPF")
    for left, pause in ((timedelta(days=2), 24), (timedelta(days=1), 1), (timedelta(days=-9), 1)):
        now = ends - left
        alarms = expiry_alarms(replica, PUBLISHER, now)
        assert next_check(alarms, now) - now == timedelta(hours=pause)


def test_trust_certificates_are_told_on_the_nodes_that_have_them(
    two_nodes: Replica, stored: Callable[..., StoredCertificate]
) -> None:
    held = stored("enterprise-ca", None, frozenset({"tomcat-trust", "CAPF-trust", "CAPF"}))
    here = replace(held, nodes=frozenset({PUBLISHER}))
    replica = replace(two_nodes, own={}, certificates=(here,))
    now = load_certificate(held.certificate_der).not_valid_after_utc
    alarms = expiry_alarms(replica, PUBLISHER, now)
    assert [alarm.unit for alarm in alarms] == ["CAPF-trust", "tomcat-trust"]
    assert "Type:trust-cert" in str(alarms[0])
    assert alarms[0].certificate.endswith(".der")
    assert expiry_alarms(replica, SUBSCRIBER, now) == ()


def test_lscs_are_watched_on_the_publisher_from_11_5_where_the_parameter_says_so(
    two_nodes: Replica,
) -> None:
    now = end_of(two_nodes, "CAPF")
    phones = [
        Device(name=f"SEP00000000000{days}", model="7962", lsc_valid_until=now + timedelta(days))
        for days in (31, 7, 0)
    ]
    devices = {held.name: held for held in (*phones, Device(name="SEP1", model="7962"))}
    off, release = replace(two_nodes, devices=devices), Release(11, 5)
    on = replace(off, enterprise={**off.enterprise, LSC_MONITORING: "T"})
    assert lsc_alarms(off, PUBLISHER, release, now) == ()
    assert lsc_alarms(on, PUBLISHER, Release(11), now) == ()
    assert lsc_alarms(on, SUBSCRIBER, release, now) == ()
    ended, ending = lsc_alarms(on, PUBLISHER, release, now)
    assert str(ended).startswith(
        "%UC_CERT-0-CertExpired: %[Message=Certificate expiration Notification. Certificate"
        " name:SEP000000000000.der Unit:CAPF Type:LSC Expiration:"
    )
    assert (ending.certificate, ending.name) == ("SEP000000000007.der", "CertValidfor7days")
