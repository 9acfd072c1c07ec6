"""The part of the management API that captures what crosses the wire, for Wireshark."""

import asyncio
from collections.abc import Callable

from fastapi import FastAPI, Response
from pydantic import BaseModel, ConfigDict

from cucmsim.services.capture import Capture
from cucmsim.services.capturefile import pcapng_of

__all__ = ["CaptureReport", "CaptureSwitch", "add_capture"]

_PCAPNG = "application/x-pcapng"


class CaptureSwitch(BaseModel):
    """Whether to capture; what was captured before is forgotten when it is switched on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    on: bool


class CaptureReport(BaseModel):
    """How a process's capture is: `size` of `limit` bytes; `dropped` conversations are lost."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    on: bool
    conversations: int
    packets: int
    size: int
    limit: int
    dropped: int


def add_capture(app: FastAPI, capture: Callable[[], Capture]) -> None:
    """Add the routes to `app`."""

    @app.get("/capture")
    async def state() -> CaptureReport:
        return CaptureReport.model_validate(capture().state)

    @app.post("/capture")
    async def switch(wanted: CaptureSwitch) -> CaptureReport:
        held = capture()
        if wanted.on:
            held.start()
        else:
            held.stop()
        return CaptureReport.model_validate(held.state)

    @app.get(
        "/capture/pcapng", response_class=Response, responses={200: {"content": {_PCAPNG: {}}}}
    )
    async def file() -> Response:
        made = await asyncio.to_thread(pcapng_of, capture().snapshot())
        headers = {"Content-Disposition": 'attachment; filename="cucmsim.pcapng"'}
        return Response(made, media_type=_PCAPNG, headers=headers)
