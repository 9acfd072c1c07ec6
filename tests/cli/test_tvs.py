"""`cucmsim tvs` against a running daemon: what it prints and its exit status."""

import asyncio
import base64
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from typer import Typer
from typer.testing import CliRunner

from cucmsim.cli.tvs import register
from cucmsim.clock import SystemClock
from cucmsim.daemons.conversation import Recorder
from cucmsim.daemons.tls import TlsIdentity, TlsPolicy
from cucmsim.daemons.tvsd import TvsServer
from cucmsim.errors import CommandError
from cucmsim.formats.names import format_name, rfc2253_name, serial_bytes
from cucmsim.pki.certificates import certificate_pem, load_certificate
from cucmsim.pki.keys import load_private_key
from cucmsim.services.journal import Journal
from cucmsim.services.verification import Verification
from cucmsim.services.view import View
from cucmsim.store.replica import Replica
from cucmsim.store.rows import StoredCertificate

KEYS = Path(__file__).parents[1] / "vectors" / "keys"
LSC = "lsc-SEPB000B4BA0AEE"


def der(name: str) -> bytes:
    return (KEYS / f"{name}.crt.der").read_bytes()


def stored(data: bytes, *roles: int) -> StoredCertificate:
    certificate = load_certificate(data)
    return StoredCertificate(
        pkid="1",
        servername="",
        subjectname=rfc2253_name(certificate.subject),
        issuername=rfc2253_name(certificate.issuer),
        serialnumber=serial_bytes(certificate).hex(),
        certificate_der=data,
        hash=base64.b64encode(hashlib.sha1(data).digest()).decode(),
        roles=roles,
    )


@contextmanager
def _daemon() -> Iterator[tuple[int, Journal]]:
    """Run a TVS daemon on a loop of its own; the command runs one itself."""
    journal, loop = Journal(), asyncio.new_event_loop()
    view = View(Replica(certificates=(stored(der("callmanager-casigned"), 0, 3),)))
    key = load_private_key((KEYS / "tvs-pub.key.der").read_bytes())
    server = TvsServer(
        ("127.0.0.1", 0),
        Verification("pub", view, lambda: None),
        TlsIdentity(load_certificate(der("tvs-pub")), key),
        Recorder("pub", "tvs", journal, SystemClock()),
        policy=TlsPolicy(request_client_certificate=True),
    )
    loop.run_until_complete(server.start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.ports[0], journal
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(0), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command printed, and how it ended."""

    output: str
    status: int
    error: str = ""


def run(*arguments: str | Path) -> Outcome:
    app = Typer()
    register(app)
    app.command("other")(lambda: None)
    result = CliRunner().invoke(app, ["tvs", *map(str, arguments)])
    if isinstance(result.exception, CommandError):
        return Outcome(result.output, result.exception.exit_status, str(result.exception))
    return Outcome(result.output, result.exit_code)


@pytest.fixture(name="running", scope="module")
def _running() -> Iterator[tuple[int, Journal]]:
    with structlog.testing.capture_logs(), _daemon() as daemon:
        yield daemon


def test_a_trusted_certificate_ends_with_0_and_its_roles(running: tuple[int, Journal]) -> None:
    outcome = run(
        "verify", f"127.0.0.1:{running[0]}", KEYS / "callmanager-casigned.crt.der", "--tls", "1.2"
    )
    assert outcome.status == 0
    assert "Connection: TLSv1.2" in outcome.output
    assert "Trusted: yes\n" in outcome.output
    assert "Roles: 0 (System Administrator Security Token), 3 (TFTP)\n" in outcome.output
    assert "Time to live: 86400 s\n" in outcome.output


def test_a_certificate_nobody_vouches_for_ends_with_1(running: tuple[int, Journal]) -> None:
    outcome = run("verify", f"127.0.0.1:{running[0]}", KEYS / "capf.crt.der")
    assert (outcome.status, outcome.error) == (1, "not trusted (reason 1)")


def test_a_query_writes_the_certificate_it_found(
    running: tuple[int, Journal], tmp_path: Path
) -> None:
    wanted = load_certificate(der("callmanager-casigned"))
    outcome = run(
        "query",
        f"127.0.0.1:{running[0]}",
        "--issuer",
        format_name(wanted.issuer),
        "--serial",
        serial_bytes(wanted).hex(":"),
        "--device",
        "CP-7945-SEP001122334455",
        "--tls",
        "1.0",
        "--ciphers",
        "AES256-SHA",
        "--issuer-tag",
        "6",
        "-o",
        tmp_path / "found.pem",
    )
    assert outcome.status == 0
    assert "Connection: TLSv1 AES256-SHA\n" in outcome.output
    assert f"Certificate: {format_name(wanted.subject)}\n" in outcome.output
    assert (tmp_path / "found.pem").read_bytes() == certificate_pem(wanted)
    assert running[1].since()[-1][1].device == "SEP001122334455"


def test_a_query_for_nothing_known_ends_with_1(running: tuple[int, Journal]) -> None:
    outcome = run("query", f"127.0.0.1:{running[0]}", "--issuer", "CN=x", "--serial", "0xABC")
    assert (outcome.status, outcome.error) == (1, "not trusted (reason 1)")


def test_a_certificate_that_cannot_be_written_ends_with_1(
    running: tuple[int, Journal], tmp_path: Path
) -> None:
    wanted = load_certificate(der("callmanager-casigned"))
    issuer, serial = format_name(wanted.issuer), serial_bytes(wanted).hex()
    server = f"127.0.0.1:{running[0]}"
    outcome = run("query", server, "--issuer", issuer, "--serial", serial, "-o", tmp_path)
    assert outcome.status == 1
    assert "cannot be written" in outcome.error


@pytest.mark.parametrize("in_one_file", [True, False])
def test_a_client_certificate_is_presented(
    running: tuple[int, Journal], tmp_path: Path, *, in_one_file: bool
) -> None:
    certificate = certificate_pem(load_certificate(der(LSC)))
    key = load_private_key((KEYS / f"{LSC}.key.der").read_bytes()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    both = tmp_path / "lsc.pem"
    both.write_bytes(certificate + key)
    files = (
        ("--client-certificate", both)
        if in_one_file
        else (
            "--client-certificate",
            KEYS / f"{LSC}.crt.der",
            "--client-key",
            KEYS / f"{LSC}.key.der",
        )
    )
    server, asked = f"127.0.0.1:{running[0]}", KEYS / "callmanager-casigned.crt.der"
    assert run("verify", server, asked, *files).status == 0


def test_nobody_there_ends_with_69() -> None:
    with structlog.testing.capture_logs(), _daemon() as (port, _):
        pass
    outcome = run("verify", f"127.0.0.1:{port}", KEYS / "capf.crt.der")
    assert outcome.status == 69
    assert "cannot connect" in outcome.error


_CAPF = str(KEYS / "capf.crt.der")
_TVS_KEY = str(KEYS / "tvs-pub.key.der")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("verify", "host:0", _CAPF), "host:0: expected HOST or HOST:PORT"),
        (("verify", "::1", _CAPF), "::1: expected HOST or HOST:PORT"),
        (("verify", "host", "/nowhere"), "/nowhere: No such file or directory"),
        (("verify", "host", __file__), "no certificate"),
        (("verify", "host", _CAPF, "--tls", "2"), "--tls 2: expected one of 1.0, 1.1, 1.2, 1.3"),
        (("verify", "host", _CAPF, "--client-key", _CAPF), "--client-key needs"),
        (("verify", "host", _CAPF, "--client-certificate", _CAPF), "no private key (PKCS#8)"),
        (
            ("verify", "host", _CAPF, "--client-certificate", _CAPF, "--client-key", _TVS_KEY),
            "is not the key of",
        ),
        (("verify", "host", _CAPF, "--ciphers", "NOTHING"), "no cipher match"),
        (("query", "host", "--issuer", "CN=x", "--serial", "xyz"), "expected a number in hex"),
        (("query", "host", "--issuer", "CN=x", "--serial", ""), "expected a number in hex"),
        (("query", "host", "--serial", "1"), ""),
    ],
)
def test_a_wrong_command_line_ends_with_2(arguments: tuple[str, ...], error: str) -> None:
    outcome = run(*arguments)
    assert outcome.status == 2
    assert error in outcome.error
