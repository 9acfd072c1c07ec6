"""Where private keys come from: the system's generator, or a source that travels with the entropy.

Whoever makes a key asks `key_job` on the loop, in an order that is always the same, and runs the
job it gets in a worker thread. An entropy that is also a `KeySource` says where the key comes
from; with any other it is the cryptography library's own, which no seed can repeat.

`SeededSource` derives keys from its seed: 32 bytes a key, stretched by SHAKE-256. An RSA prime is
the first one at or after a number drawn, found by a sieve and Miller-Rabin with the first twelve
primes as bases: enough for numbers that nobody chose to deceive it. In Python it takes some 40 ms
for RSA-1024 and 0.3 s for RSA-2048. Not for real secrets.
"""

import hashlib
import math
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Protocol, runtime_checkable

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from cucmsim.entropy import Entropy, SeededEntropy
from cucmsim.pki.keys import PUBLIC_EXPONENT, KeyAlgorithm, KeySpec, PrivateKey, curve, generate_key

__all__ = ["KeySource", "SeededSource", "derive_key", "key_job"]

_SEED_SIZE = 32
_SIEVE_LIMIT = 1 << 15
_WINDOW = 1 << 12  # how many odd numbers are sieved at once
_BASES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)


@runtime_checkable
class KeySource(Protocol):
    """An entropy that says where private keys come from, too."""

    def key_job(self, spec: KeySpec) -> Callable[[], PrivateKey]:
        """Return what makes the next key of this kind; it blocks, and may run in any thread."""
        ...


def key_job(spec: KeySpec, entropy: Entropy) -> Callable[[], PrivateKey]:
    """Return what makes a key, by `entropy` if it is a `KeySource`; the job blocks."""
    if isinstance(entropy, KeySource):
        return entropy.key_job(spec)
    return partial(generate_key, spec)


class SeededSource(SeededEntropy):
    """Random bytes and private keys that follow from a seed."""

    def key_job(self, spec: KeySpec) -> Callable[[], PrivateKey]:
        """Draw the seed of the next key, and return what derives the key from it."""
        return partial(derive_key, spec, self.token(_SEED_SIZE))


def derive_key(spec: KeySpec, seed: bytes) -> PrivateKey:
    """Make the private key that follows from `seed`. Blocks: see the module's head."""
    if spec.algorithm is KeyAlgorithm.EC:
        kind = curve(spec.size_bits)
        # 8 bytes more than the order has: so no number is likelier than another
        drawn = _stretched(seed, "scalar", spec.size_bits // 8 + 9)
        return ec.derive_private_key(drawn % (kind.group_order - 1) + 1, kind)
    half = spec.size_bits // 2
    p = _prime(_stretched(seed, "p", -(-half // 8)), half)
    q = _prime(_stretched(seed, "q", -(-half // 8)), half)
    return _rsa_key(max(p, q), min(p, q))


def _rsa_key(p: int, q: int) -> rsa.RSAPrivateKey:
    exponent = rsa.rsa_recover_private_exponent(PUBLIC_EXPONENT, p, q)
    numbers = rsa.RSAPrivateNumbers(
        p,
        q,
        exponent,
        rsa.rsa_crt_dmp1(exponent, p),
        rsa.rsa_crt_dmq1(exponent, q),
        rsa.rsa_crt_iqmp(p, q),
        rsa.RSAPublicNumbers(PUBLIC_EXPONENT, p * q),
    )
    return numbers.private_key(unsafe_skip_rsa_key_validation=True)  # 38 ms to check what we made


def _stretched(seed: bytes, purpose: str, size: int) -> int:
    """Return a number of `size` bytes that follows from the seed."""
    return int.from_bytes(hashlib.shake_256(seed + purpose.encode()).digest(size))


def _prime(drawn: int, size_bits: int) -> int:
    """Return the first prime of `size_bits` at or after `drawn` that an RSA key can have.

    Its two highest bits are set, so that a product of two has exactly twice as many.
    """
    start = drawn % (1 << size_bits) | 0b11 << (size_bits - 2) | 1
    return next(
        candidate
        for window in count(start, 2 * _WINDOW)
        for candidate in _sieved(window)
        # the exponent is prime, so it and p - 1 have a common factor only if it divides that
        if candidate % PUBLIC_EXPONENT != 1 and _is_prime(candidate)
    )


def _sieved(start: int) -> list[int]:
    """Return the numbers of a window from the odd `start` on that have no small factor."""
    is_left = bytearray(b"\1") * _WINDOW
    for prime in _small_primes():
        # the first i with (start + 2 i) % prime == 0; (prime + 1) / 2 is the inverse of 2
        first = -start * ((prime + 1) // 2) % prime
        is_left[first::prime] = bytes(len(range(first, _WINDOW, prime)))
    return [start + 2 * at for at, left in enumerate(is_left) if left]


def _small_primes() -> list[int]:
    """Return the odd primes below the sieve's limit."""
    is_prime = bytearray(b"\1") * _SIEVE_LIMIT
    for number in range(3, math.isqrt(_SIEVE_LIMIT) + 1, 2):
        is_prime[number * number :: number] = bytes(
            len(range(number * number, _SIEVE_LIMIT, number))
        )
    return [number for number in range(3, _SIEVE_LIMIT, 2) if is_prime[number]]


def _is_prime(candidate: int) -> bool:
    """Tell whether no base of Miller-Rabin shows an odd number to be composite."""
    odd = candidate - 1
    twos = (odd & -odd).bit_length() - 1
    return all(_passes(candidate, base, odd >> twos, twos) for base in _BASES)


def _passes(candidate: int, base: int, odd: int, twos: int) -> bool:
    power = pow(base, odd, candidate)
    if power in (1, candidate - 1):
        return True
    for _ in range(twos - 1):
        power = power * power % candidate
        if power == candidate - 1:
            return True
    return False
