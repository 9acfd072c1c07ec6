"""`cucmsim inspect`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from cucmsim.cli.inspect import register
from cucmsim.errors import CommandError

VECTORS = Path(__file__).parent.parent / "vectors"
ITL = VECTORS / "itl/ITL-sha1-v1.0.tlv"
CTL = VECTORS / "ctl/CTL-sha1-1024.tlv"
SIGNED = VECTORS / "sgn/SEPB000B4BA0AEE.cnf.xml.sgn"
ENCRYPTED = VECTORS / "enc/SEPB000B4BA0AEE.cnf.xml.enc.sgn"
SIGNER = VECTORS / "keys/callmanager-pub.crt.der"
OTHER = VECTORS / "keys/tvs-pub.crt.der"

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    app = typer.Typer()
    register(app)

    @app.command("other")
    def _other() -> None:
        """Stand beside it, so that typer asks for the command's name."""

    def invoke(*arguments: str | Path, stdin: bytes | None = None) -> Result:
        return CliRunner().invoke(app, ["inspect", *map(str, arguments)], input=stdin)

    return invoke


def as_json(result: Result) -> dict[str, object]:
    read = json.loads(result.stdout)
    assert isinstance(read, dict)
    return read


def refusal(result: Result) -> CommandError:
    assert isinstance(result.exception, CommandError)
    return result.exception


def test_a_trust_list_is_laid_out_as_show_itl_does(run: Run) -> None:
    result = run(ITL)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "The checksum value of the ITL file:"
    assert lines[4] == "Length of ITL file: 9983"
    assert lines[5].startswith("The ITL File was last modified on ")
    assert lines[-1] == "The ITL file was verified successfully."


@pytest.mark.parametrize(
    ("file", "kind", "records"),
    [
        (ITL, "ITL", 6),
        (CTL, "CTL", 4),
        (SIGNED, "signed file", 0),
        (ENCRYPTED, "encrypted file", 0),
    ],
)
def test_json_tells_what_a_file_is(run: Run, file: Path, kind: str, records: int) -> None:
    shown = as_json(run(file, "--json"))
    assert shown["type"] == kind
    assert shown["length"] == file.stat().st_size
    found = shown.get("records", [])
    assert isinstance(found, list)
    assert len(found) == records
    assert ("payload_length" in shown) is (records == 0)


def test_json_tells_signer_digest_and_records(run: Run) -> None:
    shown = as_json(run(ITL, "--json"))
    name = "CN=cucm-1051-a-pub,OU=TAC,O=Cisco,L=Krakow,ST=Malopolska,C=PL"
    serial = "70:46:97:47:6C:6C:82:D5:26:46:32:B6:27:A8:1C:AD"
    assert (shown["version"], shown["signer_version"]) == ("1.2", "1.0")
    assert shown["signer"] == {"subject": name, "issuer": name, "serial": serial}
    assert (shown["digest"], shown["signature"]) == ("SHA-1", "valid")
    records = shown["records"]
    assert isinstance(records, list)
    assert records[1] == {
        "role": "TFTP",
        "function": 3,
        "dns_name": None,
        "subject": name,
        "issuer": name,
        "serial": serial,
        "certificate_hash": "2acf11dff85b7d5404620c65be729be0ee087385",
        "length": 1578,
        "lengths": {
            "RECORDLENGTH": 2,
            "SUBJECTNAME": 62,
            "ISSUERNAME": 62,
            "SERIALNUMBER": 16,
            "FUNCTION": 2,
            "PUBLICKEY": 270,
            "SIGNATURE": 256,
            "CERTIFICATE": 884,
        },
    }


@pytest.mark.parametrize(
    ("file", "certificates", "signature"),
    [
        (SIGNED, [], "unknown signer"),
        (SIGNED, [OTHER], "unknown signer"),
        (SIGNED, [SIGNER], "valid"),
        (SIGNED, [OTHER, SIGNER], "valid"),
        (ENCRYPTED, [SIGNER], "valid"),
        (ITL, [], "valid"),
        (ITL, [SIGNER], "valid"),
        (ITL, [OTHER], "unknown signer"),
    ],
)
def test_the_signature_is_checked_with_the_certificates_given(
    run: Run, file: Path, certificates: list[Path], signature: str
) -> None:
    options = [option for path in certificates for option in ("--certificate", path)]
    result = run(file, "--json", *options)
    assert result.exit_code == 0
    assert as_json(result)["signature"] == signature


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_wrong_signature_ends_with_1(run: Run, options: list[str]) -> None:
    data = SIGNED.read_bytes()
    result = run("-", "--certificate", SIGNER, *options, stdin=data + b"\n")
    assert result.exit_code == 1
    assert "invalid" in result.stdout


def test_a_wrong_signature_of_a_trust_list_is_shown_as_cucm_does(run: Run) -> None:
    data = ITL.read_bytes()
    result = run("-", stdin=data[:-1] + bytes((data[-1] ^ 1,)))
    assert result.exit_code == 1
    assert result.stdout.endswith(
        "Verification of the ITL file failed.\nError parsing the ITL file!!\n"
    )


def test_the_header_of_a_signed_file_is_shown_with_the_length_of_its_payload(run: Run) -> None:
    lines = run(SIGNED).stdout.splitlines()
    assert lines[0] == "signed file: SEPB000B4BA0AEE.cnf.xml.sgn"
    assert "HeaderLength:\t480 (BYTES)" in lines
    assert lines[-2:] == ["Length of payload: 933", "Signature: unknown signer"]


def test_a_certificate_may_be_pem(run: Run, tmp_path: Path) -> None:
    from cucmsim.pki.certificates import certificate_pem, load_certificate  # noqa: PLC0415

    pem = tmp_path / "signer.pem"
    pem.write_bytes(certificate_pem(load_certificate(SIGNER.read_bytes())))
    assert as_json(run(SIGNED, "--json", "--certificate", pem))["signature"] == "valid"


@pytest.mark.parametrize("size", [0, 3, 200, 470, 9982])
def test_a_damaged_file_is_refused_with_offset_and_reason(run: Run, size: int) -> None:
    error = refusal(run("-", stdin=ITL.read_bytes()[:size]))
    assert error.exit_status == 2
    assert str(error).startswith("-: ")
    assert "at offset" in str(error)


def test_a_damaged_encrypted_file_is_refused(run: Run) -> None:
    assert refusal(run("-", stdin=ENCRYPTED.read_bytes()[:-1])).exit_status == 2


def test_a_file_that_is_not_there_is_refused(run: Run, tmp_path: Path) -> None:
    error = refusal(run(tmp_path / "none.tlv"))
    assert (error.exit_status, "No such file" in str(error)) == (2, True)
    error = refusal(run(ITL, "--certificate", tmp_path / "none.pem"))
    assert error.exit_status == 2


def test_what_is_no_certificate_is_refused(run: Run) -> None:
    error = refusal(run(ITL, "--certificate", ITL))
    assert error.exit_status == 2
    assert "no certificate" in str(error)


def test_a_list_without_timestamp_is_shown_as_of_1970(run: Run) -> None:
    data = ITL.read_bytes()
    cut = data[:459] + b"\x0d" * 7 + data[466:]
    result = run("-", stdin=cut)
    assert "19" in result.stdout.splitlines()[5]
    assert as_json(run("-", "--json", stdin=cut))["timestamp"] is None


def test_a_list_too_long_for_phones_is_shown_with_a_warning(run: Run) -> None:
    data = ITL.read_bytes()
    result = run("-", "--json", stdin=data[:468] + data[468:] * 7)
    assert "phones load no trust list over 65536" in result.stderr
    assert result.exit_code == 1


def test_a_record_of_four_fields_is_shown_without_certificate(run: Run) -> None:
    data = ITL.read_bytes()
    four = bytes.fromhex("01 0002 0021 02 000d") + b"10.48.47.153\0"
    four += bytes.fromhex("04 0002 0002 0a 0004 0a302f99")
    records = as_json(run("-", "--json", stdin=data + four))["records"]
    assert isinstance(records, list)
    last = records[-1]
    assert (last["dns_name"], last["serial"], last["certificate_hash"]) == (
        "10.48.47.153",
        None,
        None,
    )
