"""How the web server takes its clients, and puts them and their requests into the journal."""

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cucmsim.asgitls import Taken
from cucmsim.daemons.conversation import Recorder
from cucmsim.daemons.mischief import TLS_FAULTS, Mischief, TlsTerms
from cucmsim.daemons.tls import TlsIdentity, TlsPolicy
from cucmsim.errors import StartError
from cucmsim.services.faults.kinds import FaultKind
from cucmsim.services.faults.plan import Fault

__all__ = ["RecordedApp", "WebReception", "WebWatch"]

Build = Callable[[Sequence[TlsIdentity], TlsPolicy], ssl.SSLContext]
_NAMES = ("name", "devicename")
_LONGEST = 80


@dataclass(frozen=True, slots=True)
class WebWatch:
    """Where the web server's exchanges go, and what goes wrong at it.

    `device_at` returns the phone at an address, None where none or several are.
    """

    recorder: Recorder
    mischief: Mischief
    device_at: Callable[[str], str | None]


class WebReception:
    """Decides about TLS, client by client; a context of a fault is built once a rule."""

    def __init__(
        self,
        watch: WebWatch,
        identities: Sequence[TlsIdentity],
        policy: TlsPolicy,
        build: Build,
    ) -> None:
        self._watch = watch
        self._identities = identities
        self._policy = policy
        self._build = build
        self._usual = build(identities, policy)
        self._contexts: dict[int, ssl.SSLContext] = {}

    def welcome(self, client: tuple[str, int]) -> Taken:
        """Decide over which TLS a client is taken."""
        fault = self._watch.mischief.take(TLS_FAULTS, client[0])
        if fault is None:
            return Taken(self._usual)
        device = fault.rule.device or None
        try:
            context = self._contexts.get(fault.number) or self._changed(fault)
        except (StartError, ValueError) as error:
            structlog.get_logger().error("a fault cannot happen", fault=str(fault), why=str(error))
            return Taken(None, f"{fault}: {error}", device)
        return Taken(context, str(fault), device)

    def ended(self, client: tuple[str, int], taken: Taken, problem: str) -> None:
        """Record a handshake that failed, or that was not the usual one."""
        if problem or taken.fault:
            address, port = client
            told = problem or "TLS as the fault has it"
            device = taken.device or self._watch.device_at(address)
            peer = f"{address}:{port}"
            self._watch.recorder.record(peer, device, "connection", told, 0.0, taken.fault)

    def _changed(self, fault: Fault) -> ssl.SSLContext:
        terms = TlsTerms(self._identities[0], self._policy).under(fault, self._watch.mischief)
        is_other = fault.kind is FaultKind.TLS_CERTIFICATE
        context = self._build((terms.identity,) if is_other else self._identities, terms.policy)
        self._contexts[fault.number] = context
        return context


class RecordedApp:
    """An application whose requests stand in the journal, without what follows a `?`."""

    def __init__(self, app: ASGIApp, watch: WebWatch) -> None:
        self._app = app
        self._watch = watch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, and record it."""
        began = self._watch.recorder.clock.monotonic()
        answers: list[str] = []

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                answers.append(str(message["status"]))
            await send(message)

        try:
            await self._app(scope, receive, note)
        finally:
            self._record(scope, began, answers[0] if answers else "no answer")

    def _record(self, scope: Scope, began: float, answer: str) -> None:
        address, port = scope.get("client") or ("", 0)
        device = _device_in(scope["query_string"])
        self._watch.mischief.learn(address, device)
        self._watch.recorder.record(
            f"{address}:{port}",
            device or self._watch.device_at(address),
            f"{scope['method']} {scope['path'][:_LONGEST]}",
            answer,
            (self._watch.recorder.clock.monotonic() - began) * 1000,
            str(scope.get("state", {}).get("fault", "")),
        )


def _device_in(query: bytes) -> str | None:
    """Return the phone that a URL names; its password and what it looks for are nobody's matter."""
    asked = parse_qs(query.decode("ascii", "replace"))
    named = (values[0] for name, values in asked.items() if name in _NAMES)
    return next((name[:_LONGEST] for name in named if name.startswith("SEP")), None)
