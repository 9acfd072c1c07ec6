"""`file view`: a file in pages of 20 lines. Source of the prompt: cucm.md 1.1."""

from cucmsim.errors import RefusedError
from cucmsim.protocols.admin_events import Question
from cucmsim.services.admin.command import Arguments, Command, Context, Steps
from cucmsim.services.admin.commands_files import PLACES, found_files, lines_of
from cucmsim.services.admin.filespecs import FileOptions
from cucmsim.services.admin.places import place_of

__all__ = ["COMMANDS"]

_PAGE = 20


async def view_file(context: Context, arguments: Arguments) -> Steps:
    """Show a file page by page: next, previous, begin, end, quit."""
    place = place_of(context, arguments["place"])
    found = await found_files(context, place, arguments["file"], FileOptions())
    if len(found) > 1:
        raise RefusedError("More than one file was found. Enter the name of one file.")
    lines = lines_of(await place.read(found[0].path))
    first, last = 0, max(len(lines) - _PAGE, 0)
    while True:
        shown = lines[first : first + _PAGE]
        yield "".join(f"{line}\n" for line in shown)
        if first >= last:
            yield "\nend of the file reached\n"
        key = yield _options(first, first + len(shown), len(lines))
        if key == "q":
            return
        yield "\n"
        moves = {"n": min(first + _PAGE, last), "p": max(first - _PAGE, 0), "b": 0, "e": last}
        first = moves.get(key, first)


def _options(first: int, end: int, count: int) -> Question:
    lines = f"(lines {min(first + 1, end)} - {end} of {count})"
    return Question(
        f"\x1b[1m\noptions: q=quit, n=next, p=prev, b=begin, e=end {lines} : \x1b[0m", keys="qnpbe"
    )


COMMANDS = (
    Command.of(
        f"file view <place:{PLACES}> <file>",
        view_file,
        description="Shows a file page by page.",
        example="file view activelog cm/trace/tvs/sdi/tvs00000001.txt",
    ),
)
