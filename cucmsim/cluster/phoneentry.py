"""What an entry of `[[phones]]` may hold; `phones.py` makes rows of it."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from cucmsim.cluster.settings import DeviceSecurityMode, EcSize, RsaSize
from cucmsim.cluster.values import DeviceMac, Name, Number, PathValue, TableModel, Text, expecting
from cucmsim.formats.models import PHONE_MODELS
from cucmsim.store.rows import AuthenticationMode, KeyOrder, PendingOperation, Protocol

__all__ = ["LineEntry", "PhoneEntry"]


def _known_model(name: str) -> str:
    """Refuse a model that is not in the table."""
    if name not in PHONE_MODELS:
        raise ValueError("no model")
    return name


ModelName = Annotated[
    str,
    AfterValidator(_known_model),
    WithJsonSchema({"type": "string", "enum": list(PHONE_MODELS)}),
]


class LineEntry(TableModel):
    """A line of a phone."""

    number: Annotated[
        str, Field(pattern=r"^[0-9A-D*#+\\]{1,24}$"), expecting('a directory number such as "2001"')
    ] = Field(description="Directory number; a range counts it up")
    label: Text = Field("", description="What the phone shows beside the key")
    display: Text = Field("", description="The name that others see")


def _line(value: object) -> object:
    """Take a bare directory number for a line."""
    return {"number": value} if isinstance(value, str) else value


class PhoneEntry(TableModel):
    """An entry of `[[phones]]`: one phone, a range of them, or what the rows of a file share."""

    mac: DeviceMac | None = Field(None, description="MAC address; the first one of a range")
    model: ModelName | None = Field(None, description="The phone model")
    protocol: Protocol | None = Field(None, description="Default: what the model usually speaks")
    description: Text = Field("", description="May hold `{index}` `{name}` `{mac}` `{line}`")
    device_pool: Name | None = Field(None, description="Default: the first pool")
    security_profile: Name | None = Field(
        None, description="Default: `Cisco MODEL - Standard PROTOCOL Non-Secure Profile`"
    )
    device_security_mode: DeviceSecurityMode | None = Field(
        None, description="Instead of a profile: CUCM's standard profile of this mode"
    )
    authentication_mode: AuthenticationMode | None = Field(
        None, description="How it proves itself to CAPF; default: its profile's"
    )
    authentication_string: Annotated[
        str | None, Field(pattern=r"^[0-9]{4,10}$", repr=False), expecting("4 to 10 digits")
    ] = Field(None, description="For `authentication-string`", repr=False)
    pending_operation: PendingOperation = Field(
        PendingOperation.NONE, description="What CAPF does when the phone next comes"
    )
    key_order: KeyOrder | None = Field(None, description="Default: its profile's")
    key_size_bits: RsaSize | None = Field(None, description="Default: its profile's")
    ec_size_bits: EcSize | None = Field(None, description="Default: its profile's")
    load: Text = Field("", description="Phone load; default: the model's")
    lines: tuple[Annotated[LineEntry, BeforeValidator(_line)], ...] = Field(
        (),
        description='Its lines: numbers (`["2001"]`) or tables with `number`, `label`, `display`',
    )
    count: Annotated[Number, Field(ge=1, le=1_000_000)] | None = Field(
        None, description="Makes it a range of this many phones"
    )
    file: PathValue | None = Field(
        None, description="CSV file with a phone a row; other keys are what rows do not say"
    )
