"""Configuration files of phones, held against the element order the reference gives (4.1)."""

import re
import time
from dataclasses import replace

import pytest
from lxml import etree

from cucmsim.formats.defaultconfig import DefaultLoad, default_config
from cucmsim.formats.phoneconfig import minimal_config, phone_config
from cucmsim.formats.phonevalues import (
    CallManager,
    CapfValues,
    ClusterValues,
    DateTimeSetting,
    Endpoint,
    Line,
    PhoneUrls,
    PhoneValues,
    PoolValues,
    phone_urls,
)
from cucmsim.pki.release import Release

UUID = "e3c45598-976b-2fb0-b800-b98f5e6d1091"

# Written from the description of the real file, not from the code.
_DOCUMENTED = """
fullConfig portalDefaultServer deviceProtocol sshUserId sshPassword ipAddressMode allowAutoConfig
dadEnable redirectEnable echoMultiEnable ipPreferenceModeControl ipMediaAddressFamilyPreference
tzdata mlppDomainId mlppIndicationStatus preemption executiveOverridePreemptable
devicePool
TVS
sipProfile
MissedCallLoggingOption commonProfile loadInformation inactiveLoadInformation vendorConfig
commonConfig enterpriseConfig
versionStamp userLocale networkLocale networkLocaleInfo deviceSecurityMode idleTimeout
authenticationURL directoryURL idleURL informationURL messagesURL proxyServerURL servicesURL
secureAuthenticationURL secureDirectoryURL secureUDSUsersAccessURL secureIdleURL
secureInformationURL secureMessagesURL secureServicesURL
dscpForSCCPPhoneConfig dscpForSCCPPhoneServices dscpForCm2Dvce transportLayerProtocol
dialToneSetting dndCallAlert phonePersonalization rollover singleButtonBarge joinAcrossLines
autoCallPickupEnable blfAudibleAlertSettingOfIdleStation blfAudibleAlertSettingOfBusyStation
capfAuthMode capfList certHash encrConfig
advertiseG722Codec mobility TLSResumptionTimer userId ownerId phoneServices
"""
ORDER_TO_12_5 = _DOCUMENTED.split()

CALL_MANAGER_ORDER = ["name", "description", "ports", "processNodeName"]
PORTS = [
    ("ethernetPhonePort", "2000"),
    ("sipPort", "5060"),
    ("securedSipPort", "5061"),
    ("sipOAuthPort", "5090"),
    ("sipMRAOAuthPort", "5091"),
    ("mgcpPorts", "\n"),
]


@pytest.fixture
def pool() -> PoolValues:
    return PoolValues(
        uuid="1b1b9eb6-7803-11d3-bdf0-00108302ead1",
        name="Default",
        group_name="Default",
        call_managers=(
            CallManager("CM_pub", "publisher", "cucm-pub"),
            CallManager("CM_sub", "subscriber", "cucm-sub"),
        ),
        tvs=tuple(Endpoint(f"tvs-{number}", 2445) for number in range(4)),
        date_time=DateTimeSetting(ntp_servers=("192.0.2.123",)),
    )


@pytest.fixture
def phone(pool: PoolValues) -> PhoneValues:
    return PhoneValues(
        cluster=ClusterValues(Release(12, 5), "cucm-pub", phone_urls("cucm-pub")),
        pool=pool,
        uuid=UUID,
        cti_id=548,
        protocol="SIP",
        version_stamp=f"1555108264-{UUID}",
        load="sip88xx.12-1-1SR1-4",
        capf=CapfValues((Endpoint("cucm-pub", 3804),)),
        lines=(Line(1, "1000", "1000", "Anna"), Line(2, "1001", uuid=UUID)),
        soft_key_file="SK3f2fbb5e-0000-0000-0000-000000000000.xml",
    )


def _parse(data: bytes) -> etree._Element:
    """Parse as the file is meant: the prefix `xsi` of a SIP file is never declared."""
    text = data.replace(
        b'<device  xsi:type="axl:XIPPhone"',
        b'<device xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="axl:XIPPhone"',
    )
    return etree.fromstring(text, etree.XMLParser(resolve_entities=False, no_network=True))


def _tags(element: etree._Element) -> list[str]:
    return [str(child.tag) for child in element]


def _text(element: etree._Element, path: str) -> str | None:
    return element.findtext(path)


def test_a_sip_file_starts_with_exactly_the_two_documented_lines(phone: PhoneValues) -> None:
    lines = phone_config(phone).decode().split("\n")
    assert lines[0] == '<?xml version="1.0" encoding="UTF-8"?>'
    assert lines[1] == f'<device  xsi:type="axl:XIPPhone" ctiid="548" uuid="{{{UUID}}}">'


def test_an_sccp_file_starts_as_seed_004_shows_it(phone: PhoneValues) -> None:
    config = phone_config(replace(phone, protocol="SCCP", cti_id=50))
    assert config.decode().split("\n")[1] == (
        '<device xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="axl:XIPPhone" '
        f'ctiid="50" uuid="{{{UUID}}}">'
    )


def test_the_elements_of_a_sip_file_stand_in_the_documented_order(phone: PhoneValues) -> None:
    assert _tags(_parse(phone_config(phone))) == [*ORDER_TO_12_5, "sipOAuthMode", "SSOSPServers"]


def test_an_sccp_file_is_the_same_without_the_sip_profile(phone: PhoneValues) -> None:
    root = _parse(phone_config(replace(phone, protocol="SCCP")))
    expected = [tag for tag in ORDER_TO_12_5 if tag != "sipProfile"]
    assert _tags(root) == [*expected, "sipOAuthMode", "SSOSPServers"]
    assert _text(root, "deviceProtocol") == "SCCP"


@pytest.mark.parametrize(
    ("release", "absent"),
    [
        (Release(10, 5), {"dialToneSetting", "sipOAuthMode", "SSOSPServers"}),
        (Release(11, 5), {"sipOAuthMode", "SSOSPServers"}),
        (Release(12, 0), {"sipOAuthMode"}),
        (Release(14), set()),
    ],
)
def test_elements_of_later_releases_are_missing_before(
    phone: PhoneValues, release: Release, absent: set[str]
) -> None:
    cluster = replace(phone.cluster, release=release)
    root = _parse(phone_config(replace(phone, cluster=cluster)))
    every = [*ORDER_TO_12_5, "sipOAuthMode", "SSOSPServers"]
    assert _tags(root) == [tag for tag in every if tag not in absent]
    assert (root.find(".//sipOAuthPort") is None) == (release < Release(12, 5))


def test_the_device_pool_names_the_group_s_members_in_order(phone: PhoneValues) -> None:
    root = _parse(phone_config(phone))
    pool = root.find("devicePool")
    assert pool is not None
    assert _tags(pool) == [
        "revertPriority",
        "name",
        "dateTimeSetting",
        "callManagerGroup",
        "srstInfo",
        "connectionMonitorDuration",
    ]
    members = pool.findall("callManagerGroup/members/member")
    assert [member.get("priority") for member in members] == ["0", "1"]
    assert [_text(m, "callManager/processNodeName") for m in members] == ["cucm-pub", "cucm-sub"]
    manager = members[0].find("callManager")
    assert manager is not None
    assert _tags(manager) == CALL_MANAGER_ORDER
    ports = manager.find("ports")
    assert ports is not None
    assert [(str(port.tag), port.text) for port in ports] == PORTS
    assert _text(pool, "dateTimeSetting/ntps/ntp/name") == "192.0.2.123"


def test_a_phone_is_told_of_three_tvs_servers_at_most(phone: PhoneValues) -> None:
    members = _parse(phone_config(phone)).findall("TVS/members/member")
    assert [_text(member, "address") for member in members] == ["tvs-0", "tvs-1", "tvs-2"]
    assert [member.get("priority") for member in members] == ["0", "1", "2"]
    assert {_text(member, "port") for member in members} == {"2445"}


def test_one_element_a_line_without_indentation_and_empty_ones_written_out(
    phone: PhoneValues,
) -> None:
    lines = phone_config(phone).decode().split("\n")
    assert lines[-1] == ""
    one_element = re.compile(r"<\?xml .*\?>|</?\w+[^<>]*>|<(\w+)[^<>]*>[^<>]*</\1>")
    assert [line for line in lines[:-1] if not one_element.fullmatch(line)] == []
    assert not [line for line in lines if line.endswith("/>")]


def test_the_lines_of_a_sip_phone_are_written(phone: PhoneValues) -> None:
    lines = _parse(phone_config(phone)).findall("sipProfile/sipLines/line")
    assert [(line.get("button"), _text(line, "name")) for line in lines] == [
        ("1", "1000"),
        ("2", "1001"),
    ]
    assert [_text(line, "contact") for line in lines] == ["1000", UUID]


@pytest.mark.parametrize(
    "name", ["R&D <1st> floor", "Łódź 東京 مكتب", "a \"quoted\" 'name'", "]]>", "&amp;"]
)
def test_names_survive_escaping(phone: PhoneValues, name: str) -> None:
    named = replace(
        phone,
        load=name,
        owner=name,
        pool=replace(phone.pool, name=name, tvs=(Endpoint(name, 2445),)),
        lines=(Line(1, "1000", name, name),),
    )
    root = _parse(phone_config(named))
    for path in (
        "loadInformation",
        "ownerId",
        "devicePool/name",
        "TVS/members/member/address",
        "sipProfile/sipLines/line/featureLabel",
    ):
        assert _text(root, path) == name


def test_what_xml_cannot_carry_becomes_a_blank(phone: PhoneValues) -> None:
    root = _parse(phone_config(replace(phone, load="a\x00b\nc\ud800d\uffff")))
    assert _text(root, "loadInformation") == "a b c d "


def test_an_attribute_cannot_be_left(phone: PhoneValues) -> None:
    root = _parse(phone_config(replace(phone, uuid='x" onload="y')))
    assert root.get("uuid") == '{x" onload="y}'


def test_urls_of_a_new_cluster_are_plain_on_8080_and_secured_on_8443(phone: PhoneValues) -> None:
    root = _parse(phone_config(phone))
    assert _text(root, "authenticationURL") == "http://cucm-pub:8080/ccmcip/authenticate.jsp"
    assert _text(root, "directoryURL") == "http://cucm-pub:8080/ccmcip/xmldirectory.jsp"
    assert _text(root, "secureDirectoryURL") == "https://cucm-pub:8443/ccmcip/xmldirectory.jsp"
    assert _text(root, "secureUDSUsersAccessURL") == "https://cucm-pub:8443/cucm-uds/users"
    assert _text(root, "idleURL") == ""


def test_security_elements_say_what_the_phone_has_to_do(phone: PhoneValues) -> None:
    secured = replace(
        phone,
        security_mode=3,
        transport=3,
        capf=CapfValues((Endpoint("cucm-pub", 3804),), 2, "ab" * 16),
        encrypted_config=True,
    )
    root = _parse(phone_config(secured))
    assert _text(root, "deviceSecurityMode") == "3"
    assert _text(root, "transportLayerProtocol") == "3"
    assert _text(root, "capfAuthMode") == "2"
    assert _text(root, "capfList/capf/phonePort") == "3804"
    assert _text(root, "capfList/capf/processNodeName") == "cucm-pub"
    assert _text(root, "certHash") == "ab" * 16
    assert _text(root, "encrConfig") == "true"
    assert _text(root, "TLSResumptionTimer") == "3600"


def test_a_minimal_file_holds_what_capf_needs_and_nothing_else(phone: PhoneValues) -> None:
    root = _parse(minimal_config(replace(phone, encrypted_config=True, capf=CapfValues())))
    assert [(str(child.tag), child.text) for child in root] == [  # lxml: None is empty
        ("fullConfig", "false"),
        ("ipAddressMode", "0"),
        ("loadInformation", "sip88xx.12-1-1SR1-4"),
        ("capfAuthMode", "0"),
        ("capfList", None),
        ("certHash", None),
        ("encrConfig", "true"),
    ]


def test_the_default_file_lists_the_loads_in_their_order(phone: PhoneValues) -> None:
    loads = [DefaultLoad(622, "Cisco 7841", "a"), DefaultLoad(685, "Cisco <8861>", "b&c")]
    data = default_config(phone.cluster, phone.pool, loads)
    assert data.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<Default>\n')
    root = etree.fromstring(data)
    assert _tags(root) == [
        "autoRegistrationName",
        "autoRegistration",
        "selfProvisioningSecureMode",
        "adminProvisionMode",
        "ipAddressMode",
        "ipPreferenceModeControl",
        "ipMediaAddressFamilyPreference",
        "callManagerGroup",
        "TVS",
        "activationDomainURL",
        "loadinformation622",
        "loadinformation685",
    ]
    assert root[-1].get("model") == "Cisco <8861>"
    assert root[-1].text == "b&c"
    assert _text(root, "autoRegistrationName") == "AUTO-REG"


def test_the_default_file_has_no_activation_domain_before_12_5(phone: PhoneValues) -> None:
    cluster = replace(phone.cluster, release=Release(11, 5))
    data = default_config(cluster, phone.pool, (), auto_registration=True)
    root = etree.fromstring(data)
    assert root.find("activationDomainURL") is None
    assert _text(root, "autoRegistration") == "true"


def test_urls_not_set_are_empty_elements(phone: PhoneValues) -> None:
    cluster = replace(phone.cluster, urls=PhoneUrls())
    assert b"<secureServicesURL></secureServicesURL>\n" in phone_config(
        replace(phone, cluster=cluster)
    )


def test_a_file_is_built_in_well_under_a_millisecond(phone: PhoneValues) -> None:
    def seconds() -> float:
        start = time.perf_counter()
        phone_config(phone)
        return time.perf_counter() - start

    assert min(seconds() for _ in range(50)) < 0.001  # about 40 microseconds on a quiet machine
