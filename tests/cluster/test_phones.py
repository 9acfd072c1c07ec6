"""Phones of a description: single, ranges, CSV files, and what is wrong with them."""

from pathlib import Path

import pytest

from cucmsim.cluster.loading import parse_settings
from cucmsim.errors import Problem, SettingsError
from cucmsim.store.rows import (
    AuthenticationMode,
    CertificateStatus,
    Device,
    KeyOrder,
    Line,
    PendingOperation,
)

HEAD = """
[cluster]
security_password = "secret-2445"
[[nodes]]
name = "pub"
address = "127.0.1.1"
role = "publisher"
[[device_pools]]
name = "Berlin"
[[device_pools]]
name = "Bonn"
[[security_profiles]]
name = "Secret"
device_security_mode = "encrypted"
encrypted_config = true
authentication_mode = "existing-mic"
key_order = "ec-preferred"
key_size_bits = 3072
ec_size_bits = 521
"""


def read(text: str, base: Path = Path("/srv")) -> tuple[Device, ...]:
    return parse_settings(HEAD + text, base / "lab.toml", {}).phones


def refused(text: str, base: Path = Path("/srv")) -> tuple[Problem, ...]:
    with pytest.raises(SettingsError) as caught:
        read(text, base)
    return caught.value.problems


def one(keys: str) -> Device:
    (device,) = read(f'[[phones]]\nmac = "001b.54c2.5a01"\nmodel = "8861"\n{keys}\n')
    return device


def test_a_phone_gets_what_its_model_and_the_first_pool_say() -> None:
    device = one("")
    assert (device.name, device.model, device.protocol) == ("SEP001B54C25A01", "8861", "SIP")
    assert device.device_pool == "Berlin"
    assert device.security_profile == "Cisco 8861 - Standard SIP Non-Secure Profile"
    assert (device.security_mode, device.transport, device.ctiid) == (1, 1, 685)
    assert device.certificate_status is CertificateStatus.NONE


def test_a_profile_gives_security_and_keys_unless_the_phone_has_its_own() -> None:
    device = one('security_profile = "Secret"\nkey_size_bits = 1024\ndevice_pool = "Bonn"')
    assert (device.security_mode, device.transport, device.encrypted_config) == (3, 3, True)
    assert device.authentication_mode is AuthenticationMode.EXISTING_MIC
    assert device.key_type is KeyOrder.EC_PREFERRED
    assert (device.key_size_bits, device.ec_size_bits) == (1024, 521)
    assert device.device_pool == "Bonn"


@pytest.mark.parametrize(
    "keys",
    [
        'device_security_mode = "authenticated"',
        'security_profile = "Cisco 8861 - Standard SIP Authenticated Profile"',
    ],
)
def test_the_standard_profiles_are_known_by_mode_and_by_name(keys: str) -> None:
    device = one(keys)
    assert device.security_profile == "Cisco 8861 - Standard SIP Authenticated Profile"
    assert (device.security_mode, device.transport) == (2, 3)


def test_a_pending_operation_shows_in_the_certificate_status() -> None:
    device = one(
        'pending_operation = "install"\nauthentication_mode = "authentication-string"\n'
        'authentication_string = "1234"\nload = "sip88xx.14-1"'
    )
    assert device.pending_operation is PendingOperation.INSTALL
    assert device.certificate_status is CertificateStatus.PENDING
    assert (device.authentication_string, device.load_information) == ("1234", "sip88xx.14-1")
    assert "1234" not in repr(device)


def test_lines_are_numbers_or_tables() -> None:
    device = one('lines = ["2001", { number = "2002", label = "{name}", display = "D{index:3}" }]')
    assert device.lines == (Line("2001"), Line("2002", "SEP001B54C25A01", "D001"))


def test_a_range_counts_addresses_and_numbers_up() -> None:
    devices = read("""
[[phones]]
mac = "SEP0000000000FE"
model = "7962"
count = 3
description = "Desk {index:3} {mac} {line} {unlike"
lines = [{ number = "0998", label = "L{line}" }, "*77A1"]
""")
    assert [device.name[-4:] for device in devices] == ["00FE", "00FF", "0100"]
    assert [device.lines[0].number for device in devices] == ["0998", "0999", "1000"]
    assert devices[2].lines == (Line("1000", "L1000"), Line("*77A3"))
    assert devices[2].description == "Desk 003 000000000100 1000 {unlike"


@pytest.mark.parametrize(
    ("keys", "key", "found"),
    [
        ("", "model", "nothing"),
        ('model = "8862"', "model", '"8862"'),
        ('model = "8861"\nmac = 5', "mac", "5"),
        ('model = "8861"\nmac = "001B54C25A0G"', "mac", '"001B54C25A0G"'),
        ('model = "8861"\nprotocol = "SCCP"', "protocol", '"SCCP"'),
        ('model = "8861"\ndevice_pool = "Berlni"', "device_pool", '"Berlni"'),
        ('model = "8861"\nsecurity_profile = "Secrets"', "security_profile", '"Secrets"'),
        (
            'model = "8861"\nsecurity_profile = "Secret"\ndevice_security_mode = "non-secure"',
            "device_security_mode",
            '"non-secure"',
        ),
        ('model = "8861"\nkey_size_bits = 2047', "key_size_bits", "2047"),
        ('model = "8861"\nauthentication_string = "123"', "authentication_string", None),
        ('model = "8861"\nauthentication_string = "12345"', "authentication_string", None),
        (
            (
                'model = "8861"\nauthentication_mode = "authentication-string"\n'
                'pending_operation = "delete"'
            ),
            "authentication_string",
            "nothing",
        ),
        ('model = "8861"\nlines = [5]', "lines[0]", "5"),
        ('model = "8861"\nlines = ["anna"]', "lines[0].number", '"anna"'),
        ('model = "7811"\nlines = ["1", "2"]', "lines", "2 lines"),
        ('model = "8861"\ndescription = "{indx}"', "description", "{indx}"),
        ('model = "8861"\nlines = [{number = "1", label = "{x}"}]', "lines[0].label", "{x}"),
        ('model = "8861"\ncount = 0', "count", "0"),
        ('model = "8861"\nmac = "FFFFFFFFFFFF"\ncount = 2', "count", "2"),
        ('model = "8861"\ncount = 2\nlines = ["12#"]', "lines[0]", '"12#"'),
    ],
)
def test_a_wrong_phone_is_named(keys: str, key: str, found: str | None) -> None:
    mac = "" if "mac = " in keys else 'mac = "001B54C25A01"\n'
    (problem,) = refused(f"[[phones]]\n{mac}{keys}\n")
    assert problem.key == f"phones[0].{key}"
    assert problem.found == (found or "a value not shown here")


def test_a_phone_needs_an_address() -> None:
    (problem,) = refused('[[phones]]\nmodel = "8861"\n')
    assert (problem.key, problem.found) == ("phones[0].mac", "nothing")


def test_an_address_given_twice_is_named_with_the_other_place() -> None:
    phone = '[[phones]]\nmodel = "7821"\nmac = "0000000000{}"\n'
    first, second = phone.format("10"), phone.format("00") + "count = 100\n"
    problems = refused(first + second + second)
    assert [(problem.key, problem.found) for problem in problems] == [
        ("phones[1].mac", '"000000000010"'),
        ("phones[2].mac", '"000000000000"'),
    ]
    assert problems[0].expected == "an address of its own (phones[0] has this one)"


def test_a_profile_that_is_wrong_itself_is_no_second_problem() -> None:
    problems = refused(
        '[[phones]]\nmac = "001B54C25A01"\nmodel = "8861"\nsecurity_profile = "Odd"\n'
        '[[security_profiles]]\nname = "Odd"\ntransport = "tpc"\n'
    )
    assert [problem.key for problem in problems] == ["security_profiles[1].transport"]
    assert problems[0].nearest == "tcp"


def csv_of(tmp_path: Path, text: str | bytes, keys: str = "") -> str:
    data = text if isinstance(text, bytes) else text.encode()
    (tmp_path / "phones.csv").write_bytes(data)
    return f'[[phones]]\nfile = "phones.csv"\n{keys}\n'


def test_rows_of_a_file_are_phones(tmp_path: Path) -> None:
    text = csv_of(
        tmp_path,
        "\ufeffmac,model,description,line1,label1,line2,key_size_bits\r\n"
        '00:1B:54:C2:5A:01,7962,"Reception, {index}",2001,Desk,2002,\r\n'
        "\r\n"
        "001B54C25A02,,,,,,3072\r\n",
        'model = "8861"\nprotocol = "SIP"\ndescription = "Desk {index}"\nlines = ["9"]',
    )
    first, second = read(text, tmp_path)
    assert (first.model, first.protocol, first.description) == ("7962", "SIP", "Reception, 1")
    assert first.lines == (Line("2001", "Desk"), Line("2002"))
    assert (second.model, second.description, second.lines) == ("8861", "Desk 2", (Line("9"),))
    assert second.key_size_bits == 3072


def test_every_bad_row_is_named_with_its_line(tmp_path: Path) -> None:
    text = csv_of(
        tmp_path,
        "mac,model,key_size_bits,device_pool,label1\n"
        "001B54C25A01,7962,,,\n"
        "nothing,7962,,,\n"
        "001B54C25A03,7961x,big,,\n"
        "001B54C25A01,7962,,,\n"
        "001B54C25A05,7962\n"
        "001B54C25A06,7962,,Bern,\n"
        "001B54C25A07,7962,,,Label\n",
    )
    problems = refused(text, tmp_path)
    assert {problem.file for problem in problems} == {str(tmp_path / "phones.csv")}
    assert [(problem.key, problem.found) for problem in problems] == [
        ("line 3, mac", '"nothing"'),
        ("line 4, model", '"7961x"'),
        ("line 4, key_size_bits", '"big"'),
        ("line 5, mac", '"001B54C25A01"'),
        ("line 6", "2 cells"),
        ("line 7, device_pool", '"Bern"'),
        ("line 8, lines, 0, number", "nothing"),
    ]
    assert problems[1].nearest == "7961"
    assert problems[3].expected.endswith(f"({tmp_path / 'phones.csv'} line 2 has this one)")


@pytest.mark.parametrize(
    ("text", "key", "found"),
    [
        ("mac,modle\n", "line 1", 'column "modle"'),
        ("mac,model,mac\n", "line 1", 'column "mac" again'),
        ("mac,lines\n", "line 1", 'column "lines"'),
        ("model\n", "line 1", "no column mac"),
        ("", "line 1", "nothing"),
        ('mac,model\n"001', "line 2", "unexpected end of data"),
        (b"mac\n\xff", "line 1", "bytes that are no UTF-8, at offset 4"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, text: str | bytes, key: str, found: str) -> None:
    (problem,) = refused(csv_of(tmp_path, text), tmp_path)
    assert (problem.file, problem.key) == (str(tmp_path / "phones.csv"), key)
    assert problem.found == found


def test_a_file_that_is_not_there_and_keys_it_cannot_have_are_named(tmp_path: Path) -> None:
    text = '[[phones]]\nfile = "none.csv"\ncount = 5\nmac = "000000000001"\n'
    problems = refused(text, tmp_path)
    keys = ["phones[0].mac", "phones[0].count", "phones[0].file"]
    assert [problem.key for problem in problems] == keys
    assert problems[2].found == f'"{tmp_path / "none.csv"}": no such file or directory'


@pytest.mark.timeout(60)  # a second and a half here
def test_forty_thousand_rows_are_read(tmp_path: Path) -> None:
    rows = "".join(f"{number:012X},7821,Desk,{number:05}\n" for number in range(40_000))
    text = csv_of(tmp_path, "mac,model,description,line1\n" + rows, 'pending_operation = "install"')
    devices = read(text, tmp_path)
    assert len(devices) == 40_000
    assert devices[-1].lines == (Line("39999"),)
