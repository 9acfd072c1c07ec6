"""What an administrator does to a cluster: each operation a plain async function.

    outcome = await regenerate_certificate(operator, "cucm-pub", Unit.CALLMANAGER)

Command line, pages, management API and test plugin call the same ones. Each takes an `Operator`,
changes the store in one transaction, and returns an `Outcome`: the words the server prints and the
services it asks to be restarted; what it is not to do it refuses with RefusedError in the server's
words. An operation acts on the store only, so any process of a cluster can carry it out for any
node; what nodes then do by themselves follows from the change (`aftermath`).
"""
