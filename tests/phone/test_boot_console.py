"""A boot that really decides, read in its console log: the lines of seeds 000 and 002, in order.

What differs from lab to lab is masked: addresses, names, sizes and numbers.
"""

import re
from collections.abc import Iterable

from cucmsim.phone.boot import Boot
from cucmsim.phone.flash import Flash
from cucmsim.phone.machine import Session
from cucmsim.phone.texts import console_texts
from cucmsim.phone.values import PhoneIdentity
from tests.fixtures.phonekit import MAC, NOW, Tvs, World, certified, config_xml, ctl, itl, signed
from tests.phone.test_texts78xx import SEED_002_DOWNLOAD, SEED_002_TVS
from tests.phone.test_texts79xx import SEED_000_BOOT, SEED_000_CONFIG, SEED_000_VERIFIED

CTL, ITL = f"CTLSEP{MAC}.tlv", f"ITLSEP{MAC}.tlv"
SGN = f"SEP{MAC}.cnf.xml.sgn"


def masked(text: str) -> str:
    text = re.sub(r"(?:::ffff:)?\b\d+(?:\.\d+){3}\b|\b(?:tvs|tftp)-\d\b", "SERVER", text)
    text = re.sub(r"SEP[0-9A-F]{12}", "SEP", text)
    text = re.sub(r" name = .*", " name =", text)
    return re.sub(r"\b\d+\b", "N", text)


def texts_of(excerpt: str) -> list[str]:
    """Return what the lines of an excerpt say, without their prefix."""
    prefix = re.compile(r"^\d+:? \w{3} (?:\w{3} \d\d )?[\d:.]+ ")
    return [masked(prefix.sub("", line)) for line in excerpt.splitlines()]


def logged(world: World, phone: PhoneIdentity, load: str) -> list[str]:
    texts = console_texts(phone.generation, load)
    joint = ": " if phone.model == "7970" else "-"
    return [
        masked(f"{line.module}{joint}{line.text}")
        for event in world.events
        for line in texts.render(event)
    ]


def assert_in_order(wanted: Iterable[str], log: list[str]) -> None:
    place = 0
    for line in wanted:
        assert line in log[place:], f"not there after {log[place - 1]!r}: {line!r}"
        place = log.index(line, place) + 1


def test_a_first_boot_logs_what_seed_000_shows() -> None:
    phone = PhoneIdentity(MAC, "7970")
    world = World({CTL: ctl(), ITL: itl(), SGN: signed(config_xml())})
    world.run(Boot(Session(phone, Flash(), NOW, ("192.0.2.1",))))
    verified = masked(f"SECD: {SEED_000_VERIFIED}")
    wanted = [*texts_of(SEED_000_BOOT), verified, *texts_of(SEED_000_CONFIG)]
    assert_in_order(wanted, logged(world, phone, "SCCP70.9-4-2SR3-1S"))


def test_a_migration_logs_what_seed_002_shows() -> None:
    phone = PhoneIdentity(MAC, "8861")
    target = "callmanager-casigned"
    files = {
        CTL: ctl(target, callmanager=target),
        ITL: itl(target, callmanager=target),
        SGN: signed(config_xml(), target),
    }
    world = World(files, {"tvs-1": Tvs(vouches={target: (0, 3)})})
    flash = Flash(ctl=ctl(), itl=itl(), config=config_xml(), lsc=certified("lsc"))
    world.run(Boot(Session(phone, flash, NOW, ("192.0.2.1",))))
    wanted = texts_of(SEED_002_DOWNLOAD + SEED_002_TVS)
    second_look = wanted.index(
        masked("SECUREAPP-Blocked TVS Secure Connection - Waiting (1) ...."), 21
    )
    del wanted[second_look : second_look + 2]  # this TVS answered at once
    log = logged(world, phone, "sip88xx.10-3-1-20")
    assert_in_order(wanted, log)
    handshake = wanted[2:43]
    start = log.index(handshake[0])
    assert log[start : start + len(handshake)] == handshake
