"""Scenarios mixed-mode, token-to-tokenless, tokenless-to-token, ctl-regen, ctl-left-behind.

Source: seed 001; cucm.md 1.2, 1.3, 3.6.
"""

import pytest

from cucmsim.cluster.cluster import Cluster
from cucmsim.formats.trustlist import CTL_FILENAME, decode_trust_list
from cucmsim.phone.values import FileKind, PhoneIdentity, TrustSource
from tests.fixtures.clusters import PUBLISHER, SUBSCRIBER
from tests.fixtures.phonelab import PhoneLab
from tests.scenarios.bench import (
    NEW,
    OLD,
    TFTP,
    TVS,
    Administrator,
    Handset,
    accepted,
    asked,
    refused,
)
from tests.scenarios.trustlists import (
    CALLMANAGER,
    insert_tokens,
    make_tokens,
    operate,
    set_mixed_mode,
    signer,
    trust_tokens,
)

BOTH = pytest.mark.parametrize("identity", [OLD, NEW], ids=["79xx", "88xx"])
RELEASES = pytest.mark.parametrize("release", ["10.5(2)", "12.5"])
DIALOG = "The Security Token you have inserted does not exist in the CTL File"

pytestmark = pytest.mark.usefixtures("quiet")


def served(cluster: Cluster, node: str = PUBLISHER) -> bytes | None:
    held = cluster.view.replica.tftp_file(CTL_FILENAME, node)
    return None if held is None else held.data


@BOTH
@RELEASES
async def test_mixed_mode_a_phone_with_only_an_itl_takes_the_ctl_by_it(
    phones: PhoneLab, identity: PhoneIdentity, release: str
) -> None:
    phones.lab.release = release
    async with phones.lab.running() as cluster:
        handset, admin = Handset(identity, phones.network()), Administrator(cluster)
        first = await handset.boot()
        without = handset.flash.ctl
        await set_mixed_mode(admin)
        summary = await handset.boot()
        unit = signer(cluster, handset.flash.ctl)

    assert FileKind.CTL not in dict(accepted(first))
    assert without is None
    assert accepted(summary)[0] == (FileKind.CTL, TrustSource.ITL)
    assert refused(summary) == []
    assert asked(cluster, "tvs") == []
    assert unit == ("ITLRecovery" if release == "12.5" else "CallManager")


@BOTH
async def test_ctl_regen_the_new_signer_is_trusted_through_tvs(
    phones: PhoneLab, identity: PhoneIdentity
) -> None:
    async with phones.lab.running() as cluster:
        handset, admin = Handset(identity, phones.network()), Administrator(cluster)
        await set_mixed_mode(admin)
        await handset.boot()
        old = handset.flash.ctl
        await admin.regenerate("CallManager")
        await admin.restart(TVS, TFTP)
        await operate(admin, "ctl", task="update")
        await admin.restart(TFTP, CALLMANAGER)
        summary = await handset.boot()

    assert accepted(summary)[0] == (FileKind.CTL, TrustSource.TVS)
    assert refused(summary) == []
    assert handset.flash.ctl not in (None, old)


@BOTH
@RELEASES
async def test_ctl_left_behind_is_taken_until_it_is_deleted_on_every_node(
    phones: PhoneLab, identity: PhoneIdentity, release: str
) -> None:
    phones.lab.release = release
    async with phones.lab.running() as cluster:
        admin = Administrator(cluster)
        await set_mixed_mode(admin)
        await operate(admin, "security-mode", mode="non-secure")
        await admin.restart(TFTP, CALLMANAGER)
        taken = Handset(identity, phones.network())
        await taken.boot()
        for node in (PUBLISHER, SUBSCRIBER):
            said = await operate(admin, "ctl", node, task="delete")
            await admin.restart(TFTP, node=node)
        fresh = Handset(identity, phones.network())
        summary = await fresh.boot()

    assert taken.flash.ctl is not None
    lengths = [record.length for record in decode_trust_list(taken.flash.ctl).records]
    assert lengths.count(5 + 3 + 10 + 5 + 7) == 2
    assert said == ["files: found = 1, deleted = 1"]
    assert fresh.flash.ctl is None
    assert refused(summary) == []


@BOTH
async def test_token_to_tokenless_phones_ask_tvs_for_the_unknown_signer(
    phones: PhoneLab, identity: PhoneIdentity
) -> None:
    phones.lab.release = "10.5"
    async with phones.lab.running() as cluster:
        handset, admin = Handset(identity, phones.network()), Administrator(cluster)
        tokens = await make_tokens(admin)
        await insert_tokens(admin, "mixed-mode", *tokens)
        await admin.restart(TFTP, CALLMANAGER)
        await handset.boot()
        by_token = signer(cluster, handset.flash.ctl)
        asked_before = len(asked(cluster, "tvs"))
        await admin.regenerate("CallManager")
        await admin.restart(TVS)
        await operate(admin, "ctl", task="update")
        await admin.restart(TFTP, CALLMANAGER)
        summary = await handset.boot()
        tokenless = signer(cluster, handset.flash.ctl)

    assert (by_token, tokenless) == ("", "CallManager")
    assert asked_before == 0
    assert accepted(summary)[0] == (FileKind.CTL, TrustSource.TVS)
    assert refused(summary) == []


@BOTH
async def test_tokenless_to_token_is_refused_until_the_ctl_is_deleted_and_the_tokens_trusted(
    phones: PhoneLab, identity: PhoneIdentity
) -> None:
    phones.lab.release = "10.5"
    async with phones.lab.running() as cluster:
        handset, admin = Handset(identity, phones.network()), Administrator(cluster)
        await set_mixed_mode(admin)
        await handset.boot()
        tokens = await make_tokens(admin)
        with_ctl = await insert_tokens(admin, "update", *tokens)
        for node in (PUBLISHER, SUBSCRIBER):
            await operate(admin, "ctl", node, task="delete")
        untrusted = await insert_tokens(admin, "update", *tokens)
        assert served(cluster) is None
        await trust_tokens(cluster, *tokens)
        done = await insert_tokens(admin, "update", *tokens)
        await admin.restart(TFTP, CALLMANAGER)
        summary = await handset.boot()

    assert with_ctl[0].startswith(DIALOG)
    assert untrusted[0].startswith(DIALOG)
    assert done[0].startswith("No CTL File exists on the server")
    assert accepted(summary)[0] == (FileKind.CTL, TrustSource.TVS)
    assert refused(summary) == []
    assert handset.flash.ctl == served(cluster)
