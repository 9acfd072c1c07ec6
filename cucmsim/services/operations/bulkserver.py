"""The SFTP server of the bulk certificate exchange: set once for the cluster, used by every step.

What was set (`set cert bulk sftp`) is kept in the database, sealed, with the key that the server
showed then: a server with another key is refused later.
"""

import json
from dataclasses import asdict

from cucmsim.errors import RefusedError
from cucmsim.services.operations.operator import Operator
from cucmsim.services.sftp import HostKey, SftpAccount, SftpClient

__all__ = ["bulk_server", "set_bulk_server"]

_NAME = "bulk certificate server"


async def set_bulk_server(
    operator: Operator, client: SftpClient, account: SftpAccount, host_key: HostKey
) -> None:
    """Log in to the server and look into the directory, then keep the account.

    Raises:
        RefusedError: the server does not let the account in; what was set before stays.
        StoreError: nothing was changed.

    """
    async with client.session(account, host_key) as server:
        await server.list_files()
    kept = json.dumps({"account": asdict(account), "host_key": asdict(host_key)})
    async with operator.store.transaction() as transaction:
        await transaction.put_secret(_NAME, kept.encode())


async def bulk_server(operator: Operator) -> tuple[SftpAccount, HostKey]:
    """Return what was set.

    Raises:
        RefusedError: nothing was set yet.
        StoreError: the store cannot be used.

    """
    async with operator.store.transaction() as transaction:
        kept = await transaction.secret(_NAME)
    if kept is None:
        raise RefusedError("No sftp server is set. Please use set cert bulk sftp first.")
    values = json.loads(kept)
    return SftpAccount(**values["account"]), HostKey(**values["host_key"])
