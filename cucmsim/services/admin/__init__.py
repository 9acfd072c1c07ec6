r"""The administrator's command line: its commands and how they are carried out, without sockets.

To add a command, write one async generator and one entry:

    async def set_cert_delete(context: Context, arguments: Arguments) -> Steps:
        answer = yield Question("Continue (y/n)?")               # asked; the answer comes back
        if answer.lower() not in ("y", "yes"):
            return
        yield "Deleting...\n"                                    # shown at once
        for line in await delete_certificate(context.store, ...):
            yield f"{line}\n"

    COMMANDS = (
        Command.of(
            "set cert delete <unit> <name>",                     # admin_grammar shows the forms
            set_cert_delete,
            level=1,                                             # 0 ordinary, 1 advanced, 4 all
            during_upgrade=False,
            description="Deletes a certificate of a trust store.",
            example="set cert delete CallManager siptest.pem",
        ),
    )

and name the module's `COMMANDS` in `table.py`. A command

- yields text (whole lines end in a line feed; what does not, shows at once too), a `Question`
  (plain, `echo=Echo.NOTHING` for a password, `Echo.STARS`, or `keys="qn"` for one key), or a
  `Mark`: `Mark.FAILED` for an end without the closing line, `Mark.LEAVE` to end the session;
- raises RefusedError with the server's words to fail: these, then `Executed command
  unsuccessfully`, are shown and the exit status is 1. Arguments were checked by the grammar. Any
  other exception is logged and shown as that closing line alone;
- asks `context` for all it needs and touches no socket; helpers that print are generators too:
  `async for text in helper(): yield text`;
- may be cancelled wherever it awaits or yields (Ctrl-C, a lost connection), so what must not stay
  half-done is one transaction.

The same commands are driven by SSH, by `cucmsim admin` and by a test (`scripted.Script`).
Source: cucm.md section 1.
"""
