"""What the names phones ask for stand for."""

import pytest

from cucmsim.services.filenames import FileKind, FileRequest, parse_file_name

PHONE = "SEPB000B4BA0AEE"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("CTLFile.tlv", FileRequest(FileKind.CTL, "CTLFile.tlv")),
        ("ITLFile.tlv", FileRequest(FileKind.ITL, "ITLFile.tlv")),
        (f"CTL{PHONE}.tlv", FileRequest(FileKind.CTL, f"CTL{PHONE}.tlv", PHONE)),
        (f"ITL{PHONE}.tlv", FileRequest(FileKind.ITL, f"ITL{PHONE}.tlv", PHONE)),
        (f"{PHONE}.cnf.xml", FileRequest(FileKind.CONFIG, f"{PHONE}.cnf.xml", PHONE)),
        ("SEPb000b4ba0aee.cnf.xml", FileRequest(FileKind.CONFIG, f"{PHONE}.cnf.xml", PHONE)),
        (f"/{PHONE}.cnf.xml", FileRequest(FileKind.CONFIG, f"{PHONE}.cnf.xml", PHONE)),
        (
            f"{PHONE}.cnf.xml.sgn",
            FileRequest(FileKind.CONFIG, f"{PHONE}.cnf.xml", PHONE, signed=True),
        ),
        (
            f"{PHONE}.cnf.xml.enc.sgn",
            FileRequest(FileKind.ENCRYPTED_CONFIG, f"{PHONE}.cnf.xml.enc", PHONE, signed=True),
        ),
        ("XMLDefault.cnf.xml", FileRequest(FileKind.DEFAULT, "XMLDefault.cnf.xml")),
        (
            "XMLDefault.cnf.xml.sgn",
            FileRequest(FileKind.DEFAULT, "XMLDefault.cnf.xml", signed=True),
        ),
        ("/g3-tones.xml", FileRequest(FileKind.STATIC, "g3-tones.xml")),
        (
            "New_Zealand/g3-tones.xml.sgn",
            FileRequest(FileKind.STATIC, "New_Zealand/g3-tones.xml", signed=True),
        ),
        # not what phones ask for, so nothing but static files could have these names
        ("ctlfile.tlv", FileRequest(FileKind.STATIC, "ctlfile.tlv")),
        (f"{PHONE}.CNF.XML", FileRequest(FileKind.STATIC, f"{PHONE}.CNF.XML")),
        (f"CTL{PHONE}.tlv.sgn", FileRequest(FileKind.STATIC, f"CTL{PHONE}.tlv", signed=True)),
        ("SEP123.cnf.xml", FileRequest(FileKind.STATIC, "SEP123.cnf.xml")),
    ],
)
def test_a_name_stands_for(name: str, expected: FileRequest) -> None:
    assert parse_file_name(name) == expected


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "..",
        "../../etc/passwd",
        "/../etc/passwd",
        "a/../b",
        "a/./b",
        "a//b",
        "a/",
        "a/..",
        "..\\boot.ini",
        "a\0b",
        "a\nb",
        "x" * 256,
    ],
)
def test_a_name_that_climbs_or_cannot_be_stands_for_nothing(name: str) -> None:
    assert parse_file_name(name) is None


def test_a_signed_file_carries_its_suffix() -> None:
    request = parse_file_name(f"{PHONE.lower().replace('sep', 'SEP')}.cnf.xml.enc.sgn")
    assert request is not None
    assert request.full_name == f"{PHONE}.cnf.xml.enc.sgn"


def test_a_name_is_as_long_as_a_file_system_allows() -> None:
    assert parse_file_name("n" * 255) is not None
    assert parse_file_name("n" * 256) is None


def test_the_full_name_has_the_suffix_of_a_signed_file_only() -> None:
    plain, signed = parse_file_name("RingList.xml"), parse_file_name("RingList.xml.sgn")
    assert plain is not None
    assert signed is not None
    assert (plain.full_name, signed.full_name) == ("RingList.xml", "RingList.xml.sgn")
