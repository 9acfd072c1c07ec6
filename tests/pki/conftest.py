"""Cryptography is tested as it is, nothing remembered."""

import pytest


@pytest.fixture(autouse=True)
def _derived_once() -> None:
    """Derive each key anew, other than the rest of the tests."""
