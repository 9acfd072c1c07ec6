"""Scenario rollback-itl: a non-secure cluster lets its phones go (seeds 000 and 002)."""

from pathlib import Path

import pytest

from cucmsim.phone.values import FileKind, PhoneIdentity, TrustSource
from tests.fixtures.clusters import PUBLISHER
from tests.fixtures.phonelab import PhoneLab
from tests.scenarios.bench import (
    FAILED,
    NEW,
    OLD,
    Administrator,
    Handset,
    accepted,
)

BOTH = pytest.mark.parametrize("identity", [OLD, NEW], ids=["79xx", "88xx"])

pytestmark = pytest.mark.usefixtures("quiet")


def another(phones: PhoneLab, directory: Path) -> PhoneLab:
    """Describe another cluster at the same addresses."""
    other = phones.clone(directory)
    other.lab.phones = phones.lab.phones
    return other


@BOTH
async def test_rollback_itl_is_needed_before_the_phones_leave(
    phones: PhoneLab, identity: PhoneIdentity, tmp_path: Path
) -> None:
    async with phones.lab.running() as cluster:
        handset, admin = Handset(identity, phones.network()), Administrator(cluster)
        await handset.boot()
        await admin.prepare_rollback()
        # the phone is switched off and never sees the emptied ITL
    other = another(phones, tmp_path / "other")
    async with other.lab.running():
        moved = handset.moved(other.network())
        summary = await moved.boot()

    assert accepted(summary) == []
    assert moved.flash == handset.flash
    assert FAILED[identity] in moved.messages


@BOTH
async def test_rollback_itl_resets_registered_phones_by_itself_from_10_5(
    phones: PhoneLab, identity: PhoneIdentity
) -> None:
    async with phones.lab.running() as cluster:
        handset = Handset(identity, phones.network(), registering=True)
        await handset.boot()
        held = handset.flash.itl
        async with handset.staying():
            await Administrator(cluster).prepare_rollback()
            summary = await handset.boots.get()

    assert accepted(summary)[0] == (FileKind.ITL, TrustSource.ITL)
    assert handset.flash.itl != held
    assert summary.registered == PUBLISHER
