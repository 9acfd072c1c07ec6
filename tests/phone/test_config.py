"""A phone reads what CUCM writes, ours and others', and refuses what is damaged."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cucmsim.errors import FormatError
from cucmsim.formats.defaultconfig import DefaultLoad, default_config
from cucmsim.formats.phoneconfig import minimal_config, phone_config
from cucmsim.formats.phonevalues import (
    CallManager,
    CapfValues,
    ClusterValues,
    DateTimeSetting,
    Endpoint,
    Line,
    PhoneValues,
    PoolValues,
    phone_urls,
)
from cucmsim.formats.signedfile import decode_signed_file
from cucmsim.phone.config import PhoneConfiguration, RegistrationTimers, parse_configuration
from cucmsim.pki.release import Release

VECTORS = Path(__file__).parents[1] / "vectors"
UUID = "e3c45598-976b-2fb0-b800-b98f5e6d1091"
CALL_MANAGERS = (
    CallManager("sub1", "CUCM <sub>", "192.0.2.2", 2001, 5070, 5071, 5090, 5091),
    CallManager("pub", "", "pub.lab.test"),
)
SERVERS = (Endpoint("192.0.2.2", 2445), Endpoint("192.0.2.1", 2446))
LINES = (
    Line(1, "2001", "Reception & co", "Ann", "f0e1", 6, 5),
    Line(2, "2002", "2002", "", "a1b2"),
)
CLUSTER = ClusterValues(Release.parse("12.5"), "192.0.2.1", urls=phone_urls("192.0.2.1"))
POOL = PoolValues(
    UUID,
    "Default",
    "Group A",
    CALL_MANAGERS,
    SERVERS,
    date_time=DateTimeSetting(date_template="D-M-Y"),
)
PHONE = PhoneValues(
    CLUSTER,
    POOL,
    UUID,
    684,
    "SIP",
    "1555108264-c5a4",
    load="sip88xx.12-5-1",
    inactive_load="sip88xx.12-1-1",
    security_mode=3,
    transport=3,
    capf=CapfValues((Endpoint("192.0.2.1", 3804),), 2, "1c4a1b0d9d671c17dd77b2463c8f8dd7"),
    encrypted_config=True,
    lines=LINES,
    phone_label="Front desk",
    soft_key_file="SKabc.xml",
    owner="ann",
)


def test_all_that_we_write_for_a_sip_phone_is_read_back() -> None:
    read = parse_configuration(phone_config(PHONE))
    assert (read.is_default, read.full_config, read.protocol) == (False, True, "SIP")
    assert (read.uuid, read.device_pool, read.call_manager_group) == (UUID, "Default", "Group A")
    assert (read.date_template, read.time_zone) == ("D-M-Y", "Greenwich Standard Time")
    assert read.call_managers == CALL_MANAGERS
    assert read.tvs_servers == SERVERS
    assert read.capf_servers == PHONE.capf.servers
    assert (read.capf_mode, read.certificate_hash) == (2, PHONE.capf.certificate_hash)
    assert (read.encrypted_config, read.security_mode, read.transport) == (True, 3, 3)
    assert read.lines == LINES
    assert (read.phone_label, read.soft_key_file) == ("Front desk", "SKabc.xml")
    assert (read.load, read.inactive_load) == ("sip88xx.12-5-1", "sip88xx.12-1-1")
    assert read.version_stamp == "1555108264-c5a4"
    assert read.urls == CLUSTER.urls
    assert read.timers == RegistrationTimers(3600, 5, 120)
    assert (read.user_locale, read.network_locale) == ("English_United_States", "United_States")
    assert (read.owner, read.vendor["webAccess"]) == ("ann", "0")
    assert (read.loads, read.load_for(684)) == ((), "sip88xx.12-5-1")


def test_an_sccp_file_has_call_managers_and_no_lines() -> None:
    values = PhoneValues(CLUSTER, POOL, UUID, 404, "SCCP", "1-a")
    read = parse_configuration(phone_config(values))
    assert (read.protocol, read.lines) == ("SCCP", ())
    assert read.call_managers[0].ethernet_phone_port == 2001


def test_the_short_file_beside_an_encrypted_one_says_little() -> None:
    read = parse_configuration(minimal_config(PHONE))
    assert read == PhoneConfiguration(
        full_config=False,
        uuid=UUID,
        load="sip88xx.12-5-1",
        capf_mode=2,
        capf_servers=PHONE.capf.servers,
        certificate_hash=PHONE.capf.certificate_hash,
        encrypted_config=True,
    )


def test_the_default_file_tells_every_model_its_load() -> None:
    loads = (DefaultLoad(621, "Cisco 7821", "sip78xx.12"), DefaultLoad(684, "Cisco 8851", "sip88"))
    read = parse_configuration(default_config(CLUSTER, POOL, loads, auto_registration=True))
    assert (read.is_default, read.auto_registration) == (True, True)
    assert read.call_managers == CALL_MANAGERS
    assert read.tvs_servers == SERVERS
    assert read.loads == loads
    assert (read.load_for(684), read.load_for(1)) == ("sip88", "")


def test_a_configuration_made_by_other_hands_is_read() -> None:
    data = (VECTORS / "sgn/SEPB000B4BA0AEE.cnf.xml").read_bytes()
    read = parse_configuration(data)
    assert read.call_managers == (CallManager("", "", "cucm-1051-a-pub"),)
    assert read.tvs_servers == (Endpoint("cucm-1051-a-pub", 2445),)
    assert read.capf_servers == (Endpoint("cucm-1051-a-pub", 3804),)
    assert (read.security_mode, read.load) == (3, "sip88xx.14-1-1-0001-125")


def test_a_stub_made_by_other_hands_is_read() -> None:
    signed = decode_signed_file((VECTORS / "enc/SEPB000B4BA0AEE.cnf.xml.sgn").read_bytes())
    read = parse_configuration(signed.payload)
    assert (read.full_config, read.encrypted_config) == (False, True)
    assert read.certificate_hash == "1c4a1b0d9d671c17dd77b2463c8f8dd7"


def test_members_come_in_order_of_priority_and_without_address_not_at_all() -> None:
    members = "".join(
        f"<member {attribute}><port>{port}</port><address>{address}</address></member>"
        for attribute, port, address in [
            ('priority="2"', 3, "third"),
            ('priority="0"', "", "first"),
            ('priority="1"', 2, "second"),
            ('priority="last"', 4, "fourth"),
            ("", 5, ""),
        ]
    )
    read = parse_configuration(f"<device><TVS><members>{members}</members></TVS></device>".encode())
    assert read.tvs_servers == (
        Endpoint("first", 2445),
        Endpoint("second", 2),
        Endpoint("third", 3),
        Endpoint("fourth", 4),
    )


def test_a_speed_dial_is_no_line() -> None:
    lines = (
        '<line button="1"><featureID>9</featureID><name>1000</name></line>'
        '<line button="2"><featureID>2</featureID><name>2000</name></line>'
        "<line><name>3000</name></line>"
    )
    data = f"<device><sipProfile><sipLines>{lines}</sipLines></sipProfile></device>".encode()
    assert parse_configuration(data).lines == (Line(1, "1000"), Line(3, "3000"))


def test_comments_and_undeclared_prefixes_do_no_harm() -> None:
    data = b'<device xsi:type="axl:XIPPhone"><certHash> AB<!-- x -->c1 </certHash><?pi x?></device>'
    assert parse_configuration(data).certificate_hash == "abc1"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "found no XML"),
        (b"  ", "not well-formed"),
        (b"Not found", "not well-formed"),
        (b"<device><a>", "not well-formed"),
        (b"<device/>trailing", "not well-formed"),
        (b"<device>\x00</device>", "not well-formed"),
        (b'<?xml version="1.0" encoding="UTF-8"?><device>\xff</device>', "not well-formed"),
        (b"<device>" + b"<a>" * 300 + b"</a>" * 300 + b"</device>", "Excessive depth"),
        (b"<device>&nothing;</device>", "not well-formed"),
        (b"<CiscoIPPhoneMenu/>", "found root element 'CiscoIPPhoneMenu'"),
        (b"<!DOCTYPE device><device/>", "document type"),
        (b'<!DOCTYPE d [<!ENTITY a "b">]><device>&a;</device>', "document type"),
        (b'<!DOCTYPE d SYSTEM "file:///etc/passwd"><device/>', "document type"),
        (b"<device><fullConfig>maybe</fullConfig></device>", "fullConfig: found 'maybe'"),
        (b"<device><capfAuthMode>-1</capfAuthMode></device>", "capfAuthMode: found '-1'"),
        (b"<device><capfAuthMode>" + b"9" * 5000 + b"</capfAuthMode></device>", "expected a num"),
        (b"<device><deviceSecurityMode>4</deviceSecurityMode></device>", "expected 1, 2 or 3"),
        (
            (
                b"<device><capfList><capf><phonePort>65536</phonePort><processNodeName>a"
                b"</processNodeName></capf></capfList></device>"
            ),
            "phonePort: found 65536, expected a port",
        ),
        (
            b'<device><sipProfile><sipLines><line button="x"/></sipLines></sipProfile></device>',
            "@button: found 'x'",
        ),
    ],
)
def test_damaged_files_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        parse_configuration(data)


def test_a_refusal_names_the_place() -> None:
    with pytest.raises(FormatError) as refused:
        parse_configuration(b"<device>\n<encrConfig>x</encrConfig></device>")
    assert refused.value.offset == 9


def test_a_file_beyond_the_limit_is_refused_unread() -> None:
    data = b"<device/>" + b" " * 100
    assert parse_configuration(data, size_limit=109).full_config
    with pytest.raises(FormatError, match="found 109 bytes, expected at most 108"):
        parse_configuration(data, size_limit=108)


@given(st.binary(max_size=300))
def test_no_bytes_at_all_raise_anything_but_format_errors(junk: bytes) -> None:
    for data in (junk, b"<device>" + junk + b"</device>"):
        try:
            parse_configuration(data)
        except FormatError as error:
            assert 0 <= error.offset <= len(data)  # noqa: PT017 - most junk is refused, not all


WHOLE = phone_config(PHONE)


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_one_changed_byte_is_read_or_refused(place: int, value: int) -> None:
    changed = WHOLE[:place] + bytes([value]) + WHOLE[place + 1 :]
    try:
        parse_configuration(changed)
    except FormatError as error:
        assert 0 <= error.offset <= len(changed)  # noqa: PT017 - a change of text is no damage
