"""What a phone leaves the factory with: a key of its own and a MIC for it."""

from datetime import datetime

from cucmsim.entropy import Entropy
from cucmsim.phone.values import Certified, PhoneIdentity
from cucmsim.pki.certificates import certificate_der, new_serial
from cucmsim.pki.keys import KeySpec, dump_private_key, generate_key
from cucmsim.pki.manufacturing import issue_mic

__all__ = ["make_mic"]

_KEY = KeySpec.parse("rsa-2048")


def make_mic(identity: PhoneIdentity, entropy: Entropy, now: datetime) -> Certified:
    """Make a key and have the simulated manufacturer certify it; blocks for some 0.1 s."""
    key = generate_key(_KEY)
    mic = issue_mic(
        identity.name,
        identity.model,
        key.public_key(),
        not_before=now,
        serial=new_serial(entropy),
    )
    return Certified(certificate_der(mic), dump_private_key(key))
