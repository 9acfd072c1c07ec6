"""set csr gen, show csr."""

import pytest

from cucmsim.pki.requests import load_request
from tests.services.admin.conftest import Desk
from tests.services.operations.conftest import PUBLISHER

UNSUCCESSFUL = "Executed command unsuccessfully\n"


async def test_a_request_is_made_listed_and_shown_cucm_md_line_175(clerk: Desk) -> None:
    assert await clerk.give("show csr list own") == "No CSR found\n"
    assert await clerk.give("set csr gen tomcat") == "Successfully Generated CSR for tomcat.\n"
    assert await clerk.give("show csr list own") == "tomcat/tomcat.csr\n"
    assert await clerk.give("show csr list trust") == "No CSR found\n"
    shown = await clerk.give("show csr own tomcat/tomcat.csr")
    assert shown.startswith("-----BEGIN CERTIFICATE REQUEST-----\n")
    assert shown.endswith("-----END CERTIFICATE REQUEST-----\n")
    assert await clerk.give("show csr own tomcat") == shown
    from_pem = load_request(shown.encode())
    own = (await clerk.context.store.load_replica()).signer(PUBLISHER, "tomcat").certificate
    assert from_pem.subject == own.subject


async def test_the_requests_of_a_subscriber_are_its_own(
    clerk: Desk, subscriber_clerk: Desk
) -> None:
    await clerk.give("set csr gen tomcat")
    assert await subscriber_clerk.give("show csr list own") == "No CSR found\n"
    assert await subscriber_clerk.give("set csr gen CAPF") == (
        f"CSR generation for CAPF is supported on the publisher only.\n{UNSUCCESSFUL}"
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("set csr gen", "Mandatory parameter missing: unit\n"),
        ("set csr gen ITLRecovery", "CSR generation is not supported for ITLRecovery.\n"),
        ("set csr gen Łódź", "CSR generation is not supported for Łódź.\n"),
        ('set csr gen "to mcat"', "CSR generation is not supported for to mcat.\n"),
        (f"set csr gen {'x' * 200}", "CSR generation is not supported for xxx"),
        ("show csr list all", "Enter valid values for the type. \nSuggested values are own, trust"),
        ("show csr own tomcat/tomcat.csr", "CSR for tomcat does not exist.\n"),
        ("show csr own tomcat/other.csr", "CSR for tomcat/other.csr does not exist.\n"),
        ("show csr own nothing", "CSR for nothing does not exist.\n"),
    ],
)
async def test_wrong_arguments_are_named(clerk: Desk, line: str, words: str) -> None:
    shown = await clerk.give(line)
    assert shown.startswith(words)
    assert shown.endswith(UNSUCCESSFUL)
