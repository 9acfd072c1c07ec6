"""What faults make of a file: right in everything but what they are to make wrong."""

from datetime import datetime, timedelta

import pytest

from cucmsim.entropy import SeededEntropy
from cucmsim.errors import RefusedError
from cucmsim.formats.header import decode_header, verify_file
from cucmsim.formats.trustlist import decode_trust_list, verify_trust_list
from cucmsim.pki.certificates import load_certificate
from cucmsim.pki.keysource import SeededSource
from cucmsim.services.faults import files
from cucmsim.services.faults.filefaults import FileFaults
from cucmsim.services.faults.kinds import FaultKind, Value
from cucmsim.services.faults.plan import FaultPlan, FaultRule
from cucmsim.services.faults.strangers import Strangers
from tests.fixtures.phonekit import NOW, certified, config_xml, ctl, encrypted, itl, signed, signer

BY = "callmanager-pub-1024"
SIGNER = signer(BY)
XML = config_xml()
SIGNED = {
    "ITLFile.tlv": itl(BY, callmanager=BY),
    "CTLFile.tlv": ctl(BY, callmanager=BY),
    "SEPB000B4BA0AEE.cnf.xml.sgn": signed(XML, BY),
    "SEPB000B4BA0AEE.cnf.xml.enc.sgn": encrypted(XML, certified("lsc"), BY),
}
SGN, ENCRYPTED = "SEPB000B4BA0AEE.cnf.xml.sgn", "SEPB000B4BA0AEE.cnf.xml.enc.sgn"
EVERY = pytest.mark.parametrize("name", SIGNED)


class FixedClock:
    """The time at which the test's files were signed."""

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0


async def spoil(file: str, data: bytes, kind: FaultKind, **values: Value) -> tuple[bytes, str]:
    """Let a fault happen to a file of a node whose signers are the test's."""
    rule = FaultRule(kind, values=values)
    strangers = Strangers(FixedClock(), SeededSource(1))
    faults = FileFaults(
        FaultPlan([rule]), "pub", "tftp", signers=lambda: [signer("tvs-pub"), SIGNER],
        strangers=strangers,
    )  # fmt: skip
    assert faults.concerns(file, "10.0.0.1")
    served = await faults.spoil(file, "10.0.0.1", data)
    return served.data, served.fault


@EVERY
def test_what_is_signed_anew_by_its_signer_is_the_same_byte_for_byte(name: str) -> None:
    assert files.resigned(SIGNED[name], SIGNER) == SIGNED[name]
    assert files.true_signer(SIGNED[name], [signer("tvs-pub"), SIGNER]) is SIGNER


@EVERY
async def test_a_wrong_signature_and_a_wrong_digest_are_all_that_is_wrong(name: str) -> None:
    data = SIGNED[name]
    right = decode_header(data)
    for kind in (FaultKind.FILE_WRONG_SIGNATURE, FaultKind.FILE_WRONG_DIGEST):
        spoilt, fault = await spoil(name, data, kind)
        assert fault == f"{kind} (fault 1)"
        header = decode_header(spoilt)
        assert (len(spoilt), header.signer, header.filename) == (
            len(data),
            right.signer,
            right.filename,
        )
        assert not verify_file(spoilt, SIGNER.certificate)
        assert (header.digest != right.digest) is (kind is FaultKind.FILE_WRONG_DIGEST)
        assert spoilt[right.length :] == data[right.length :]


@EVERY
async def test_another_name_and_an_earlier_time_are_signed_as_they_should_be(name: str) -> None:
    spoilt, _ = await spoil(name, SIGNED[name], FaultKind.FILE_OLDER, seconds=3600)
    assert decode_header(spoilt).modified == NOW - timedelta(hours=1)
    assert verify_file(spoilt, SIGNER.certificate)
    spoilt, _ = await spoil(name, SIGNED[name], FaultKind.FILE_WRONG_NAME, name="SEP0.cnf.xml.sgn")
    assert decode_header(spoilt).filename == "SEP0.cnf.xml.sgn"
    assert verify_file(spoilt, SIGNER.certificate)


@EVERY
async def test_a_stranger_signs_in_the_style_of_the_house_the_same_from_the_same_seed(
    name: str,
) -> None:
    spoilt, fault = await spoil(name, SIGNED[name], FaultKind.FILE_WRONG_SIGNER)
    assert fault == "file-wrong-signer (fault 1)"
    header, right = decode_header(spoilt), decode_header(SIGNED[name])
    assert header.signer.name.startswith(b"CN=stranger")
    assert header.signer.name.split(b";")[1:] == right.signer.name.split(b";")[1:]
    assert spoilt[header.length :] == SIGNED[name][right.length :]
    again, _ = await spoil(name, SIGNED[name], FaultKind.FILE_WRONG_SIGNER)
    assert again == spoilt


async def test_an_expired_signer_stands_in_the_list_that_he_signs() -> None:
    spoilt, _ = await spoil("ITLFile.tlv", SIGNED["ITLFile.tlv"], FaultKind.FILE_EXPIRED_SIGNER)
    before, after = decode_trust_list(SIGNED["ITLFile.tlv"]), decode_trust_list(spoilt)
    assert verify_trust_list(after)
    assert [one.role for one in after.records] == [one.role for one in before.records]
    assert after.header.signer.name == before.header.signer.name
    assert after.header.signer.serial != before.header.signer.serial
    (expired, *others) = {
        one.certificate_der for one in after.records if one.serial == after.header.signer.serial
    }
    assert not others
    assert expired is not None
    assert load_certificate(expired).not_valid_after_utc < NOW
    config, _ = await spoil(SGN, SIGNED[SGN], FaultKind.FILE_EXPIRED_SIGNER)
    assert verify_file(config, load_certificate(expired))


async def test_a_list_is_made_larger_by_records_and_other_files_by_empty_lines() -> None:
    for name in ("ITLFile.tlv", "CTLFile.tlv"):
        spoilt, _ = await spoil(name, SIGNED[name], FaultKind.FILE_OVERSIZED)
        assert len(spoilt) > 64 * 1024
        assert verify_trust_list(decode_trust_list(spoilt))
    spoilt, _ = await spoil(SGN, SIGNED[SGN], FaultKind.FILE_OVERSIZED, size=100_000)
    assert len(spoilt) == 100_000
    assert verify_file(spoilt, SIGNER.certificate)
    assert spoilt.endswith(XML + b"\n" * (100_000 - len(SIGNED[SGN])))
    assert await spoil("plain", b"x", FaultKind.FILE_OVERSIZED, size=3) == (
        b"x\n\n",
        "file-oversized (fault 1)",
    )


async def test_a_file_is_cut_and_a_byte_of_it_turned_over() -> None:
    assert await spoil("a", b"abc", FaultKind.FILE_TRUNCATE, keep=2) == (
        b"ab",
        "file-truncate (fault 1)",
    )
    assert (await spoil("a", b"abc", FaultKind.FILE_CORRUPT, offset=-3))[0] == b"\x9ebc"
    assert (await spoil("a", b"abc", FaultKind.FILE_CORRUPT, offset=4))[0] == b"a\x9dc"
    assert (await spoil("a", b"", FaultKind.FILE_CORRUPT))[0] == b""


@pytest.mark.parametrize(
    ("name", "data", "kind", "values", "why"),
    [
        ("plain", XML, FaultKind.FILE_WRONG_SIGNATURE, {}, "the file is not signed"),
        ("plain", XML, FaultKind.FILE_WRONG_SIGNER, {}, "the file is not signed"),
        (ENCRYPTED, SIGNED[ENCRYPTED], FaultKind.FILE_OVERSIZED, {}, "an encrypted file is"),
        (
            SGN,
            signed(XML, by="callmanager-sub"),
            FaultKind.FILE_OLDER,
            {},
            "the key that signed the file is not this node's",
        ),
        (SGN, SIGNED[SGN], FaultKind.FILE_OLDER, {"seconds": 1 << 31}, "does not fit into"),
    ],
)
async def test_a_fault_that_cannot_happen_leaves_the_file_and_says_why(
    name: str, data: bytes, kind: FaultKind, values: dict[str, Value], why: str
) -> None:
    spoilt, fault = await spoil(name, data, kind, **values)
    assert spoilt == data
    assert fault.startswith(f"{kind} (fault 1) does not apply: ")
    assert why in fault


async def test_a_fault_of_one_phone_knows_it_by_the_file_or_by_its_address() -> None:
    rule = FaultRule(FaultKind.FILE_TRUNCATE, device="SEPB000B4BA0AEE", times=1)
    plan = FaultPlan([rule])
    strangers = Strangers(FixedClock(), SeededEntropy(1))
    faults = FileFaults(plan, "pub", "http", signers=tuple, strangers=strangers)
    assert faults.concerns(SGN, "10.0.0.1")
    assert not faults.concerns("ringlist.xml", "10.0.0.1")
    plan.learn("10.0.0.1", "SEPB000B4BA0AEE")
    assert faults.concerns("ringlist.xml", "10.0.0.1")
    assert (await faults.spoil("ringlist.xml", "10.0.0.1", XML)).data == XML[:100]
    assert (await faults.spoil(SGN, "10.0.0.1", XML)).fault == ""


def test_a_file_without_a_time_is_not_signed_anew() -> None:
    with pytest.raises(RefusedError, match="the file is not signed"):
        files.resigned(b"firmware", SIGNER)
