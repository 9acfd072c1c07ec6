"""`cucmsim phone boot --dhcp`: which options go together, and what is said when it cannot be."""

import pytest

from cucmsim.cli.phonedhcp import mac_of, saying_what_is_missing, silence_of, with_servers
from cucmsim.errors import CommandError
from cucmsim.phone.dhcp import DhcpFinder
from cucmsim.phone.interface import InterfaceError, read_interface
from cucmsim.phone.performer import FileServer, Network
from cucmsim.phone.values import PhoneIdentity

IDENTITY = PhoneIdentity("001B54C25A01", "8861")
NETWORK = Network(ports=FileServer("", http_port=8000))


def test_a_phone_has_the_mac_address_it_is_given_else_the_interface_s() -> None:
    assert mac_of("001B54C25A01", None) == "001B54C25A01"
    assert mac_of("001B54C25A01", "lo") == "001B54C25A01"
    assert mac_of(None, "lo") == read_interface("lo").mac.hex() == "000000000000"


@pytest.mark.parametrize(
    ("dhcp", "said"), [(None, "--mac is missing"), ("no9", "no interface no9")]
)
def test_a_mac_address_that_nobody_gives_is_an_error_of_usage(dhcp: str | None, said: str) -> None:
    with pytest.raises(CommandError, match=said) as caught:
        mac_of(None, dhcp)
    assert caught.value.exit_status == 2


def test_servers_that_are_named_keep_the_ports_of_the_options() -> None:
    network = with_servers(NETWORK, ["192.0.2.1:6969", "tftp.lab.example"], None, IDENTITY)
    assert network.servers == (
        FileServer("192.0.2.1", 6969, http_port=8000),
        FileServer("tftp.lab.example", 69, http_port=8000),
    )
    assert network.finder is None
    assert silence_of(network) == ("no TFTP server answers (192.0.2.1:6969, tftp.lab.example:69)")


def test_servers_that_dhcp_names_are_looked_for_at_the_interface() -> None:
    network = with_servers(NETWORK, [], "lo", IDENTITY)
    assert isinstance(network.finder, DhcpFinder)
    assert network.finder.interface == "lo"
    assert network.servers == ()
    assert "no DHCP server answers on lo" in silence_of(network)


@pytest.mark.parametrize(
    ("tftp", "dhcp", "said"),
    [
        ([], None, "expected --tftp HOST.* or --dhcp INTERFACE, one of both"),
        (["192.0.2.1"], "lo", "one of both"),
        ([], "no9", "--dhcp no interface no9, expected one of .*lo"),
    ],
)
def test_one_of_both_options_is_needed(tftp: list[str], dhcp: str | None, said: str) -> None:
    with pytest.raises(CommandError, match=said) as caught:
        with_servers(NETWORK, tftp, dhcp, IDENTITY)
    assert caught.value.exit_status == 2


def test_what_an_interface_is_not_allowed_is_an_error_of_usage() -> None:
    problem = InterfaceError("eth0: needs CAP_NET_RAW")
    with (
        pytest.raises(CommandError, match="--dhcp eth0: needs") as caught,
        saying_what_is_missing(),
    ):
        raise problem
    assert caught.value.exit_status == 2
