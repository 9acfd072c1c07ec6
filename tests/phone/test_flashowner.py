"""Whose flash it is: its MIC says so, where it can be read."""

from pathlib import Path

import pytest

from cucmsim.clock import SystemClock
from cucmsim.entropy import SystemEntropy
from cucmsim.phone.factory import make_mic
from cucmsim.phone.flash import Flash, FlashError
from cucmsim.phone.flashowner import check_owner, owner_of
from cucmsim.phone.values import Certified, PhoneIdentity
from cucmsim.pki.certificates import certificate_der
from cucmsim.pki.manufacturing import manufacturing_ca

PHONE = PhoneIdentity("B000B4BA0AEE", "8861")


def test_the_mic_names_phone_and_model(tmp_path: Path) -> None:
    flash = Flash(mic=make_mic(PHONE, SystemEntropy(), SystemClock().now()))
    assert owner_of(flash) == PHONE
    check_owner(flash, PHONE, tmp_path)
    with pytest.raises(FlashError, match="erase --all"):
        check_owner(flash, PhoneIdentity("B000B4BA0AEF", "8861"), tmp_path)


@pytest.mark.parametrize(
    "certificate", [b"x", certificate_der(manufacturing_ca().certificate)], ids=["none", "other"]
)
def test_a_flash_without_a_mic_that_names_one_fits_every_phone(
    certificate: bytes, tmp_path: Path
) -> None:
    for flash in (Flash(), Flash(mic=Certified(certificate, b"key"))):
        assert owner_of(flash) is None
        check_owner(flash, PHONE, tmp_path)
