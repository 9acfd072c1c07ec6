"""How a port that cannot be bound is explained."""

import errno
import os

import pytest

from cucmsim.daemons.base import bind_error


@pytest.mark.parametrize(
    ("number", "port", "told"),
    [
        (errno.EADDRINUSE, 6969, r"the port is in use; `ss -lntup sport = :6969` shows by whom"),
        (errno.EACCES, 69, r"ports below 1024 need privileges; choose a higher port"),
        (errno.EADDRNOTAVAIL, 6969, r"this machine does not have the address 192\.0\.2\.1"),
        (errno.EACCES, 6969, r"Permission denied"),
    ],
)
def test_the_message_names_the_port_and_what_to_do(number: int, port: int, told: str) -> None:
    error = bind_error("tftp", "192.0.2.1", port, OSError(number, os.strerror(number)))
    assert str(error).startswith(f"tftp: cannot listen on 192.0.2.1:{port}: ")
    assert told.replace("\\", "") in str(error)


def test_a_fault_without_a_number_is_shown_as_it_is() -> None:
    assert str(bind_error("tvs", "::1", 1, OSError("odd"))) == "tvs: cannot listen on ::1:1: odd"
