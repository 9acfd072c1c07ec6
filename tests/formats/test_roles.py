"""Roles: their numbers and texts."""

import pytest

from cucmsim.formats.roles import Role, role_name


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "System Administrator Security Token"),
        (1, "CCM"),
        (2, "CCM+TFTP"),
        (3, "TFTP"),
        (4, "CAPF"),
        (7, "APP-SERVER"),
        (21, "TVS"),
        (99, "99"),
    ],
)
def test_a_function_is_shown_as_cucm_shows_it(number: int, text: str) -> None:
    assert role_name(number) == text


def test_every_role_has_the_moniker_of_the_database() -> None:
    assert Role(21).moniker == "ROLE_AUTHENTICATION_AUTHORIZATION"
    assert len({role.moniker for role in Role}) == 17
