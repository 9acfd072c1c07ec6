"""Phones as their web pages show them."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from cucmsim.formats.phoneconfig import phone_config
from cucmsim.formats.phonevalues import (
    ClusterValues,
    Endpoint,
    Line,
    PhoneValues,
    PoolValues,
    phone_urls,
)
from cucmsim.phone.config import parse_configuration
from cucmsim.phone.console import Console, ConsoleLine, Level
from cucmsim.phone.statuslist import StatusList
from cucmsim.phone.values import PhoneIdentity
from cucmsim.phone.view import NetworkView, PhoneView, ServerView, TrustListView
from cucmsim.pki.release import Release

VECTORS = Path(__file__).parents[1] / "vectors"
NOW = datetime(2019, 8, 20, 8, 54, 12)  # noqa: DTZ001 - a phone's own time

_CLUSTER = ClusterValues(Release.parse("12.5"), "192.0.2.1", urls=phone_urls("192.0.2.1"))
_POOL = PoolValues("a", "Default", "Default", (), (Endpoint("192.0.2.1", 2445),))
_CONFIGURATION = parse_configuration(
    phone_config(
        PhoneValues(
            _CLUSTER, _POOL, "a", 683, "SIP", "1-a", security_mode=3, lines=(Line(1, "2001"),)
        )
    )
)
ITL = TrustListView(
    bytes(range(0xA0, 0xA0 + 20)),
    (
        ("CAPF server", "CAPF-1e55d2d1"),
        ("TVS", "pub.lab.test"),
        ("TVS", "sub1.lab.test"),
        ("CUCM server / TFTP server", "pub.lab.test"),
    ),
)


def phone_view(model: str = "8841") -> PhoneView:
    """Return a registered phone with an ITL and no CTL."""
    identity = PhoneIdentity("B000B4BA0AEE", model)
    console = Console(identity.generation)
    console.write([ConsoleLine(Level.NOTICE, "SECUREAPP", "a <line> & more")], NOW)
    return PhoneView(
        identity=identity,
        at=NOW,
        load="sip88xx.12-5-1SR3-74",
        serial_number="FCH18198CNQ",
        service_state="Active",
        network=NetworkView(
            ip_address="192.0.2.55",
            subnet_mask="255.255.255.0",
            default_router="192.0.2.254",
            domain_name="lab.test",
            dns_servers=("192.0.2.9",),
            dhcp_server="192.0.2.254",
            tftp_servers=("192.0.2.1", "192.0.2.2"),
            operational_vlan="1",
        ),
        servers=(ServerView("192.0.2.2", "Active"), ServerView("192.0.2.1", "Standby")),
        itl=ITL,
        configuration=_CONFIGURATION,
        status=StatusList().add(NOW, "File Not Found <CTLFile.tlv>").add(NOW, "ITL installed"),
        logs=console.files,
    )


def without_trust_lists(view: PhoneView) -> PhoneView:
    """Return the same phone after somebody erased them."""
    return replace(view, ctl=None, itl=None)
