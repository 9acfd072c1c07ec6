"""What `show itl` and `show ctl` print, line by line as in cucm.md 1.2 and the seeds.

The expected texts stand here with blanks where CUCM prints TABs; `expandtabs` makes them alike,
and two tests look at the TABs themselves.
"""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Protocol

import pytest

from cucmsim.errors import FormatError
from cucmsim.formats.contents import (
    CtlContents,
    CtlNode,
    ItlContents,
    ctl_records,
    etoken_ctl_records,
    itl_records,
)
from cucmsim.formats.header import decode_header
from cucmsim.formats.listing import (
    Kind,
    digest_name,
    format_header,
    format_missing,
    format_trust_list,
    kind_of,
    record_tag_name,
)
from cucmsim.formats.records import RecordTag
from cucmsim.formats.tlv import Element, encode_element
from cucmsim.formats.trustlist import (
    CTL_FILENAME,
    ITL_FILENAME,
    Record,
    decode_trust_list,
    hash_record,
    sign_trust_list,
)
from cucmsim.pki.certificates import certificate_der
from cucmsim.pki.release import Release
from cucmsim.pki.signatures import Signer

AT = datetime(2015, 2, 24, 15, 37, 45, tzinfo=UTC)
CET = AT.astimezone(timezone(timedelta(hours=1), "CET"))


class Cluster(Protocol):
    """What the fixtures of conftest.py return."""

    callmanager: Signer
    tvs: tuple[Signer, ...]
    capf: Signer
    itl_recovery: Signer
    subscriber: Signer
    tokens: tuple[Signer, ...]


def sha1(signer: Signer) -> str:
    digest = hashlib.sha1(certificate_der(signer.certificate), usedforsecurity=False)
    return digest.digest().hex(" ").upper()


def dump(signature: bytes) -> str:
    lines = [signature[start : start + 8] for start in range(0, len(signature), 8)]
    return "".join(
        " " * 16 + "".join(format(byte, "x").ljust(4) for byte in line) + "\n" for line in lines
    )


def test_a_ctl_of_etokens_is_laid_out_as_cucm_shows_it(seed_001: Cluster) -> None:
    publisher = CtlNode("cucm-1051-a-pub", "10.48.47.153", seed_001.callmanager.certificate)
    first, second = seed_001.tokens
    records = etoken_ctl_records(CtlContents(publisher), (first.certificate, second.certificate))
    data = sign_trust_list(first, filename=CTL_FILENAME, records=records, timestamp=AT)
    header = decode_header(data)
    expected = f"""\
The checksum value of the CTL file:
{hashlib.md5(data, usedforsecurity=False).hexdigest()}(MD5)
{hashlib.sha1(data, usedforsecurity=False).hexdigest()}(SHA1)

Length of CTL file: {len(data)}
The CTL File was last modified on Tue Feb 24 16:37:45 CET 2015

        Parse CTL File
        ----------------

Version:        1.2
HeaderLength:   304 (BYTES)

BYTEPOS TAG             LENGTH  VALUE
------- ---             ------  -----
3       SIGNERID        2       117
4       SIGNERNAME      56      cn="SAST-ADN0054f509        ";ou=IPCBU;o="Cisco Systems
5       SERIALNUMBER    10      3C:F9:27:00:00:00:AF:A2:DA:45
6       CANAME          42      cn=Cisco Manufacturing CA;o=Cisco Systems
7       SIGNATUREINFO   2       15
8       DIGESTALGORTITHM        1
9       SIGNATUREALGOINFO       2       8
10      SIGNATUREALGORTITHM     1
11      SIGNATUREMODULUS        1
12      SIGNATURE       128
{dump(header.signature)}\
14      FILENAME        12
15      TIMESTAMP       4

        CTL Record #:1
                      ----
BYTEPOS TAG             LENGTH  VALUE
------- ---             ------  -----
1       RECORDLENGTH    2       1186
2       DNSNAME         1
3       SUBJECTNAME     56      cn="SAST-ADN0054f509        ";ou=IPCBU;o="Cisco Systems
4       FUNCTION        2       System Administrator Security Token
5       ISSUERNAME      42      cn=Cisco Manufacturing CA;o=Cisco Systems
6       SERIALNUMBER    10      3C:F9:27:00:00:00:AF:A2:DA:45
7       PUBLICKEY       140
9       CERTIFICATE     902     {sha1(first)} (SHA1 Hash HEX)
10      IPADDRESS       4
This etoken was used to sign the CTL file.

        CTL Record #:2
                      ----
BYTEPOS TAG             LENGTH  VALUE
------- ---             ------  -----
1       RECORDLENGTH    2       1022
2       DNSNAME         13      10.48.47.153
3       SUBJECTNAME     62      CN=cucm-1051-a-pub;OU=TAC;O=Cisco;L=Krakow;ST=Malopolska;C=PL
4       FUNCTION        2       CCM+TFTP
5       ISSUERNAME      62      CN=cucm-1051-a-pub;OU=TAC;O=Cisco;L=Krakow;ST=Malopolska;C=PL
6       SERIALNUMBER    16      70:CA:F6:4E:09:07:51:B9:DF:22:F4:9F:75:4F:C5:BB
7       PUBLICKEY       140
9       CERTIFICATE     694     {sha1(seed_001.callmanager)} (SHA1 Hash HEX)
10      IPADDRESS       4

        CTL Record #:3
                      ----
BYTEPOS TAG             LENGTH  VALUE
------- ---             ------  -----
1       RECORDLENGTH    2       1186
2       DNSNAME         1
3       SUBJECTNAME     56      cn="SAST-ADN008580ef        ";ou=IPCBU;o="Cisco Systems
4       FUNCTION        2       System Administrator Security Token
5       ISSUERNAME      42      cn=Cisco Manufacturing CA;o=Cisco Systems
6       SERIALNUMBER    10      83:E9:08:00:00:00:55:45:AF:31
7       PUBLICKEY       140
9       CERTIFICATE     902     {sha1(second)} (SHA1 Hash HEX)
10      IPADDRESS       4
This etoken was not used to sign the CTL file.

The CTL file was verified successfully.
"""
    assert format_trust_list(Kind.CTL, data, modified=CET).expandtabs() == expected


def itl_of(cluster: Cluster) -> bytes:
    contents = ItlContents(
        cluster.callmanager.certificate,
        tuple(signer.certificate for signer in cluster.tvs),
        cluster.capf.certificate,
        cluster.itl_recovery.certificate,
    )
    records = itl_records(Release(10), contents)
    return sign_trust_list(
        cluster.callmanager, filename=ITL_FILENAME, records=records, timestamp=AT
    )


def test_an_itl_is_laid_out_as_in_seed_003(seed_003: Cluster) -> None:
    text = format_trust_list(Kind.ITL, itl_of(seed_003), modified=CET)
    lines = text.expandtabs().splitlines()
    assert lines[0] == "The checksum value of the ITL file:"
    assert lines[4] == "Length of ITL file: 5302"
    assert lines[11] == "HeaderLength:   324 (BYTES)"
    third = lines.index("        ITL Record #:3")
    assert lines[third - 1 : third + 16] == [
        "",
        "        ITL Record #:3",
        "                      ----",
        "BYTEPOS TAG             LENGTH  VALUE",
        "------- ---             ------  -----",
        "1       RECORDLENGTH    2       439",
        "2       DNSNAME         2",
        "3       SUBJECTNAME     49      CN=CAPF-75638ad9;OU=tac;O=cisco;L=rtp;ST=nc;C=US",
        "4       FUNCTION        2       CAPF",
        "5       ISSUERNAME      49      CN=CAPF-75638ad9;OU=tac;O=cisco;L=rtp;ST=nc;C=US",
        "6       SERIALNUMBER    16      42:BF:37:77:9B:16:AF:1C:D2:30:88:C2:17:24:9D:AA",
        "7       PUBLICKEY       140",
        "8       SIGNATURE       128",
        f"11      CERTHASH        20      {sha1(seed_003.capf)}",
        "12      HASH ALGORITHM  1       SHA-1",
        "",
        "        ITL Record #:4",
    ]
    verdicts = [line for line in lines if line.startswith("This etoken")]
    assert verdicts == [
        "This etoken was used to sign the ITL file.",
        "This etoken was not used to sign the ITL file.",
    ]
    assert lines[-2:] == ["", "The ITL file was verified successfully."]


def test_fields_are_separated_by_tabs(seed_003: Cluster) -> None:
    lines = format_trust_list(Kind.ITL, itl_of(seed_003), modified=CET).splitlines()
    assert lines[7:13] == [
        "\tParse ITL File",
        "\t----------------",
        "",
        "Version:\t1.2",
        "HeaderLength:\t324 (BYTES)",
        "",
    ]
    for line in (
        "BYTEPOS\tTAG\t\tLENGTH\tVALUE",
        "3\tSIGNERID\t2\t139",
        "8\tDIGESTALGORTITHM\t1",
        "9\tSIGNATUREALGOINFO\t2\t8",
        "2\tDNSNAME\t\t2",
        "4\tFUNCTION\t2\tTFTP",
    ):
        assert line in lines


def test_bytes_of_the_signature_are_not_padded_with_zeros(seed_003: Cluster) -> None:
    data = itl_of(seed_003)
    signature = decode_header(data).signature
    text = format_trust_list(Kind.ITL, data, modified=CET)
    first = "".join(f"{byte:x}".ljust(4) for byte in signature[:8])
    assert f"\n12\tSIGNATURE\t128\n\t\t{first}\n" in text
    assert dump(bytes((0x45, 0xEC, 0x05, 0x0C))) == " " * 16 + "45  ec  5   c   \n"


SEED_001_SIGNATURE = """
        65 ba 26 b4 ba de 2b 13   b8 18 2 4a 2b 6c 2d 20    7d e7 2f bd 6d b3 84 c5
        bf 5 f2 74 cb f2 59 bc    b5 c1 9f cd 4d 97 3a dd   6e 7c 75 19 a2 59 66 49
        b7 64 e8 9a 25 7f 5a c8   56 bb ed 6f 96 95 c3 b3   72 7 91 10 6b f1 12 f4
        d5 72 e 8f 30 21 fa 80    bc 5d f6 c5 fb 6a 82 ec   f1 6d 40 17 1b 7d 63 7b
        52 f7 7a 39 67 e1 1d 45   b6 fe 82 0 62 e3 db 57    8c 31 2 56 66 c8 91 c8
        d8 10 cb 5e c3 1f ef a
"""


def test_the_dump_of_seed_001_is_printed_as_there(seed_001: Cluster) -> None:
    shown = SEED_001_SIGNATURE.split()
    signature = bytes(int(byte, 16) for byte in shown)
    data = sign_trust_list(seed_001.callmanager, filename=CTL_FILENAME, records=(), timestamp=AT)
    made = decode_header(data)
    seeds = data.replace(made.signature, signature)
    lines = format_header(decode_header(seeds)).splitlines()
    start = lines.index("12\tSIGNATURE\t128") + 1
    assert lines[start : start + 2] == [
        "\t\t65  ba  26  b4  ba  de  2b  13  ",
        "\t\tb8  18  2   4a  2b  6c  2d  20  ",
    ]
    assert " ".join(lines[start : start + 16]).split() == shown


def test_releases_8_print_no_checksums(seed_003: Cluster) -> None:
    text = format_trust_list(Kind.ITL, itl_of(seed_003), modified=CET, checksums=False)
    assert text.startswith("Length of ITL file: 5302\nThe ITL File was last modified on Tue")


def test_a_list_that_does_not_verify_says_so(seed_003: Cluster) -> None:
    data = itl_of(seed_003)
    failed = "Verification of the ITL file failed.\nError parsing the ITL file!!\n"
    damaged = data[:-1] + bytes((data[-1] ^ 1,))
    assert format_trust_list(Kind.ITL, damaged, modified=CET).endswith(failed)
    assert format_trust_list(Kind.ITL, data, modified=CET, verified=False).endswith(failed)
    with pytest.raises(FormatError):
        format_trust_list(Kind.ITL, data[:-1], modified=CET)


def test_non_secure_mode_shows_four_fields(seed_001: Cluster) -> None:
    publisher = CtlNode("cucm-1051-a-pub", "10.48.47.153", seed_001.callmanager.certificate)
    records = ctl_records(Release(10), CtlContents(publisher), non_secure=True)
    data = sign_trust_list(
        seed_001.callmanager, filename=CTL_FILENAME, records=records, timestamp=AT
    )
    lines = format_trust_list(Kind.CTL, data, modified=CET).expandtabs().splitlines()
    second = lines.index("        CTL Record #:2")
    assert lines[second + 4 : second + 9] == [
        "1       RECORDLENGTH    2       33",
        "2       DNSNAME         13      10.48.47.153",
        "4       FUNCTION        2       CCM+TFTP",
        "10      IPADDRESS       4",
        "",
    ]


def test_unknown_tags_are_shown_as_such(seed_003: Cluster) -> None:
    record = hash_record(21, seed_003.capf.certificate)
    strange = (*record.elements[1:-1], Element(12, b"\x09"), Element(200, b"new"))
    length = (record.length + 6).to_bytes(2)
    records = (Record((Element(RecordTag.RECORD_LENGTH, length), *strange)),)
    data = sign_trust_list(
        seed_003.callmanager, filename=ITL_FILENAME, records=records, timestamp=AT
    )
    lines = format_trust_list(Kind.ITL, data, modified=CET).splitlines()
    assert "12\tHASH ALGORITHM\t1\t9" in lines
    assert "200\tUNKNOWN\t\t3" in lines
    assert (record_tag_name(9), record_tag_name(99)) == ("CERTIFICATE", "UNKNOWN")
    assert (digest_name(3), digest_name(4)) == ("SHA-512", "4")


def test_the_header_of_an_encrypted_file_shows_its_nested_elements(vectors: Path) -> None:
    data = (vectors / "enc/SEPB000B4BA0AEE.cnf.xml.enc.sgn").read_bytes()
    lines = format_header(decode_header(data)).splitlines()
    assert lines[:2] == ["Version:\t2.0", "HeaderLength:\t820 (BYTES)"]
    assert [line.split("\t")[0] for line in lines[-12:]] == [str(tag) for tag in range(16, 28)]
    assert "17\tCIPHERINFO\t2\t28" in lines


def test_a_signer_version_and_an_odd_tag_of_a_header_are_shown(vectors: Path) -> None:
    data = (vectors / "itl/ITL-sha1-v1.0.tlv").read_bytes()
    header = decode_header(data)
    changed = replace(header, elements=(*header.elements, Element(99, b"x")))
    lines = format_header(changed).splitlines()
    assert "28\tSIGNERVERSION\t2\t1.0" in lines
    assert lines[-1] == "99\tUNKNOWN\t\t1"


def test_a_name_cannot_steer_the_terminal(seed_003: Cluster) -> None:
    name = Element(RecordTag.SUBJECT_NAME, b"CN=\x1b[2J\0")
    length = Element(RecordTag.RECORD_LENGTH, (5 + 5 + 3 + len(name.value)).to_bytes(2))
    record = Record((length, name, Element(RecordTag.FUNCTION, b"\0\x02")))
    data = sign_trust_list(
        seed_003.callmanager, filename=CTL_FILENAME, records=(record,), timestamp=AT
    )
    assert r"CN=\x1b[2J" in format_trust_list(Kind.CTL, data, modified=CET)


def test_containers_within_containers_are_shown_two_deep(vectors: Path) -> None:
    header = decode_header((vectors / "itl/ITL-sha1-v1.0.tlv").read_bytes())
    value = b""
    for _ in range(20_000):
        value = encode_element(16, value)
    changed = replace(header, elements=(*header.elements, Element(16, value)))
    assert format_header(changed).count("16\tENCRYPTIONINFO") == 3


def test_what_a_list_is_follows_from_its_name_or_its_records(
    vectors: Path, seed_001: Cluster, seed_003: Cluster
) -> None:
    assert kind_of(decode_trust_list((vectors / "itl/ITL-sha1-v1.0.tlv").read_bytes())) is Kind.ITL
    assert kind_of(decode_trust_list((vectors / "ctl/CTL-sha1-1024.tlv").read_bytes())) is Kind.CTL
    publisher = CtlNode("a", "192.0.2.1", seed_001.callmanager.certificate)

    def sign(records: tuple[Record, ...]) -> bytes:
        return sign_trust_list(
            seed_001.callmanager, filename="x.tlv", records=records, timestamp=AT
        )

    ctl = sign(ctl_records(Release(10), CtlContents(publisher)))
    itl = sign((hash_record(21, seed_003.capf.certificate),))
    assert kind_of(decode_trust_list(ctl)) is Kind.CTL
    assert kind_of(decode_trust_list(itl)) is Kind.ITL


def test_a_file_that_is_not_there_is_shown_as_cucm_does() -> None:
    assert format_missing(Kind.CTL) == (
        "Length of CTL file: 0\n"
        "CTL File not found. Please run CTLClient plugin or run the CLI - utils ctl.. "
        "to generate the CTL file.\n"
        "Error parsing the CTL File.\n"
    )
    assert format_missing(Kind.ITL) == (
        "Length of ITL file: 0\nITL File not found.\nError parsing the ITL File.\n"
    )
