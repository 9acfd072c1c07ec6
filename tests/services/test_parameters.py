"""The catalogue of parameters."""

import pytest

from cucmsim.services.parameters import (
    ENTERPRISE_PARAMETERS,
    SERVICE_PARAMETERS,
    Parameter,
    is_true,
)

TEXT = Parameter("T", "T", "")
NUMBER = Parameter("N", "N", "1", low=1, high=5)
CHOICE = Parameter("C", "C", "a", choices=("a", "b"))
FLAG = Parameter("F", "F", "T", choices=("T", "F"))
LOCATION = Parameter("L", "L", "", is_location=True)


@pytest.mark.parametrize(
    ("parameter", "value", "stored"),
    [
        (TEXT, "x y", "x y"),
        (TEXT, 5, "5"),
        (NUMBER, 5, "5"),
        (NUMBER, "1", "1"),
        (CHOICE, "b", "b"),
        (FLAG, True, "T"),
        (FLAG, False, "F"),
        (FLAG, "F", "F"),
        (LOCATION, "tftp://10.1.1.1:6969", "tftp://10.1.1.1:6969"),
        (LOCATION, "", ""),
    ],
)
def test_a_value_is_stored_as_text(parameter: Parameter, value: object, stored: str) -> None:
    assert parameter.store(value) == stored


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        (TEXT, "a\nb"),
        (TEXT, "x" * 256),
        (TEXT, True),
        (TEXT, []),
        (NUMBER, 0),
        (NUMBER, 6),
        (NUMBER, "1.0"),
        (NUMBER, 1.0),
        (NUMBER, "1" * 5000),
        (NUMBER, "²"),
        (CHOICE, "c"),
        (FLAG, 1),
        (FLAG, "yes"),
        (LOCATION, "ftp://10.1.1.1"),
        (LOCATION, "10.1.1.1\n"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused(parameter: Parameter, value: object) -> None:
    with pytest.raises(ValueError, match=parameter.name):
        parameter.store(value)


def test_every_default_is_allowed_and_every_name_is_its_key() -> None:
    for known in (ENTERPRISE_PARAMETERS, *SERVICE_PARAMETERS.values()):
        for name, parameter in known.items():
            assert parameter.name == name
            assert parameter.store(parameter.default) == parameter.default


def test_what_is_expected_is_said() -> None:
    assert [p.expected for p in (TEXT, NUMBER, CHOICE, FLAG, LOCATION)] == [
        "a text",
        "an integer from 1 to 5",
        'one of "a", "b"',
        "true or false",
        '"HOST[:PORT]", asked over HTTP, or "tftp://HOST[:PORT]", or nothing',
    ]


def test_a_stored_flag_is_read_in_every_spelling() -> None:
    assert [is_true(value) for value in ("T", "true", "1", "F", "0", "")] == [True] * 3 + [
        False
    ] * 3
