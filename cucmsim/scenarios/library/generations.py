"""The generations of releases, by what trusts whom in them.

8.6 and 9.1 have no ITLRecovery, and set mixed mode with eTokens only. From 10.0 there is
ITLRecovery, and `utils ctl` makes tokenless CTLs. Up to 11.5 CallManager signs ITL and tokenless
CTL, from 12.0 ITLRecovery does. Why a row is not played on some: `docs/divergences.md`.
"""

from typing import Final

from cucmsim.pki.release import Release
from cucmsim.scenarios.model import RELEASES
from cucmsim.scenarios.stage import Stage

__all__ = ["BEFORE_10", "FROM_10", "FROM_10_TO_11", "FROM_12", "UP_TO_11", "signer_of_lists"]

BEFORE_10: Final = RELEASES[:2]
FROM_10: Final = RELEASES[2:]
FROM_10_TO_11: Final = RELEASES[2:4]
FROM_12: Final = RELEASES[4:]
UP_TO_11: Final = RELEASES[:4]

_RECOVERY_SIGNS_FROM: Final = Release(12)


def signer_of_lists(stage: Stage) -> str:
    """Return whose key signs the ITL, and the CTL where that is tokenless."""
    release = Release.parse(stage.shape.release)
    return "ITLRecovery" if release >= _RECOVERY_SIGNS_FROM else "CallManager"
