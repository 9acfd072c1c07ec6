"""Phones in containers move to the second cluster and back: DHCP sends them, SFTP lies between.

Both clusters are in mixed mode. The administrator has the command lines of their nodes, and option
150 of a real DHCP server.
"""

import json
from collections.abc import Iterator

import pytest

from tests.docker.lab import CONFIG, SECOND_CONFIG, Lab, run, until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

COUNT = 2
TVS = "utils service restart Cisco Trust Verification Service"
HOME, AWAY = "11 12 13", "21 22"
"""What option 150 says: the last numbers of the TFTP servers of the two clusters."""
CLUSTERS = {
    CONFIG: ("publisher", "subscriber", "subscriber2"),
    SECOND_CONFIG: ("second-publisher", "second-subscriber"),
}


@pytest.fixture
def moving(two_clusters: Lab) -> Iterator[Lab]:
    """Return a lab with phones that are registered at home; put option 150 back in the end."""
    try:
        two_clusters.start_phones(COUNT)
        yield two_clusters
    finally:
        two_clusters.remove_phones()
        two_clusters.move_option(HOME)


def test_phones_move_to_the_second_cluster_and_back_once_certificates_were_exchanged(
    moving: Lab,
) -> None:
    assert _registered(moving) == (COUNT, 0)

    refused = _send(moving, AWAY, CONFIG)
    assert _registered(moving) == (COUNT, 0)
    assert all("refused        CTLFile.tlv: TVS does not trust it" in said for said in refused)

    _exchange_certificates(moving)
    moved = _send(moving, AWAY, CONFIG)
    assert _registered(moving) == (0, COUNT)
    assert all(
        "accepted       CTLFile.tlv: by TVS, signed by CN=second-pub" in said for said in moved
    )
    assert _current(moving, SECOND_CONFIG) == COUNT

    back = _send(moving, HOME, SECOND_CONFIG)
    assert _registered(moving) == (COUNT, 0)
    assert all("accepted       CTLFile.tlv: by TVS, signed by CN=cucm-pub" in said for said in back)
    assert _current(moving, CONFIG) == COUNT


def _exchange_certificates(lab: Lab) -> None:
    """Export both clusters' certificates, consolidate them, import them; restart TVS."""
    server = (f"{lab.net}.31", "2022", "lab", "change-me-2022", "/", "yes")
    for config, (publisher, *_) in CLUSTERS.items():
        said = lab.administer(
            publisher, "set cert bulk sftp", *server, "set cert bulk export all", config=config
        )
        assert "Successfully exported tftp certificate(s) to sftp server." in said, said
    said = lab.administer("publisher", "set cert bulk consolidate all")
    assert "Successfully consolidated tftp certificates." in said, said
    for config, nodes in CLUSTERS.items():
        said = lab.administer(nodes[0], "set cert bulk import all", config=config)
        assert "Successfully imported tftp certificates." in said, said
        for node in nodes:
            said = lab.administer(node, TVS, config=config)
            assert "Cisco Trust Verification Service[STARTED]" in said, said


def _send(lab: Lab, option: str, config: str) -> list[str]:
    """Move option 150, reset the phones where they are; return what each printed of its boot."""
    phones = lab.containers("phone")
    before = [len(_printed(phone)) for phone in phones]
    lab.move_option(option)
    lab.exec(CLUSTERS[config][0], "cucmsim", "reset", config, "--all")
    server = f"TFTP servers {lab.net}.{option.split(maxsplit=1)[0]}, "

    def said() -> list[str]:
        return [_printed(phone)[size:] for phone, size in zip(phones, before, strict=True)]

    until(
        lambda: all("\n  registered " in each for each in said()), 240, "booted again", poll_s=0.5
    )
    assert all(server in each for each in said())
    return said()


def _printed(phone: str) -> str:
    return run(["docker", "logs", phone]).stdout


def _registered(lab: Lab) -> tuple[int, int]:
    """Return how many phones are registered with the first and with the second cluster."""
    first, second = (
        len([one for one in _devices(lab, config) if one["registration"] is not None])
        for config in CLUSTERS
    )
    return first, second


def _current(lab: Lab, config: str) -> int:
    """Return how many registered phones hold the trust lists that their cluster serves now."""
    held = [one["trust"] for one in _devices(lab, config) if one["registration"] is not None]
    return len([one for one in held if (one["ctl"], one["itl"]) == ("current", "current")])


def _devices(lab: Lab, config: str) -> list[dict[str, dict[str, str]]]:
    """Return the phones in containers as a cluster knows them."""
    service = CLUSTERS[config][0]
    shown = lab.exec(service, *f"cucmsim device list {config} --match SEP0242C --json".split())
    found: list[dict[str, dict[str, str]]] = json.loads(shown.stdout)
    return found
