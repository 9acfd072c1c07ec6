"""A phone as rows of the database, and back.

Strings that many phones share (pool, profile, model) are shared by their `Device` values too, so
that 40,000 phones fit into some 40 MB.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cucmsim.errors import FormatError
from cucmsim.formats.models import PHONE_MODELS
from cucmsim.pki.certificates import load_certificate
from cucmsim.store.engine import Values, moment, whole
from cucmsim.store.rows import (
    AuthenticationMode,
    CertificateStatus,
    Device,
    KeyOrder,
    Line,
    PendingOperation,
    Protocol,
    SecurityMode,
)

__all__ = [
    "DEVICE_COLUMNS",
    "EXTRA_COLUMNS",
    "Names",
    "Profile",
    "completed",
    "device_from_row",
    "device_row",
    "extra_row",
    "model_name",
    "product_name",
    "standard_profile",
]

PROTOCOL_NUMBERS: Mapping[str, int] = {Protocol.SCCP.value: 0, Protocol.SIP.value: 11}
_PROTOCOLS = {number: name for name, number in PROTOCOL_NUMBERS.items()}
_SHORT_NAMES = {model.product: model.name for model in PHONE_MODELS.values()}
_AUTHENTICATION_MODES = {mode.number: mode for mode in AuthenticationMode}
_OPERATIONS = {operation.number: operation for operation in PendingOperation}
_STATUSES = {status.number: status for status in CertificateStatus}
_KEY_ORDERS = {order.number: order for order in KeyOrder}
_PROFILE_WORDS: Mapping[int, str] = {
    SecurityMode.NON_SECURE: "Non-Secure",
    SecurityMode.AUTHENTICATED: "Authenticated",
    SecurityMode.ENCRYPTED: "Encrypted",
}

DEVICE_COLUMNS = (
    "pkid",
    "name",
    "description",
    "tkmodel",
    "tkdeviceprotocol",
    "fkdevicepool",
    "fksecurityprofile",
    "authenticationstring",
    "tkauthenticationmode",
    "tkcertificatestatus",
    "tkcertificateoperation",
    "upgradefinishtime",
    "tkkeyorder",
    "keysize",
    "ecpublickeycurve",
    "lscvaliduntil",
    "lscissuername",
    "lscissuervaliduntil",
    "specialloadinformation",
    "ctiid",
    "versionstamp",
)
"""What is read and written of table device, in the order `device_from_row` takes."""

EXTRA_COLUMNS = ("wrongstrings", "lockeduntil", "lsc", "mic")
"""The same of table cucmsim_capfdevice."""

_NO_EXTRA = (0, None, None, None)


@dataclass(frozen=True, slots=True)
class Profile:
    """What makes one row of securityprofile."""

    name: str
    protocol: str
    security_mode: int
    transport: int
    encrypted_config: bool


@dataclass(frozen=True, slots=True)
class Names:
    """What the foreign keys and numbers of device rows mean."""

    pools: Mapping[str, str]
    models: Mapping[int, str]
    profiles: Mapping[str, Profile]


def model_name(product: str) -> str:
    """Return the short name of a model ("Cisco 7962": "7962"); an unknown one as it is."""
    return _SHORT_NAMES.get(product, product)


def product_name(model: str) -> str:
    """Return the name of a model in typemodel ("7962": "Cisco 7962"); an unknown one as it is."""
    known = PHONE_MODELS.get(model)
    return known.product if known else model


def standard_profile(model: str, protocol: str, security_mode: int) -> str:
    """Return the name of CUCM's own security profile of a model, protocol and mode."""
    word = _PROFILE_WORDS.get(security_mode, "Non-Secure")
    return f"{product_name(model)} - Standard {protocol} {word} Profile"


def completed(device: Device, pkid: str, versionstamp: str) -> Device:
    """Return the phone as it will be read back: model and profile named, times in whole seconds."""
    profile = device.security_profile or standard_profile(
        device.model, device.protocol, device.security_mode
    )
    return replace(
        device,
        pkid=pkid,
        versionstamp=versionstamp,
        model=model_name(device.model),
        security_profile=profile,
        operation_expires=_whole_seconds(device.operation_expires),
        locked_until=_whole_seconds(device.locked_until),
        lsc_valid_until=_whole_seconds(device.lsc_valid_until),
        lsc_issuer_valid_until=_whole_seconds(device.lsc_issuer_valid_until),
    )


def _whole_seconds(time: datetime | None) -> datetime | None:
    return moment(_unix(time))


def _unix(time: datetime | None) -> int | None:
    return None if time is None else int(time.timestamp())


def device_row(device: Device, pool: str, profile: str, model: int) -> dict[str, object]:
    """Return the row of table device; pool and profile are pkids, model is typemodel.enum."""
    return {
        "pkid": device.pkid,
        "name": device.name,
        "description": device.description,
        "tkmodel": model,
        "tkdeviceprotocol": PROTOCOL_NUMBERS.get(device.protocol, 0),
        "fkdevicepool": pool,
        "fksecurityprofile": profile,
        "authenticationstring": device.authentication_string,
        "tkauthenticationmode": device.authentication_mode.number,
        "tkcertificatestatus": device.certificate_status.number,
        "tkcertificateoperation": device.pending_operation.number,
        "upgradefinishtime": _unix(device.operation_expires),
        "publickey": _public_key(device),
        "md5hash": _certificate_hash(device),
        "tkkeyorder": device.key_type.number,
        "keysize": device.key_size_bits,
        "ecpublickeycurve": device.ec_size_bits,
        "lscvaliduntil": _unix(device.lsc_valid_until),
        "lscissuername": device.lsc_issuer,
        "lscissuervaliduntil": _unix(device.lsc_issuer_valid_until),
        "specialloadinformation": device.load_information,
        "ctiid": device.ctiid,
        "versionstamp": device.versionstamp,
    }


def _certificate_hash(device: Device) -> str | None:
    """Return what `<certHash>` says: MD5 of the LSC, else of the MIC; None where none is known."""
    der = device.lsc_der or device.mic_der
    return hashlib.md5(der, usedforsecurity=False).hexdigest() if der else None


def _public_key(device: Device) -> str | None:
    """Return the public key of the LSC, else of the MIC, as PEM; None where none can be read."""
    der = device.lsc_der or device.mic_der
    if der is None:
        return None
    try:
        key = load_certificate(der).public_key()
    except (FormatError, UnsupportedAlgorithm, ValueError):
        return None
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def extra_row(device: Device) -> Values | None:
    """Return the row of cucmsim_capfdevice; None when there is nothing to keep."""
    if not (device.wrong_strings or device.locked_until or device.lsc_der or device.mic_der):
        return None
    return {
        "fkdevice": device.pkid,
        "wrongstrings": device.wrong_strings,
        "lockeduntil": _unix(device.locked_until),
        "lsc": device.lsc_der,
        "mic": device.mic_der,
    }


def device_from_row(
    row: Sequence[object],
    names: Names,
    lines: tuple[Line, ...],
    extra: Sequence[object] | None,
) -> Device:
    """Return the phone of a row of `DEVICE_COLUMNS`, its lines and its `EXTRA_COLUMNS`."""
    (
        pkid, name, description, model, protocol, pool, profile_pkid, authentication_string,
        authentication_mode, status, operation, operation_expires, key_order, key_size, ec_size,
        lsc_valid_until, lsc_issuer, lsc_issuer_valid_until, load, ctiid, versionstamp,
    ) = row  # fmt: skip
    profile = names.profiles[str(profile_pkid)]
    wrong_strings, locked_until, lsc, mic = extra or _NO_EXTRA
    return Device(
        pkid=str(pkid),
        name=str(name),
        description=str(description),
        model=names.models[whole(model)],
        protocol=_PROTOCOLS[whole(protocol)],
        device_pool=names.pools[str(pool)],
        security_profile=profile.name,
        security_mode=profile.security_mode,
        transport=profile.transport,
        encrypted_config=profile.encrypted_config,
        authentication_string=str(authentication_string),
        authentication_mode=_AUTHENTICATION_MODES[whole(authentication_mode)],
        certificate_status=_STATUSES[whole(status)],
        pending_operation=_OPERATIONS[whole(operation)],
        operation_expires=moment(operation_expires),
        key_type=_KEY_ORDERS[whole(key_order)],
        key_size_bits=whole(key_size),
        ec_size_bits=whole(ec_size),
        lsc_valid_until=moment(lsc_valid_until),
        lsc_issuer=str(lsc_issuer),
        lsc_issuer_valid_until=moment(lsc_issuer_valid_until),
        load_information=str(load),
        ctiid=whole(ctiid),
        versionstamp=str(versionstamp),
        wrong_strings=whole(wrong_strings),
        locked_until=moment(locked_until),
        lsc_der=lsc if isinstance(lsc, bytes) else None,
        mic_der=mic if isinstance(mic, bytes) else None,
        lines=lines,
    )
