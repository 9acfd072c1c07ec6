"""`set cert regen`, `set cert delete`, `set cert import`: the certificates of the node.

Source: seed 003, lines 466 to 490 (regeneration, the hold timer); cucm.md 1.5 (syntax, texts of
release 12.5, a certificate is pasted on the terminal). The documents wrap long lines.
"""

from cucmsim.errors import RefusedError
from cucmsim.pki.profiles import OWN_UNITS, Unit
from cucmsim.protocols.admin_events import Question
from cucmsim.services.admin.answers import is_yes
from cucmsim.services.admin.command import Arguments, Command, Context, Steps
from cucmsim.services.operations.operator import Outcome
from cucmsim.services.operations.regeneration import (
    check_regeneration,
    regenerate_certificate,
    regeneration_warning,
)
from cucmsim.services.operations.trust import (
    TRUST_STORES,
    delete_certificate,
    trust_files,
    upload_trust_certificate,
)
from cucmsim.services.operations.upload import upload_certificate

__all__ = ["COMMANDS"]

_TRUST = "-trust"
_MOST_CHARACTERS = 1_000_000
_END = "-----END "


async def regenerate(context: Context, arguments: Arguments) -> Steps:
    """Make a new key and certificate once that is confirmed; the hold timer refuses before."""
    operator, unit = context.operations.operator(), Unit(arguments["unit"])
    await check_regeneration(operator, context.node_name, unit)
    for line in regeneration_warning(unit, operator.release):
        yield f"{line}\n"
    if not is_yes((yield Question("Proceed with regeneration (yes|no)? "))):
        return
    yield _said(await regenerate_certificate(operator, context.node_name, unit))


async def delete(context: Context, arguments: Arguments) -> Steps:
    """Delete a trust certificate; the store may be given by the name of its unit."""
    unit, name = arguments["unit"], arguments["name"]
    is_own = unit in OWN_UNITS and name == f"{unit}.pem"
    store = unit if is_own else _store(unit)
    operator = context.operations.operator()
    yield _said(await delete_certificate(operator, context.node_name, store, name))


def _store(unit: str) -> str:
    """Return the trust store that is meant by "CallManager" or "CallManager-trust"."""
    return f"{unit}{_TRUST}" if f"{unit}{_TRUST}" in TRUST_STORES else unit


async def import_certificate(context: Context, arguments: Arguments) -> Steps:
    """Take a certificate that is pasted: what an authority signed, or one to trust."""
    operator, node, unit = context.operations.operator(), context.node_name, arguments["unit"]
    is_own = arguments["type"] == "own"
    if is_own:
        _check_authority(context, unit, arguments.get("caCert"))
    yield "Paste the Certificate and Hit Enter\n"
    lines, size = list[str](), 0
    while not (lines and _is_last(lines[-1])) and size <= _MOST_CHARACTERS:
        lines.append((yield Question("")))
        size += len(lines[-1]) + 1
    data = "".join(f"{line}\n" for line in lines).encode(errors="replace")
    if is_own:
        yield _said(await upload_certificate(operator, node, unit, data))
    else:
        yield _said(await upload_trust_certificate(operator, node, _store(unit), data))


def _check_authority(context: Context, unit: str, name: str | None) -> None:
    """Refuse an authority that is not in the unit's trust store: "rootca.pem", or "rootca"."""
    if name is None:
        return
    held = trust_files(context.view.replica, context.node_name, f"{unit}{_TRUST}")
    if name not in held and f"{name}.pem" not in held:
        raise RefusedError(f"CA certificate {name} is not available in the trust-store")


def _is_last(line: str) -> bool:
    """Tell whether a line ends a paste: the last of PEM, or an empty one."""
    return not line.strip() or line.strip().startswith(_END)


def _said(outcome: Outcome) -> str:
    return "".join(f"{line}\n" for line in outcome.lines)


COMMANDS = (
    Command.of(
        f"set cert regen <unit:{'|'.join(OWN_UNITS)}>",
        regenerate,
        level=1,
        during_upgrade=False,
        description="Regenerates the certificate of a unit.",
        example="set cert regen tomcat",
    ),
    Command.of(
        "set cert delete <unit> <name>",
        delete,
        level=1,
        during_upgrade=False,
        description="Deletes a certificate of a trust store.",
        example="set cert delete CallManager siptest.pem",
    ),
    Command.of(
        "set cert import <type:own|trust> <unit> [caCert]",
        import_certificate,
        level=1,
        during_upgrade=False,
        description="Imports a certificate in PEM that is pasted on the terminal.",
        example="set cert import trust tomcat",
    ),
)
