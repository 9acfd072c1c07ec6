"""The engine under every machine of a phone: a script of steps, driven from outside.

A script is a generator that yields a `Step` and is sent its `Outcome`; it works on a `Session`,
which holds what the phone knows meanwhile and the effects that nobody has taken yet. `Machine`
gives that the face described in `steps`.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final, TypeAlias, TypeVar

from cucmsim.errors import FormatError, LocalProtocolError
from cucmsim.formats.phonealarms import OutOfServiceReason
from cucmsim.phone.config import PhoneConfiguration, parse_configuration
from cucmsim.phone.events import Event
from cucmsim.phone.flash import Flash
from cucmsim.phone.steps import (
    AskTvs,
    CapfAnswered,
    CapfBusy,
    Effect,
    Fetch,
    Fetched,
    NotFetched,
    NotReached,
    Outcome,
    PeerRefused,
    PeerUnproven,
    Register,
    Registered,
    RegistrationRefused,
    RunCapf,
    Step,
    StoreFlash,
    TvsAnswered,
)
from cucmsim.phone.trust import TrustedPeers
from cucmsim.phone.trustlists import TrustLists
from cucmsim.phone.tvscache import TvsCache
from cucmsim.phone.values import FileKind, PhoneIdentity, Purpose, Switches, Transport

__all__ = ["OUTCOMES", "Machine", "Script", "Session"]

T = TypeVar("T")
Script: TypeAlias = Generator[Step, Outcome, T]

OUTCOMES: Final[Mapping[type[Step], tuple[type[Outcome], ...]]] = MappingProxyType(
    {
        Fetch: (Fetched, NotFetched, PeerRefused, PeerUnproven),
        AskTvs: (TvsAnswered, NotReached, PeerRefused),
        RunCapf: (CapfAnswered, CapfBusy, NotReached, PeerRefused, PeerUnproven),
        Register: (Registered, RegistrationRefused, NotReached, PeerRefused, PeerUnproven),
    }
)
"""What can come of each step; anything else is a mistake of whoever carried it out."""


@dataclass(slots=True)
class Session:
    """What a phone knows while one machine runs.

    `servers` are its TFTP servers in order; `authentication_string` is what a person typed for
    CAPF; `transports` are those it may use of what its generation knows; `reason` is why it was
    without service; `effects` are those not yet taken, `history` every event.
    """

    identity: PhoneIdentity
    flash: Flash
    now: datetime
    servers: tuple[str, ...] = ()
    cache: TvsCache = field(default_factory=TvsCache)
    switches: Switches = field(default_factory=Switches)
    authentication_string: str | None = None
    transports: tuple[Transport, ...] = tuple(Transport)
    reason: OutOfServiceReason = OutOfServiceReason.INITIALIZED
    effects: list[Effect] = field(default_factory=list)
    history: list[Event] = field(default_factory=list)
    vouched: set[tuple[Purpose, bytes]] = field(default_factory=set)
    refused: set[tuple[Purpose, bytes]] = field(default_factory=set)
    numbers: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})

    @property
    def lists(self) -> TrustLists:
        """The trust lists held now."""
        return TrustLists.of(self.flash)

    @property
    def configuration(self) -> PhoneConfiguration | None:
        """The configuration in force; None where there is none, or none that can be read."""
        if self.flash.config is None:
            return None
        try:
            return parse_configuration(self.flash.config)
        except FormatError:
            return None

    def emit(self, event: Event) -> None:
        """Tell that something happened."""
        self.effects.append(event)
        self.history.append(event)

    def store(self, flash: Flash) -> None:
        """Hold, and have kept, another flash."""
        self.flash = flash
        self.effects.append(StoreFlash(flash))

    def next_number(self, kind: FileKind) -> int:
        """Count a request; trust lists and other files have counters of their own (seed 000)."""
        self.numbers[kind.is_trust_list] += 1
        return self.numbers[kind.is_trust_list]

    def check(self, purpose: Purpose) -> TrustedPeers:
        """Return the check for a step over TLS, with what TVS said of certificates meanwhile."""
        vouched = frozenset(der for wanted, der in self.vouched if wanted is purpose)
        refused = frozenset(der for wanted, der in self.refused if wanted is purpose)
        return TrustedPeers(self.lists, purpose, vouched, refused)


class Machine:
    """Runs a script; `session` is what it works on."""

    def __init__(self, session: Session, script: Script[None]) -> None:
        self._session = session
        self._script = script
        self._step: Step | None = None
        self._is_started = False

    @property
    def flash(self) -> Flash:
        """The flash as it is now."""
        return self._session.flash

    def next_step(self) -> Step | None:
        """Return what is to be done now, the same until it is answered; None at the end."""
        if not self._is_started:
            self._is_started = True
            self._step = next(self._script, None)
        return self._step

    def answer(self, outcome: Outcome, now: datetime) -> None:
        """Take what came of the step. Raises LocalProtocolError when that cannot come of it."""
        step = self._step
        if step is None:
            raise LocalProtocolError(f"{type(outcome).__name__}, but no step was asked for")
        if not isinstance(outcome, OUTCOMES[type(step)]):
            name = type(outcome).__name__
            raise LocalProtocolError(f"{name} cannot come of {type(step).__name__}")
        self._session.now = now
        try:
            self._step = self._script.send(outcome)
        except StopIteration:
            self._step = None

    def take_effects(self) -> tuple[Effect, ...]:
        """Return what happened since the last call, in order."""
        taken, self._session.effects = tuple(self._session.effects), []
        return taken
