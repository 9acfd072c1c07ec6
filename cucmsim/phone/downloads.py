"""Getting one file: which transports, which server next, and what the log says of it.

A 79xx knows TFTP only. 78xx and 88xx ask HTTP 6970 first and TFTP on anything but 200, of the same
server; their configuration comes over HTTPS 6971 first where the ITL's signer version is 1.1 or
more (phone.md 1.4, 1.6). The next TFTP server is asked when one does not answer, not when it
answers that there is no such file.
"""

from dataclasses import dataclass, field
from typing import Final

from cucmsim.phone.events import (
    DownloadFailed,
    DownloadFinished,
    DownloadStarted,
    FileApproved,
    RequestSent,
    ServerSecurity,
)
from cucmsim.phone.lookup import with_peer
from cucmsim.phone.machine import Script, Session
from cucmsim.phone.steps import Fetch, Fetched, FetchFailure, NotFetched
from cucmsim.phone.values import FileKind, Generation, Purpose, Transport

__all__ = ["Downloaded", "Wanted", "download", "size_limit"]

_CONFIG_LIMIT_79XX: Final = 550_001
_LIMIT: Final = 2048 * 1024
_SILENCES = (FetchFailure.TIMEOUT, FetchFailure.UNREACHABLE)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file to get: its name as asked for, and whether its signature will be checked."""

    name: str
    kind: FileKind
    secure: bool = False

    @property
    def plain_name(self) -> str:
        """The name without `.sgn`, as logs have it before the server is known to be secure."""
        return self.name.removesuffix(".sgn")


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A file that came, from which server and over what."""

    name: str
    data: bytes = field(repr=False)
    server: str
    transport: Transport


def size_limit(generation: Generation) -> int:
    """Return how many bytes a phone takes (phone.md 1.3)."""
    return _CONFIG_LIMIT_79XX if generation is Generation.SERIES_79XX else _LIMIT


def download(session: Session, wanted: Wanted) -> Script[Downloaded | FetchFailure]:
    """Get a file, or learn why not: the failure of the last attempt."""
    failure = FetchFailure.UNREACHABLE
    limit = size_limit(session.identity.generation)
    shown_limit = None if _is_plain(session, wanted) else limit
    session.emit(DownloadStarted(wanted.plain_name, wanted.kind, wanted.secure, shown_limit))
    for index, server in enumerate(session.servers):
        _tell_security(session, wanted, server, index)
        for transport in _transports(session, wanted.kind):
            check = session.check(Purpose.HTTPS_PROVISIONING)
            step = Fetch(
                name=wanted.name,
                kind=wanted.kind,
                server=server,
                index=index,
                transport=transport,
                size_limit=limit,
                check=check if transport is Transport.HTTPS else None,
            )
            result = yield from _attempt(session, step, shown_limit)
            if isinstance(result, Downloaded):
                return result
            failure = result
        if failure not in _SILENCES:
            break
    return failure


def _is_plain(session: Session, wanted: Wanted) -> bool:
    """Tell whether a 79xx gets a trust list: its log has fewer lines then (phone.md 3.3)."""
    return session.identity.generation is Generation.SERIES_79XX and wanted.kind.is_trust_list


def _transports(session: Session, kind: FileKind) -> tuple[Transport, ...]:
    known = _known_transports(session, kind)
    return tuple(transport for transport in known if transport in session.transports)


def _known_transports(session: Session, kind: FileKind) -> tuple[Transport, ...]:
    if session.identity.generation is Generation.SERIES_79XX:
        return (Transport.TFTP,)
    is_config = kind in (FileKind.CONFIG, FileKind.ENCRYPTED_CONFIG)
    if is_config and session.lists.supports_encryption:
        return (Transport.HTTPS, Transport.HTTP, Transport.TFTP)
    return (Transport.HTTP, Transport.TFTP)


def _tell_security(session: Session, wanted: Wanted, server: str, index: int) -> None:
    if _is_plain(session, wanted):
        return
    lists = session.lists
    holds = lists.ctl is not None or lists.itl is not None
    session.emit(ServerSecurity(server, index, lists.names_file_signer, holds))
    session.emit(FileApproved(wanted.name, wanted.secure))


def _attempt(
    session: Session, step: Fetch, shown_limit: int | None
) -> Script[Downloaded | FetchFailure]:
    number = session.next_number(step.kind)
    session.emit(
        RequestSent(
            number, step.name, step.kind, step.server, step.index, step.transport, shown_limit
        )
    )
    outcome = yield from with_peer(session, step, Purpose.HTTPS_PROVISIONING, step.server)
    if isinstance(outcome, Fetched) and len(outcome.data) <= step.size_limit:
        session.emit(
            DownloadFinished(
                number,
                step.name,
                step.kind,
                step.server,
                step.transport,
                len(outcome.data),
                outcome.status_line,
            )
        )
        return Downloaded(step.name, outcome.data, step.server, step.transport)
    failed = _failure(outcome)
    session.emit(
        DownloadFailed(
            number,
            step.name,
            step.kind,
            step.server,
            step.transport,
            failed.failure,
            failed.status_line,
            failed.code,
            failed.text,
        )
    )
    return failed.failure


def _failure(outcome: object) -> NotFetched:
    """Say why an outcome is no file: none came, too much came, or the server is not trusted."""
    if isinstance(outcome, NotFetched):
        return outcome
    if isinstance(outcome, Fetched):
        return NotFetched(FetchFailure.TOO_LARGE, outcome.status_line)
    return NotFetched(FetchFailure.ERROR, text="server is not trusted")
