"""What a phone leaves the factory with: a key of its own and a MIC for it."""

from datetime import datetime

from cucmsim.entropy import Entropy
from cucmsim.phone.values import Certified, PhoneIdentity
from cucmsim.pki.certificates import certificate_der, new_serial
from cucmsim.pki.keys import KeySpec, PrivateKey, dump_private_key
from cucmsim.pki.keysource import key_job
from cucmsim.pki.manufacturing import issue_mic

__all__ = ["make_key", "make_mic"]

_KEY = KeySpec.parse("rsa-2048")


def make_key(entropy: Entropy) -> PrivateKey:
    """Make a phone's key; blocks for some 0.1 s."""
    return key_job(_KEY, entropy)()


def make_mic(
    identity: PhoneIdentity, entropy: Entropy, now: datetime, key: PrivateKey | None = None
) -> Certified:
    """Have the simulated manufacturer certify `key`, or a new one; blocks.

    To certify takes a millisecond, to make a key a hundred: a fleet's phones share one. In a worker
    thread `entropy` must be one that nobody else draws from meanwhile.
    """
    key = key or make_key(entropy)
    mic = issue_mic(
        identity.name,
        identity.model,
        key.public_key(),
        not_before=now,
        serial=new_serial(entropy),
    )
    return Certified(certificate_der(mic), dump_private_key(key))
