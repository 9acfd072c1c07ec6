"""Deleting a static file of TFTP at one node: `file delete tftp NAME`. Source: cucm.md 1.7."""

from dataclasses import replace

from cucmsim.services.operations.operator import Operator

__all__ = ["delete_tftp_file"]


async def delete_tftp_file(operator: Operator, node: str, name: str) -> bool:
    """Delete a file at `node`; the other nodes keep theirs. Tell whether it was there.

    What every node shares becomes a file of each of the others. Raises StoreError.
    """
    async with operator.store.transaction() as transaction:
        replica = await transaction.replica()
        found = await transaction.delete_tftp_file(name, node)
        shared = replica.tftp_files.get((None, name))
        if shared is not None and node in replica.nodes:
            found = await transaction.delete_tftp_file(name)
            for other in replica.nodes:
                if other != node and (other, name) not in replica.tftp_files:
                    await transaction.put_tftp_file(replace(shared, pkid="", node=other))
    await operator.newest()
    return found
