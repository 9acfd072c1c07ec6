"""`show itl` and `show ctl`: the trust lists of the node. Source: cucm.md 1.2; seeds 000, 001, 003.

The ITL is what TFTP serves; there is none while TFTP is stopped. The CTL is the node's file.
"""

from cucmsim.errors import FormatError
from cucmsim.formats.listing import Kind, format_missing, format_trust_list
from cucmsim.formats.trustlist import CTL_FILENAME, ITL_FILENAME, decode_trust_list
from cucmsim.pki.release import Release
from cucmsim.services.admin.command import Arguments, Command, Context, Mark, Steps

__all__ = ["COMMANDS"]

_CHECKSUMS_FROM = Release(10)


async def show_itl(context: Context, _arguments: Arguments) -> Steps:
    """Show the node's ITL."""
    data = await context.operations.tftp_file(ITL_FILENAME)
    async for output in _listing(context, Kind.ITL, data):
        yield output


async def show_ctl(context: Context, _arguments: Arguments) -> Steps:
    """Show the node's CTL."""
    held = context.view.replica.tftp_file(CTL_FILENAME, context.node_name)
    async for output in _listing(context, Kind.CTL, None if held is None else held.data):
        yield output


async def _listing(context: Context, kind: Kind, data: bytes | None) -> Steps:
    if data is None:
        yield format_missing(kind)
        yield Mark.FAILED
        return
    try:
        modified = decode_trust_list(data).header.modified or context.clock.now()
        checksums = context.release >= _CHECKSUMS_FROM
        local = context.platform.localize(modified)
        shown = format_trust_list(kind, data, modified=local, checksums=checksums)
    except FormatError as error:
        yield f"Length of {kind} file: {len(data)}\n{error}\nError parsing the {kind} File.\n"
        yield Mark.FAILED
        return
    yield shown


COMMANDS = (
    Command.of("show itl", show_itl, description="Shows the contents of the ITL file."),
    Command.of("show ctl", show_ctl, description="Shows the contents of the CTL file."),
)
