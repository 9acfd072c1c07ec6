"""Addresses and ports of a lab: its own, the same for the same number, and a person's."""

import pytest

from cucmsim.errors import StartError
from cucmsim.testing import places
from cucmsim.testing.places import GivenPlace, Place

NUMBER = 58_000


def test_the_same_number_is_the_same_place_and_not_for_two_at_once() -> None:
    with Place.take(NUMBER) as place:
        address = place.address(1)
        with pytest.raises(StartError, match="another run with the same seed is under way"):
            Place.take(NUMBER)
    with Place.take(NUMBER) as again:
        assert again.address(1) == address
        assert again.phone_ends(0).address != address


def test_a_block_of_ports_gives_nobody_the_port_of_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(places, "_has_addresses", lambda: False)
    with Place.take() as place:
        taken = [port for node in (1, 2, 10) for port in place.ports(node).values()]
        for node in (1, 2, 10):
            first, _, last = place.transfer_ports(node).partition("-")
            taken += range(int(first), int(last) + 1)
        ends = [place.phone_ends(phone) for phone in range(5)]
        for one in ends:
            with one.bind_datagrams() as bound:
                taken.append(bound.getsockname()[1])
        assert len(taken) == len(set(taken))
        assert place.address(1) == place.address(2) == ends[0].address
        with pytest.raises(StartError, match="found 6 phones, expected 5 on one address"):
            place.phone_ends(5)


def test_given_addresses_are_those_of_the_nodes_with_tftp_where_phones_look() -> None:
    with GivenPlace(["192.0.2.1", "192.0.2.2"]) as place:
        assert [place.address(node) for node in (1, 2)] == ["192.0.2.1", "192.0.2.2"]
        assert place.ports(1) == {"tftp": 69}
        assert place.phone_address(0) is None
        with pytest.raises(StartError, match="expected an address for node 3 besides"):
            place.address(3)
