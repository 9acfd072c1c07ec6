"""What a summary says of a boot."""

from dataclasses import replace

from cucmsim.cli.phonereport import boot_lines
from cucmsim.phone.events import RegistrationSucceeded
from cucmsim.phone.summary import summarise


def test_a_number_that_sccp_does_not_tell_is_left_out() -> None:
    told = RegistrationSucceeded("pub", "TCP", "", 30)
    summary = replace(summarise(()), registered="pub", registration=told)
    assert list(boot_lines(summary))[-1].endswith("with pub over TCP, expires in 30 s")
