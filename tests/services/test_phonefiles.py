"""What the configuration of a phone says, given what the store holds."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from lxml import etree

from cucmsim.pki.release import Release
from cucmsim.services.phonefiles import PhoneFiles, encryption_certificate
from cucmsim.services.staticfiles import BUILT_IN_FILES, SOFT_KEY_FILE
from cucmsim.store.replica import Replica
from cucmsim.store.rows import AuthenticationMode, Device, PendingOperation

PUBLISHER = "cucm-1051-a-pub"
SUBSCRIBER = "cucm-1051-a-sub1"
PHONE = "SEPB000B4BA0AEE"
OLD_PHONE = "SEP0011215A1AE3"

VectorBytes = Callable[[str], bytes]


def _root(data: bytes) -> etree._Element:
    root = etree.fromstring(data, etree.XMLParser(recover=True, resolve_entities=False))
    assert root is not None
    return root


def _full(replica: Replica, device: Device) -> etree._Element:
    return _root(PhoneFiles(replica, PUBLISHER, Release(12, 5)).full(device))


def _phone(replica: Replica, **changes: object) -> Device:
    return replace(replica.devices[PHONE], **changes)  # type: ignore[arg-type]  # checked by use


def test_servers_are_told_in_the_order_of_the_group(two_nodes: Replica) -> None:
    root = _full(two_nodes, two_nodes.devices[PHONE])
    managers = root.iterfind("devicePool/callManagerGroup/members/member/callManager")
    assert [m.findtext("processNodeName") for m in managers] == [SUBSCRIBER, PUBLISHER]
    tvs = root.iterfind("TVS/members/member")
    assert [(m.findtext("address"), m.findtext("port")) for m in tvs] == [
        (SUBSCRIBER, "2445"),
        (PUBLISHER, "2445"),
    ]
    assert root.findtext("capfList/capf/processNodeName") == PUBLISHER


def test_ports_other_than_the_usual_are_told(two_nodes: Replica) -> None:
    ports = {"tvs": 12445, "capf": 13804, "sccp": 12000, "sip": 15060, "sip_tls": 15061}
    root = _full_with_ports(two_nodes, {**ports, "web": 18443})
    assert [port.text for port in root.iterfind("TVS/members/member/port")] == ["2445", "12445"]
    assert root.findtext("capfList/capf/phonePort") == "13804"
    assert _manager_ports(root) == [("2000", "5060", "5061"), ("12000", "15060", "15061")]
    directory = f"https://{PUBLISHER}:18443/ccmcip/xmldirectory.jsp"
    assert root.findtext("secureDirectoryURL") == directory


def test_the_usual_ports_are_told_where_any_free_one_is_taken(two_nodes: Replica) -> None:
    keys = ("tvs", "capf", "sccp", "sip", "sip_tls", "web")
    root = _full_with_ports(two_nodes, dict.fromkeys(keys, 0))
    assert _manager_ports(root) == [("2000", "5060", "5061")] * 2
    assert [port.text for port in root.iterfind("TVS/members/member/port")] == ["2445"] * 2
    assert root.findtext("capfList/capf/phonePort") == "3804"


def _full_with_ports(replica: Replica, ports: Mapping[str, int]) -> etree._Element:
    shifted = replace(replica.nodes[PUBLISHER], ports=ports)
    changed = replace(replica, nodes={**replica.nodes, PUBLISHER: shifted})
    return _full(changed, changed.devices[PHONE])


def _manager_ports(root: etree._Element) -> list[tuple[str | None, ...]]:
    names = ("ethernetPhonePort", "sipPort", "securedSipPort")
    found = root.iterfind("devicePool/callManagerGroup/members/member/callManager/ports")
    return [tuple(ports.findtext(name) for name in names) for ports in found]


def test_a_node_without_tvs_is_no_tvs_server(two_nodes: Replica) -> None:
    quiet = replace(two_nodes.nodes[SUBSCRIBER], services=("tftp",))
    replica = replace(two_nodes, nodes={**two_nodes.nodes, SUBSCRIBER: quiet})
    root = _full(replica, replica.devices[PHONE])
    assert [a.text for a in root.iterfind("TVS/members/member/address")] == [PUBLISHER]
    assert len(root.findall("devicePool/callManagerGroup/members/member")) == 2


def test_the_phone_s_own_data_are_told(two_nodes: Replica) -> None:
    device = two_nodes.devices[PHONE]
    root = _full(two_nodes, device)
    assert root.findtext("versionStamp") == device.versionstamp
    assert root.get("uuid") == f"{{{device.pkid}}}"
    assert root.get("ctiid") == "685"
    assert root.findtext("loadInformation") == "sip88xx.12-1-1SR1-4"
    line = root.find("sipProfile/sipLines/line")
    assert line is not None
    assert line.findtext("featureLabel") == "Łódź & more"
    assert root.findtext("sipProfile/softKeyFile") == SOFT_KEY_FILE
    assert SOFT_KEY_FILE in BUILT_IN_FILES


def test_what_the_device_says_goes_before_what_its_model_says(two_nodes: Replica) -> None:
    root = _full(two_nodes, _phone(two_nodes, load_information="sip88xx.14", ctiid=548))
    assert root.findtext("loadInformation") == "sip88xx.14"
    assert root.get("ctiid") == "548"


@pytest.mark.parametrize(
    ("model", "protocol", "load"),
    [
        ("7962", "SCCP", "SCCP42.9-4-2SR3-1S"),
        ("Cisco 7962", "SIP", "SIP42.9-4-2SR3-1S"),
        ("8861", "SCCP", ""),
        ("9999", "SIP", ""),
    ],
)
def test_the_load_is_the_model_s_for_the_protocol(
    two_nodes: Replica, model: str, protocol: str, load: str
) -> None:
    root = _full(two_nodes, _phone(two_nodes, model=model, protocol=protocol))
    assert (root.findtext("loadInformation") or "") == load


def test_a_phone_in_an_unknown_pool_still_gets_a_file(two_nodes: Replica) -> None:
    root = _full(two_nodes, _phone(two_nodes, device_pool="gone"))
    assert root.findall("devicePool/callManagerGroup/members/member") == []


def test_a_pool_of_an_unknown_group_has_no_members(two_nodes: Replica) -> None:
    replica = replace(two_nodes, groups={})
    root = _full(replica, replica.devices[PHONE])
    assert root.findall("devicePool/callManagerGroup/members/member") == []
    assert root.findtext("devicePool/callManagerGroup/tftpDefault") == "false"


def test_device_security_counts_in_mixed_mode_only(two_nodes: Replica) -> None:
    secured = _phone(two_nodes, security_mode=3, transport=3)
    plain = _full(two_nodes, secured)
    assert (plain.findtext("deviceSecurityMode"), plain.findtext("transportLayerProtocol")) == (
        "1",
        "1",
    )
    mixed = _full(replace(two_nodes, enterprise={"ClusterSecurityMode": "1"}), secured)
    assert (mixed.findtext("deviceSecurityMode"), mixed.findtext("transportLayerProtocol")) == (
        "3",
        "3",
    )


@pytest.mark.parametrize(
    ("mode", "number"),
    [
        (AuthenticationMode.AUTHENTICATION_STRING, "1"),
        (AuthenticationMode.NULL_STRING, "2"),
        (AuthenticationMode.EXISTING_LSC, "3"),
        (AuthenticationMode.EXISTING_MIC, "4"),
    ],
)
def test_a_pending_operation_tells_the_authentication_mode(
    two_nodes: Replica, mode: AuthenticationMode, number: str
) -> None:
    idle = _phone(two_nodes, authentication_mode=mode)
    assert _full(two_nodes, idle).findtext("capfAuthMode") == "0"
    pending = replace(idle, pending_operation=PendingOperation.INSTALL)
    assert _full(two_nodes, pending).findtext("capfAuthMode") == number


def test_cert_hash_is_the_md5_of_the_lsc_before_the_mic(
    two_nodes: Replica, vector: VectorBytes
) -> None:
    lsc, mic = vector(f"lsc-{PHONE}.crt"), vector(f"mic-{PHONE}.crt")
    assert _full(two_nodes, _phone(two_nodes)).findtext("certHash") == ""
    with_mic = _phone(two_nodes, mic_der=mic)
    assert _full(two_nodes, with_mic).findtext("certHash") == hashlib.md5(mic).hexdigest()
    with_both = replace(with_mic, lsc_der=lsc)
    assert _full(two_nodes, with_both).findtext("certHash") == hashlib.md5(lsc).hexdigest()


def test_urls_are_the_publisher_s_unless_a_parameter_says_otherwise(two_nodes: Replica) -> None:
    root = _full(two_nodes, two_nodes.devices[PHONE])
    assert root.findtext("directoryURL") == f"http://{PUBLISHER}:8080/ccmcip/xmldirectory.jsp"
    replica = replace(
        two_nodes,
        enterprise={"URLDirectories": "http://other/", "SecureServicesURL": "https://s/?a=1&b=2"},
    )
    changed = _full(replica, replica.devices[PHONE])
    assert changed.findtext("directoryURL") == "http://other/"
    assert changed.findtext("secureServicesURL") == "https://s/?a=1&b=2"
    assert changed.findtext("authenticationURL") == root.findtext("authenticationURL")


def test_without_encryption_the_clear_file_is_the_whole_one(two_nodes: Replica) -> None:
    files = PhoneFiles(two_nodes, PUBLISHER, Release(12, 5))
    device = two_nodes.devices[OLD_PHONE]
    assert files.clear(device) == files.full(device)


def test_with_encryption_and_no_key_known_the_clear_file_is_minimal(two_nodes: Replica) -> None:
    files = PhoneFiles(two_nodes, PUBLISHER, Release(12, 5))
    root = _root(files.clear(_phone(two_nodes, encrypted_config=True)))
    assert root.findtext("fullConfig") == "false"
    assert root.findtext("certHash") == ""
    assert root.findtext("capfList/capf/processNodeName") == PUBLISHER


@pytest.mark.parametrize("pending", PendingOperation)
def test_a_minimal_file_tells_the_authentication_mode_whatever_is_pending(
    two_nodes: Replica, pending: PendingOperation
) -> None:
    files = PhoneFiles(two_nodes, PUBLISHER, Release(12, 5))
    for mode in AuthenticationMode:
        device = _phone(
            two_nodes, encrypted_config=True, authentication_mode=mode, pending_operation=pending
        )
        assert _root(files.clear(device)).findtext("capfAuthMode") == str(mode.number)


def test_a_minimal_file_names_no_certificate_that_nothing_is_encrypted_to(
    two_nodes: Replica,
) -> None:
    files = PhoneFiles(two_nodes, PUBLISHER, Release(12, 5))
    device = _phone(two_nodes, encrypted_config=True, lsc_der=b"no RSA")
    root = _root(files.clear(device))
    assert root.findtext("fullConfig") == "false"
    assert root.findtext("certHash") == ""


def test_with_encryption_and_a_key_the_clear_file_is_the_stub(
    two_nodes: Replica, vector: VectorBytes
) -> None:
    files = PhoneFiles(two_nodes, PUBLISHER, Release(12, 5))
    mic = vector(f"mic-{PHONE}.crt")
    root = _root(files.clear(_phone(two_nodes, encrypted_config=True, mic_der=mic)))
    assert root.findtext("fullConfig") == "false"
    assert root.findtext("certHash") == hashlib.md5(mic).hexdigest()
    assert root.findtext("encrConfig") == "true"
    assert root.find("devicePool") is None


def test_a_certificate_that_cannot_be_read_is_passed_over(
    two_nodes: Replica, vector: VectorBytes
) -> None:
    mic = vector(f"mic-{PHONE}.crt")
    found = encryption_certificate(_phone(two_nodes, lsc_der=b"no DER", mic_der=mic))
    assert found == encryption_certificate(_phone(two_nodes, mic_der=mic))
    assert found is not None
    assert encryption_certificate(_phone(two_nodes, lsc_der=b"no DER")) is None


def test_the_default_file_lists_the_known_models(two_nodes: Replica) -> None:
    root = _root(PhoneFiles(two_nodes, PUBLISHER, Release(12, 5)).default())
    assert root.findtext("loadinformation622") == "sip78xx.12-1-1-12"
    assert root.findtext("callManagerGroup/name") == "Default"


def test_the_default_file_names_the_group_that_is_tftps_default(two_nodes: Replica) -> None:
    pools = {"Default": replace(two_nodes.device_pools["Default"], callmanager_group="Single")}
    root = _root(
        PhoneFiles(replace(two_nodes, device_pools=pools), PUBLISHER, Release(12, 5)).default()
    )
    assert root.findtext("callManagerGroup/name") == "Default"
    assert root.findtext("callManagerGroup/tftpDefault") == "true"
    assert len(root.findall("TVS/members/member")) == 2


def test_a_cluster_without_groups_has_a_default_file(two_nodes: Replica) -> None:
    files = PhoneFiles(replace(two_nodes, groups={}), PUBLISHER, Release(12, 5))
    assert _root(files.default()).findtext("callManagerGroup/name") == ""


@pytest.mark.parametrize("name", sorted(BUILT_IN_FILES))
def test_built_in_files_are_well_formed(name: str) -> None:
    etree.fromstring(BUILT_IN_FILES[name])
