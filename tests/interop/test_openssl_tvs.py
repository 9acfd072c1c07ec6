"""`openssl s_client` reaches TVS in every TLS version, and gets an answer through it."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cucmsim.clock import SystemClock
from cucmsim.daemons.conversation import Recorder
from cucmsim.daemons.tls import TlsIdentity, TlsPolicy
from cucmsim.daemons.tvsd import TvsServer
from cucmsim.formats.tvs import VerificationRequest, encode_message, verification_message
from cucmsim.pki.certificates import load_certificate
from cucmsim.pki.keys import load_private_key
from cucmsim.services.journal import Journal
from cucmsim.services.verification import Verification
from cucmsim.services.view import View
from cucmsim.store.replica import Replica

KEYS = Path(__file__).parents[1] / "vectors" / "keys"
OLD = "AES256-SHA:@SECLEVEL=0"

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(
        shutil.which("openssl") is None and not os.environ.get("CI"), reason="needs openssl"
    ),
]


def identity(name: str) -> TlsIdentity:
    key = load_private_key((KEYS / f"{name}.key.der").read_bytes())
    return TlsIdentity(load_certificate((KEYS / f"{name}.crt.der").read_bytes()), key)


@asynccontextmanager
async def running(name: str) -> AsyncIterator[tuple[int, Journal]]:
    journal = Journal()
    server = TvsServer(
        ("127.0.0.1", 0),
        Verification("pub", View(Replica()), lambda: None),
        identity(name),
        Recorder("pub", "tvs", journal, SystemClock()),
        policy=TlsPolicy(request_client_certificate=True),
    )
    await server.start()
    try:
        yield server.ports[0], journal
    finally:
        await server.stop(0)


@pytest.mark.parametrize("name", ["tvs-pub", "callmanager-pub-1024"])
@pytest.mark.parametrize(
    ("options", "version", "cipher"),
    [
        (("-tls1", "-cipher", OLD), "TLSv1", "AES256-SHA"),
        (("-tls1_1", "-cipher", OLD), "TLSv1.1", "AES256-SHA"),
        (("-tls1_2", "-cipher", OLD), "TLSv1.2", "AES256-SHA"),
        (("-tls1_2",), "TLSv1.2", "ECDHE-RSA-AES256-GCM-SHA384"),
        (("-tls1_3",), "TLSv1.3", "TLS_AES_256_GCM_SHA384"),
    ],
)
async def test_s_client_gets_an_answer(
    options: tuple[str, ...], version: str, cipher: str, name: str
) -> None:
    request = encode_message(verification_message(1, VerificationRequest("x", b"y")))
    async with running(name) as (port, journal), asyncio.timeout(30):
        client = await asyncio.create_subprocess_exec(
            "openssl",
            "s_client",
            "-connect",
            f"127.0.0.1:{port}",
            "-brief",
            *options,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert client.stdin
        assert client.stdout
        client.stdin.write(request)
        answer = await client.stdout.readexactly(14)
        client.stdin.close()
        _, said = await client.communicate()
    assert answer == bytes.fromhex("57010200 00000001 0004 07000101")
    assert f"Protocol version: {version}\n" in said.decode()
    assert f"Ciphersuite: {cipher}\n" in said.decode()
    assert [exchange.answer for _, exchange in journal.since()] == ["not trusted"]
