"""show itl and show ctl against every listing of the seeds, each named by document and line."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from cucmsim.formats.contents import (
    CtlContents,
    CtlNode,
    ItlContents,
    ctl_records,
    etoken_ctl_records,
    itl_records,
)
from cucmsim.formats.records import Record
from cucmsim.formats.trustlist import CTL_FILENAME, ITL_FILENAME, sign_trust_list
from cucmsim.pki.release import Release
from cucmsim.pki.signatures import Signer
from cucmsim.services.view import View
from cucmsim.store.rows import TftpFile
from tests.fixtures.listings import as_listed, document, parts_of
from tests.fixtures.seedclusters import SeedCluster
from tests.services.admin.conftest import Desk
from tests.services.conftest import PUBLISHER


@dataclass(frozen=True)
class Shown:
    """A listing of a document: its name, and when its file was last modified."""

    name: str
    modified: datetime


FULL = Shown("seed-001-160-show-ctl", datetime(2015, 3, 6, 20, 56, 7, tzinfo=UTC))
TOKENLESS = (
    Shown("seed-001-031-show-ctl", datetime(2015, 3, 6, 18, 45, 13, tzinfo=UTC)),
    Shown("seed-001-108-show-ctl", datetime(2015, 3, 6, 20, 56, 7, tzinfo=UTC)),
    Shown("seed-001-370-show-ctl", datetime(2015, 3, 9, 15, 59, 43, tzinfo=UTC)),
)
WITH_TOKENS = (
    Shown("seed-001-078-show-ctl", datetime(2015, 3, 6, 20, 48, 48, tzinfo=UTC)),
    Shown("seed-001-282-show-ctl", datetime(2015, 3, 6, 21, 53, 33, tzinfo=UTC)),
)
REGENERATED = Shown("seed-001-436-show-ctl", datetime(2015, 3, 9, 16, 7, 52, tzinfo=UTC))
BEFORE_RESET = Shown("seed-003-147-show-itl", datetime(2014, 2, 26, 18, 24, 27, tzinfo=UTC))
AFTER_RESET = Shown("seed-003-306-show-itl", datetime(2014, 2, 26, 18, 34, 46, tzinfo=UTC))
RELEASE_8 = Shown("seed-000-180-show-itl", datetime(2011, 7, 27, 14, 16, 24, tzinfo=UTC))


def ctl_contents(cluster: SeedCluster, callmanager: Signer | None = None) -> CtlContents:
    assert cluster.subscriber is not None
    publisher = (callmanager or cluster.callmanager).certificate
    return CtlContents(
        CtlNode("cucm-1051-a-pub", "10.48.47.153", publisher),
        (CtlNode("cucm-1051-a-sub1", "10.48.47.154", cluster.subscriber.certificate),),
        cluster.capf.certificate,
    )


async def ctl_shown(desk: Desk, signer: Signer, records: tuple[Record, ...], at: datetime) -> str:
    """Return what `show ctl` prints in Krakow."""
    data = sign_trust_list(signer, filename=CTL_FILENAME, records=records, timestamp=at)
    held = TftpFile(name=CTL_FILENAME, data=data, node=PUBLISHER)
    replica = replace(desk.context.view.replica, tftp_files={(PUBLISHER, CTL_FILENAME): held})
    desk.context = replace(desk.context, view=View(replica))
    return await shown(desk, "show ctl", "Europe/Warsaw")


async def shown(desk: Desk, line: str, time_zone: str) -> str:
    values = desk.context.platform.values
    await desk.context.platform.change(replace(values, time_zone=time_zone))
    return f"admin:{line}\n" + await desk.give(line)


def assert_holds(ours: str, listing: str) -> None:
    """Find every part of a listing in ours, in order; the first and the last at its ends."""
    text, at = as_listed(ours), 0
    parts = parts_of(listing)
    assert text.startswith(parts[0])
    assert text.endswith(parts[-1])
    for part in parts:
        found = text.find(part, at)
        assert found >= 0, part
        at = found + len(part)


async def test_a_whole_tokenless_ctl_is_listed_as_in_seed_001_lines_160_to_271(
    desk: Desk, seed_001: SeedCluster
) -> None:
    records = ctl_records(Release(10, 5), ctl_contents(seed_001))
    ours = await ctl_shown(desk, seed_001.callmanager, records, FULL.modified)
    assert as_listed(ours) == as_listed(document(FULL.name))


@pytest.mark.parametrize("listed", TOKENLESS, ids=lambda listed: listed.name)
async def test_a_tokenless_ctl_is_listed_as_in_seed_001(
    desk: Desk, seed_001: SeedCluster, listed: Shown
) -> None:
    records = ctl_records(Release(10, 5), ctl_contents(seed_001))
    ours = await ctl_shown(desk, seed_001.callmanager, records, listed.modified)
    assert_holds(ours, document(listed.name))


@pytest.mark.parametrize("listed", WITH_TOKENS, ids=lambda listed: listed.name)
async def test_a_ctl_of_etokens_is_listed_as_in_seed_001(
    desk: Desk, seed_001: SeedCluster, listed: Shown
) -> None:
    first, second = seed_001.tokens
    records = etoken_ctl_records(ctl_contents(seed_001), (first.certificate, second.certificate))
    assert_holds(await ctl_shown(desk, second, records, listed.modified), document(listed.name))


async def test_a_ctl_of_a_regenerated_publisher_is_listed_as_in_seed_001_lines_436_to_479(
    desk: Desk, seed_001: SeedCluster, regenerated_publisher: Signer
) -> None:
    contents = ctl_contents(seed_001, regenerated_publisher)
    records = ctl_records(Release(10, 5), contents)
    ours = await ctl_shown(desk, regenerated_publisher, records, REGENERATED.modified)
    assert_holds(ours, document(REGENERATED.name))


def itl_of(cluster: SeedCluster, release: Release, signer: Signer, at: datetime) -> bytes:
    recovery = cluster.itl_recovery
    contents = ItlContents(
        cluster.callmanager.certificate,
        tuple(one.certificate for one in cluster.tvs),
        cluster.capf.certificate,
        None if recovery is None else recovery.certificate,
    )
    records = itl_records(release, contents)
    return sign_trust_list(signer, filename=ITL_FILENAME, records=records, timestamp=at)


async def test_a_whole_itl_is_listed_as_in_seed_003_lines_147_to_299(
    desk: Desk, seed_003: SeedCluster
) -> None:
    desk.operations.files[ITL_FILENAME] = itl_of(
        seed_003, Release(10), seed_003.callmanager, BEFORE_RESET.modified
    )
    ours = await shown(desk, "show itl", "America/Los_Angeles")
    assert as_listed(ours) == as_listed(document(BEFORE_RESET.name))


async def test_a_whole_itl_after_a_reset_is_listed_as_in_seed_003_lines_306_to_454(
    desk: Desk, seed_003: SeedCluster
) -> None:
    assert seed_003.itl_recovery is not None
    desk.operations.files[ITL_FILENAME] = itl_of(
        seed_003, Release(10), seed_003.itl_recovery, AFTER_RESET.modified
    )
    ours = await shown(desk, "show itl", "America/Los_Angeles")
    assert as_listed(ours) == as_listed(document(AFTER_RESET.name))


async def test_an_itl_of_release_8_is_listed_as_in_seed_000_lines_180_to_301(
    desk: Desk, seed_000: SeedCluster
) -> None:
    desk.context = replace(desk.context, release=Release.parse("8.6"))
    desk.operations.files[ITL_FILENAME] = itl_of(
        seed_000, Release(8), seed_000.callmanager, RELEASE_8.modified
    )
    ours = await shown(desk, "show itl", "America/New_York")
    assert_holds(ours.removeprefix("admin:show itl\n"), document(RELEASE_8.name))
