"""`utils fips`, `show haproxy client-auth` and `show tls min-version`.

Source: cucm.md 1.1 (the refusal of a wrong port, from release 14), 1.7 (`utils fips`). What the two
`show` commands print of a right one is in no document; they say what this server does.
"""

from cucmsim.errors import RefusedError
from cucmsim.pki.release import Release
from cucmsim.services.admin.command import Arguments, Command, Context, Steps

__all__ = ["CLIENT_AUTHENTICATION", "COMMANDS", "MINIMUM_TLS"]

_HAPROXY_FROM = Release(14)
CLIENT_AUTHENTICATION = {"6971": "none", "6972": "required", "9443": "none"}
"""HTTPS port -> whether a client has to show a certificate, as `cluster/fileservices.py` has it."""
MINIMUM_TLS = "1.0"
"""The lowest version that every port takes: old phones speak no other."""


async def show_client_authentication(context: Context, arguments: Arguments) -> Steps:
    """Show whether clients of an HTTPS port have to show a certificate, of all without a port."""
    if context.release < _HAPROXY_FROM:
        raise RefusedError("This server has no HAProxy; it comes with release 14.")
    wanted = arguments.get("port")
    if wanted is not None and wanted not in CLIENT_AUTHENTICATION:
        *first, last = CLIENT_AUTHENTICATION
        raise RefusedError(
            f"Enter valid values for the port. \nSuggested values are {', '.join(first)} and {last}"
        )
    for port, how in CLIENT_AUTHENTICATION.items():
        if wanted in (None, port):
            yield f"Client authentication on port {port} : {how}\n"


async def show_minimum_tls(_context: Context, _arguments: Arguments) -> Steps:
    """Show the lowest TLS version that is spoken."""
    yield f"Configured TLS minimum version: {MINIMUM_TLS}\n"


async def show_fips(_context: Context, _arguments: Arguments) -> Steps:
    """Show whether FIPS mode is on; it never is."""
    yield "The system is operating in non-FIPS mode.\n"


async def disable_fips(_context: Context, _arguments: Arguments) -> Steps:
    """Refuse what is so already."""
    raise RefusedError("The system is already operating in non-FIPS mode.")
    yield ""  # a generator, as every command


async def enable_fips(_context: Context, _arguments: Arguments) -> Steps:
    """Tell what FIPS mode would make anew, and refuse it: there are no FIPS modules here."""
    yield (
        "Security Warning : The operation will regenerate certificates for\n\n"
        "1)CallManager\n2)Tomcat\n3)IPsec\n4)TVS\n5)CAPF\n6)SSH\n7)ITLRecovery\n\n"
    )
    raise RefusedError("FIPS mode is not available on this server; nothing was changed.")


COMMANDS = (
    Command.of(
        "show haproxy client-auth [port]",
        show_client_authentication,
        description="Shows whether clients of the HTTPS ports have to show a certificate.",
        example="show haproxy client-auth 6971",
    ),
    Command.of(
        "show tls min-version",
        show_minimum_tls,
        description="Shows the lowest TLS version that the server takes.",
    ),
    Command.of("utils fips status", show_fips, description="Shows whether FIPS mode is on."),
    Command.of(
        "utils fips enable",
        enable_fips,
        level=4,
        during_upgrade=False,
        description="Would turn FIPS mode on; this server has none.",
    ),
    Command.of(
        "utils fips disable",
        disable_fips,
        level=4,
        during_upgrade=False,
        description="Turns FIPS mode off.",
    ),
)
