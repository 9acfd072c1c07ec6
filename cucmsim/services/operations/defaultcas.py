"""The default CA certificates: those of phone manufacturers that an installation trusts.

A real server brings the CAs of Cisco's manufacturing and VeriSign's; ours has the simulated
manufacturer in their place (`pki/manufacturing.py`), and the others by name only, until somebody
uploads them. Disabling takes certificates of the name out of the trust stores, on every node;
enabling puts back what the package has. Source: cucm.md 1.5 (names, trust stores).
"""

from dataclasses import dataclass

from cucmsim.errors import RefusedError
from cucmsim.pki.certificates import certificate_der, load_certificate
from cucmsim.pki.manufacturing import manufacturing_ca
from cucmsim.pki.requests import common_name_of
from cucmsim.services.operations.operator import Operator
from cucmsim.services.operations.publisher import refuse_on_subscriber
from cucmsim.store.replica import Replica
from cucmsim.store.rows import StoredCertificate
from cucmsim.store.store import Transaction

__all__ = ["DefaultCa", "default_cas", "find_default_cas", "set_default_cas"]

_PHONES = ("CallManager-trust", "CAPF-trust")
_CISCO = (
    "CAP-RTP-001",
    "CAP-RTP-002",
    "Cisco Manufacturing CA",
    "Cisco Manufacturing CA SHA2",
    "ACT2 SUDI CA",
    "Cisco Root CA 2048",
    "Cisco Root CA M2",
)


@dataclass(frozen=True, slots=True)
class DefaultCa:
    """A default CA by its common name; `certificate_der` None where the package has none."""

    common_name: str
    trust_stores: tuple[str, ...]
    purpose: str
    certificate_der: bytes | None = None


def default_cas() -> tuple[DefaultCa, ...]:
    """Return the list, in the order of the document and ours last."""
    ours = manufacturing_ca().certificate
    return (
        DefaultCa("VeriSign Class 3 Secure Server CA - G3", ("tomcat-trust",), "Smart Call Home"),
        *(DefaultCa(name, _PHONES, "Phone authentication") for name in _CISCO),
        DefaultCa(
            common_name_of(ours.subject), _PHONES, "Phone authentication", certificate_der(ours)
        ),
    )


def find_default_cas(name: str | None) -> tuple[DefaultCa, ...]:
    """Return the CA of a common name; of None, all. Raises RefusedError for an unknown name."""
    found = tuple(one for one in default_cas() if name in (None, one.common_name))
    if not found:
        raise RefusedError(
            f"The {name} certificate is not in the list of default Cisco CA certificates."
        )
    return found


async def set_default_cas(
    operator: Operator, node: str, name: str | None, *, is_enabled: bool
) -> tuple[str, ...]:
    """Put the CA of a name (None: all) into its trust stores, or take it out; return the names.

    Raises:
        RefusedError: on a subscriber, for an unknown name, or one to enable whose certificate the
            package does not have; nothing was changed.
        StoreError: nothing was changed.

    """
    wanted = find_default_cas(name)
    if name is not None and is_enabled and wanted[0].certificate_der is None:
        raise RefusedError(
            f"The {name} certificate does not come with cucmsim. Please upload it to"
            f" {' and '.join(wanted[0].trust_stores)}."
        )
    async with operator.store.transaction() as transaction:
        replica = await transaction.replica()
        refuse_on_subscriber(replica, node)
        change = _enable if is_enabled else _disable
        changed = [one for one in wanted if await change(transaction, replica, one)]
    await operator.newest()
    return tuple(one.common_name for one in changed)


async def _enable(transaction: Transaction, replica: Replica, ca: DefaultCa) -> bool:
    der, changed = ca.certificate_der, False
    for store in ca.trust_stores if der is not None else ():
        if all(held.certificate_der != der for held in replica.in_store(store)):
            await transaction.put_trust_certificate(store, der or b"")
            changed = True
    return changed


async def _disable(transaction: Transaction, replica: Replica, ca: DefaultCa) -> bool:
    changed = False
    for store in ca.trust_stores:
        for held in replica.in_store(store):
            if _is(ca, held):
                await transaction.delete_certificate(store, held.pkid)
                changed = True
    return changed


def _is(ca: DefaultCa, held: StoredCertificate) -> bool:
    return common_name_of(load_certificate(held.certificate_der).subject) == ca.common_name
