"""Phones are found by what CAPF knows of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cucmsim.pki.certificates import load_certificate
from cucmsim.services.operations.phonesearch import PhoneSearch, find_phones
from cucmsim.store.replica import Replica
from cucmsim.store.rows import CertificateStatus, Device, PendingOperation
from tests.services.operations.conftest import der

NOW = datetime(2026, 3, 1, tzinfo=UTC)
OLD = Device(
    name="SEPB000B4BA0AEE",
    model="8861",
    certificate_status=CertificateStatus.UPGRADE_SUCCESS,
    lsc_der=der("lsc-SEPB000B4BA0AEE"),
    lsc_valid_until=NOW,
    lsc_issuer="CN=CAPF-1e55d2d1,OU=TAC",
    lsc_issuer_valid_until=NOW + timedelta(days=1),
)
NEW = Device(
    name="SEP001B54C25A01",
    model="7962",
    pending_operation=PendingOperation.INSTALL,
    certificate_status=CertificateStatus.PENDING,
)
REPLICA = Replica(devices={held.name: held for held in (OLD, NEW)})


@pytest.mark.parametrize(
    ("search", "found"),
    [
        (PhoneSearch(), [NEW, OLD]),
        (PhoneSearch(name="b000"), [OLD]),
        (PhoneSearch(status=CertificateStatus.PENDING), [NEW]),
        (PhoneSearch(operation=PendingOperation.NONE), [OLD]),
        (PhoneSearch(issued_by="capf-1E"), [OLD]),
        (PhoneSearch(has_lsc=True), [OLD]),
        (PhoneSearch(has_lsc=False), [NEW]),
        (PhoneSearch(expires_before=NOW), []),
        (PhoneSearch(expires_before=NOW + timedelta(seconds=1)), [OLD]),
        (PhoneSearch(issuer_expires_before=NOW + timedelta(days=2)), [OLD]),
        (PhoneSearch(is_stale=True), [OLD]),
        (PhoneSearch(is_stale=True, has_lsc=False), []),
    ],
)
def test_phones_are_found_by_name_in_order(search: PhoneSearch, found: list[Device]) -> None:
    assert list(find_phones(REPLICA, search)) == found


def test_an_lsc_of_the_capf_in_use_is_not_stale(two_nodes: Replica) -> None:
    load_certificate(der("lsc-SEPB000B4BA0AEE")).verify_directly_issued_by(
        load_certificate(der("capf"))
    )
    replica = replace(two_nodes, devices=REPLICA.devices)
    assert find_phones(replica, PhoneSearch(is_stale=True)) == ()
