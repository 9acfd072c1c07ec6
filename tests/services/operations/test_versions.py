"""Numbers of versions, names of images, and what a node has on its sides."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cucmsim.errors import StoreError
from cucmsim.pki.release import Release
from cucmsim.services.operations.operator import Operator
from cucmsim.services.operations.versions import (
    Installation,
    Sides,
    Version,
    active_release,
    has_sides,
    is_upgrading,
    put_sides,
    sides_of,
    version_of_image,
)
from tests.services.operations.conftest import NOW, PUBLISHER, SUBSCRIBER


@pytest.mark.parametrize(
    ("number", "release"),
    [
        ("15.0.1.11900-40", "15SU1"),  # cucm.md 1.7
        ("12.5.1.10000-22", "12.5"),
        ("12.5.1.13900-152", "12.5SU3"),
        ("12.5.1.14068-1", "12.5SU3"),  # a special on top of it
        ("10.5.2.12901-1", "10.5(2)SU2"),
        ("11.5.1.18900-97", "11.5SU8"),
        ("11.5.1.22900-28", "11.5SU10"),
        ("8.6.2.20000-2", "8.6(2)"),
    ],
)
def test_a_number_names_its_release(number: str, release: str) -> None:
    version = Version.parse(number)
    assert version.release == Release.parse(release)
    assert str(version) == number


@pytest.mark.parametrize("release", ["8.0", "10.5(2)SU2", "11.5SU10", "12.5SU12", "15SU1"])
def test_the_version_of_a_described_release_leads_back_to_it(release: str) -> None:
    version = Version.of(Release.parse(release))
    assert version.release == Release.parse(release)
    assert Version.parse(str(version)) == version


@pytest.mark.parametrize(
    "number", ["", "12.5", "7.1.5.10000-12", "16.0.1.10000-1", "12.5.1.10000", "12.5.1.1000-22"]
)
def test_what_is_no_version_is_refused(number: str) -> None:
    with pytest.raises(ValueError, match="version"):
        Version.parse(number)


def test_versions_are_ordered_by_release_and_then_by_build() -> None:
    numbers = ["9.1.2.10000-28", "10.5.2.10000-5", "10.5.2.11900-3", "10.5.2.11901-1"]
    assert sorted(map(Version.parse, reversed(numbers))) == list(map(Version.parse, numbers))


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("UCSInstall_UCOS_12.5.1.10000-22.sgn.iso", "12.5.1.10000-22"),
        ("UCSInstall_UCOS_UNRST_10.5.2.10000-5.sgn.iso", "10.5.2.10000-5"),
        ("Bootable_UCSInstall_UCOS_14.0.1.10000-20.sha512.iso", "14.0.1.10000-20"),
    ],
)
def test_the_name_of_an_image_says_what_it_installs(name: str, version: str) -> None:
    assert version_of_image(name) == Version.parse(version)


@pytest.mark.parametrize(
    "name",
    [
        "UCSInstall_UCOS_12.5.1.10000-22.iso",
        "UCSInstall_UCOS_7.1.5.10000-12.sgn.iso",
        "ciscocm.free_common_space_v1.5.cop.sgn",
        "x UCSInstall_UCOS_12.5.1.10000-22.sgn.iso",
    ],
)
def test_other_files_are_no_images(name: str) -> None:
    assert version_of_image(name) is None


async def test_what_a_node_has_is_kept_until_something_else_is(operator: Operator) -> None:
    old, new = Version.parse("9.1.2.10000-28"), Version.parse("10.5.2.10000-5")
    full = Sides(old, new, Installation(new, NOW + timedelta(minutes=1), switches=True))
    for sides in (full, replace(full, installation=None), Sides(new)):
        async with operator.store.transaction() as transaction:
            await put_sides(transaction, PUBLISHER, sides)
        replica = await operator.newest()
        assert sides_of(replica, PUBLISHER) == sides
        assert is_upgrading(replica, PUBLISHER) is (sides == full)
        assert active_release(replica, PUBLISHER) == sides.active.release
    assert (has_sides(replica, PUBLISHER), has_sides(replica, SUBSCRIBER)) == (True, False)


@pytest.mark.parametrize(
    ("parameter", "value", "text"),
    [
        ("Other", "x", "has no version"),
        ("ActiveVersion", "new", "cannot be read: 'new' is no version"),
        ("Installation", "10.5.2.10000-5", "cannot be read"),
        ("Installation", f"10.5.2.10000-5 {'9' * 30} stay", "cannot be read"),
    ],
)
async def test_a_node_whose_version_cannot_be_told_is_named(
    operator: Operator, parameter: str, value: str, text: str
) -> None:
    async with operator.store.transaction() as transaction:
        if parameter == "Installation":
            await put_sides(transaction, PUBLISHER, Sides(Version.parse("9.1.2.10000-28")))
        await transaction.set_service_parameter("cucmsim", parameter, value, PUBLISHER)
    with pytest.raises(StoreError, match=f"node 'cucm-pub' .*{text}|{text}"):
        sides_of(await operator.newest(), PUBLISHER)
