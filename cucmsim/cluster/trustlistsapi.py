"""The part of the management API that operates trust lists: security mode, CTL, reset of the ITL.

As with the rest of the operations (`operationsapi.py`) any process of the cluster carries them out;
`node` is where the command is given, which has to be the publisher for all but deleting a file.
"""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable
from typing import Literal

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field, model_validator

from cucmsim.cluster.operationsapi import OutcomeOfOperation
from cucmsim.errors import RefusedError
from cucmsim.pki.bundles import dump_key_bundle
from cucmsim.pki.certificates import certificate_pem
from cucmsim.pki.etokens import ETOKEN_PASSWORD
from cucmsim.services.operations.ctl import delete_ctl, reset_ctl_localkey, update_ctl
from cucmsim.services.operations.etokens import (
    CtlClientTask,
    make_etoken,
    open_etoken,
    run_client,
)
from cucmsim.services.operations.itlreset import reset_itl_localkey, reset_itl_remotekey
from cucmsim.services.operations.mixedmode import set_mixed_mode, set_non_secure_mode
from cucmsim.services.operations.operator import Operator, Outcome
from cucmsim.services.operations.rename import rename_domain, rename_host

__all__ = ["add_trust_list_operations"]

_Operation = Callable[[Operator, str], Awaitable[Outcome]]


class GivenAt(BaseModel):
    """The node on which the command is given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    node: str


class SecurityModeSetting(GivenAt):
    """Cluster Security Mode."""

    mode: Literal["mixed", "non-secure"]


class CtlTask(GivenAt):
    """What is done with the CTL; deleting it does so on that node alone."""

    task: Literal["update", "reset-localkey", "delete"]


class RemoteKey(GivenAt):
    """A saved ITLRecovery.p12, as base64; the cluster security password has to open it."""

    file: str = Field(repr=False)


class Renaming(GivenAt):
    """Another host name or domain name; exactly one of them."""

    host: str | None = None
    domain: str | None = None

    @model_validator(mode="after")
    def _has_one(self) -> "Renaming":
        if (self.host is None) == (self.domain is None):
            raise ValueError("expected exactly one of host and domain")
        return self


class EToken(BaseModel):
    """A simulated eToken: its file (PKCS#12) as base64, and its password."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str = Field(repr=False)
    password: str = Field(ETOKEN_PASSWORD, repr=False)


class ETokenWish(BaseModel):
    """Which eToken to make: "ADN008580ef"."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: str
    password: str = Field(ETOKEN_PASSWORD, repr=False, min_length=1)


class MadeEToken(EToken):
    """A new eToken; `certificate` is PEM, to be put into Phone-SAST-trust."""

    certificate: str


class CtlClientRun(BaseModel):
    """A run of the CTL client; the last of the tokens signs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: CtlClientTask
    tokens: tuple[EToken, ...]


_MODES: dict[str, _Operation] = {"mixed": set_mixed_mode, "non-secure": set_non_secure_mode}
_CTL_TASKS: dict[str, _Operation] = {
    "update": update_ctl,
    "reset-localkey": reset_ctl_localkey,
    "delete": delete_ctl,
}


def add_trust_list_operations(app: FastAPI, operator: Callable[[], Operator]) -> None:
    """Add the routes to `app`."""

    @app.post("/operations/security-mode")
    async def security_mode(wanted: SecurityModeSetting) -> OutcomeOfOperation:
        return OutcomeOfOperation.of(await _MODES[wanted.mode](operator(), wanted.node))

    @app.post("/operations/ctl")
    async def ctl(wanted: CtlTask) -> OutcomeOfOperation:
        return OutcomeOfOperation.of(await _CTL_TASKS[wanted.task](operator(), wanted.node))

    @app.post("/operations/rename")
    async def rename(wanted: Renaming) -> OutcomeOfOperation:
        if wanted.host is not None:
            return OutcomeOfOperation.of(await rename_host(operator(), wanted.node, wanted.host))
        return OutcomeOfOperation.of(
            await rename_domain(operator(), wanted.node, wanted.domain or "")
        )

    @app.post("/etokens")
    async def etoken(wanted: ETokenWish) -> MadeEToken:
        made = await make_etoken(operator(), wanted.number)
        data = await asyncio.to_thread(dump_key_bundle, made, wanted.password)
        return MadeEToken(
            file=b64encode(data).decode(),
            password=wanted.password,
            certificate=certificate_pem(made.certificate).decode(),
        )

    @app.post("/operations/ctl-client")
    async def ctl_client(wanted: CtlClientRun) -> OutcomeOfOperation:
        tokens = [await open_etoken(_decoded(one.file), one.password) for one in wanted.tokens]
        return OutcomeOfOperation.of(await run_client(operator(), wanted.task, tokens))

    @app.post("/operations/itl-reset/localkey")
    async def localkey(wanted: GivenAt) -> OutcomeOfOperation:
        return OutcomeOfOperation.of(await reset_itl_localkey(operator(), wanted.node))

    @app.post("/operations/itl-reset/remotekey")
    async def remotekey(wanted: RemoteKey) -> OutcomeOfOperation:
        return OutcomeOfOperation.of(
            await reset_itl_remotekey(operator(), wanted.node, _decoded(wanted.file))
        )


def _decoded(file: str) -> bytes:
    """Return a file that was sent. Raises RefusedError for what is no base64."""
    try:
        return b64decode(file, validate=True)
    except ValueError as error:
        raise RefusedError(f"The file cannot be read: {error}") from error
