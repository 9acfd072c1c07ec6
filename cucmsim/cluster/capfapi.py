"""The part of the management API about CAPF: orders for many phones, and phones found by LSC."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import FastAPI
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from cucmsim.services.operations.capforders import CapfOrder, order_capf
from cucmsim.services.operations.operator import Operator
from cucmsim.services.operations.phonesearch import PhoneSearch
from cucmsim.store.rows import AuthenticationMode, CertificateStatus, KeyOrder, PendingOperation

__all__ = ["CapfOrderEntry", "CapfOrderReport", "DeviceQuery", "add_capf"]

_MOST = 1000


class DeviceQuery(BaseModel):
    """Which phones are listed; what is not given says nothing. Times have a zone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    match: str = ""
    status: CertificateStatus | None = None
    operation: PendingOperation | None = None
    lsc_issued_by: str = ""
    has_lsc: bool | None = None
    lsc_expires_before: AwareDatetime | None = None
    lsc_issuer_expires_before: AwareDatetime | None = None
    stale_lsc: bool = False
    offset: Annotated[int, Field(ge=0)] = 0
    limit: Annotated[int, Field(ge=1, le=_MOST)] = 100

    @property
    def search(self) -> PhoneSearch:
        """The same for `find_phones`."""
        return PhoneSearch(
            name=self.match,
            status=self.status,
            operation=self.operation,
            issued_by=self.lsc_issued_by,
            has_lsc=self.has_lsc,
            expires_before=self.lsc_expires_before,
            issuer_expires_before=self.lsc_issuer_expires_before,
            is_stale=self.stale_lsc,
        )


class CapfOrderEntry(BaseModel):
    """An operation that CAPF is to carry out when these phones next come; None: as they have it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    devices: Annotated[list[str], Field(min_length=1)]
    operation: PendingOperation
    authentication_mode: AuthenticationMode | None = None
    authentication_string: str | None = Field(None, repr=False)
    key_order: KeyOrder | None = None
    key_size_bits: int | None = None
    ec_size_bits: int | None = None
    expires: AwareDatetime | None = None

    @property
    def order(self) -> CapfOrder:
        """The same for `order_capf`."""
        return CapfOrder(**{key: value for key, value in self if key != "devices"})


class CapfOrderReport(BaseModel):
    """How many phones have the order, and until when; None where it was withdrawn."""

    model_config = ConfigDict(frozen=True)

    devices: int
    expires: datetime | None


def add_capf(app: FastAPI, operator: Callable[[], Operator]) -> None:
    """Add the routes to `app`."""

    @app.post("/operations/capf")
    async def order(wanted: CapfOrderEntry) -> CapfOrderReport:
        ordered = await order_capf(operator(), wanted.devices, wanted.order)
        return CapfOrderReport(devices=len(ordered), expires=ordered[0].operation_expires)
