"""What the store is to hold for a description: the ports that phones are told."""

from cucmsim.cluster.description import describe_settings
from tests.fixtures.clusters import PUBLISHER, SUBSCRIBER, Lab

_NODES = f"""
[[nodes]]
name = "{PUBLISHER}"
address = "127.0.1.1"
role = "publisher"

[[nodes]]
name = "{SUBSCRIBER}"
address = "127.0.1.1"
role = "subscriber"
ports = {{ tftp = [69, 6969], sip = 0, offset = 1000 }}
"""


def test_a_node_s_ports_are_stored_by_the_keys_of_the_description(lab: Lab) -> None:
    lab.nodes = _NODES
    publisher, subscriber = describe_settings(lab.settings()).nodes
    assert publisher.ports == {
        "tftp": 6969,
        "http": 6970,
        "https": 6971,
        "https_client": 6972,
        "tvs": 2445,
        "capf": 3804,
        "sip": 5060,
        "sip_tls": 5061,
        "sccp": 2000,
        "sccp_tls": 2443,
        "web": 8443,
        "ssh": 2222,
    }
    expected = {key: port + 1000 for key, port in publisher.ports.items()}
    assert subscriber.ports == expected | {"tftp": 1069, "sip": 0}
