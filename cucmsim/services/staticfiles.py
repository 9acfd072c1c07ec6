"""Files that every cluster serves although nobody put them there.

The ring list and the dial rules of a new installation, and the soft-key file that configuration
files refer to. The names are CUCM's; of the contents only as much is known as phones need to go
on. A file of the same name in the store takes their place.
"""

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["BUILT_IN_FILES", "SOFT_KEY_FILE"]

SOFT_KEY_FILE = "SK3f7f3b1c-6d4e-4f7e-9d3a-0b6a5f1f2c11.xml"
"""The Standard User soft-key template; CUCM makes the uuid, here it is always this one."""

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_RINGS = (("Chirp1", "Chirp1.raw"), ("Chirp2", "Chirp2.raw"), ("Classic1", "Classic1.raw"))
_SOFT_KEYS = {
    "onHook": "Redial NewCall CFwdAll",
    "connected": "Hold EndCall Transfer Confrn",
    "onHold": "Resume NewCall",
    "ringIn": "Answer iDivert",
    "offHook": "Redial EndCall CFwdAll",
    "ringOut": "EndCall CallBack",
}


def _ring_list() -> bytes:
    rings = "".join(
        f"<Ring>\n<DisplayName>{name}</DisplayName>\n<FileName>{file}</FileName>\n</Ring>\n"
        for name, file in _RINGS
    )
    root = "CiscoIPPhoneRingList"
    return f"{_DECLARATION}<{root}>\n{rings}</{root}>\n".encode()


def _dial_rules() -> bytes:
    return f"{_DECLARATION}<DialRules></DialRules>\n".encode()


def _soft_keys() -> bytes:
    sets = "".join(
        f'<softKeySet id="{state}">\n'
        + "".join(f"<softKey>{key}</softKey>\n" for key in keys.split())
        + "</softKeySet>\n"
        for state, keys in _SOFT_KEYS.items()
    )
    return f"{_DECLARATION}<softKeyCfg>\n{sets}</softKeyCfg>\n".encode()


BUILT_IN_FILES: Mapping[str, bytes] = MappingProxyType(
    {
        "RingList.xml": _ring_list(),
        "Ringlist.xml": _ring_list(),
        "ringlist.xml": _ring_list(),
        "DistinctiveRingList.xml": _ring_list(),
        "AppDialRules.xml": _dial_rules(),
        "DirLookupDialRules.xml": _dial_rules(),
        SOFT_KEY_FILE: _soft_keys(),
    }
)
"""Name -> content."""
