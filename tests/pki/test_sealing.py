"""Sealing: what is sealed opens with its password only, and where it was sealed for only."""

import time

import pytest

from cucmsim.entropy import SeededEntropy, SystemEntropy
from cucmsim.errors import VerificationError
from cucmsim.pki.sealing import SALT_SIZE, SealingKey

SECRET = b"a private key"
SALT = bytes(range(SALT_SIZE))


@pytest.fixture(scope="module")
def key() -> SealingKey:
    return SealingKey.derive("security password", SALT)


def test_a_sealed_secret_opens_again(key: SealingKey) -> None:
    blob = key.seal(SECRET, SystemEntropy(), b"row 7")
    assert SECRET not in blob
    assert key.open(blob, b"row 7") == SECRET
    assert SealingKey.derive("security password", SALT).open(blob, b"row 7") == SECRET


def test_the_same_secret_is_sealed_differently_each_time(key: SealingKey) -> None:
    entropy = SeededEntropy(1)
    assert key.seal(SECRET, entropy) != key.seal(SECRET, entropy)


@pytest.mark.parametrize(("password", "salt"), [("other", SALT), ("security password", b"s" * 16)])
def test_another_password_or_salt_does_not_open_it(
    key: SealingKey, password: str, salt: bytes
) -> None:
    blob = key.seal(SECRET, SystemEntropy())
    with pytest.raises(VerificationError, match="security password") as caught:
        SealingKey.derive(password, salt).open(blob)
    assert caught.value.reasons == ("wrong password",)


def test_a_secret_moved_to_another_row_does_not_open(key: SealingKey) -> None:
    blob = key.seal(SECRET, SystemEntropy(), b"row 7")
    with pytest.raises(VerificationError):
        key.open(blob, b"row 8")


def test_a_damaged_blob_raises_only_verification_errors(key: SealingKey) -> None:
    blob = key.seal(SECRET, SystemEntropy())
    for place in range(len(blob)):
        with pytest.raises(VerificationError):
            key.open(blob[:place])
        with pytest.raises(VerificationError):
            key.open(blob[:place] + bytes([blob[place] ^ 1]) + blob[place + 1 :])


def test_a_key_does_not_show_itself(key: SealingKey) -> None:
    assert repr(key) == "SealingKey()"


def test_deriving_a_key_stays_under_a_tenth_of_a_second_of_work() -> None:
    started = time.process_time()
    SealingKey.derive("security password", SALT)
    assert time.process_time() - started < 0.3  # three times the goal, as machines differ


def test_a_key_that_another_one_wrapped_opens_what_it_sealed(key: SealingKey) -> None:
    blob, other = key.seal(SECRET, SystemEntropy()), SealingKey.derive("other", SALT)
    wrapped = other.wrap(key, SystemEntropy())
    assert other.unwrap(wrapped).open(blob) == SECRET
    with pytest.raises(VerificationError):
        key.unwrap(wrapped)
