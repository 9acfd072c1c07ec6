"""Secrets of the store from one sealing key under another: what a backup brings to its new store.

Private keys of certificates and of requests, and the secrets of the cluster; each stays bound to
its place.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping

from cucmsim.entropy import SystemEntropy
from cucmsim.errors import StoreError
from cucmsim.pki.sealing import SealingKey
from cucmsim.store.drsrows import Tables
from cucmsim.store.platform import SECRET_PREFIX

__all__ = ["resealed"]

_BOUND_TO = {"cucmsim_privatekey": "fkcertificate", "cucmsim_csr": "pkid"}
"""Tables with sealed keys, and the column whose value each key is bound to."""


def resealed(tables: Tables, old: SealingKey, new: SealingKey) -> Tables:
    """Return the rows with every secret under another key. Raises VerificationError, StoreError."""
    changed = {
        name: [_with_key(row, str(row[column]), old, new) for row in tables[name]]
        for name, column in _BOUND_TO.items()
    }
    kept = [_with_secret(row, old, new) for row in tables["cucmsim_platform"]]
    return {**tables, **changed, "cucmsim_platform": kept}


def _with_key(
    row: Mapping[str, object], bound_to: str, old: SealingKey, new: SealingKey
) -> Mapping[str, object]:
    sealed = row["sealedkey"]
    if not isinstance(sealed, bytes):
        raise StoreError("found a sealed key that is no bytes")
    return {**row, "sealedkey": _moved(sealed, bound_to, old, new)}


def _with_secret(
    row: Mapping[str, object], old: SealingKey, new: SealingKey
) -> Mapping[str, object]:
    name = str(row["name"])
    if not name.startswith(SECRET_PREFIX):
        return row
    bound_to = name.removeprefix(SECRET_PREFIX)
    sealed = _moved(b64decode(str(row["value"])), bound_to, old, new)
    return {**row, "value": b64encode(sealed).decode()}


def _moved(sealed: bytes, bound_to: str, old: SealingKey, new: SealingKey) -> bytes:
    """Open and seal again; a key that is not there stays so."""
    if not sealed:
        return sealed
    # never from given entropy: a nonce must not repeat under one key (pki/sealing.py)
    return new.seal(old.open(sealed, bound_to.encode()), SystemEntropy(), bound_to.encode())
