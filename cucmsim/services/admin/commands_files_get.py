"""`file get`: files are delivered to the administrator's SFTP server.

Of ITLRecovery.p12, which the publisher's TFTP alone has, it is noted that it was saved. Source:
seed 003, lines 521 to 560 (the dialog); cucm.md 1.7 (the options). What lies in directories below
(`recurs`) arrives in directories of the same names.
"""

import gzip
import struct
from collections.abc import Sequence

from cucmsim.errors import RefusedError
from cucmsim.protocols.admin_events import Question
from cucmsim.services.admin.answers import (
    DIRECTORY_QUESTION,
    SFTP_QUESTIONS,
    authenticity,
    is_yes,
    refuse_host_key,
    sftp_account,
)
from cucmsim.services.admin.command import Arguments, Command, Context, Steps
from cucmsim.services.admin.commands_files import PLACES, found_files, lines_of
from cucmsim.services.admin.filespecs import (
    FileOptions,
    compile_pattern,
    parse_options,
    split_spec,
)
from cucmsim.services.admin.places import Entry, Place, place_of
from cucmsim.services.operations.operator import Operator
from cucmsim.services.operations.recovery import RECOVERY_FILE, remembered_backup
from cucmsim.services.operations.securitypassword import security_password

__all__ = ["COMMANDS", "kilobytes"]

_FLOAT_DIGITS = 9
_SMALLEST_PLAIN = 1e-3
_MOST_BYTES = 200_000_000


async def get_files(context: Context, arguments: Arguments) -> Steps:
    """Deliver files to the administrator's server."""
    options = parse_options(
        arguments.get("options", ""),
        context.platform.local_time(),
        words=("recurs", "compress"),
        values=("match",),
        times=True,
    )
    place = place_of(context, arguments["place"])
    files = await _files(context, place, arguments["file"], options)
    yield _found([data for _, data in files], is_recursive="recurs" in options.words)
    if not is_yes((yield Question("Would you like to proceed [y/n]? "))):
        return
    given = {}
    for key, question in SFTP_QUESTIONS:
        given[key] = yield question
    account, client = sftp_account(given, (yield DIRECTORY_QUESTION)), context.operations.sftp
    host_key = await client.host_key(account.host, account.port)
    refuse_host_key((yield authenticity(account.host, host_key)))
    async with client.session(account, host_key) as server:
        for entry, data in files:
            await server.write_file(*_sent(_below(entry.path, arguments["file"]), data, options))
    if _is_tftp(arguments):
        await _remember(context.operations.operator(), files)
    yield "\n"
    for entry, _ in files:
        yield f"Transfer completed.\nDownloading file: {place.root}/{entry.path}\n"


async def _remember(operator: Operator, files: Sequence[tuple[Entry, bytes]]) -> None:
    """End the alert about ITLRecovery.p12 when that is among the files that arrived."""
    for entry, data in files:
        if entry.name == RECOVERY_FILE:
            await remembered_backup(operator, data, await security_password(operator))


def _is_tftp(arguments: Arguments) -> bool:
    is_in_logs = arguments["file"].lstrip("/").startswith("cm/tftpdata/")
    return arguments["place"] == "tftp" or is_in_logs


async def _files(
    context: Context, place: Place, spec: str, options: FileOptions
) -> Sequence[tuple[Entry, bytes]]:
    """Return the files with what is in them. Raises RefusedError for none, and for too much."""
    is_recursive = "recurs" in options.words
    found = await found_files(context, place, spec, options, recursive=is_recursive)
    if sum(entry.size for entry in found) > _MOST_BYTES:
        raise RefusedError(f"The files are larger than {_MOST_BYTES} bytes together.")
    files = [(entry, await place.read(entry.path)) for entry in found]
    if "match" in options.values:
        has = compile_pattern(options.values["match"])
        files = [(entry, data) for entry, data in files if any(map(has, lines_of(data)))]
    if not files:
        raise RefusedError("file not found")
    return files


def _below(path: str, spec: str) -> str:
    """Return where a file lies below the directory that was named."""
    directory, _ = split_spec(spec)
    return path.removeprefix(f"{directory}/") if directory else path


def _sent(name: str, data: bytes, options: FileOptions) -> tuple[str, bytes]:
    """Return name and contents as they are sent."""
    if "compress" in options.words:
        return f"{name}.gz", gzip.compress(data, mtime=0)
    return name, data


def _found(files: Sequence[bytes], *, is_recursive: bool) -> str:
    size, verb = sum(map(len, files)), "were" if is_recursive else "were not"
    return (
        "Please wait while the system is gathering files info ...done.\n"
        f"Sub-directories {verb} traversed.\n"
        f"Number of files affected: {len(files)}\n"
        f"Total size in Bytes: {size}\n"
        f"Total size in Kbytes: {kilobytes(size)}\n"
    )


def kilobytes(size: int) -> str:
    """Print as the server does, whose number is a Java float: 1709 bytes are 1.6689453."""
    wanted = struct.pack("f", size / 1024)
    texts = (f"{size / 1024:.{digits}g}" for digits in range(1, _FLOAT_DIGITS + 1))
    shortest = float(next(one for one in texts if struct.pack("f", float(one)) == wanted))
    if 0 < shortest < _SMALLEST_PLAIN:
        mantissa, _, exponent = f"{shortest:e}".partition("e")
        return f"{float(mantissa)}E{int(exponent)}"
    return str(shortest)


COMMANDS = (
    Command.of(
        f"file get <place:{PLACES}> <file> [options...]",
        get_files,
        description=(
            "Delivers files to an SFTP server."
            " Options: reltime, abstime, match REGEX, recurs, compress."
        ),
        example="file get tftp ITLRecovery.p12",
    ),
)
