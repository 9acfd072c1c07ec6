"""Security profiles as a description writes them and as the store holds them, either way."""

from collections.abc import Mapping

from cucmsim.cluster.problems import Findings
from cucmsim.cluster.settings import SecurityProfile
from cucmsim.errors import SettingsError
from cucmsim.store.rows import PhoneSecurityProfile, SecurityMode, Transport

__all__ = ["profile_entry", "profile_of", "profile_row", "read_profile"]


def profile_row(profile: SecurityProfile) -> PhoneSecurityProfile:
    """Return the store's row of a described profile, with the transport that its mode implies."""
    mode = profile.device_security_mode
    return PhoneSecurityProfile(
        name=profile.name,
        security_mode=mode.value,
        transport=(profile.transport or _usual_transport(mode)).value,
        encrypted_config=profile.encrypted_config,
        authentication_mode=profile.authentication_mode,
        key_type=profile.key_order,
        key_size_bits=profile.key_size_bits,
        ec_size_bits=profile.ec_size_bits,
    )


def profile_entry(row: PhoneSecurityProfile) -> dict[str, object]:
    """Return the entry of `[[security_profiles]]` that describes a profile of the store."""
    return {
        "name": row.name,
        "device_security_mode": SecurityMode(row.security_mode).name.lower().replace("_", "-"),
        "transport": Transport(row.transport).name.lower().replace("_", "+"),
        "encrypted_config": row.encrypted_config,
        "authentication_mode": row.authentication_mode.value,
        "key_order": row.key_type.value,
        "key_size_bits": row.key_size_bits,
        "ec_size_bits": row.ec_size_bits,
    }


def profile_of(row: PhoneSecurityProfile) -> SecurityProfile:
    """Return a profile of the store as a description has it."""
    return SecurityProfile.model_validate(profile_entry(row))


def read_profile(
    entry: Mapping[str, object], held: PhoneSecurityProfile | None = None
) -> PhoneSecurityProfile:
    """Return the profile that `entry` describes; with `held`, what that becomes.

    Another security mode takes the transport with it, unless that is given too. Raises
    SettingsError with every problem.
    """
    findings = Findings("profile")
    if held is not None:
        if "name" in entry:
            findings.add(("name",), "a name", "no such key: a profile keeps its name")
        entry = {**_kept(held, entry), **entry}
    given = {key: value for key, value in entry.items() if value is not None}
    profile = findings.read(SecurityProfile, given, ())
    if profile is None or findings.problems:
        raise SettingsError(tuple(findings.problems))
    return profile_row(profile)


def _kept(held: PhoneSecurityProfile, changes: Mapping[str, object]) -> dict[str, object]:
    """Return what is described of a profile before it is changed."""
    entry = profile_entry(held)
    mode = changes.get("device_security_mode", entry["device_security_mode"])
    if mode != entry["device_security_mode"]:
        del entry["transport"]
    return entry


def _usual_transport(mode: SecurityMode) -> Transport:
    return Transport.TCP if mode is SecurityMode.NON_SECURE else Transport.TLS
