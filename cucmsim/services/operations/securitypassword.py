"""The cluster security password: the one that ITLRecovery.p12 is made under, and its change.

The description names the first one, which opens the database (docs/divergences.md); one that `set
password user security` set later is kept there, sealed, and opens nothing. `reseal_cluster` changes
both: running processes have the sealing key and go on, later starts need the new password. Whoever
changes it is reminded every day to fetch ITLRecovery.p12 anew (seed 003, line 560).
"""

import hmac

from cucmsim.errors import RefusedError
from cucmsim.services.operations.operator import Operator
from cucmsim.services.operations.publisher import refuse_on_subscriber
from cucmsim.services.operations.recovery import forget_backup
from cucmsim.store.store import Transaction

__all__ = [
    "change_security_password",
    "check_security_password",
    "reseal_cluster",
    "security_password",
]

_NAME = "cluster security password"
_SHORTEST, _LONGEST = 6, 128


async def security_password(operator: Operator) -> str:
    """Return the password as it is now. Raises StoreError."""
    async with operator.store.transaction() as transaction:
        return await _present(operator, transaction)


async def _present(operator: Operator, transaction: Transaction) -> str:
    kept = await transaction.secret(_NAME)
    return operator.security_password if kept is None else kept.decode()


def check_security_password(password: str) -> None:
    """Refuse what no security password can be: the rule of a description, and no word more."""
    fits = _SHORTEST <= len(password) <= _LONGEST
    if not fits or not all("!" <= character <= "~" for character in password):
        raise RefusedError(
            f"The password must have {_SHORTEST} to {_LONGEST} printable ASCII characters"
            " without blanks."
        )


async def change_security_password(operator: Operator, node: str, old: str, new: str) -> None:
    """Put another password in the place of the old one, and bring the daily alert back.

    Raises:
        RefusedError: on a subscriber, `old` is wrong, or `new` can be none; nothing was changed.
        StoreError: nothing was changed.

    """
    check_security_password(new)
    async with operator.store.transaction() as transaction:
        refuse_on_subscriber(await transaction.replica(), node)
        await _change(operator, transaction, old, new)


async def reseal_cluster(operator: Operator, old: str, new: str) -> None:
    """Put another password in the place of the old one, for the database too.

    Raises:
        RefusedError: `old` is wrong, or `new` can be none; nothing was changed.
        StoreError: nothing was changed.

    """
    check_security_password(new)
    async with operator.store.transaction() as transaction:
        await _change(operator, transaction, old, new)
        await transaction.change_password(new)
    await operator.newest()


async def _change(operator: Operator, transaction: Transaction, old: str, new: str) -> None:
    """Change what is kept. Raises RefusedError when `old` is wrong."""
    present = await _present(operator, transaction)
    if not hmac.compare_digest(present.encode(), old.encode(errors="surrogatepass")):
        raise RefusedError("The old password did not match.")
    await transaction.put_secret(_NAME, new.encode())
    await forget_backup(transaction)
