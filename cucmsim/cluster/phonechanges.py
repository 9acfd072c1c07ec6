"""Phones added and changed while the cluster runs, under the rules of `[[phones]]`.

What a person may write in the configuration file may be given to `device add` and `device set`,
and is refused in the same words.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from cucmsim.cluster.phones import PhoneBook
from cucmsim.cluster.problems import Findings
from cucmsim.cluster.profiles import profile_of
from cucmsim.errors import Problem, SettingsError
from cucmsim.services.operations.profiles import is_standard, under_profile
from cucmsim.store.replica import Replica
from cucmsim.store.rows import Device

__all__ = ["changed_phone", "new_phone"]

_SOURCE = "device"
_DROPS = {
    "model": ("protocol", "security_profile", "load"),
    "protocol": ("security_profile", "load"),
    "device_security_mode": ("security_profile",),
    "authentication_mode": ("authentication_string",),
}
"""What a change of a key takes with it, unless that is given too: its default is another one."""


def new_phone(entry: Mapping[str, object], replica: Replica) -> Device:
    """Return the phone that `entry` describes. Raises SettingsError with every problem."""
    findings = Findings(_SOURCE)
    for key in ("count", "file"):
        if key in entry:
            findings.add((key,), "a key of ranges and files", "one phone")
    profiles = [profile_of(replica.profiles[name]) for name in _made_profiles(replica)]
    book = PhoneBook(findings, Path(), profiles, replica.device_pools)
    if not findings.problems:
        book.add(0, dict(entry))
    if findings.problems:
        raise SettingsError(tuple(_without_place(findings)))
    device = book.devices[0]
    return under_profile(device, replica.profiles.get(device.security_profile))


def changed_phone(held: Device, changes: Mapping[str, object], replica: Replica) -> Device:
    """Return `held` with `changes` made; keys are those of `[[phones]]` without `mac`.

    Raises SettingsError with every problem; the authentication string is checked against the
    mode that results.
    """
    if "mac" in changes:
        findings = Findings(_SOURCE)
        findings.add(("mac",), "a MAC address", "no such key: a phone keeps its address")
        raise SettingsError(tuple(findings.problems))
    wanted = new_phone(_entry_of(held, changes, replica), replica)
    return replace(
        wanted,
        operation_expires=None if "pending_operation" in changes else held.operation_expires,
        pkid=held.pkid,
        wrong_strings=held.wrong_strings,
        locked_until=held.locked_until,
        lsc_der=held.lsc_der,
        mic_der=held.mic_der,
        lsc_valid_until=held.lsc_valid_until,
        lsc_issuer=held.lsc_issuer,
        lsc_issuer_valid_until=held.lsc_issuer_valid_until,
        certificate_status=(
            wanted.certificate_status
            if wanted.pending_operation is not held.pending_operation
            else held.certificate_status
        ),
    )


def _entry_of(held: Device, changes: Mapping[str, object], replica: Replica) -> dict[str, object]:
    """Return the entry that describes `held` with `changes` made."""
    dropped = {key for changed in changes for key in _DROPS.get(changed, ())}
    entry: dict[str, object] = {
        "mac": held.name.removeprefix("SEP"),
        "model": held.model,
        "protocol": held.protocol,
        "description": held.description,
        "device_pool": held.device_pool,
        "security_profile": held.security_profile,
        "authentication_mode": held.authentication_mode.value,
        "authentication_string": held.authentication_string or None,
        "pending_operation": held.pending_operation.value,
        "key_order": held.key_type.value,
        "key_size_bits": held.key_size_bits,
        "ec_size_bits": held.ec_size_bits,
        "load": held.load_information,
        "lines": [
            {"number": line.number, "label": line.label, "display": line.display}
            for line in held.lines
        ],
    }
    if held.security_profile in _made_profiles(replica):
        dropped.discard("security_profile")
    entry = {key: value for key, value in entry.items() if key not in dropped}
    entry.update(changes)
    return {key: value for key, value in entry.items() if value is not None}


def _made_profiles(replica: Replica) -> list[str]:
    """Return the names of the profiles that are none of CUCM's own."""
    return [name for name in replica.profiles if not is_standard(name)]


def _without_place(findings: Findings) -> list[Problem]:
    """Drop the list index from the keys: there is only one phone."""
    return [
        replace(problem, key=problem.key.removeprefix("phones[0]").removeprefix("."))
        for problem in findings.problems
    ]
