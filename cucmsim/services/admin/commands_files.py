"""`file list`, `delete`, `dump`, `search` and `tail` in tftp, activelog, inactivelog and install.

Source: cucm.md 1.7 (options), 1.1 (the pager of `file view`); seed 001, line 274 (`file delete`);
the layouts that no document shows are those of the platform's command reference.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence

from cucmsim.errors import RefusedError
from cucmsim.formats.names import escape_controls
from cucmsim.protocols.admin_events import Question
from cucmsim.services.admin.command import Arguments, Command, Context, Steps
from cucmsim.services.admin.filespecs import FileOptions, compile_pattern, parse_options
from cucmsim.services.admin.places import Entry, Place, place_of

__all__ = ["COMMANDS", "PLACES", "found_files", "lines_of"]

PLACES = "tftp|activelog|inactivelog|install"
_COLUMN = 40
_HEX_ROW = 16
_POLL_S = 0.2
_TAILED = 10
_MOST_TAILED = 10_000


async def found_files(
    context: Context, place: Place, spec: str, options: FileOptions, *, recursive: bool = False
) -> Sequence[Entry]:
    """Return the files, no directories, that a name and times mean. Raises RefusedError."""
    found = [
        one
        for one in await place.find(spec, recursive=recursive)
        if not one.is_directory and options.allows(context.platform.localize(one.modified))
    ]
    if not found:
        raise RefusedError("file not found")
    return found


def lines_of(data: bytes) -> list[str]:
    """Return the lines of a file as a terminal may be shown them."""
    text = data.decode(errors="backslashreplace")
    return [escape_controls(line.expandtabs()) for line in text.split("\n")[: _count(text)]]


def _count(text: str) -> int:
    """Return how many lines a text has; a line feed ends one."""
    return text.count("\n") + (not text.endswith("\n") and bool(text))


async def list_files(context: Context, arguments: Arguments) -> Steps:
    """Show the files and directories that a name means."""
    options = parse_options(
        arguments.get("options", ""),
        context.platform.local_time(),
        words=("page", "detail", "reverse", "date", "size"),
    )
    found = list(await place_of(context, arguments["place"]).find(arguments["file"]))
    if not found:
        raise RefusedError("file not found")
    if "size" in options.words:
        found.sort(key=lambda one: one.size)
    elif "date" in options.words:
        found.sort(key=lambda one: one.modified)
    if "reverse" in options.words:
        found.reverse()
    yield "".join(_detailed(context, found) if "detail" in options.words else _columns(found))
    directories = sum(one.is_directory for one in found)
    yield f"dir count = {directories}, file count = {len(found) - directories}\n"


def _detailed(context: Context, found: Sequence[Entry]) -> Iterator[str]:
    for one in found:
        local = context.platform.localize(one.modified)
        size = "<dir>" if one.is_directory else f"{one.size:,}"
        yield f"{local:%d %b,%Y %H:%M:%S}   {size:<13} {escape_controls(one.name)}\n"


def _columns(found: Sequence[Entry]) -> Iterator[str]:
    """Yield the names in two columns, directories marked."""
    marks = ("", "<dir>   ")
    names = [marks[one.is_directory] + escape_controls(one.name) for one in found]
    for start in range(0, len(names), 2):
        pair = names[start : start + 2]
        yield "".join(f"{name:<{_COLUMN}}" for name in pair).rstrip() + "\n"


async def delete_files(context: Context, arguments: Arguments) -> Steps:
    """Delete files, each after a question unless `noconfirm` is given (seed 001, line 274)."""
    options = parse_options(
        arguments.get("options", ""),
        context.platform.local_time(),
        words=("detail", "noconfirm"),
        times=True,
    )
    place = place_of(context, arguments["place"])
    found = await found_files(context, place, arguments["file"], options)
    deleted = 0
    for one in found:
        if "noconfirm" not in options.words:
            shown = escape_controls(one.name)
            yield f"Delete the File {shown}?\n"
            answer = yield Question('Enter "y" followed by return to continue: ')
            if answer.strip().lower() != "y":
                continue
        is_deleted = await place.delete(one.path)
        deleted += is_deleted
        if "detail" in options.words:
            verb = "deleted" if is_deleted else "not deleted"
            yield f"{escape_controls(one.path)}: {verb}\n"
    yield f"files: found = {len(found)}, deleted = {deleted}\n"


async def delete_directory(context: Context, arguments: Arguments) -> Steps:
    """Delete a directory of TFTP with all that is in it, once that is confirmed (cucm.md 1.7)."""
    place, name = place_of(context, arguments["place"]), arguments["directory"].strip("/")
    found = await place.find(f"{name}/", recursive=True) if name else ()
    if not found:
        raise RefusedError("directory not found")
    yield f"Delete the Directory {escape_controls(name)}?\n"
    if (yield Question('Enter "y" followed by return to continue: ')).strip().lower() != "y":
        return
    deleted = [await place.delete(one.path) for one in found]
    yield f"files: found = {len(found)}, deleted = {sum(deleted)}\n"


async def dump_files(context: Context, arguments: Arguments) -> Steps:
    """Show whole files, as text or in hexadecimal, or the lines with a regular expression."""
    options = parse_options(
        arguments.get("options", ""),
        context.platform.local_time(),
        words=("hex", "recent"),
        values=("regexp",),
    )
    place = place_of(context, arguments["place"])
    found = await found_files(context, place, arguments["file"], options)
    if "recent" in options.words:
        found = [max(found, key=lambda one: one.modified)]
    has = compile_pattern(options.values.get("regexp", ""))
    for one in found:
        data = await place.read(one.path)
        if "hex" in options.words:
            yield "".join(_hex_rows(data))
        else:
            yield "".join(f"{line}\n" for line in lines_of(data) if has(line))


def _hex_rows(data: bytes) -> Iterator[str]:
    for start in range(0, len(data), _HEX_ROW):
        row = data[start : start + _HEX_ROW]
        shown = "".join(
            chr(one) if chr(one).isascii() and chr(one).isprintable() else "." for one in row
        )
        yield f"{start:08x}  {row.hex(' '):<47}  {shown}\n"


async def search_files(context: Context, arguments: Arguments) -> Steps:
    """Show the lines of files that have a regular expression in them."""
    expression, _, rest = _expression(arguments["expression"])
    options = parse_options(
        rest, context.platform.local_time(), words=("ignorecase", "recurs"), times=True
    )
    has = compile_pattern(expression, ignores_case="ignorecase" in options.words)
    place, spec = place_of(context, arguments["place"]), arguments["file"]
    found = await found_files(context, place, spec, options, recursive="recurs" in options.words)
    yield f"Searching path: {place.root}/{escape_controls(spec)}\n"
    for one in found:
        yield f"Searching file: {place.root}/{escape_controls(one.path)}\n"
        for line in lines_of(await place.read(one.path)):
            if has(line):
                yield f"{line}\n"
    yield "Search completed\n"


def _expression(text: str) -> tuple[str, str, str]:
    """Split a regular expression, in quotes or a word, from the options behind it."""
    if text.startswith('"'):
        return text[1:].partition('"')
    return text.partition(" ")


async def tail_file(context: Context, arguments: Arguments) -> Steps:
    """Show the end of the newest file and what is added to it, until Ctrl-C or the end of input."""
    count, rest = _leading_count(arguments.get("options", ""))
    options = parse_options(rest, context.platform.local_time(), words=("hex",), values=("regexp",))
    has = compile_pattern(options.values.get("regexp", ""))
    place = place_of(context, arguments["place"])
    found = await found_files(context, place, arguments["file"], options)
    path = max(found, key=lambda one: (one.modified, one.path)).path
    data = await place.read(path)
    yield _tailed(lines_of(data)[-count:], options, has)
    while not context.session.has_ended_input:
        await asyncio.sleep(_POLL_S)
        context.operations.log_directory()
        seen, data = len(data), await place.read(path)
        if len(data) > seen:
            yield _tailed(lines_of(data[seen:]), options, has)


def _leading_count(text: str) -> tuple[int, str]:
    """Return how many lines to begin with, and the options behind that number."""
    first, _, rest = text.partition(" ")
    if first.isascii() and first.isdigit() and len(first) <= len(str(_MOST_TAILED)):
        return min(max(int(first), 1), _MOST_TAILED), rest
    return _TAILED, text


def _tailed(lines: Sequence[str], options: FileOptions, has: Callable[[str], bool]) -> str:
    shown = [line for line in lines if has(line)]
    if "hex" in options.words:
        return "".join(f"{line.encode().hex(' ')}\n" for line in shown)
    return "".join(f"{line}\n" for line in shown)


COMMANDS = (
    Command.of(
        f"file list <place:{PLACES}> <file> [options...]",
        list_files,
        description="Lists files. Options: page, detail, reverse, and date or size.",
        example="file list activelog cm/trace/tvs/sdi/* detail",
    ),
    Command.of(
        f"file delete <place:{PLACES}> <file> [options...]",
        delete_files,
        level=1,
        description="Deletes files. Options: detail, noconfirm, reltime, abstime.",
        example="file delete tftp CTLFile.tlv",
    ),
    Command.of(
        "file delete dir <place:tftp> <directory>",
        delete_directory,
        level=1,
        description="Deletes a directory with all that is in it.",
        example="file delete dir tftp ringers",
    ),
    Command.of(
        f"file dump <place:{PLACES}> <file> [options...]",
        dump_files,
        level=1,
        description="Shows whole files. Options: hex, recent, regexp EXPRESSION.",
        example="file dump activelog cm/trace/tvs/sdi/* recent",
    ),
    Command.of(
        f"file search <place:{PLACES}> <file> <expression...>",
        search_files,
        level=1,
        description=(
            "Shows the lines of files that have a regular expression in them."
            " Options: ignorecase, recurs, reltime, abstime."
        ),
        example='file search activelog cm/trace/tvs/sdi/* "TLS HS Done" ignorecase',
    ),
    Command.of(
        f"file tail <place:{PLACES}> <file> [options...]",
        tail_file,
        level=1,
        description="Follows a file until Ctrl-C. Options: a count of lines, hex, regexp REGEX.",
        example="file tail activelog syslog/CiscoSyslog 20",
    ),
)
