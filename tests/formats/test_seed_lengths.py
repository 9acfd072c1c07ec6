"""Every file, header and record length that the seeds show, from certificates like theirs."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from cucmsim.formats.contents import (
    CtlContents,
    CtlNode,
    ItlContents,
    ctl_records,
    ctl_signer_unit,
    etoken_ctl_records,
    itl_records,
    itl_signer_unit,
)
from cucmsim.formats.records import four_field_record
from cucmsim.formats.roles import Role
from cucmsim.formats.trustlist import (
    CTL_FILENAME,
    ITL_FILENAME,
    Record,
    decode_trust_list,
    sign_trust_list,
    verify_file,
)
from cucmsim.pki.profiles import Unit
from cucmsim.pki.release import Release
from cucmsim.pki.signatures import Signer

if TYPE_CHECKING:
    from cryptography import x509

AT = datetime(2014, 2, 26, 18, 24, 27, tzinfo=UTC)
SAST, CCM_TFTP, TFTP, CAPF, TVS = Role.SAST, Role.CCM_TFTP, Role.TFTP, Role.CAPF, Role.TVS


class Cluster(Protocol):
    """What the fixtures of conftest.py return."""

    callmanager: Signer
    tvs: tuple[Signer, ...]
    capf: Signer
    itl_recovery: Signer
    subscriber: Signer
    tokens: tuple[Signer, ...]


def itl_contents(cluster: Cluster) -> ItlContents:
    recovery: x509.Certificate | None = None
    if cluster.itl_recovery is not None:
        recovery = cluster.itl_recovery.certificate
    return ItlContents(
        cluster.callmanager.certificate,
        tuple(signer.certificate for signer in cluster.tvs),
        cluster.capf.certificate,
        recovery,
    )


def ctl_contents(cluster: Cluster, publisher: Signer | None = None) -> CtlContents:
    callmanager = cluster.callmanager if publisher is None else publisher
    return CtlContents(
        CtlNode("cucm-1051-a-pub", "10.48.47.153", callmanager.certificate),
        (CtlNode("cucm-1051-a-sub1", "10.48.47.154", cluster.subscriber.certificate),),
        cluster.capf.certificate,
    )


def lengths(records: tuple[Record, ...]) -> list[tuple[int, int]]:
    return [(record.role, record.length) for record in records]


def element_lengths(record: Record) -> list[int]:
    return [len(element.value) for element in record.elements]


def checked_length(signer: Signer, filename: str, records: tuple[Record, ...]) -> tuple[int, int]:
    """Make a file, check that it can be read and verified; return its header's and whole length."""
    data = sign_trust_list(signer, filename=filename, records=records, timestamp=AT)
    decoded = decode_trust_list(data)
    assert decoded.records == records
    assert verify_file(data, signer.certificate)
    return decoded.header.length, len(data)


def test_the_itl_of_release_8_is_as_long_as_in_seed_000(seed_000: Cluster) -> None:
    records = itl_records(Release(8, 5), itl_contents(seed_000))
    assert lengths(records) == [(SAST, 1972), (CCM_TFTP, 1972), (TVS, 743), (CAPF, 455)]
    assert element_lengths(records[0]) == [2, 2, 76, 2, 15, 10, 140, 256, 1442]
    assert element_lengths(records[2]) == [2, 2, 76, 2, 76, 8, 270, 256, 20, 1]
    assert element_lengths(records[3]) == [2, 2, 61, 2, 61, 8, 140, 128, 20, 1]
    assert itl_signer_unit(Release(8, 5)) is Unit.CALLMANAGER
    assert checked_length(seed_000.callmanager, ITL_FILENAME, records) == (296, 5438)


def test_the_itl_of_release_10_is_as_long_as_in_seed_003(seed_003: Cluster) -> None:
    records = itl_records(Release(10), itl_contents(seed_003))
    assert lengths(records) == [
        (SAST, 1115),
        (TFTP, 1115),
        (CAPF, 439),
        (TVS, 455),
        (SAST, 1141),
        (TVS, 713),
    ]
    assert element_lengths(records[0]) == [2, 2, 57, 2, 57, 16, 140, 128, 684]
    assert element_lengths(records[4]) == [2, 2, 66, 2, 66, 16, 140, 128, 692]
    assert itl_signer_unit(Release(10)) is Unit.CALLMANAGER
    assert checked_length(seed_003.callmanager, ITL_FILENAME, records) == (324, 5302)


def test_the_itl_after_a_reset_is_as_long_as_in_seed_003(seed_003: Cluster) -> None:
    records = itl_records(Release(10), itl_contents(seed_003))
    assert itl_signer_unit(Release(10), localkey_reset=True) is Unit.ITLRECOVERY
    assert checked_length(seed_003.itl_recovery, ITL_FILENAME, records) == (344, 5322)


def test_the_tokenless_ctl_is_as_long_as_in_seed_001(seed_001: Cluster) -> None:
    records = ctl_records(Release.parse("10.5(1)"), ctl_contents(seed_001))
    assert lengths(records) == [(SAST, 1156), (CCM_TFTP, 1156), (CAPF, 1138), (CCM_TFTP, 1161)]
    assert element_lengths(records[0]) == [2, 16, 62, 2, 62, 16, 140, 128, 694, 4]
    assert element_lengths(records[2]) == [2, 16, 60, 2, 60, 16, 140, 128, 680, 4]
    assert element_lengths(records[3]) == [2, 17, 63, 2, 63, 16, 140, 128, 696, 4]
    assert ctl_signer_unit(Release.parse("10.5(1)")) is Unit.CALLMANAGER
    assert checked_length(seed_001.callmanager, CTL_FILENAME, records) == (336, 4947)


def test_the_ctl_with_2048_bits_is_as_long_as_in_seed_001(
    seed_001: Cluster, regenerated_publisher: Signer
) -> None:
    contents = ctl_contents(seed_001, regenerated_publisher)
    records = ctl_records(Release.parse("10.5(1)"), contents)
    assert lengths(records) == [(SAST, 1675), (CCM_TFTP, 1675), (CAPF, 1138), (CCM_TFTP, 1161)]
    assert element_lengths(records[0]) == [2, 16, 62, 2, 62, 16, 270, 256, 955, 4]
    assert checked_length(regenerated_publisher, CTL_FILENAME, records) == (464, 6113)


def test_the_ctl_of_two_etokens_is_as_long_as_in_seed_001(seed_001: Cluster) -> None:
    tokens = tuple(signer.certificate for signer in seed_001.tokens)
    records = etoken_ctl_records(ctl_contents(seed_001), tokens)
    assert lengths(records) == [
        (SAST, 1186),
        (CCM_TFTP, 1156 - 131 - 3),
        (CAPF, 1138 - 131 - 3),
        (CCM_TFTP, 1161 - 131 - 4),
        (SAST, 1186),
    ]
    assert element_lengths(records[0]) == [2, 1, 56, 2, 42, 10, 140, 902, 4]
    for signer in seed_001.tokens:
        assert checked_length(signer, CTL_FILENAME, records) == (304, 5728)


def test_a_record_of_non_secure_mode_is_as_long_as_cucm_shows_it() -> None:
    record = four_field_record(CCM_TFTP, "10.48.47.153")
    assert record.length == 33
    assert element_lengths(record) == [2, 13, 2, 4]
