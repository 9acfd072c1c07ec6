"""Phones as a configuration describes them: single, as a range, or from a CSV file.

An entry becomes one or many `Device` rows of the store with everything their security profile says.
A range counts MAC addresses and line numbers up from those given. Forty thousand phones take about
a second: each row is checked by one small model, and no phone is compared with another.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from cucmsim.cluster.phonecsv import read_rows
from cucmsim.cluster.phoneentry import PhoneEntry
from cucmsim.cluster.problems import Findings, Spot, nearest, show
from cucmsim.cluster.profiles import profile_row
from cucmsim.cluster.settings import SecurityProfile
from cucmsim.formats.models import PHONE_MODELS, PhoneModel
from cucmsim.store.devicerows import standard_profile
from cucmsim.store.rows import (
    AuthenticationMode,
    CertificateStatus,
    Device,
    Line,
    PendingOperation,
    Protocol,
    SecurityMode,
)

__all__ = ["PhoneBook", "built_in_profile"]

_PLACEHOLDER = re.compile(r"\{([^{}:]*)(?::0?([0-9]{1,2}))?\}")
_PLACEHOLDERS = ("index", "line", "mac", "name")
_STAND_INS = {"lines[]": "0", "lines[].number": "0"}
_LAST_MAC = 0xFFFFFFFFFFFF


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a phone is described: an entry of the file, or a line of a CSV file."""

    spot: Spot
    file: str = ""

    def __str__(self) -> str:
        """Format for the problem of another phone."""
        return f"{self.file} {self.spot[0]}" if self.file else f"phones[{self.spot[1]}]"


def built_in_profile(
    model: PhoneModel, protocol: str, mode: SecurityMode = SecurityMode.NON_SECURE
) -> SecurityProfile:
    """Return CUCM's own security profile for a model, protocol and mode."""
    name = standard_profile(model.name, protocol, mode)
    return SecurityProfile(name=name, device_security_mode=mode)


class PhoneBook:
    """Collects the phones of a configuration; `devices` are those that are right."""

    def __init__(
        self,
        findings: Findings,
        base: Path,
        profiles: Collection[SecurityProfile],
        pools: Collection[str],
        *,
        doubtful: Collection[str] = (),
    ) -> None:
        self.devices: list[Device] = []
        self._findings = findings
        self._base = base
        self._profiles = {profile.name: profile for profile in profiles}
        self._doubtful = frozenset(doubtful)
        self._pools = tuple(pools)
        self._places: dict[str, _Place] = {}
        self._standard: dict[tuple[str, str], Mapping[SecurityMode, SecurityProfile]] = {}

    def add(self, index: int, raw: object) -> None:
        """Add what entry `index` of `[[phones]]` describes."""
        place = _Place(("phones", index))
        entry = self._findings.read(PhoneEntry, raw, place.spot, stand_ins=_STAND_INS)
        if entry is None or self._findings.is_broken((*place.spot, "file")):
            return
        if entry.file is not None:
            self._add_file(entry, raw if isinstance(raw, dict) else {}, place)
        elif (device := self._device(entry, place)) is not None:
            if entry.count is None:
                self._keep(_numbered(device, 0), place)
            else:
                self._add_range(device, entry.count, place)

    def _add_range(self, first: Device, count: int, place: _Place) -> None:
        """Add `count` phones from `first` on; of those that are taken, the first is named."""
        start = int(first.name[3:], 16)
        if start + count - 1 > _LAST_MAC:
            room = f"at most {_LAST_MAC - start + 1} from this address on"
            self._note(place, "count", show(count), room)
            return
        for number, line in enumerate(first.lines):
            if not line.number[-1].isdigit():
                expected = "a number that ends in a digit, to count up"
                self._note(place, f"lines[{number}]", show(line.number), expected)
                return
        for index in range(count):
            if not self._keep(_numbered(first, index), place):
                return

    def _add_file(self, entry: PhoneEntry, raw: Mapping[str, object], place: _Place) -> None:
        """Add the phones of a CSV file."""
        assert entry.file is not None  # noqa: S101  the caller looked
        for name in ("mac", "count"):
            if name in raw:
                self._note(place, name, show(raw[name]), "no such key beside `file`")
        shared = {key: value for key, value in raw.items() if key not in ("file", "mac", "count")}
        columns = [name for name in PhoneEntry.model_fields if name not in ("file", "count")]
        path = self._base / entry.file
        for index, (line, row) in enumerate(read_rows(path, columns, self._findings, place.spot)):
            spot: Spot = (f"line {line}",)
            where = _Place(spot, str(path))
            keys = {**shared, **row}
            phone = self._findings.read(
                PhoneEntry, keys, spot, file=where.file, stand_ins=_STAND_INS
            )
            device = self._device(phone, where) if phone else None
            if device is not None:
                self._keep(_numbered(device, index, counting=False), where)

    def _keep(self, device: Device, place: _Place) -> bool:
        """Keep a phone unless another one has its address."""
        other = self._places.setdefault(device.name, place)
        if other is not place:
            mac = show(device.name[3:])
            self._note(place, "mac", mac, f"an address of its own ({other} has this one)")
            return False
        self.devices.append(device)
        return True

    def _device(self, entry: PhoneEntry, place: _Place) -> Device | None:
        """Return the row of a phone, or note what is wrong with it."""
        before = len(self._findings.problems)
        if entry.mac is None:
            self._note(place, "mac", "nothing", "a MAC address")
        if entry.model is None:
            self._note(place, "model", "nothing", "the name of a phone model")
        pool = entry.device_pool or next(iter(self._pools), "Default")
        if entry.device_pool and entry.device_pool not in self._pools:
            self._refer(place, "device_pool", pool, "a device pool", self._pools)
        self._check_texts(entry, place)
        if entry.model is None:
            return None
        model = PHONE_MODELS[entry.model]
        protocol = entry.protocol or Protocol(model.protocols[0].value)
        profile = self._profile(entry, model, protocol, place)
        self._check_model(entry, model, protocol, place)
        mode = entry.authentication_mode or (profile and profile.authentication_mode)
        if mode and not self._is_broken(place, "authentication_mode"):
            self._check_string(entry, mode, place)
        if len(self._findings.problems) > before or entry.mac is None or not (profile and mode):
            return None
        return _row(entry, model, protocol, profile, pool, mode)

    def _profile(
        self, entry: PhoneEntry, model: PhoneModel, protocol: str, place: _Place
    ) -> SecurityProfile | None:
        """Return the security profile of a phone, one of ours if it names none.

        None when it is not known what the profile says.
        """
        mode = entry.device_security_mode
        standard = self._standard_profiles(model, protocol)
        default = standard[mode or SecurityMode.NON_SECURE]
        if entry.security_profile is None:
            return None if self._is_broken(place, "security_profile") else default
        if entry.security_profile in self._doubtful:
            return None
        known = {profile.name: profile for profile in standard.values()} | self._profiles
        found = known.get(entry.security_profile)
        if found is None:
            name = entry.security_profile
            self._refer(place, "security_profile", name, "a security profile", known)
            return None
        if mode is not None and mode != found.device_security_mode:
            word = "the mode of its profile, or no such key beside `security_profile`"
            self._note(place, "device_security_mode", show(_spelled(mode)), word)
        return found

    def _standard_profiles(
        self, model: PhoneModel, protocol: str
    ) -> Mapping[SecurityMode, SecurityProfile]:
        """Return CUCM's own profiles for a model and protocol, made once."""
        key = (model.name, protocol)
        if key not in self._standard:
            self._standard[key] = {m: built_in_profile(model, protocol, m) for m in SecurityMode}
        return self._standard[key]

    def _check_model(
        self, entry: PhoneEntry, model: PhoneModel, protocol: str, place: _Place
    ) -> None:
        """Note a protocol or a number of lines that the model does not have."""
        if protocol not in model.protocols:
            spoken = " or ".join(f'"{name}"' for name in model.protocols)
            self._note(place, "protocol", show(protocol), f"{spoken}, which a {model.name} speaks")
        if len(entry.lines) > model.line_count:
            most = f"at most {model.line_count}, which a {model.name} has"
            self._note(place, "lines", f"{len(entry.lines)} lines", most)

    def _check_texts(self, entry: PhoneEntry, place: _Place) -> None:
        """Note placeholders that mean nothing."""
        texts = [("description", entry.description)]
        for index, line in enumerate(entry.lines):
            texts += (
                (f"lines[{index}].label", line.label),
                (f"lines[{index}].display", line.display),
            )
        for key, text in texts:
            for match in _PLACEHOLDER.finditer(text):
                if match[1] not in _PLACEHOLDERS:
                    expected = "one of {" + "}, {".join(_PLACEHOLDERS) + "}"
                    self._note(place, key, match[0], expected, nearest(match[1], _PLACEHOLDERS))

    def _check_string(self, entry: PhoneEntry, mode: AuthenticationMode, place: _Place) -> None:
        """Note an authentication string that is missing or has no use."""
        by_string = mode is AuthenticationMode.AUTHENTICATION_STRING
        pending = entry.pending_operation is not PendingOperation.NONE
        if by_string and pending and entry.authentication_string is None:
            expected = "4 to 10 digits, as the authentication mode and a pending operation ask"
            self._note(place, "authentication_string", "nothing", expected)
        if not by_string and entry.authentication_string is not None:
            expected = 'no such key, or authentication_mode = "authentication-string"'
            self._note(place, "authentication_string", "a value not shown here", expected)

    def _is_broken(self, place: _Place, key: str) -> bool:
        """Tell whether a key of a phone could not be read."""
        return self._findings.is_broken((*place.spot, key), file=place.file)

    def _note(
        self, place: _Place, key: str, found: str, expected: str, hint: str | None = None
    ) -> None:
        """Note a problem of one phone."""
        self._findings.add((*place.spot, key), found, expected, hint, file=place.file)

    def _refer(self, place: _Place, key: str, name: str, what: str, valid: Iterable[str]) -> None:
        """Note a name that refers to nothing."""
        spot = (*place.spot, key)
        self._findings.add_reference(spot, name, what, valid, file=place.file)


def _spelled(mode: SecurityMode) -> str:
    """Return a security mode as the file writes it."""
    return mode.name.lower().replace("_", "-")


def _row(
    entry: PhoneEntry,
    model: PhoneModel,
    protocol: Protocol,
    profile: SecurityProfile,
    pool: str,
    mode: AuthenticationMode,
) -> Device:
    """Return the store's row of a phone, placeholders not yet filled."""
    security = profile_row(profile)
    pending = entry.pending_operation
    idle = pending is PendingOperation.NONE
    return Device(
        name=f"SEP{entry.mac}",
        model=model.name,
        protocol=protocol.value,
        device_pool=pool,
        description=entry.description,
        security_profile=profile.name,
        security_mode=security.security_mode,
        transport=security.transport,
        encrypted_config=security.encrypted_config,
        authentication_mode=mode,
        authentication_string=entry.authentication_string or "",
        pending_operation=pending,
        certificate_status=CertificateStatus.NONE if idle else CertificateStatus.PENDING,
        key_type=entry.key_order or profile.key_order,
        key_size_bits=entry.key_size_bits or profile.key_size_bits,
        ec_size_bits=entry.ec_size_bits or profile.ec_size_bits,
        load_information=entry.load,
        lines=tuple(Line(line.number, line.label, line.display) for line in entry.lines),
        ctiid=model.cti_id,
    )


def _numbered(device: Device, index: int, *, counting: bool = True) -> Device:
    """Return phone `index` of a range (or of a file, whose rows give address and lines)."""
    texts = (device.description, *(line.label + line.display for line in device.lines))
    if not (counting and index) and not any("{" in text for text in texts):
        return device
    name = f"SEP{int(device.name[3:], 16) + index:012X}" if counting else device.name
    numbers = [_count_up(line.number, index if counting else 0) for line in device.lines]
    words = {
        "index": str(index + 1),
        "name": name,
        "mac": name[3:],
        "line": numbers[0] if numbers else "",
    }
    lines = tuple(
        Line(number, _fill(line.label, words), _fill(line.display, words))
        for number, line in zip(numbers, device.lines, strict=True)
    )
    description = _fill(device.description, words)
    return replace(device, name=name, description=description, lines=lines)


def _count_up(number: str, by: int) -> str:
    """Return a directory number `by` further on, as wide as before."""
    match = re.fullmatch(r"(.*?)([0-9]+)", number) if by else None
    return f"{match[1]}{int(match[2]) + by:0{len(match[2])}}" if match else number


def _fill(text: str, words: Mapping[str, str]) -> str:
    """Put `words` where `text` has placeholders; `{index:4}` has leading zeros."""
    if "{" not in text:
        return text
    return _PLACEHOLDER.sub(lambda match: words[match[1]].zfill(int(match[2] or 0)), text)
