"""Alternate file locations: what names one, and which a node has."""

import pytest

from cucmsim.services.filelocations import (
    ALTERNATE_FILE_LOCATIONS,
    FileLocation,
    Scheme,
    location_parameters,
    location_texts,
    parse_location,
)
from cucmsim.store.replica import Replica


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.1.1.1", FileLocation(Scheme.HTTP, "10.1.1.1", 6970)),
        (" cucm.lab.example:80 ", FileLocation(Scheme.HTTP, "cucm.lab.example", 80)),
        ("http://a", FileLocation(Scheme.HTTP, "a", 6970)),
        ("tftp://10.1.1.1", FileLocation(Scheme.TFTP, "10.1.1.1", 69)),
        ("tftp://10.1.1.1:65535", FileLocation(Scheme.TFTP, "10.1.1.1", 65535)),
    ],
)
def test_a_location_is_asked_over_http_unless_it_says_tftp(
    text: str, expected: FileLocation
) -> None:
    assert parse_location(text) == expected
    assert parse_location(str(expected)) == expected


@pytest.mark.parametrize(
    "text",
    ["", "ftp://a", "a:0", "a:65536", "a:x", "a/b", "a b", "-a", "a..b", ".".join(["a" * 60] * 5)],
)
def test_what_names_no_server_is_refused_with_what_is_expected(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_location(text)


def test_locations_come_in_the_order_of_their_parameters() -> None:
    held = location_parameters("", [f"host{number}" for number in range(1, 11)])
    replica = Replica(version=1, service_parameters=dict(reversed(held.items())))
    assert tuple(name for _, _, name in held) == ALTERNATE_FILE_LOCATIONS
    assert location_texts(replica, "cucm-pub") == tuple(f"host{n}" for n in range(1, 11))


@pytest.mark.parametrize(
    ("own", "expected"), [((), ("a", "b")), (("c",), ("c",)), (("", "d"), ("d",)), (("",), ())]
)
def test_a_node_with_locations_of_its_own_does_without_those_of_the_cluster(
    own: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    held = location_parameters("", ["a", "b"]) | location_parameters("cucm-pub", own)
    replica = Replica(version=1, service_parameters=held)
    assert location_texts(replica, "cucm-pub") == expected
    assert location_texts(replica, "cucm-sub") == ("a", "b")
