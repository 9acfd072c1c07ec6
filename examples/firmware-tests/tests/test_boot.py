"""Plain tests: each has a cluster of its own, and a phone that it may boot."""

import pytest

from cucmsim.testing import ClusterUnderTest, PhoneUnderTest

TFTP, TVS = "Cisco Tftp", "Cisco Trust Verification Service"


def test_a_phone_registers(cucm_phone: PhoneUnderTest) -> None:
    assert cucm_phone.boot().registered == "cucm-pub"


@pytest.mark.parametrize("release", ["8.6", "14"])
def test_a_phone_registers_on_any_release(cucm, release: str) -> None:
    cluster = cucm.cluster(release=release, nodes=1, phones=["8861"])
    assert cucm.phone(cluster).boot().registered


@pytest.mark.cucm(mode="mixed", phones=["8861"])
def test_in_mixed_mode_a_phone_holds_a_ctl(
    cucm_phone: PhoneUnderTest, cucm_cluster: ClusterUnderTest
) -> None:
    cucm_phone.boot()
    assert cucm_phone.trusts("callmanager")
    assert cucm_cluster.journal.find(device=cucm_phone.name, request="CTLSEP")
    assert "Length of CTL file" in cucm_cluster.command("show ctl").text


@pytest.mark.cucm(release="9.1", nodes=1)
def test_a_phone_that_was_off_is_locked_out_until_its_itl_is_erased(
    cucm_phone: PhoneUnderTest, cucm_cluster: ClusterUnderTest
) -> None:
    cucm_phone.boot()
    cucm_phone.switch_off()
    cucm_cluster.regenerate("CallManager")
    cucm_cluster.advance(minutes=6)  # the server refuses a second one within five minutes
    cucm_cluster.regenerate("TVS")
    cucm_cluster.restart(TVS, TFTP)
    cucm_phone.boot()
    assert cucm_phone.is_locked
    cucm_phone.erase_trust_lists()
    cucm_phone.boot()
    assert cucm_phone.follows


def test_when_tvs_distrusts_the_directory_is_refused(
    cucm_phone: PhoneUnderTest, cucm_cluster: ClusterUnderTest
) -> None:
    cucm_phone.boot()
    cucm_cluster.faults.add("tvs-not-trusted", times=1)
    assert not cucm_phone.trusts("tomcat")
    assert cucm_cluster.wait_for(fault="tvs-not-trusted").device == cucm_phone.name
    assert cucm_phone.trusts("tomcat"), "the fault was for one question"


@pytest.mark.cucm(faults=[{"kind": "tftp-drop", "times": 1, "block": 3}])
def test_a_lost_packet_is_asked_for_again(
    cucm_phone: PhoneUnderTest, cucm_cluster: ClusterUnderTest
) -> None:
    assert cucm_phone.boot().registered
    assert cucm_cluster.faults.held[0].used == 1


@pytest.mark.cucm(scope="module", clock="manual")
class TestOneClusterForAll:
    """These share a cluster, as tests that change nothing may."""

    @pytest.mark.parametrize("service", ["tftp", "http", "tvs", "sip"])
    def test_a_service_has_a_port(self, cucm_cluster: ClusterUnderTest, service: str) -> None:
        assert cucm_cluster.port(service)

    def test_a_reset_is_obeyed(self, cucm_phone: PhoneUnderTest) -> None:
        cucm_phone.boot()
        assert cucm_phone.reset().registered == "cucm-pub"
