"""Which records a trust list holds, release by release. Lengths are in test_seed_lengths.py."""

from collections.abc import Callable

import pytest
from cryptography import x509

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
from cucmsim.formats.roles import Role
from cucmsim.formats.trustlist import Record, RecordTag
from cucmsim.pki.profiles import Unit
from cucmsim.pki.release import Release
from cucmsim.pki.signatures import Signer

Make = Callable[..., Signer]


@pytest.fixture(scope="module")
def certificates(make_signer: Make) -> dict[str, x509.Certificate]:
    names = ("cm", "cm2", "cm3", "tvs1", "tvs2", "tvs3", "capf", "rec", "other", "SAST-1")
    return {
        name: make_signer(f"CN={name}", f"{serial:02x}").certificate
        for serial, name in enumerate(names, 1)
    }


@pytest.fixture
def itl(certificates: dict[str, x509.Certificate]) -> ItlContents:
    tvs = tuple(certificates[name] for name in ("tvs1", "tvs2", "tvs3"))
    return ItlContents(certificates["cm"], tvs, certificates["capf"], certificates["rec"])


@pytest.fixture
def ctl(certificates: dict[str, x509.Certificate]) -> CtlContents:
    return CtlContents(
        CtlNode("pub", "192.0.2.1", certificates["cm"]),
        (
            CtlNode("sub1", "192.0.2.2", certificates["cm2"]),
            CtlNode("sub2", "192.0.2.3", certificates["cm3"]),
        ),
        certificates["capf"],
        certificates["rec"],
        (certificates["other"], certificates["SAST-1"]),
    )


def shown(records: tuple[Record, ...]) -> str:
    """Return the records as `role:name`, in order."""
    names = {Role.SAST: "sast", Role.CCM_TFTP: "ccm+tftp"}
    return " ".join(
        f"{names.get(Role(record.role), Role(record.role).name.lower())}:"
        f"{(record.subject or record.dns_name or '').partition('=')[2] or record.dns_name}"
        for record in records
    )


ITL_ORDERS = {
    "8.6": "sast:cm ccm+tftp:cm tvs:tvs1 tvs:tvs2 tvs:tvs3 capf:capf",
    "9.1": "sast:cm ccm+tftp:cm tvs:tvs1 tvs:tvs2 tvs:tvs3 capf:capf",
    "10.0": "sast:cm tftp:cm capf:capf tvs:tvs1 sast:rec tvs:tvs2 tvs:tvs3",
    "11.5": "sast:cm tftp:cm capf:capf tvs:tvs1 sast:rec tvs:tvs2 tvs:tvs3",
    "12.0": "sast:rec sast:cm ccm+tftp:cm capf:capf tvs:tvs1 tvs:tvs2 tvs:tvs3",
    "15": "sast:rec sast:cm ccm+tftp:cm capf:capf tvs:tvs1 tvs:tvs2 tvs:tvs3",
}


@pytest.mark.parametrize(("release", "order"), ITL_ORDERS.items())
def test_an_itl_holds_the_records_of_its_release(
    itl: ItlContents, release: str, order: str
) -> None:
    assert shown(itl_records(Release.parse(release), itl)) == order


@pytest.mark.parametrize("release", ITL_ORDERS)
def test_in_mixed_mode_the_itl_names_callmanager_as_ccm_and_tftp(
    itl: ItlContents, release: str
) -> None:
    order = ITL_ORDERS[release].replace(" tftp:cm", " ccm+tftp:cm")
    assert shown(itl_records(Release.parse(release), itl, mixed_mode=True)) == order


@pytest.mark.parametrize(
    ("release", "order"),
    [("9.1", "sast:cm capf:capf"), ("11.5", "sast:cm capf:capf sast:rec"), ("12.5", "capf:capf")],
)
def test_an_itl_for_rollback_holds_no_tvs_and_no_tftp(
    itl: ItlContents, release: str, order: str
) -> None:
    assert shown(itl_records(Release.parse(release), itl, rollback=True)) == order


@pytest.mark.parametrize(
    ("release", "order"),
    [("8.6", "sast:cm ccm+tftp:cm"), ("11.5", "sast:cm tftp:cm"), ("14", "sast:cm ccm+tftp:cm")],
)
def test_what_a_cluster_does_not_have_is_left_out(
    certificates: dict[str, x509.Certificate], release: str, order: str
) -> None:
    alone = ItlContents(certificates["cm"])
    assert shown(itl_records(Release.parse(release), alone)) == order


def test_an_itl_holds_tvs_and_capf_as_hashes_and_no_addresses(itl: ItlContents) -> None:
    for record in itl_records(Release(11, 5), itl):
        hashed = record.role in {Role.TVS, Role.CAPF}
        assert (record.certificate_hash is not None) is hashed
        assert (record.certificate_der is None) is hashed
        assert record.get(RecordTag.IP_ADDRESS) is None


@pytest.mark.parametrize(
    ("release", "reset", "unit"),
    [
        ("8.0", False, Unit.CALLMANAGER),
        ("11.5", False, Unit.CALLMANAGER),
        ("11.5", True, Unit.ITLRECOVERY),
        ("12.0", False, Unit.ITLRECOVERY),
        ("12.0", True, Unit.CALLMANAGER),
    ],
)
def test_an_itl_is_signed_by_the_unit_of_its_release(
    release: str,
    reset: bool,  # noqa: FBT001 - a parameter of the table above
    unit: Unit,
) -> None:
    assert itl_signer_unit(Release.parse(release), localkey_reset=reset) is unit


CTL_ORDERS = {
    "10.5(1)": "sast:cm ccm+tftp:cm capf:capf ccm+tftp:cm2 ccm+tftp:cm3",
    "10.5(2)": "sast:cm ccm+tftp:cm capf:capf sast:rec ccm+tftp:cm2 ccm+tftp:cm3",
    "11.5": "sast:cm ccm+tftp:cm capf:capf sast:rec ccm+tftp:cm2 ccm+tftp:cm3",
    "12.0": "sast:rec sast:cm ccm+tftp:cm capf:capf ccm+tftp:cm2 ccm+tftp:cm3"
    ' sast:other sast:"SAST-1"',
}


@pytest.mark.parametrize(("release", "order"), CTL_ORDERS.items())
def test_a_ctl_holds_the_records_of_its_release(ctl: CtlContents, release: str, order: str) -> None:
    assert shown(ctl_records(Release.parse(release), ctl)) == order.replace('"', "")


def test_a_ctl_is_signed_by_the_unit_of_its_release() -> None:
    assert ctl_signer_unit(Release(11, 5)) is Unit.CALLMANAGER
    assert ctl_signer_unit(Release(12)) is Unit.ITLRECOVERY
    assert ctl_signer_unit(Release(12), localkey_reset=True) is Unit.CALLMANAGER


def test_every_record_of_a_ctl_names_its_node(ctl: CtlContents) -> None:
    records = ctl_records(Release(11, 5), ctl)
    assert [record.dns_name for record in records] == ["pub", "pub", "pub", "pub", "sub1", "sub2"]
    addresses = [record.get(RecordTag.IP_ADDRESS) for record in records]
    assert addresses[0] == addresses[3] == bytes((192, 0, 2, 1))
    assert addresses[5] == bytes((192, 0, 2, 3))


def test_a_token_in_phone_sast_trust_becomes_a_tokens_record(ctl: CtlContents) -> None:
    *_, other, token = ctl_records(Release(12, 5), ctl)
    assert (other.dns_name, token.dns_name) == ("pub", "")
    assert other.get(RecordTag.SIGNATURE) is not None
    assert token.get(RecordTag.SIGNATURE) is None
    assert token.get(RecordTag.IP_ADDRESS) == bytes(4)


def test_non_secure_mode_leaves_four_fields_of_the_nodes_only(ctl: CtlContents) -> None:
    records = ctl_records(Release(11, 5), ctl, non_secure=True)
    fields = [(record.role, len(record.elements)) for record in records]
    assert fields == [(0, 10), (2, 4), (4, 10), (0, 10), (2, 4), (2, 4)]
    assert records[4].dns_name == "192.0.2.2"


def test_a_ctl_of_the_ctl_client_has_a_token_at_each_end(
    ctl: CtlContents, certificates: dict[str, x509.Certificate]
) -> None:
    tokens = (certificates["SAST-1"], certificates["SAST-1"])
    records = etoken_ctl_records(ctl, tokens)
    roles = [record.role for record in records]
    assert roles == [0, 2, 4, 2, 2, 0]
    assert {record.get(RecordTag.SIGNATURE) for record in records} == {None}
    without_capf = CtlContents(ctl.publisher)
    assert [record.role for record in etoken_ctl_records(without_capf, ())] == [2]
    assert [record.role for record in ctl_records(Release(11, 5), without_capf)] == [0, 2]


@pytest.mark.parametrize(("release", "own"), [("10.5(2)", ""), ("11.5", " sast:rec sast:cm")])
def test_from_11_5_the_publisher_s_own_sast_stand_beside_the_tokens(
    ctl: CtlContents, certificates: dict[str, x509.Certificate], release: str, own: str
) -> None:
    tokens = (certificates["SAST-1"], certificates["SAST-1"])
    alone = CtlContents(ctl.publisher, itl_recovery=ctl.itl_recovery)
    order = f"sast:SAST-1 ccm+tftp:cm sast:SAST-1{own}"
    assert (
        shown(etoken_ctl_records(alone, tokens, Release.parse(release))).replace('"', "") == order
    )
