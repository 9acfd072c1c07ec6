"""Phone security profiles by name.

A profile is one row of securityprofile for each protocol that phones of it speak; without phones,
one for SIP. All rows of a name say the same.
"""

from collections.abc import Collection

from sqlalchemy import bindparam, func, select, update

from cucmsim.errors import StoreError
from cucmsim.store.changelog import Writer, versionstamp
from cucmsim.store.devicerows import PROTOCOL_NUMBERS
from cucmsim.store.engine import Session, Values, whole
from cucmsim.store.rows import AuthenticationMode, KeyOrder, PhoneSecurityProfile, Protocol
from cucmsim.store.schema import TABLES

__all__ = ["delete_profile", "put_profile", "read_profiles"]

_AUTHENTICATION_MODES = {mode.number: mode for mode in AuthenticationMode}
_KEY_ORDERS = {order.number: order for order in KeyOrder}
_IN_FILES = ("tkdevicesecuritymode", "tktransport", "tftpencryptedconfig")
"""What the configuration files of phones tell of their profile."""


async def put_profile(writer: Writer, profile: PhoneSecurityProfile) -> None:
    """Insert or change a profile by name; phones whose files change get fresh versionstamps."""
    values = _values(profile)
    rows = await writer.find_all("securityprofile", {"name": profile.name})
    if not rows:
        named = {"name": profile.name, "description": profile.name}
        number = PROTOCOL_NUMBERS[Protocol.SIP]
        await writer.insert("securityprofile", {**named, "tkdeviceprotocol": number, **values})
    for row in rows:
        if any(row[name] != value for name, value in values.items()):
            await writer.update("securityprofile", str(row["pkid"]), values)
        if any(row[name] != values[name] for name in _IN_FILES):
            await _stamp_phones(writer, str(row["pkid"]))


async def delete_profile(writer: Writer, name: str) -> bool:
    """Delete a profile; tell whether it was there. Raises StoreError while phones use it."""
    rows = await writer.find_all("securityprofile", {"name": name})
    count = await _count_phones(writer.session, [str(row["pkid"]) for row in rows])
    if count:
        raise StoreError(f"security profile {name!r} is in use by {count} phone{'s'[: count != 1]}")
    return await writer.delete("securityprofile", {"name": name}) > 0


async def read_profiles(session: Session) -> dict[str, PhoneSecurityProfile]:
    """Return every profile by name."""
    source = TABLES["securityprofile"]
    rows = await session.mappings(select(source).order_by(source.c.name, source.c.pkid))
    return {str(row["name"]): _profile(row) for row in rows}


def _values(profile: PhoneSecurityProfile) -> dict[str, object]:
    """Return the columns of a profile's rows, but name and protocol."""
    return {
        "tkdevicesecuritymode": int(profile.security_mode),
        "tktransport": int(profile.transport),
        "tftpencryptedconfig": "t" if profile.encrypted_config else "f",
        "tkauthenticationmode": profile.authentication_mode.number,
        "tkkeyorder": profile.key_type.number,
        "keysize": profile.key_size_bits,
        "ecpublickeycurve": profile.ec_size_bits,
    }


def _profile(row: Values) -> PhoneSecurityProfile:
    """Return the profile of a row of securityprofile."""
    return PhoneSecurityProfile(
        name=str(row["name"]),
        security_mode=whole(row["tkdevicesecuritymode"]),
        transport=whole(row["tktransport"]),
        encrypted_config=row["tftpencryptedconfig"] == "t",
        authentication_mode=_AUTHENTICATION_MODES[whole(row["tkauthenticationmode"])],
        key_type=_KEY_ORDERS[whole(row["tkkeyorder"])],
        key_size_bits=whole(row["keysize"]),
        ec_size_bits=whole(row["ecpublickeycurve"]),
    )


async def _count_phones(session: Session, profiles: Collection[str]) -> int:
    device = TABLES["device"]
    query = select(func.count()).select_from(device).where(device.c.fksecurityprofile.in_(profiles))
    return whole(await session.scalar(query))


async def _stamp_phones(writer: Writer, profile: str) -> None:
    """Give every phone of a row of securityprofile a fresh versionstamp."""
    device = TABLES["device"]
    query = select(device.c.pkid).where(device.c.fksecurityprofile == profile)
    query = query.order_by(device.c.name)
    pkids = [str(pkid) for (pkid,) in await writer.session.rows(query)]
    if not pkids:
        return
    statement = update(device).where(device.c.pkid == bindparam("phone"))
    stamps = [{"phone": pkid, "stamp": versionstamp(writer)} for pkid in pkids]
    await writer.session.execute(statement.values(versionstamp=bindparam("stamp")), stamps)
    for pkid in pkids:
        writer.touch("device", pkid, "U")
