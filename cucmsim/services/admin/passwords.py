"""Passwords of administrators, kept as scrypt hashes: `scrypt$N$r$p$salt$hash`, base64."""

import asyncio
import hashlib
import hmac
from base64 import b64decode, b64encode

from cucmsim.entropy import Entropy

__all__ = ["hash_password", "is_password"]

_COST, _BLOCK, _PARALLEL = 2**14, 8, 1
_SALT_SIZE = 16


async def hash_password(password: str, entropy: Entropy) -> str:
    """Return what is kept of a password; takes some 50 ms, on a worker."""
    salt = entropy.token(_SALT_SIZE)
    made = await asyncio.to_thread(_scrypt, password, salt, (_COST, _BLOCK, _PARALLEL))
    texts = (b64encode(part).decode() for part in (salt, made))
    return "$".join(("scrypt", str(_COST), str(_BLOCK), str(_PARALLEL), *texts))


async def is_password(password: str, kept: str) -> bool:
    """Tell whether `kept` was made from `password`."""
    _, cost, block, parallel, salt, expected = kept.split("$")
    cost_of = (int(cost), int(block), int(parallel))
    made = await asyncio.to_thread(_scrypt, password, b64decode(salt), cost_of)
    return hmac.compare_digest(made, b64decode(expected))


def _scrypt(password: str, salt: bytes, cost: tuple[int, int, int]) -> bytes:
    n, r, p = cost
    return hashlib.scrypt(password.encode(errors="surrogatepass"), salt=salt, n=n, r=r, p=p)
