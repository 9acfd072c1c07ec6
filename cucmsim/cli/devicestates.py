"""Where phones are registered and which trust lists they hold, asked of every running process."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from pydantic import BaseModel, TypeAdapter

from cucmsim.cli.client import ManagementClient
from cucmsim.cluster.registrationapi import AlarmReport, RegistrationReport
from cucmsim.cluster.trustapi import TrustHeldReport, TrustListReport, TrustState, trust_state
from cucmsim.errors import UnreachableError

__all__ = ["PhoneStates", "TrustReport", "last_alarm", "phone_states"]

_REGISTRATIONS = TypeAdapter(list[RegistrationReport])
_LISTS = TypeAdapter(list[TrustListReport])
_HELD = TypeAdapter(list[TrustHeldReport])
_ALARMS = TypeAdapter(list[AlarmReport])


class TrustReport(BaseModel):
    """The trust lists of a phone and whether they are those that the nodes serve now."""

    held: TrustHeldReport
    itl: TrustState
    ctl: TrustState


@dataclass(frozen=True, slots=True)
class PhoneStates:
    """By device name; a phone that is not registered, or never told its lists, is not there."""

    registrations: Mapping[str, RegistrationReport] = field(default_factory=dict)
    trust: Mapping[str, TrustReport] = field(default_factory=dict)


def phone_states(clients: Sequence[ManagementClient]) -> PhoneStates:
    """Ask all processes, of each phone for the latest; one that does not answer is left out."""
    registrations: list[RegistrationReport] = []
    lists: list[TrustListReport] = []
    held: list[TrustHeldReport] = []
    for client in clients:
        with suppress(UnreachableError):
            registrations += _REGISTRATIONS.validate_python(client.get("/registrations"))
            lists += _LISTS.validate_python(client.get("/trust-lists"))
            held += _HELD.validate_python(client.get("/trust-held"))
    registrations.sort(key=lambda one: one.registered_at)
    held.sort(key=lambda one: one.time)
    return PhoneStates(
        {one.device: one for one in registrations},
        {one.device: _trust(one, lists) for one in held},
    )


def last_alarm(clients: Sequence[ManagementClient], device: str) -> AlarmReport | None:
    """Return the last alarm that a phone sent to any of the processes."""
    found: list[AlarmReport] = []
    for client in clients:
        with suppress(UnreachableError):
            found += _ALARMS.validate_python(client.get("/alarms", {"device": device, "limit": 1}))
    return max(found, key=lambda one: one.time, default=None)


def _trust(held: TrustHeldReport, lists: Sequence[TrustListReport]) -> TrustReport:
    return TrustReport(
        held=held,
        itl=trust_state(held.itl, [one.itl for one in lists]),
        ctl=trust_state(held.ctl, [one.ctl for one in lists]),
    )
