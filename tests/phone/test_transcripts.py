"""The published TVS and CAPF transcripts: our phone over sockets against the recorded peer.

A scripted server says over TLS what tvsd and capfd said (tests/vectors) and writes down what the
phone says, which must be the recorded bytes of tvsc and capfc, and lead to the recorded end. What
cannot be the same to the byte:

* TVS session ids: tvsc begins with 1, a phone with 1001 (phone.md 4.2), so in these four bytes the
  script follows the phone;
* the new key of an install is random: it is given, the recorded one;
* SUDI: capfc proved itself with LSC and SUDI, our phone has no SUDI and sends no element 16. That
  visit is made once by the phone, compared but for this element, and once by its CAPF client with
  the SUDI, compared to the byte. Its new key was never published, only its public half.
"""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from cucmsim.formats.capf import Tag, decode_message
from cucmsim.phone.capfclient import CapfOperation, CapfPhone
from cucmsim.phone.capfclient import visit_capf as visit
from cucmsim.phone.capfvisit import CapfReason, visit_capf
from cucmsim.phone.events import CapfFinished
from cucmsim.phone.flash import Flash
from cucmsim.phone.lookup import Decision, HttpsCheck
from cucmsim.phone.machine import Machine, Script, Session
from cucmsim.phone.performer import Network, Performer
from cucmsim.phone.trust import Accepted, Refused
from cucmsim.phone.tvscache import TvsCache
from cucmsim.phone.values import Certified, PhoneIdentity, Refusal, TrustSource
from cucmsim.pki.keys import PublicKey, dump_private_key_pem, load_public_key
from cucmsim.protocols.capf_client import Credentials
from tests.fixtures.phonekit import MAC, NOW, PHONE, certified, config_xml, der, signer

VECTORS = Path(__file__).parents[1] / "vectors"
ITL = (VECTORS / "itl" / "ITL-sha1-v1.0.tlv").read_bytes()
PHONES_FIRST_SESSION = (1001).to_bytes(4)
HOST = "127.0.0.1"


def transcript(path: str) -> list[tuple[str, bytes]]:
    lines = json.loads((VECTORS / path).with_suffix(".json").read_text())
    return [(line["from"], bytes.fromhex(line["hex"])) for line in lines]


def said_by(lines: list[tuple[str, bytes]], side: str) -> list[bytes]:
    return [data for each, data in lines if each == side]


@dataclass
class Peer:
    """The other end of a transcript; `heard` is what the phone said, message by message."""

    lines: list[tuple[str, bytes]]
    shows: str
    sizes: dict[int, int] = field(default_factory=dict)
    heard: list[bytes] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def served(self, directory: Path) -> AsyncIterator[int]:
        server = await asyncio.start_server(self._talk, HOST, 0, ssl=self._tls(directory))
        async with server:
            yield server.sockets[0].getsockname()[1]
            async with asyncio.timeout(60):
                await self.ended.wait()

    def _tls(self, directory: Path) -> ssl.SSLContext:
        identity, path = signer(self.shows), directory / "peer.pem"
        pem = identity.certificate.public_bytes(Encoding.PEM)
        path.write_bytes(dump_private_key_pem(identity.private_key) + pem)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for index, (side, data) in enumerate(self.lines):
            if side == "server":
                writer.write(data)
                await writer.drain()
            else:
                size = self.sizes.get(index, len(data))
                self.heard.append(await reader.readexactly(size))
        self.heard.append(await reader.read())
        writer.close()
        self.ended.set()


async def carried_out(machine: Machine) -> None:
    """Carry out a machine's steps over the network."""
    performer = Performer(Network(()), lambda _event: None)
    while (step := machine.next_step()) is not None:
        machine.answer(await performer.perform(step), NOW)


@pytest.mark.parametrize(
    ("name", "conclusion"),
    [
        ("tomcat", Accepted(TrustSource.TVS, certificate_der=der("tomcat"))),
        ("callmanager-sub", Refused(Refusal.TVS_REFUSED)),
        ("callmanager-casigned", Refused(Refusal.WRONG_ROLE)),
    ],
)
async def test_an_https_server_is_shown_to_tvs_as_tvsc_did(
    tmp_path: Path, name: str, conclusion: Decision
) -> None:
    lines = [
        (side, data[:4] + PHONES_FIRST_SESSION + data[8:])
        for side, data in transcript(f"tvs/tvs-verify-{name}")
    ]
    peer, cache = Peer(lines, "tvs-pub"), TvsCache()
    async with peer.served(tmp_path) as port:
        config = config_xml(tvs=(HOST,)).replace(b">2445<", b">%d<" % port)
        session = Session(PHONE, Flash(itl=ITL, config=config), NOW, cache=cache)
        check = HttpsCheck(session, "cucm-pub", der(name))
        await carried_out(check)
    assert peer.heard == [*said_by(lines, "client"), b""]
    assert check.decision == conclusion
    held = cache.find_certificate(der(name), NOW)
    roles = {"tomcat": (7,), "callmanager-casigned": (0, 3)}.get(name)
    assert (None if held is None else held.roles) == roles


class Visit(Machine):
    """A phone's visit to CAPF, by itself."""

    def __init__(self, session: Session) -> None:
        super().__init__(session, self._visit(session))
        self.changed = False

    def _visit(self, session: Session) -> Script[None]:
        assert session.configuration is not None
        self.changed = yield from visit_capf(session, session.configuration, CapfReason.PENDING)


def visiting(port: int, mode: int, flash: Flash, string: str | None = None) -> Session:
    """Return a phone of `flash` whose configuration names the peer."""
    config = config_xml(capf_servers=(HOST,), capf_mode=mode).replace(b">3804<", b">%d<" % port)
    held = Flash(itl=ITL, config=config, lsc=flash.lsc, mic=flash.mic)
    return Session(PHONE, held, NOW, authentication_string=string)


@pytest.fixture
def recorded_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the phone make the key that capfc made: it is the one of the published LSC."""
    key = signer(f"lsc-SEP{MAC}").private_key
    monkeypatch.setattr("cucmsim.phone.capfclient.key_job", lambda *_: lambda: key)


LSC = Flash(lsc=certified("lsc"))


@pytest.mark.usefixtures("recorded_key")
@pytest.mark.parametrize(
    ("name", "mode", "flash", "ends"),
    [
        ("install-rsa2048-nopassword", 2, Flash(), (CapfOperation.INSTALL, True)),
        ("fetch", 2, LSC, (CapfOperation.FETCH, True)),
        ("delete", 2, LSC, (CapfOperation.DELETE, True)),
        ("none", 2, Flash(), (CapfOperation.NONE, True)),
        ("wrong-password", 1, Flash(), (CapfOperation.NONE, False)),
    ],
)
async def test_a_visit_to_capf_says_what_capfc_said(
    tmp_path: Path, name: str, mode: int, flash: Flash, ends: tuple[CapfOperation, bool]
) -> None:
    lines = transcript(f"capf/capf-{name}")
    peer = Peer(lines, "capf")
    async with peer.served(tmp_path) as port:
        session = visiting(port, mode, flash, "654321")
        machine = Visit(session)
        await carried_out(machine)
    assert peer.heard == [*said_by(lines, "client"), b""]
    finished = [each for each in session.history if isinstance(each, CapfFinished)]
    assert [(each.operation, each.succeeded) for each in finished] == [ends]
    assert [bool(each.detail) for each in finished] == [not ends[1]]
    after: dict[str, Certified | None] = {"delete": None}
    if "install" in name:
        after[name] = Certified(_installed(lines), certified("lsc").private_key_der)
    assert machine.flash.lsc == after.get(name, flash.lsc)
    assert machine.changed == (machine.flash.lsc != flash.lsc)


def _installed(lines: list[tuple[str, bytes]]) -> bytes:
    """Return the certificate that capfd gave."""
    (given,) = [data for side, data in lines if side == "server" and data[1] == 9]
    nested = decode_message(given).certificate()
    assert nested is not None
    return nested.certificate_der


async def test_a_device_that_capf_does_not_know_ends_as_capfc_did(tmp_path: Path) -> None:
    lines = transcript("capf/capf-unknown-device")
    peer = Peer(lines, "capf")
    async with peer.served(tmp_path) as port:
        session = visiting(port, 2, Flash())
        session.identity = PhoneIdentity("000000000000")
        await carried_out(Visit(session))
    assert peer.heard == [*said_by(lines, "client"), b""]
    (finished,) = [each for each in session.history if isinstance(each, CapfFinished)]
    assert (finished.operation, finished.succeeded) == (CapfOperation.NONE, False)


class PublicHalf:
    """A key of which only the public half is known."""

    def __init__(self, public_key: PublicKey) -> None:
        self._public_key = public_key

    def public_key(self) -> PublicKey:
        return self._public_key


async def test_an_install_proved_by_lsc_and_sudi_is_that_of_capfc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = transcript("capf/capf-install-by-lsc")
    (answered,) = [data for side, data in lines if side == "client" and data[1] == 4]
    made = PublicHalf(load_public_key(decode_message(answered).value(Tag.PUBLIC_KEY) or b""))
    monkeypatch.setattr("cucmsim.phone.capfclient.key_job", lambda *_: lambda: made)
    credentials = Credentials(certificate=signer(f"lsc-SEP{MAC}"), sudi=signer(f"mic-SEP{MAC}"))
    peer = Peer(lines, "capf")
    async with peer.served(tmp_path) as port:
        outcome = await visit(HOST, port, CapfPhone(PHONE.name, credentials))
    assert peer.heard == [*said_by(lines, "client"), b""]
    assert (outcome.operation, outcome.succeeded) == (CapfOperation.INSTALL, True)


async def test_the_phone_proves_itself_by_lsc_as_capfc_did_but_for_the_sudi(
    tmp_path: Path,
) -> None:
    lines = transcript("capf/capf-install-by-lsc")
    recorded = decode_message(lines[1][1])
    sudi = recorded.value(Tag.SUDI_DATA)
    assert sudi is not None
    peer = Peer([*lines[:2], lines[-1]], "capf", {1: len(lines[1][1]) - len(sudi) - 3})
    async with peer.served(tmp_path) as port:
        await carried_out(Visit(visiting(port, 3, LSC)))
    said = decode_message(peer.heard[0])
    assert said.elements == tuple(each for each in recorded.elements if each.tag != Tag.SUDI_DATA)
