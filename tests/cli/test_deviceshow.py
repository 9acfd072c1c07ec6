"""Tests of the lines of `cucmsim device show`."""

from datetime import UTC, datetime

import pytest

from cucmsim.cli.deviceshow import print_device
from cucmsim.cli.devicestates import PhoneStates
from cucmsim.cluster.registrationapi import AlarmReport
from cucmsim.cluster.reports import DeviceReport
from cucmsim.store.rows import Device

DEVICE = "SEPB000B4BA0AEE"
ALARM = AlarmReport(
    time=datetime(2026, 11, 21, tzinfo=UTC),
    node="cucm-pub",
    device=DEVICE,
    address="10.0.0.1",
    name="LastOutOfServiceInformation",
    parameters={"LocalPort": "5060", "ReasonForOutOfService": "14", "VoiceVLAN": ""},
)


def test_a_long_name_stands_apart_from_its_value(capsys: pytest.CaptureFixture[str]) -> None:
    print_device(DeviceReport.of(Device(name=DEVICE, model="8861")), PhoneStates(), ALARM)
    assert capsys.readouterr().out.splitlines()[-3:] == [
        "  LocalPort:         5060",
        "  ReasonForOutOfService: 14",
        "  VoiceVLAN:",
    ]
