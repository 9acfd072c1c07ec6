"""The CTL client: a CTL signed with eTokens, a Windows program on the real side.

It wants two tokens at least, the last of which signs (seed 001). In a cluster that has a CTL, a
token must stand in it; where the CTL of a mixed-mode cluster was deleted, in Phone-SAST-trust, so
that TVS vouches for it. Otherwise phones could not follow, and the client refuses the token. It
sets mixed mode, or makes the file anew. Source: seed 001; cucm.md 3.6 and 7 (row 14).
"""

import asyncio
from collections.abc import Sequence
from enum import StrEnum

import structlog

from cucmsim.errors import FormatError, RefusedError, VerificationError
from cucmsim.formats.names import is_etoken
from cucmsim.formats.trustlist import CTL_FILENAME, decode_trust_list
from cucmsim.pki.bundles import KeyBundle, load_key_bundle
from cucmsim.pki.certificates import certificate_der, new_serial
from cucmsim.pki.etokens import SERIAL_SIZE, issue_etoken
from cucmsim.pki.keys import KeyAlgorithm, KeySpec
from cucmsim.pki.keysource import key_job
from cucmsim.pki.release import Release
from cucmsim.pki.signatures import Signer
from cucmsim.services.operations.ctl import put_ctl, told_to_restart
from cucmsim.services.operations.mixedmode import SECURITY_MODE, with_security_mode
from cucmsim.services.operations.operator import Operator, Outcome
from cucmsim.services.trustlists import build_etoken_ctl, is_mixed_mode
from cucmsim.store.replica import Replica

__all__ = ["NOT_IN_CTL", "NO_CTL", "CtlClientTask", "make_etoken", "open_etoken", "run_client"]

NOT_IN_CTL = (
    "The Security Token you have inserted does not exist in the CTL File "
    "Please remove any Security Tokens already inserted and insert another Security Token. "
    "Click Ok when done."
)
NO_CTL = (
    "No CTL File exists on the server but the Call Manager Cluster Security Mode is in Secure "
    "Mode. For the system to function, you must create the CTL File and set Call Manager Cluster "
    "the Secure Mode."
)
_LEAST = 2
_NO_LONGER_FROM = Release(14, 0, 1, 3)
_KEY = KeySpec(KeyAlgorithm.RSA, 1024)


class CtlClientTask(StrEnum):
    """What the client is told to do."""

    MIXED_MODE = "mixed-mode"
    UPDATE = "update"


async def make_etoken(operator: Operator, number: str) -> KeyBundle:
    """Make a token called "ADN008580ef", with a key of 1024 bits. Raises RefusedError."""
    private_key = await asyncio.to_thread(key_job(_KEY, operator.entropy))
    serial = new_serial(operator.entropy, SERIAL_SIZE)
    try:
        return issue_etoken(number, private_key, not_before=operator.clock.now(), serial=serial)
    except ValueError as error:
        raise RefusedError(str(error)) from error


async def open_etoken(data: bytes, password: str) -> KeyBundle:
    """Read a token's file. Raises RefusedError when it does not open, or is none."""
    try:
        token = await asyncio.to_thread(load_key_bundle, data, password)
    except (FormatError, VerificationError) as error:
        raise RefusedError(f"The security token cannot be read: {error}") from error
    if not is_etoken(token.certificate):
        raise RefusedError("This is no security token: its name does not begin with SAST-")
    return token


async def run_client(
    operator: Operator, task: CtlClientTask, tokens: Sequence[KeyBundle]
) -> Outcome:
    """Make a CTL with these tokens, the last of which signs it, and put it on every node.

    Raises:
        RefusedError: in the words of the client's dialog; nothing was changed.
        StoreError: nothing was changed.

    """
    _check_tokens(operator.release, tokens)
    signers = [Signer(token.certificate, token.private_key) for token in tokens]
    async with operator.store.transaction() as transaction:
        replica = await transaction.replica()
        before = _before(replica, tokens)
        if task is CtlClientTask.UPDATE and not is_mixed_mode(replica):
            raise RefusedError("The cluster is not in Mixed mode. There is no CTL file to update.")
        future = with_security_mode(replica, mixed=True)
        now = operator.clock.now()
        data = build_etoken_ctl(future, operator.release, signers, timestamp=now)
        await transaction.set_enterprise_parameter(SECURITY_MODE, "1")
        await put_ctl(transaction, replica, data)
    structlog.get_logger().info("CTL made", file=CTL_FILENAME, signer=tokens[-1].name)
    await operator.newest()
    return told_to_restart(operator.release, *before, "CTL File has been created.")


def _check_tokens(release: Release, tokens: Sequence[KeyBundle]) -> None:
    if release >= _NO_LONGER_FROM:
        raise RefusedError(f"Release {release} supports no security tokens any more")
    different = {certificate_der(token.certificate) for token in tokens}
    if len(different) < _LEAST or len(different) < len(tokens):
        raise RefusedError("At least two different security tokens are needed to create a CTL file")


def _before(replica: Replica, tokens: Sequence[KeyBundle]) -> tuple[str, ...]:
    """Return what the client says first. Raises RefusedError for a token that is not known."""
    held = replica.tftp_file(CTL_FILENAME, replica.publisher.name)
    if held is None and not is_mixed_mode(replica):
        return ()
    known = _trusted(replica) if held is None else _listed(held.data)
    if not any(certificate_der(token.certificate) in known for token in tokens):
        raise RefusedError(NOT_IN_CTL)
    return (NO_CTL,) if held is None else ()


def _trusted(replica: Replica) -> set[bytes]:
    return {held.certificate_der for held in replica.in_store("Phone-SAST-trust")}


def _listed(ctl: bytes) -> set[bytes]:
    """Return the certificates of a CTL. Raises RefusedError for a damaged file."""
    try:
        records = decode_trust_list(ctl).records
    except FormatError as error:
        raise RefusedError(f"The CTL file on the server cannot be read: {error}") from error
    return {record.certificate_der for record in records if record.certificate_der is not None}
