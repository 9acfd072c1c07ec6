"""What the console log shows of a first boot (seed 000)."""

import pytest

from tests.fixtures.phonelab import PhoneLab
from tests.scenarios.bench import OLD, Handset

pytestmark = pytest.mark.usefixtures("quiet")


async def test_first_boot_writes_the_console_lines_of_seed_000(phones: PhoneLab) -> None:
    async with phones.lab.running():
        handset = Handset(OLD, phones.network())
        await handset.boot()

    assert handset.says(
        f"SECD: tlRequestFile: Request CTL{OLD.name}.tlv",
        f"Requesting CTL{OLD.name}.tlv from",
        f"Requesting ITL{OLD.name}.tlv from",
        "Finished --> rcvd",
        "tftpClient: tftp request rcv'd from",
        "SECD: lookupCTL: TFTP SRVR secure",
        "tftpClient: retval = SRVR_SECURE",
        f"tftpClient: authenticated file approved - add .sgn -- {OLD.name}.cnf.xml.sgn",
        f"Requesting {OLD.name}.cnf.xml.sgn from",
        "SECD: verifyFile: verify SUCCESS",
    )
