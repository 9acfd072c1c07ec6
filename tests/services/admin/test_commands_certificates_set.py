"""set cert regen, delete and import, as a person types them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cucmsim.pki.certificates import certificate_der
from cucmsim.services.operations.csr import generate_csr, show_csr
from cucmsim.store.replica import Replica
from tests.services.admin.conftest import Desk, MakeClerk
from tests.services.operations.conftest import (
    NOW,
    PUBLISHER,
    SUBSCRIBER,
    Authority,
    Issued,
    pem,
)
from tests.store.conftest import FixedClock

UNSUCCESSFUL = "Executed command unsuccessfully\n"


async def held(desk: Desk) -> Replica:
    return await desk.context.store.load_replica()


def later(desk: Desk, by: timedelta) -> None:
    assert isinstance(desk.context.clock, FixedClock)
    desk.context.clock.at += by


async def test_regenerating_callmanager_prints_seed_003_lines_467_to_481(clerk: Desk) -> None:
    before = await held(clerk)
    assert await clerk.give("set cert regen CallManager", ["yes"]) == (
        "WARNING: This operation will overwrite any CA signed certificate previously imported for"
        " CallManager\n"
        "Proceed with regeneration (yes|no)? yes\n"
        "Successfully Regenerated Certificate for CallManager.\n"
        "Please do a backup of the server as soon as possible. Failure to do so can stale the"
        " cluster in case of a crash.\n"
        "You must restart services related to CallManager for the regenerated certificates to"
        " become active.\n"
    )
    assert clerk.outcome.succeeded
    after = await held(clerk)
    changed = {key for key, one in after.own.items() if one != before.own[key]}
    assert changed == {(PUBLISHER, "CallManager")}


async def test_the_hold_timer_refuses_before_it_asks_seed_003_lines_485_to_490(
    clerk: Desk,
) -> None:
    await clerk.give("set cert regen CallManager", ["yes"])
    later(clerk, timedelta(minutes=5) - timedelta(seconds=1))
    before = await held(clerk)
    assert await clerk.give("set cert regen TVS", ["yes"]) == (
        "CallManager certificate was modified in the last 5 minutes. Please re-try regenerating"
        f" TVS certificate at a later time\n{UNSUCCESSFUL}"
    )
    assert not clerk.outcome.succeeded
    assert await held(clerk) == before
    later(clerk, timedelta(seconds=1))
    shown = await clerk.give("set cert regen TVS", ["yes"])
    assert shown.endswith(
        "Successfully Regenerated Certificate for TVS.\n"
        "You must restart services related to TVS for the regenerated certificates to become"
        " active.\n"
    )


async def test_regenerating_itlrecovery_has_its_own_warning_cucm_md_lines_189_to_196(
    clerk: Desk,
) -> None:
    assert await clerk.give("set cert regen ITLRecovery", ["yes"]) == (
        "WARNING: If you are using a tokenless CTL and if the CallManager certificate is"
        " recently\n"
        "generated, please ensure that the CTL File already has the new CallManager certificate"
        " and is\n"
        "updated to the endpoints, before generating the ITL Recovery certificate. Are you sure"
        " want\n"
        "to proceed?\n"
        "Proceed with regeneration (yes|no)? yes\n"
        "Successfully Regenerated Certificate for ITLRecovery.\n"
        "You must restart the services related to ITLRecovery for the regenerated certificates"
        " to become active.\n"
    )


async def test_release_10_warns_of_itlrecovery_as_of_any_other(make_clerk: MakeClerk) -> None:
    desk = await make_clerk(PUBLISHER, "10.0")
    shown = await desk.give("set cert regen ITLRecovery", ["yes"])
    assert shown.startswith("WARNING: This operation will overwrite any CA signed certificate")


@pytest.mark.parametrize("answer", ["no", "", "n", "perhaps"])
async def test_without_a_yes_nothing_is_regenerated(clerk: Desk, answer: str) -> None:
    before = await held(clerk)
    shown = await clerk.give("set cert regen tomcat", [answer])
    assert shown.endswith(f"Proceed with regeneration (yes|no)? {answer}\n")
    assert await held(clerk) == before


async def test_a_subscriber_regenerates_its_own_and_no_other(subscriber_clerk: Desk) -> None:
    before = await held(subscriber_clerk)
    await subscriber_clerk.give("set cert regen CallManager", ["yes"])
    after = await held(subscriber_clerk)
    changed = {key for key, one in after.own.items() if one != before.own[key]}
    assert changed == {(SUBSCRIBER, "CallManager")}
    assert await subscriber_clerk.give("set cert regen CAPF", ["yes"]) == (
        f"node {SUBSCRIBER} has no CAPF certificate\n{UNSUCCESSFUL}"
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("set cert regen", "Mandatory parameter missing: unit\n"),
        ("set cert regen Tomcat", "Enter valid values for the unit. \nSuggested values are tomcat"),
        ("set cert regen tomcat now", "Unknown parameter: now\n"),
        ("set cert regen 'a b'", "Enter valid values for the unit."),
        (f"set cert regen {'x' * 200}", "Enter valid values for the unit."),
        ("set cert regen Łódź", "Enter valid values for the unit."),
        ("set cert delete CallManager", "Mandatory parameter missing: name\n"),
        ("set cert delete nothing x.pem", "nothing is not a trust store; expected one of "),
        ("set cert delete CallManager x.pem", "Certificate x.pem does not exist in CallManager"),
        ("set cert delete CallManager CallManager.pem", "Own certificates cannot be deleted"),
        ("set cert import own", "Mandatory parameter missing: unit\n"),
        ("set cert import mine tomcat", "Enter valid values for the type."),
    ],
)
async def test_wrong_arguments_are_named_and_nothing_changes(
    clerk: Desk, line: str, words: str
) -> None:
    before = await held(clerk)
    shown = await clerk.give(line)
    assert shown.startswith(words)
    assert shown.endswith(UNSUCCESSFUL)
    assert clerk.script.questions == []
    assert await held(clerk) == before


async def test_a_trust_certificate_is_pasted_and_deleted_again(
    clerk: Desk, root: Authority
) -> None:
    lines = pem(root.certificate).decode().splitlines()
    assert await clerk.give("set cert import trust CallManager", lines) == (
        "Paste the Certificate and Hit Enter\n"
        + "".join(f"{line}\n" for line in lines)
        + "Successfully imported certificate for CallManager-trust.\n"
    )
    names = [one.subjectname for one in (await held(clerk)).in_store("CallManager-trust")]
    assert "CN=Enterprise Root" in names
    # cucm.md, section 1.5: `set cert delete CallManager siptest.pem`
    assert await clerk.give("set cert delete CallManager Enterprise_Root.pem") == (
        "Successfully deleted certificate Enterprise_Root.pem from CallManager-trust.\n"
    )
    names = [one.subjectname for one in (await held(clerk)).in_store("CallManager-trust")]
    assert "CN=Enterprise Root" not in names


async def test_a_signed_certificate_is_pasted_cucm_md_line_175(
    clerk: Desk, root: Authority
) -> None:
    operator = clerk.operations.operator()
    await clerk.give(
        "set cert import trust tomcat-trust", pem(root.certificate).decode().split("\n")
    )
    await generate_csr(operator, PUBLISHER, "tomcat")
    signed = root.sign(await show_csr(operator, PUBLISHER, "tomcat"))
    lines = pem(signed).decode().splitlines()
    shown = await clerk.give("set cert import own tomcat Enterprise_Root.pem", lines)
    assert shown.endswith(
        "-----END CERTIFICATE-----\n"
        "Successfully imported certificate for tomcat.\n"
        "Please restart services related to tomcat for the new certificate to\n"
        "become active.\n"
    )
    own = (await held(clerk)).own[PUBLISHER, "tomcat"]
    assert own.certificate_der == certificate_der(signed)


async def test_an_authority_that_is_not_trusted_is_refused_before_the_paste(clerk: Desk) -> None:
    shown = await clerk.give("set cert import own tomcat nobody.pem")
    assert shown == (
        f"CA certificate nobody.pem is not available in the trust-store\n{UNSUCCESSFUL}"
    )


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ([""], "Error reading the certificate"),
        (["rubbish", ""], "Error reading the certificate"),
        (["-----BEGIN CERTIFICATE-----", "AAAA", "-----END CERTIFICATE-----"], "Error reading"),
        (["x" * 1_000_001], "Error reading the certificate"),
    ],
)
async def test_a_paste_of_rubbish_is_refused_and_nothing_changes(
    clerk: Desk, answers: list[str], words: str
) -> None:
    before = await held(clerk)
    for what in ("own tomcat", "trust tomcat"):
        shown = await clerk.give(f"set cert import {what}", answers)
        assert words in shown
        assert shown.endswith(UNSUCCESSFUL)
    assert await held(clerk) == before


async def test_an_expired_certificate_is_refused(clerk: Desk, root: Authority) -> None:
    old = Authority("Old", issued=Issued(ends=NOW - timedelta(hours=1), is_authority=True))
    shown = await clerk.give(
        "set cert import trust tomcat", pem(old.certificate).decode().splitlines()
    )
    assert shown.endswith(f"The certificate has expired.\n{UNSUCCESSFUL}")
    assert root.name not in str(await held(clerk))


async def test_an_ordinary_user_knows_none_of_them(clerk: Desk) -> None:
    clerk.context = replace(clerk.context, level=0)
    assert await clerk.give("set cert regen tomcat", ["yes"]) == (
        f"{UNSUCCESSFUL}No valid command entered\n"
    )


async def test_during_an_upgrade_nothing_is_regenerated(clerk: Desk) -> None:
    clerk.operations.is_upgrading = True
    assert await clerk.give("set cert regen tomcat", ["yes"]) == (
        f"This command is not allowed during an upgrade.\n{UNSUCCESSFUL}"
    )
