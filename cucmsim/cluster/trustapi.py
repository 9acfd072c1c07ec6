"""The part of the management API about trust lists: what nodes serve, what phones say they hold.

A phone tells the SHA-1 of its ITL and CTL in the alarm DeviceTLInfo, before it registers. The nodes
of other processes are asked there: `trust_state` compares with what all of them serve.
Source: cucm.md 5.6.
"""

import hashlib
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime
from typing import Literal

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict

from cucmsim.formats.phonealarms import DEVICE_TL_INFO
from cucmsim.services.registration import Registrations
from cucmsim.store.alarms import StoredAlarm

__all__ = [
    "TrustHeldReport",
    "TrustListReport",
    "TrustState",
    "add_trust",
    "trust_list_report",
    "trust_state",
]

TrustState = Literal["current", "old", "none"]


class TrustListReport(BaseModel):
    """The trust lists that a node's TFTP serves: SHA-1 in hexadecimal, None where there is none."""

    model_config = ConfigDict(frozen=True)

    node: str
    itl: str | None
    ctl: str | None


class TrustHeldReport(BaseModel):
    """The trust lists a phone says it holds; a SHA-1 is empty where it holds none."""

    model_config = ConfigDict(frozen=True)

    device: str
    time: datetime
    itl: str
    itl_server: str
    ctl: str
    ctl_server: str

    @classmethod
    def of(cls, held: StoredAlarm) -> "TrustHeldReport":
        """Return what an alarm DeviceTLInfo tells."""
        value = held.alarm.value
        return cls(
            device=held.device_name,
            time=held.time,
            itl=_hexadecimal(value("ITL_Signature")),
            itl_server=value("ITL_TFTP_Server") or "",
            ctl=_hexadecimal(value("CTL_Signature")),
            ctl_server=value("CTL_TFTP_Server") or "",
        )


def trust_list_report(node: str, itl: bytes | None, ctl: bytes | None) -> TrustListReport:
    """Return what a node serves."""
    return TrustListReport(node=node, itl=_sha1(itl), ctl=_sha1(ctl))


def trust_state(held: str, served: Collection[str | None]) -> TrustState:
    """Return whether a phone holds one of the lists that are `served` now, another, or none."""
    if not held:
        return "none"
    return "current" if held in served else "old"


def add_trust(
    app: FastAPI,
    nodes: Callable[[], Mapping[str, Registrations]],
    trust_lists: Callable[[], Awaitable[list[TrustListReport]]],
) -> None:
    """Add the routes to `app`."""

    @app.get("/trust-lists")
    async def served() -> list[TrustListReport]:
        return await trust_lists()

    @app.get("/trust-held")
    async def held() -> list[TrustHeldReport]:
        return [
            TrustHeldReport.of(alarm)
            for node in nodes().values()
            for alarm in node.last_alarms(DEVICE_TL_INFO)
        ]


def _hexadecimal(signature: str | None) -> str:
    """Return a signature (`1B A1 ... `) as hexadecimal; `Not Installed` is none."""
    try:
        return bytes.fromhex(signature or "").hex()
    except ValueError:
        return ""


def _sha1(data: bytes | None) -> str | None:
    return None if data is None else hashlib.sha1(data, usedforsecurity=False).hexdigest()
