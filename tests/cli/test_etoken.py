"""cucmsim etoken: tokens are made and sign the CTL of a running cluster."""

import stat

import pytest

from tests.fixtures.clusters import Lab

DIALOG = "The Security Token you have inserted does not exist in the CTL File"


@pytest.mark.usefixtures("quiet")
def test_two_tokens_sign_the_ctl_and_a_strange_one_is_refused(lab: Lab) -> None:
    files = [str(lab.directory / f"{name}.p12") for name in ("one", "two", "three", "four")]
    with lab.process():
        for number, file in enumerate(files):
            made = lab.cli("etoken", "make", "CONFIG", f"ADN{number}", file)
            assert made.status == 0, made.errors
        signed = lab.cli("etoken", "sign", "CONFIG", *files[:2], "--task", "mixed-mode")
        strange = lab.cli("etoken", "sign", "CONFIG", *files[2:])
        no_file = lab.cli("etoken", "sign", "CONFIG", "none.p12")
        nowhere = lab.cli("etoken", "make", "CONFIG", "ADN9", str(lab.directory / "no" / "a.p12"))
    assert (signed.status, signed.output.splitlines()[0]) == (0, "CTL File has been created.")
    assert DIALOG in strange.errors
    assert (strange.status, no_file.status, nowhere.status) == (1, 2, 2)
    assert "none.p12: No such file" in no_file.errors
    first = lab.directory / "one.p12"
    assert stat.S_IMODE(first.stat().st_mode) == stat.S_IRUSR | stat.S_IWUSR
    assert "BEGIN CERTIFICATE" in first.with_suffix(".pem").read_text()
