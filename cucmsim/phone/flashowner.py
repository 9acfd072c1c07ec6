"""Whose flash it is: the MIC in it names the phone and its model."""

import re
from pathlib import Path

from cryptography.x509.oid import NameOID

from cucmsim.errors import FormatError
from cucmsim.phone.flash import Flash, FlashError
from cucmsim.phone.values import PhoneIdentity
from cucmsim.pki.certificates import load_certificate

__all__ = ["check_owner", "owner_of"]

_MIC_NAME = re.compile(r"CP-(.+)-SEP([0-9A-F]{12})")


def owner_of(flash: Flash) -> PhoneIdentity | None:
    """Return the phone that the MIC names; None where no MIC names one."""
    if flash.mic is None:
        return None
    try:
        subject = load_certificate(flash.mic.certificate_der).subject
        for attribute in subject.get_attributes_for_oid(NameOID.COMMON_NAME):
            if found := _MIC_NAME.fullmatch(str(attribute.value)):
                return PhoneIdentity(found[2], found[1])
    except (FormatError, ValueError):
        return None
    return None


def check_owner(flash: Flash, identity: PhoneIdentity, place: Path) -> None:
    """Refuse the flash of another phone, or of another model. Raises FlashError."""
    owner = owner_of(flash)
    if owner is not None and owner != identity:
        raise FlashError(
            f"{place}: the flash of {owner.name}, a Cisco {owner.model}; expected that of"
            f" {identity.name}, a Cisco {identity.model}: give this phone a directory of its own,"
            f" or `cucmsim phone erase --all {place}`"
        )
