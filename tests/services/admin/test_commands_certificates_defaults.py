"""set cert default-ca-list, show cert default-ca-list."""

import pytest

from cucmsim.pki.certificates import certificate_der
from cucmsim.pki.manufacturing import manufacturing_ca
from cucmsim.store.replica import Replica
from tests.services.admin.conftest import Desk
from tests.services.operations.conftest import Authority, pem

UNSUCCESSFUL = "Executed command unsuccessfully\n"
STORES = ("CallManager-trust", "CAPF-trust")
OURS = "cucmsim Manufacturing CA"


def stores_with_ours(replica: Replica) -> list[str]:
    ca = certificate_der(manufacturing_ca().certificate)
    return [
        store
        for store in STORES
        if any(held.certificate_der == ca for held in replica.in_store(store))
    ]


async def test_the_list_names_those_of_cucm_md_line_235_and_ours(clerk: Desk) -> None:
    lines = (await clerk.give("show cert default-ca-list")).splitlines()
    assert lines[0].split() == ["Common", "Name", "Trust", "Stores", "Purpose"]
    assert lines[2].startswith("VeriSign Class 3 Secure Server CA - G3 tomcat-trust ")
    assert [line.split("  ")[0] for line in lines[3:]] == [
        "CAP-RTP-001",
        "CAP-RTP-002",
        "Cisco Manufacturing CA",
        "Cisco Manufacturing CA SHA2",
        "ACT2 SUDI CA",
        "Cisco Root CA 2048",
        "Cisco Root CA M2",
        OURS,
    ]
    assert all("CallManager-trust, CAPF-trust" in line for line in lines[3:])


async def test_disabling_takes_the_certificate_out_and_enabling_puts_it_back(clerk: Desk) -> None:
    enable = f"set cert default-ca-list enable common-name {OURS}"
    assert await clerk.give(enable, ["yes"]) == (
        f"This operation will enable the {OURS} certificate.\n"
        "Do you wish to proceed (yes|no)? yes\n"
        f"The {OURS} certificate is enabled.\n"
    )
    assert stores_with_ours(await clerk.context.store.load_replica()) == list(STORES)
    await clerk.give("set cert default-ca-list disable all", ["no"])
    assert stores_with_ours(await clerk.context.store.load_replica()) == list(STORES)
    disable = f'set cert default-ca-list disable common-name "{OURS}"'
    shown = await clerk.give(disable, ["yes"])
    assert shown.endswith(f"The {OURS} certificate is disabled.\n")
    assert stores_with_ours(await clerk.context.store.load_replica()) == []
    shown = await clerk.give("set cert default-ca-list enable all", ["yes"])
    assert shown == (
        "This operation will enable all default CA certificates.\n"
        "Do you wish to proceed (yes|no)? yes\n"
        f"The {OURS} certificate is enabled.\n"
    )
    assert stores_with_ours(await clerk.context.store.load_replica()) == list(STORES)


async def test_a_cisco_ca_that_was_uploaded_is_disabled_by_its_name(clerk: Desk) -> None:
    cap = Authority("CAP-RTP-001")
    lines = pem(cap.certificate).decode().splitlines()
    await clerk.give("set cert import trust CAPF", lines)
    shown = await clerk.give("set cert default-ca-list disable common-name CAP-RTP-001", ["yes"])
    assert shown.endswith("The CAP-RTP-001 certificate is disabled.\n")
    names = [one.subjectname for one in (await clerk.context.store.load_replica()).certificates]
    assert "CN=CAP-RTP-001" not in names


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        (
            "disable common-name capf",  # cucm.md, line 235
            "The capf certificate is not in the list of default Cisco CA certificates.\n",
        ),
        ("disable common-name", "Mandatory parameter missing: name\n"),
        ("disable", "Mandatory parameter missing: which\n"),
        (
            "disable some",
            "Enter valid values for the which. \nSuggested values are all, common-name",
        ),
        ("enable all CAP-RTP-001", "Unknown parameter: CAP-RTP-001\n"),
    ],
)
async def test_wrong_arguments_are_refused_without_a_question(
    clerk: Desk, rest: str, words: str
) -> None:
    before = await clerk.context.store.load_replica()
    shown = await clerk.give(f"set cert default-ca-list {rest}")
    assert shown.startswith(words)
    assert shown.endswith(UNSUCCESSFUL)
    assert clerk.script.questions == []
    assert await clerk.context.store.load_replica() == before


async def test_a_ca_that_the_package_does_not_have_is_not_enabled(clerk: Desk) -> None:
    shown = await clerk.give("set cert default-ca-list enable common-name ACT2 SUDI CA", ["yes"])
    assert shown.endswith(
        "The ACT2 SUDI CA certificate does not come with cucmsim. Please upload it to"
        f" CallManager-trust and CAPF-trust.\n{UNSUCCESSFUL}"
    )


async def test_a_subscriber_has_none_of_it(subscriber_clerk: Desk) -> None:
    for rest in ("show cert default-ca-list", "set cert default-ca-list disable all"):
        assert await subscriber_clerk.give(rest) == (
            f"This command is only available on the publisher node.\n{UNSUCCESSFUL}"
        )
