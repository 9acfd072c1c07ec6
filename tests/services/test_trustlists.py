"""Trust lists built from a replica: which records, whose signature, in which release."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from cucmsim.errors import StoreError
from cucmsim.formats.roles import Role
from cucmsim.formats.trustlist import TrustList, decode_trust_list, verify_file
from cucmsim.pki.certificates import load_certificate
from cucmsim.pki.digests import Digest
from cucmsim.pki.release import Release
from cucmsim.services import trustlists
from cucmsim.services.trustlists import build_ctl, build_itl, signer_version
from cucmsim.store.replica import Replica
from cucmsim.store.rows import StoredCertificate

PUBLISHER = "cucm-1051-a-pub"
SUBSCRIBER = "cucm-1051-a-sub1"
NOW = datetime(2014, 2, 26, 18, 24, 27, tzinfo=UTC)

VectorBytes = Callable[[str], bytes]
Stored = Callable[..., StoredCertificate]


def _itl(replica: Replica, node: str, release: Release) -> TrustList:
    return decode_trust_list(build_itl(replica, node, release, timestamp=NOW))


def _roles(trust_list: TrustList) -> list[int]:
    return [record.role for record in trust_list.records]


def _with_parameters(replica: Replica, **parameters: str) -> Replica:
    return replace(replica, enterprise={**replica.enterprise, **parameters})


def test_an_itl_of_10_holds_the_documented_records_in_order(two_nodes: Replica) -> None:
    itl = _itl(two_nodes, PUBLISHER, Release(10))
    assert _roles(itl) == [Role.SAST, Role.TFTP, Role.CAPF, Role.TVS, Role.SAST, Role.TVS]
    assert itl.header.filename == "ITLFile.tlv"
    assert itl.header.timestamp == int(NOW.timestamp())
    assert itl.header.signer_version is None


def test_in_mixed_mode_the_itl_of_10_names_callmanager_as_ccm_and_tftp(
    two_nodes: Replica,
) -> None:
    mixed = _with_parameters(two_nodes, ClusterSecurityMode="1")
    itl = _itl(mixed, PUBLISHER, Release(11, 5))
    assert _roles(itl) == [Role.SAST, Role.CCM_TFTP, Role.CAPF, Role.TVS, Role.SAST, Role.TVS]


@pytest.mark.parametrize(
    ("node", "release", "signer"),
    [
        (PUBLISHER, Release(8, 6), "callmanager-pub"),
        (SUBSCRIBER, Release(8, 6), "callmanager-sub"),
        (PUBLISHER, Release(11, 5), "callmanager-pub"),
        (SUBSCRIBER, Release(11, 5), "callmanager-sub"),
        (PUBLISHER, Release(12, 5), "itlrecovery"),
        (SUBSCRIBER, Release(14), "itlrecovery"),
    ],
)
def test_an_itl_is_signed_by_whom_the_release_says(
    two_nodes: Replica, vector: VectorBytes, node: str, release: Release, signer: str
) -> None:
    data = build_itl(two_nodes, node, release, timestamp=NOW)
    assert verify_file(data, load_certificate(vector(f"{signer}.crt")))


def test_a_local_key_reset_signs_with_the_other_key(
    two_nodes: Replica, vector: VectorBytes
) -> None:
    data = build_itl(two_nodes, SUBSCRIBER, Release(10), timestamp=NOW, localkey_reset=True)
    assert verify_file(data, load_certificate(vector("itlrecovery.crt")))


def test_the_itl_of_a_subscriber_names_both_tvs_and_its_own_callmanager(
    two_nodes: Replica, vector: VectorBytes
) -> None:
    itl = _itl(two_nodes, SUBSCRIBER, Release(11, 5))
    assert itl.records[0].certificate_der == vector("callmanager-sub.crt")
    tvs = [record for record in itl.records if record.role == Role.TVS]
    assert [record.certificate_hash for record in tvs] == [
        Digest.SHA1.hash(vector("tvs-pub.crt")),
        Digest.SHA1.hash(vector("tvs-sub.crt")),
    ]


def test_an_itl_names_only_the_tvs_it_is_told_that_run_and_exist(two_nodes: Replica) -> None:
    data = build_itl(
        two_nodes, PUBLISHER, Release(8, 6), timestamp=NOW, tvs_nodes=[SUBSCRIBER, "gone"]
    )
    assert _roles(decode_trust_list(data)).count(Role.TVS) == 1


def test_an_itl_names_no_service_that_does_not_run_or_has_no_certificate(
    two_nodes: Replica,
) -> None:
    publisher = replace(two_nodes.nodes[PUBLISHER], services=("tftp",))
    own = {key: held for key, held in two_nodes.own.items() if key != (SUBSCRIBER, "TVS")}
    quiet = replace(two_nodes, nodes={**two_nodes.nodes, PUBLISHER: publisher}, own=own)
    assert _roles(_itl(quiet, PUBLISHER, Release(8, 6))) == [Role.SAST, Role.CCM_TFTP]


def test_rollback_empties_the_itl_but_signs_it(two_nodes: Replica, vector: VectorBytes) -> None:
    rolled = _with_parameters(two_nodes, RollBackToPreGrayback="T")
    data = build_itl(rolled, PUBLISHER, Release(10), timestamp=NOW)
    assert not {Role.TVS, Role.TFTP} & set(_roles(decode_trust_list(data)))
    assert verify_file(data, load_certificate(vector("callmanager-pub.crt")))
    assert _roles(_itl(rolled, PUBLISHER, Release(12, 5))) == [Role.CAPF]


def test_the_parameter_switches_trust_lists_to_sha512(two_nodes: Replica) -> None:
    modern = _with_parameters(two_nodes, TFTPFileSignatureAlgorithm="SHA-512")
    assert _itl(modern, PUBLISHER, Release(12, 5)).header.digest == Digest.SHA512
    assert _itl(two_nodes, PUBLISHER, Release(12, 5)).header.digest == Digest.SHA1


def test_the_signer_version_appears_with_12_0(two_nodes: Replica) -> None:
    assert signer_version(two_nodes, Release(11, 5)) is None
    assert signer_version(two_nodes, Release(12)) == (1, 0)
    advanced = _with_parameters(two_nodes, EndpointAdvancedEncryptionAlgorithmsSupport="T")
    assert signer_version(advanced, Release(12, 5)) == (1, 1)
    assert _itl(advanced, PUBLISHER, Release(12, 5)).header.signer_version == (1, 1)


def test_a_ctl_in_mixed_mode_is_signed_by_the_publisher_and_names_every_tftp_node(
    two_nodes: Replica, vector: VectorBytes
) -> None:
    mixed = _with_parameters(two_nodes, ClusterSecurityMode="1")
    data = build_ctl(mixed, Release(10), timestamp=NOW)
    ctl = decode_trust_list(data)
    assert _roles(ctl) == [Role.SAST, Role.CCM_TFTP, Role.CAPF, Role.CCM_TFTP]
    assert [record.dns_name for record in ctl.records] == [PUBLISHER] * 3 + [SUBSCRIBER]
    assert verify_file(data, load_certificate(vector("callmanager-pub.crt")))


def test_a_ctl_of_12_is_signed_by_itlrecovery_and_adds_phone_sast_trust(
    two_nodes: Replica, vector: VectorBytes, stored: Stored
) -> None:
    foreign = stored("callmanager-casigned", None, frozenset({"Phone-SAST-trust"}))
    mixed = replace(
        _with_parameters(two_nodes, ClusterSecurityMode="1"),
        certificates=(*two_nodes.certificates, foreign),
    )
    data = build_ctl(mixed, Release(12, 5), timestamp=NOW)
    assert verify_file(data, load_certificate(vector("itlrecovery.crt")))
    held = [record.certificate_der for record in decode_trust_list(data).records]
    assert vector("callmanager-casigned.crt") in held
    earlier = decode_trust_list(build_ctl(mixed, Release(11, 5), timestamp=NOW))
    assert foreign.certificate_der not in [record.certificate_der for record in earlier.records]


def test_a_ctl_after_mixed_mode_keeps_node_records_of_four_fields(two_nodes: Replica) -> None:
    ctl = decode_trust_list(build_ctl(two_nodes, Release(10), timestamp=NOW))
    nodes = [record for record in ctl.records if record.role == Role.CCM_TFTP]
    assert [len(record.elements) for record in nodes] == [4, 4]


def test_a_node_without_tftp_is_not_in_the_ctl(two_nodes: Replica) -> None:
    subscriber = replace(two_nodes.nodes[SUBSCRIBER], services=("tvs",))
    smaller = replace(two_nodes, nodes={**two_nodes.nodes, SUBSCRIBER: subscriber})
    ctl = decode_trust_list(build_ctl(smaller, Release(10), timestamp=NOW))
    assert {record.dns_name for record in ctl.records if record.dns_name} >= {PUBLISHER}
    assert SUBSCRIBER not in [record.dns_name for record in ctl.records]


def test_a_missing_certificate_is_named(two_nodes: Replica) -> None:
    own = {key: held for key, held in two_nodes.own.items() if key[1] != "CallManager"}
    with pytest.raises(StoreError, match=r"'cucm-1051-a-pub' has no CallManager certificate"):
        build_itl(replace(two_nodes, own=own), PUBLISHER, Release(10), timestamp=NOW)


def test_a_list_too_long_for_phones_is_served_with_a_warning(
    two_nodes: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trustlists, "loads_on_phones", lambda data: len(data) < 1000)
    with capture_logs() as logs:
        data = build_itl(two_nodes, PUBLISHER, Release(10), timestamp=NOW)
    assert [(line["log_level"], line["size"]) for line in logs] == [("warning", len(data))]


def test_two_builds_of_the_same_state_are_identical(two_nodes: Replica) -> None:
    def build() -> bytes:
        return build_itl(two_nodes, PUBLISHER, Release(12, 5), timestamp=NOW)

    assert build() == build()
