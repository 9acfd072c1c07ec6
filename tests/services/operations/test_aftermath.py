"""What follows by itself from a change, in each release."""

from dataclasses import replace

import pytest

from cucmsim.pki.release import Release
from cucmsim.services.operations.aftermath import Aftermath, aftermath
from cucmsim.services.operations.clockmove import OWN_SERVICE
from cucmsim.services.operations.drs.restore import RESTORED
from cucmsim.store.replica import Replica
from tests.services.conftest import PUBLISHER, SUBSCRIBER, Stored

TFTP, TVS = "Cisco Tftp", "Cisco Trust Verification Service"
CAPF = "Cisco Certificate Authority Proxy Function"


def regenerated(replica: Replica, stored: Stored, unit: str) -> Replica:
    held = stored("callmanager-casigned", PUBLISHER, frozenset({unit}))
    return replace(replica, own={**replica.own, (PUBLISHER, unit): held})


@pytest.mark.parametrize(
    ("release", "unit", "resets"),
    [
        ("9.1", "CallManager", False),
        ("10.0", "CallManager", True),
        ("11.5", "TVS", True),
        ("12.5", "CAPF", True),
        ("12.5", "ITLRecovery", False),
    ],
)
def test_before_14_phones_are_reset_and_services_left_alone(
    two_nodes: Replica, stored: Stored, release: str, unit: str, *, resets: bool
) -> None:
    new = regenerated(two_nodes, stored, unit)
    assert aftermath(two_nodes, new, Release.parse(release)) == Aftermath((), resets)


@pytest.mark.parametrize(
    ("unit", "restarts"),
    [
        ("CallManager", [(PUBLISHER, TVS), (PUBLISHER, CAPF), (PUBLISHER, TFTP)]),
        ("TVS", [(PUBLISHER, TVS), (PUBLISHER, TFTP), (SUBSCRIBER, TFTP)]),
        ("ITLRecovery", [(PUBLISHER, TFTP), (SUBSCRIBER, TFTP)]),
    ],
)
def test_from_14_nodes_restart_their_services(
    two_nodes: Replica, stored: Stored, unit: str, restarts: list[tuple[str, str]]
) -> None:
    due = aftermath(two_nodes, regenerated(two_nodes, stored, unit), Release(14))
    assert list(due.restarts) == restarts


def test_from_14_a_parameter_leaves_phones_to_the_administrator(
    two_nodes: Replica, stored: Stored
) -> None:
    manual = {"PhoneInteractionOnCertificateUpdate": "Manual reset"}
    new = replace(regenerated(two_nodes, stored, "TVS"), enterprise=manual)
    assert not aftermath(two_nodes, new, Release(14)).resets_phones
    assert aftermath(two_nodes, new, Release(12, 5)).resets_phones


def test_the_rollback_parameter_restarts_everywhere_from_10_5(two_nodes: Replica) -> None:
    new = replace(two_nodes, enterprise={"RollBackToPreGrayback": "T"})
    everywhere = [(node, service) for service in (TVS, TFTP) for node in (PUBLISHER, SUBSCRIBER)]
    assert aftermath(two_nodes, new, Release(10, 5)) == Aftermath(
        tuple(everywhere), resets_phones=True
    )
    assert aftermath(two_nodes, new, Release(10)) == Aftermath()


def test_nothing_follows_from_other_changes(two_nodes: Replica, stored: Stored) -> None:
    tomcat = regenerated(two_nodes, stored, "tomcat")
    again = regenerated(two_nodes, stored, "tomcat")
    for new in (tomcat, replace(two_nodes, version=2, devices={})):
        assert aftermath(two_nodes, new, Release(14)) == Aftermath()
    assert aftermath(tomcat, again, Release(14)) == Aftermath()


@pytest.mark.parametrize("release", [Release(11, 5), Release(14)])
def test_after_a_restore_nodes_do_nothing_by_themselves(
    two_nodes: Replica, stored: Stored, release: Release
) -> None:
    new = regenerated(two_nodes, stored, "CallManager")
    restored = replace(new, service_parameters={("", OWN_SERVICE, RESTORED): "2026-03-01"})
    assert aftermath(two_nodes, restored, release) == Aftermath()
    assert aftermath(restored, restored, release) == Aftermath()
