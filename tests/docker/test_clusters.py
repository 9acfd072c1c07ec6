"""Two clusters in one lab, and the SFTP server between them."""

import pytest

from tests.docker.lab import CONFIG, SECOND_CONFIG, Lab

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

_SERVER = ("set cert bulk sftp", "exchange", "2022", "lab", "change-me-2022", "/", "yes")


def test_both_clusters_leave_their_certificates_at_the_exchange(two_clusters: Lab) -> None:
    for service, config in (("publisher", CONFIG), ("second-publisher", SECOND_CONFIG)):
        lines = (*_SERVER, "set cert bulk export tftp", "set cert bulk consolidate tftp")
        said = two_clusters.administer(service, *lines, config=config)
        assert "Successfully exported tftp certificate(s) to sftp server." in said
        assert "Successfully consolidated tftp certificates." in said
    held = two_clusters.exec("exchange", "ls", "data/files").stdout.split()
    assert {"cucm-pub_tftp.p12", "cucm-sub2_tftp.p12", "second-sub_tftp.p12", "tftp.p12"} < {*held}
    said = two_clusters.administer("publisher", "set cert bulk import tftp", "show cert list trust")
    assert "Successfully imported tftp certificates." in said
    assert "Phone-SAST-trust/second-sub.lab.example.pem" in said
