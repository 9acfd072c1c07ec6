"""The table of phone models against the numbers that the reference gives (cucm.md 4.2)."""

import pytest

from cucmsim.formats.models import PHONE_MODELS, Generation, SignalingProtocol

DOCUMENTED_NUMBERS = {
    "7811": 36213,
    "7821": 621,
    "7841": 622,
    "7861": 623,
    "7832": 36247,
    "8832": 36258,
    "8811": 36217,
    "8841": 683,
    "8851": 684,
    "8861": 685,
    "8845": 36224,
    "8865": 36225,
    "7941": 115,
    "7940": 8,
    "7960": 7,
}


@pytest.mark.parametrize(("name", "number"), DOCUMENTED_NUMBERS.items())
def test_a_model_has_the_documented_number(name: str, number: int) -> None:
    assert PHONE_MODELS[name].number == number
    assert PHONE_MODELS[name].cti_id == number


def test_numbers_are_given_once() -> None:
    assert len({model.number for model in PHONE_MODELS.values()}) == len(PHONE_MODELS)


def test_a_79xx_phone_speaks_sccp_by_default_and_sip() -> None:
    model = PHONE_MODELS["7962"]
    assert model.product == "Cisco 7962"
    assert model.generation is Generation.SERIES_79XX
    assert model.protocols == (SignalingProtocol.SCCP, SignalingProtocol.SIP)
    assert model.default_load(SignalingProtocol.SCCP) == "SCCP42.9-4-2SR3-1S"
    assert model.default_load(SignalingProtocol.SIP) == "SIP42.9-4-2SR3-1S"


def test_78xx_and_88xx_phones_speak_sip_only() -> None:
    newer = [m for m in PHONE_MODELS.values() if m.generation is not Generation.SERIES_79XX]
    assert newer
    assert all(model.protocols == (SignalingProtocol.SIP,) for model in newer)


def test_a_7940_and_a_7960_speak_sccp_and_know_no_security_by_default() -> None:
    # seed 001, line 6
    without = [model.name for model in PHONE_MODELS.values() if not model.has_sbd]
    assert without == ["7940", "7960"]
    assert PHONE_MODELS["7960"].protocols == (SignalingProtocol.SCCP,)
