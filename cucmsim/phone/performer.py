"""Carries out the steps of a phone's machines: files, TVS, CAPF, registration, over the network.

One step is one exchange with one server. Servers are looked up by `Names`; their certificates are
judged by the step's own check, right after the handshake and before anything is sent. Registration
is done by a `Registrar`; where there is none the answer is that nobody could be reached.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Final, Protocol, TypeAlias

from cucmsim.entropy import Entropy
from cucmsim.errors import FormatError, ProtocolError
from cucmsim.formats.capf import CertificateType, NestedCertificate
from cucmsim.formats.phonevalues import Endpoint
from cucmsim.formats.tvs import QueryRequest
from cucmsim.phone.capfclient import CapfOutcome, CapfPhone, visit_capf
from cucmsim.phone.dhcp import DhcpAnswer
from cucmsim.phone.events import Event, RequestRetransmitted, TlsHandshakeWaited
from cucmsim.phone.http import HttpPatience, fetch_http, fetch_https
from cucmsim.phone.link import Link, LinkError, LinkOptions
from cucmsim.phone.names import NameNotFoundError, Names
from cucmsim.phone.peers import judge
from cucmsim.phone.steps import (
    AskTvs,
    CapfAnswered,
    CapfBusy,
    CapfOperation,
    Fetch,
    FetchFailure,
    NotFetched,
    NotReached,
    Outcome,
    PeerCheck,
    PeerRefused,
    PeerUnproven,
    Register,
    Registered,
    RegistrationRefused,
    RunCapf,
    Step,
    TvsAnswered,
)
from cucmsim.phone.tftp import TftpPatience, fetch_tftp
from cucmsim.phone.tvsclient import WrongAnswerError, ask
from cucmsim.phone.values import Certified, Transport
from cucmsim.pki.certificates import certificate_der
from cucmsim.pki.keys import dump_private_key
from cucmsim.protocols.capf_client import Credentials
from cucmsim.protocols.tvs import TvsClient

__all__ = [
    "FileServer",
    "Network",
    "Performer",
    "RegisterOutcome",
    "Registrar",
    "ServerFinder",
    "Standing",
]

_POLL_S: Final = 0.5
NO_REGISTRAR: Final = "registration is not simulated here"
RegisterOutcome: TypeAlias = (
    Registered | RegistrationRefused | NotReached | PeerRefused | PeerUnproven
)


@dataclass(frozen=True, slots=True)
class FileServer:
    """A TFTP server as a person or DHCP gives it: name or address, and its ports."""

    host: str
    tftp_port: int = 69
    http_port: int = 6970
    https_port: int = 6971

    def port(self, transport: Transport) -> int:
        """Return the port for `transport`."""
        ports = {Transport.TFTP: self.tftp_port, Transport.HTTP: self.http_port}
        return ports.get(transport, self.https_port)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a phone stands with its group: process node names of those it is connected to."""

    active: str | None = None
    standby: tuple[str, ...] = ()


class Registrar(Protocol):
    """What registers a phone and keeps it registered.

    After `register` it goes on by itself, whatever the outcome was: it refreshes, fails over, tries
    again. What happens then is told to whoever listens.
    """

    @property
    def standing(self) -> Standing:
        """Where the phone stands now."""
        ...

    def listen(self, tell: Callable[[Event], None]) -> None:
        """Tell `tell` from now on what happens after `register` has returned."""
        ...

    async def register(self, step: Register, names: Names) -> RegisterOutcome:
        """Carry out the step; a registration made before is given up first."""
        ...

    async def next_order(self) -> str:
        """Wait until there is reason to fetch and register again; return an `orders.Order`."""
        ...

    async def close(self) -> None:
        """Unregister and let go of everything; `register` may be called again."""
        ...


class ServerFinder(Protocol):
    """What finds a phone's TFTP servers when it boots."""

    async def find(self, tell: Callable[[Event], None]) -> DhcpAnswer | None:
        """Return what was found, None when nobody answers; `tell` is given what happens."""
        ...


@dataclass(frozen=True, slots=True)
class Network:
    """How a phone reaches its servers; `servers` are its TFTP servers in order.

    With a `finder` the phone looks for them at each boot: `told` is what it was told last, `ports`
    what the servers have besides their hosts, `reach` those that have ports of their own, in order.
    """

    servers: tuple[FileServer, ...] = ()
    names: Names = field(default_factory=Names)
    tftp: TftpPatience = field(default_factory=TftpPatience)
    http: HttpPatience = field(default_factory=HttpPatience)
    link: LinkOptions = field(default_factory=LinkOptions)
    finder: ServerFinder | None = None
    told: DhcpAnswer | None = None
    ports: FileServer = field(default_factory=lambda: FileServer(""))
    reach: tuple[FileServer, ...] = ()

    def with_servers(self, servers: tuple[FileServer, ...]) -> "Network":
        """Return the network with other TFTP servers."""
        return replace(self, servers=servers)

    def as_told(self, told: DhcpAnswer) -> "Network":
        """Return the network with the servers that DHCP named."""
        left, servers = list(self.reach), []
        for host in told.tftp_servers:
            server = next((one for one in left if one.host == host), None)
            if server is not None:
                left.remove(server)  # on one address there may be several
            servers.append(server or replace(self.ports, host=host))
        return replace(self, servers=tuple(servers), told=told)


class _UnfitError(Exception):
    """The certificate shown ends the step."""

    def __init__(self, outcome: PeerRefused | PeerUnproven) -> None:
        super().__init__()
        self.outcome = outcome


class Performer:
    """Does what the steps of one phone say; `tell` is given the events of doing it."""

    def __init__(
        self,
        network: Network,
        tell: Callable[[Event], None],
        registrar: Registrar | None = None,
        entropy: Entropy | None = None,
    ) -> None:
        self._network = network
        self._tell = tell
        self._registrar = registrar
        self._entropy = entropy

    async def perform(self, step: Step) -> Outcome:
        """Carry out a step; whatever goes wrong is its outcome."""
        match step:
            case Fetch():
                return await self._fetch(step)
            case AskTvs():
                return await self._ask(step)
            case RunCapf():
                return await self._visit(step)
            case Register():
                if self._registrar is None:
                    return NotReached(NO_REGISTRAR)
                return await self._registrar.register(step, self._network.names)

    async def _fetch(self, step: Fetch) -> Outcome:
        network, name, limit = self._network, step.name, step.size_limit
        port = network.servers[step.index].port(step.transport)
        try:
            server = (await network.names.resolve(step.server), port)
        except NameNotFoundError as error:
            return NotFetched(FetchFailure.UNREACHABLE, text=str(error))
        ends = network.link.ends
        if step.transport is Transport.TFTP:
            tell = self._tell_retransmit(name)
            return await fetch_tftp(server, name, limit, network.tftp, tell, ends)
        if step.check is None:
            return await fetch_http(server, name, limit, network.http, ends)
        return await fetch_https(server, name, limit, step.check, network.link, network.http)

    def _tell_retransmit(self, name: str) -> Callable[[int], None]:
        return lambda times: self._tell(RequestRetransmitted(name, times))

    async def _ask(self, step: AskTvs) -> Outcome:
        gate, client = _Gate(step.check), TvsClient(tags=step.tags)
        try:
            host = await self._network.names.resolve(step.server.address)
            options = self._options(step.certified)
            async with self._telling_waits(step.server, gate):
                reply = await ask(host, step.server.port, step.request, options, client, gate.open)
        except _UnfitError as error:
            return _refused(error.outcome)
        except (LinkError, NameNotFoundError, WrongAnswerError, FormatError) as error:
            return NotReached(str(error), gate.is_connected)
        shown = reply.server_certificate
        return TvsAnswered(
            reply.answer,
            _size_of(step),
            len(reply.data),
            None if shown is None else certificate_der(shown),
        )

    async def _visit(self, step: RunCapf) -> Outcome:
        gate = _Gate(step.check)
        try:
            host = await self._network.names.resolve(step.server.address)
            outcome = await visit_capf(
                host,
                step.server.port,
                _capf_phone(step),
                self._network.link,
                gate.open,
                entropy=self._entropy,
            )
        except _UnfitError as error:
            return error.outcome
        except (LinkError, NameNotFoundError, ProtocolError, FormatError, ValueError) as error:
            return NotReached(str(error), gate.is_connected)
        return _capf_outcome(outcome)

    def _options(self, certified: Certified | None) -> LinkOptions:
        """Return how to connect, with a LSC or MIC to present. Raises FormatError."""
        if certified is None:
            return self._network.link
        signer = certified.signer()
        return replace(
            self._network.link, certificate=signer.certificate, private_key=signer.private_key
        )

    @asynccontextmanager
    async def _telling_waits(self, server: Endpoint, gate: "_Gate") -> AsyncIterator[None]:
        """Tell every half second, as phones look at their handshakes, that it still goes on."""

        async def wait() -> None:
            for times in count(1):
                await asyncio.sleep(_POLL_S)
                if gate.is_connected:
                    return
                self._tell(TlsHandshakeWaited(server, times))

        waiting = asyncio.create_task(wait())
        try:
            yield
        finally:
            waiting.cancel()


class _Gate:
    """What a link has to pass before anything is sent."""

    def __init__(self, check: PeerCheck) -> None:
        self._check = check
        self.is_connected = False

    def open(self, link: Link) -> None:
        """Let the link through. Raises _UnfitError unless the server may be talked to."""
        self.is_connected = True
        verdict = judge(self._check, link.server_certificate)
        if verdict is not None:
            raise _UnfitError(verdict)


def _refused(outcome: PeerRefused | PeerUnproven) -> PeerRefused:
    """Return the refusal: TVS cannot be asked about TVS."""
    return PeerRefused(outcome.certificate_der)


def _size_of(step: AskTvs) -> int:
    """Return the size of the request in bytes."""
    client = TvsClient(tags=step.tags)
    if isinstance(step.request, QueryRequest):
        client.query(step.request)
    else:
        client.verify(step.request)
    return sum(len(message) for message in client.data_to_send())


def _capf_phone(step: RunCapf) -> CapfPhone:
    """Put together what CAPF gets to see. Raises FormatError."""
    kind = CertificateType.MIC if step.proof_is_mic else CertificateType.LSC
    proof = None if step.proof is None else step.proof.signer()
    held = None
    if step.held is not None:
        held = NestedCertificate(CertificateType.LSC, step.held.certificate_der)
    credentials = Credentials(password=step.password, certificate=proof, certificate_type=kind)
    return CapfPhone(step.device_name, credentials, held)


def _capf_outcome(outcome: CapfOutcome) -> CapfAnswered | CapfBusy:
    if outcome.busy:
        return CapfBusy(outcome.retry_delay)
    installed = None
    if outcome.succeeded and outcome.certificate is not None and outcome.private_key is not None:
        key = dump_private_key(outcome.private_key)
        installed = Certified(certificate_der(outcome.certificate), key)
    return CapfAnswered(
        CapfOperation(outcome.operation.value),
        outcome.succeeded,
        outcome.reason,
        outcome.text,
        installed,
    )
