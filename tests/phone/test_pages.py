"""A phone's pages, read with the patterns that programs reading real phones use."""

import re
from dataclasses import replace

import pytest
from lxml import etree

from cucmsim.formats.trustlist import decode_trust_list
from cucmsim.phone.pages import SERVICEABILITY, page
from cucmsim.phone.view import PhoneView, TrustListView, trust_list_view
from tests.phone.phoneviews import ITL, VECTORS, phone_view, without_trust_lists

ROW = re.compile(
    r"<TR><TD><B> ([^<]*)</B></TD><td width=20></TD><TD><B>([^<]*)</B></TD></TR>", re.IGNORECASE
)
SHA1_TEXT = re.compile(r"(?:[0-9A-F]{2} ){19}[0-9A-F]{2}")
ADAPTERS = [
    "device.statistics.device",
    "device.statistics.configuration",
    "device.statistics.ethernet",
    "device.statistics.port.access",
    "device.statistics.port.network",
    "device.statistics.consolelog",
    "device.statistics.coredumps",
    *[f"device.statistics.streaming.{index}" for index in range(5)],
    "device.settings.status.messages",
    "device.trace.display.alarm",
]


def shown(view: PhoneView, adapter: str) -> str:
    found = page(view, SERVICEABILITY, f"adapter={adapter}")
    assert (found.status, found.media_type) == (200, "text/html; charset=UTF-8")
    return found.body.decode()


def rows(view: PhoneView, adapter: str) -> list[tuple[str, str]]:
    return ROW.findall(shown(view, adapter))


def test_the_network_page_ends_with_the_trust_lists() -> None:
    found = rows(phone_view(), "device.statistics.configuration")
    start = [label for label, _ in found].index("Security mode")
    assert found[start:] == [
        ("Security mode", "Encrypted"),
        ("Web access enabled", "Yes"),
        ("SSH access enabled", "No"),
        ("CDP: SW port", "Yes"),
        ("LLDP-MED: SW port", "Yes"),
        ("CTL file", "Not installed"),
        ("CTL signature", ""),
        ("ITL file", "Installed"),
        ("ITL signature", "A0 A1 A2 A3 A4 A5 A6 A7 A8 A9 AA AB AC AD AE AF B0 B1 B2 B3"),
        ("CAPF server", "CAPF-1e55d2d1"),
        ("TVS", "pub.lab.test"),
        ("TVS", "sub1.lab.test"),
        ("CUCM server / TFTP server", "pub.lab.test"),
    ]
    assert SHA1_TEXT.fullmatch(dict(found)["ITL signature"])


def test_the_rows_of_an_itl_that_is_installed_as_the_real_page_writes_them() -> None:
    row = "<TR><TD><B> ITL file</B></TD><td width=20></TD><TD><B>Installed</B></TD></TR>"
    assert row in shown(phone_view(), "device.statistics.configuration")


def test_a_scraper_finds_servers_and_addresses() -> None:
    found = dict(rows(phone_view(), "device.statistics.configuration"))
    assert (found["TFTP server 1"], found["TFTP server 2"]) == ("192.0.2.1", "192.0.2.2")
    assert found["CUCM server1"] == "192.0.2.2  Active"
    assert found["CUCM server2"] == "192.0.2.1  Standby"
    assert found["CUCM server5"] == ""
    assert found["Directories URL"] == "https://192.0.2.1:8443/ccmcip/xmldirectory.jsp"
    assert (found["MAC address"], found["Host name"]) == ("B000B4BA0AEE", "SEPB000B4BA0AEE")


def test_a_78xx_capitalises() -> None:
    labels = [label for label, _ in rows(phone_view("7821"), "device.statistics.configuration")]
    for label in ("CTL File", "ITL File", "ITL Signature", "CUCM Server/TFTP Server", "TVS"):
        assert label in labels


def test_a_79xx_shows_no_trust_lists_and_names_callmanager() -> None:
    found = dict(rows(phone_view("7945"), "device.statistics.configuration"))
    assert not [label for label in found if label.startswith(("CTL", "ITL", "TVS"))]
    assert found["CallManager 1"] == "192.0.2.2  Active"


def test_a_phone_without_trust_lists_says_so() -> None:
    found = dict(rows(without_trust_lists(phone_view()), "device.statistics.configuration"))
    assert (found["CTL file"], found["ITL file"]) == ("Not installed", "Not installed")


def test_the_device_page_of_a_7821() -> None:
    found = rows(phone_view("7821"), "device.statistics.device")
    assert [label for label, _ in found] == [
        "Service Mode",
        "Service Domain",
        "Service State",
        "MAC Address",
        "Host Name",
        "Phone DN",
        "App Load ID",
        "Boot Load ID",
        "Version",
        "Hardware Revision",
        "Serial Number",
        "Model Number",
        "Message Waiting",
        "UDI",
        "Time",
        "Time Zone",
        "Date",
        "System Free Memory",
        "Java Heap Free Memory",
        "Java Pool Free Memory",
        "FIPS Mode Enabled",
    ]
    values = dict(found)
    assert values["App Load ID"] == "rootfs88xx.12-5-1SR3-74"
    assert (values["Phone DN"], values["Model Number"]) == ("2001", "CP-7821")
    assert (values["Time"], values["Date"]) == ("08:54:12", "08/20/19")


def test_the_name_of_the_phone_is_on_every_page() -> None:
    for adapter in ADAPTERS:
        text = shown(phone_view(), adapter)
        assert re.search(r"SEP[0-9A-F]{12}", text)
        assert text.count("?adapter=") == len(ADAPTERS)
        assert set(re.findall(r'adapter=([^"]+)"', text)) <= set(ADAPTERS)


def test_status_messages_have_their_time() -> None:
    new = shown(phone_view(), "device.settings.status.messages")
    assert "[8:54:12am 08/20/19] File Not Found &lt;CTLFile.tlv&gt;" in new
    assert "[8:54:12am 08/20/19] ITL installed" in shown(phone_view(), "device.trace.display.alarm")
    old = shown(phone_view("7965"), "device.settings.status.messages")
    assert ">8:54:12a ITL installed<" in old


@pytest.mark.parametrize(
    ("model", "path"), [("8841", "/FS/messages"), ("7965", "/FS/cache/log0.log")]
)
def test_the_console_log_is_a_file_that_the_page_links_to(model: str, path: str) -> None:
    view = phone_view(model)
    assert re.findall(r'HREF="(/FS/[^"]+)"', shown(view, "device.statistics.consolelog")) == [path]
    log = page(view, path)
    assert (log.status, log.media_type) == (200, "text/plain; charset=UTF-8")
    assert b"a <line> & more" in log.body


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/FS/messages.7", ""),
        ("/FS/../etc/passwd", ""),
        ("/nothing", ""),
        (SERVICEABILITY, ""),
        (SERVICEABILITY, "adapter=device.nothing"),
        (SERVICEABILITY, "other=device.statistics.device"),
        ("/PortInformationX", "9"),
        ("/DeviceLogX", "9"),
        ("/StreamingStatisticsX", "x"),
    ],
)
def test_what_is_not_there_is_404(path: str, query: str) -> None:
    assert page(phone_view(), path, query).status == 404


def test_short_paths_lead_to_the_same_pages() -> None:
    view = phone_view()
    device = shown(view, "device.statistics.device").encode()
    assert page(view, "/").body == page(view, "/DeviceInformation").body == device
    network = shown(view, "device.statistics.configuration").encode()
    assert page(view, "/NetworkConfiguration").body == network


def xml(view: PhoneView, path: str, query: str = "") -> etree._Element:
    found = page(view, path, query)
    assert (found.status, found.media_type) == (200, "text/xml; charset=UTF-8")
    return etree.fromstring(found.body)


@pytest.mark.parametrize("model", ["8841", "7821", "7965"])
def test_the_xml_forms(model: str) -> None:
    view = phone_view(model)
    device = xml(view, "/DeviceInformationX")
    assert device.tag == "DeviceInformation"
    assert device.findtext("HostName") == "SEPB000B4BA0AEE"
    assert device.findtext("modelNumber") == f"CP-{model}"
    network = xml(view, "/NetworkConfigurationX")
    assert network.tag == "NetworkConfiguration"
    assert network.findtext("CallManager1") == "192.0.2.2  Active"
    assert network.findtext("TFTPServer2") == "192.0.2.2"
    log = xml(view, "/DeviceLogX", "0")
    assert len(log.findall("status")) == 2
    assert xml(view, "/EthernetInformationX").tag == "EthernetInformation"
    assert xml(view, "/PortInformationX", "1").tag == "PortInformation"
    assert xml(view, "/StreamingStatisticsX", "1").tag == "StreamingStatistics"


def test_values_from_a_server_cannot_break_out_of_their_row() -> None:
    hostile = TrustListView(bytes(20), (("TVS", "</B><script>alert(1)</script>\x00"),))
    view = replace(phone_view(), itl=hostile)
    text = shown(view, "device.statistics.configuration")
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


def test_the_rows_of_a_real_trust_list() -> None:
    data = (VECTORS / "itl/ITL-sha1-v1.0.tlv").read_bytes()
    view = trust_list_view(data)
    assert view is not None
    labels = [label for label, _ in view.entries]
    assert labels == sorted(labels, key=[label for label, _ in ITL.entries].index)
    assert len(view.entries) < len(decode_trust_list(data).records)
    assert all(name and "=" not in name for _, name in view.entries)
    assert SHA1_TEXT.fullmatch(view.signature_text)


def test_no_list_and_a_damaged_one() -> None:
    assert trust_list_view(None) is None
    assert trust_list_view(b"") is None
    damaged = trust_list_view(b"junk")
    assert damaged is not None
    assert damaged.entries == ()
