"""The part of the management API that lists, makes, changes and removes security profiles."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Body, FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict

from cucmsim.cluster.problems import nearest
from cucmsim.cluster.profiles import profile_entry, read_profile
from cucmsim.services.operations.operator import Operator
from cucmsim.services.operations.profiles import (
    HeldProfile,
    add_profile,
    change_profile,
    held_profile,
    held_profiles,
    remove_profile,
)
from cucmsim.store.replica import Replica

__all__ = ["ProfileReport", "add_profiles"]

_Entry = Annotated[dict[str, object], Body(description="keys as in [[security_profiles]]")]


class ProfileReport(BaseModel):
    """A profile in the words of `[[security_profiles]]`; `phones` is how many use it."""

    model_config = ConfigDict(frozen=True)

    name: str
    device_security_mode: str
    transport: str
    encrypted_config: bool
    authentication_mode: str
    key_order: str
    key_size_bits: int
    ec_size_bits: int
    standard: bool
    phones: int

    @classmethod
    def of(cls, held: HeldProfile) -> "ProfileReport":
        """Return what is shown of a profile."""
        shown = {"standard": held.is_standard, "phones": held.phones}
        return cls.model_validate(profile_entry(held.profile) | shown)


def add_profiles(app: FastAPI, operator: Callable[[], Operator]) -> None:
    """Add the routes to `app`."""

    @app.get("/profiles")
    async def profiles(match: str = "") -> list[ProfileReport]:
        found = held_profiles(await operator().newest())
        return [ProfileReport.of(one) for one in found if match.lower() in one.profile.name.lower()]

    @app.get("/profiles/{name:path}")
    async def profile(name: str) -> ProfileReport:
        return ProfileReport.of(_held(await operator().newest(), name))

    @app.post("/profiles", status_code=201)
    async def add(entry: _Entry) -> ProfileReport:
        return ProfileReport.of(await add_profile(operator(), read_profile(entry)))

    @app.patch("/profiles/{name:path}")
    async def change(name: str, changes: _Entry) -> ProfileReport:
        held = _held(await operator().newest(), name)
        wanted = read_profile(changes, held.profile)
        return ProfileReport.of(await change_profile(operator(), wanted))

    @app.delete("/profiles/{name:path}")
    async def remove(name: str) -> dict[str, str]:
        _held(await operator().newest(), name)
        await remove_profile(operator(), name)
        return {"detail": f"{name} removed"}


def _held(replica: Replica, name: str) -> HeldProfile:
    if name not in replica.profiles:
        hint = nearest(name, replica.profiles)
        also = f"; did you mean {hint!r}?" if hint else ""
        raise HTTPException(404, f"no security profile {name!r}{also}")
    return held_profile(replica, name)
