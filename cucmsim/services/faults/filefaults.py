"""The faults of files, for the services that serve them: TFTP and HTTP alike.

The right file is fetched first and then made wrong for the client who asked. A fault that cannot
happen to a file, such as a wrong signature to one without any, leaves it as it is and says so:
`file-older (fault 2) does not apply: the file is not signed`.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from cucmsim.errors import FormatError, RefusedError
from cucmsim.pki.signatures import Signer
from cucmsim.services.faults import files
from cucmsim.services.faults.kinds import FaultKind
from cucmsim.services.faults.plan import Fault, FaultPlan, Scene
from cucmsim.services.faults.served import Served
from cucmsim.services.faults.strangers import Strangers
from cucmsim.services.filenames import parse_file_name

__all__ = ["FileFaults"]

_KINDS: Final = tuple(kind for kind in FaultKind if kind.startswith("file-"))


class FileFaults:
    """The faults of the files of one service; `signers` are those who sign for the node."""

    def __init__(
        self,
        plan: FaultPlan,
        node: str,
        service: str,
        *,
        signers: Callable[[], Iterable[Signer]],
        strangers: Strangers,
    ) -> None:
        self._plan = plan
        self._node = node
        self._service = service
        self._signers = signers
        self._strangers = strangers

    def concerns(self, name: str, address: str) -> bool:
        """Tell whether a fault could happen to this file for this client; counts nothing."""
        return not self._plan.is_empty and self._plan.concerns(_KINDS, self._scene(name, address))

    async def spoil(self, name: str, address: str, data: bytes) -> Served:
        """Return the right file, or what becomes of it."""
        fault = self._plan.take(_KINDS, self._scene(name, address))
        if fault is None:
            return Served(data)
        try:
            return Served(await self._spoilt(fault, data), str(fault))
        except (RefusedError, FormatError) as error:
            return Served(data, f"{fault} does not apply: {error}")

    def _scene(self, name: str, address: str) -> Scene:
        request = parse_file_name(name)
        device = None if request is None else request.device
        return Scene(self._node, self._service, device, address, name)

    async def _spoilt(self, fault: Fault, data: bytes) -> bytes:
        """Return what a fault makes of a file. Raises RefusedError, FormatError."""
        match fault.kind:
            case FaultKind.FILE_WRONG_SIGNER:
                stranger = await self._strangers.unknown(files.header_of(data))
                return await asyncio.to_thread(files.resigned, data, stranger)
            case FaultKind.FILE_EXPIRED_SIGNER:
                expired = await self._strangers.expired(files.header_of(data))
                return await asyncio.to_thread(files.with_expired_signer, data, expired)
        known = tuple(self._signers())
        return await asyncio.to_thread(_spoilt, fault, data, known)


def _spoilt(fault: Fault, data: bytes, known: tuple[Signer, ...]) -> bytes:
    """Return what a fault makes of a file, in any thread. Raises RefusedError, FormatError."""
    match fault.kind:
        case FaultKind.FILE_TRUNCATE:
            return files.cut(data, fault.whole("keep"))
        case FaultKind.FILE_CORRUPT:
            return files.turned(data, fault.whole("offset"))
        case FaultKind.FILE_OVERSIZED:
            return files.oversized(data, fault.whole("size"), known)
    signer = files.true_signer(data, known)
    match fault.kind:
        case FaultKind.FILE_WRONG_SIGNATURE:
            return files.with_wrong_signature(data, signer)
        case FaultKind.FILE_WRONG_DIGEST:
            return files.with_wrong_digest(data, signer)
        case FaultKind.FILE_WRONG_NAME:
            return files.resigned(data, signer, filename=fault.text("name"))
        case _:
            return files.older(data, signer, fault.whole("seconds"))
