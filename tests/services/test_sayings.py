"""What is remembered of a description."""

import json
from dataclasses import dataclass, replace
from types import MappingProxyType

import pytest

from cucmsim.services.sayings import changes, said
from cucmsim.store.rows import Device, Line, ProcessNode, TftpFile

PHONE = Device(name="SEP001B54C25A01", model="7962", lines=(Line("2001", "Desk"),))


def test_only_what_is_not_as_usual_is_remembered() -> None:
    assert json.loads(said(PHONE)) == {"model": "7962", "lines": [["2001", "Desk", ""]]}


def test_what_capf_and_the_store_keep_is_no_part_of_it() -> None:
    kept = replace(PHONE, pkid="1", versionstamp="2", wrong_strings=3, lsc_der=b"x", ctiid=4)
    assert said(kept) == said(PHONE)


def test_a_parameter_is_remembered_as_it_is() -> None:
    assert said("0") == "0"


def test_a_file_is_remembered_by_its_hash() -> None:
    file = TftpFile(name="a", data=b"", node="sub")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert json.loads(said(file)) == {"data": empty, "node": "sub"}


def test_ports_may_be_any_mapping() -> None:
    node = ProcessNode(name="a", host="a", address="192.0.2.1", ports=MappingProxyType({"tvs": 1}))
    assert json.loads(said(node))["ports"] == {"tvs": 1}


def test_a_value_that_json_cannot_tell_is_refused() -> None:
    @dataclass
    class Odd:
        """No value of a row."""

    with pytest.raises(TypeError, match="found Odd in a row"):
        said(replace(PHONE, description=Odd()))  # type: ignore[arg-type]


def test_a_field_changes_when_the_file_says_something_new_that_the_store_lacks() -> None:
    edited = replace(PHONE, description="new", protocol="SCCP")
    held = replace(PHONE, protocol="SCCP", device_pool="moved")
    assert changes(edited, held, said(edited), said(PHONE)) == ["description"]


def test_without_a_memory_every_field_that_differs_changes() -> None:
    held = replace(PHONE, protocol="SCCP", device_pool="moved")
    assert changes(PHONE, held, said(PHONE), None) == ["protocol", "device_pool"]
