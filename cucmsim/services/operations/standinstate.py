"""What a node keeps of the services that only have a name and a state (`admin/standins.py`)."""

import json
from collections.abc import Mapping

from cucmsim.pki.release import Release

__all__ = ["DRF_LOCAL", "STAND_INS", "drf_master", "stopped_services"]

STAND_INS = "stand-in services"
"""The name under which the platform of a node keeps them."""

DRF_LOCAL = "Cisco DRF Local"
_PRIMARY_FROM = Release(15)


def drf_master(release: Release) -> str:
    """Return how a release calls the service that makes backups."""
    return "Cisco DRF Primary" if release >= _PRIMARY_FROM else "Cisco DRF Master"


def stopped_services(kept: Mapping[str, str], started: str | None) -> tuple[str, ...]:
    """Return the names of those that were stopped since the node `started` (ISO; None: ever)."""
    if STAND_INS not in kept:
        return ()
    held = json.loads(kept[STAND_INS])
    return tuple(held["stopped"]) if started in (None, held["started"]) else ()
