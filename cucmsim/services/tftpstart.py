"""What a TFTP service reads at its start and keeps until it is restarted.

A regenerated CallManager or TVS certificate, a new CTL, a changed static file or parameter of the
trust lists changes nothing before the restart (seeds 000 and 003: "restart TVS and TFTP"). A node
that is added to or removed from the cluster does: its TVS enters or leaves the ITL at once, for the
ITL is built "again whenever its contents change".
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from cucmsim.formats.trustlist import CTL_FILENAME, ITL_FILENAME
from cucmsim.pki.digests import Digest
from cucmsim.pki.profiles import Unit
from cucmsim.pki.release import Release
from cucmsim.pki.signatures import Signer
from cucmsim.services.itlstamp import ItlStamp, build_or_repeat
from cucmsim.services.operations.restarts import ctl_works_itself
from cucmsim.services.staticfiles import BUILT_IN_FILES
from cucmsim.services.trustlists import (
    build_itl,
    signature_digest,
    signer_version,
)
from cucmsim.store.replica import Replica

__all__ = ["TftpStart", "load_start"]


@dataclass(frozen=True, slots=True)
class TftpStart:
    """What the service holds: the replica it started with (without phones) and what follows.

    `itl_is_given`: the ITL was put in place by `utils itl reset`, and is not built here.
    """

    node_name: str
    release: Release
    replica: Replica
    signer: Signer
    digest: Digest
    signer_version: tuple[int, int] | None
    itl: bytes
    itl_is_given: bool
    ctl: bytes | None
    static: Mapping[str, bytes]

    def following(self, replica: Replica, *, timestamp: datetime) -> "TftpStart":
        """Return the same with the nodes of `replica`, from 12.0 with its CTL too.

        A CTL that was deleted is gone at once. Itself when no node came or went, and the CTL is
        the same.
        """
        return self._with_ctl(replica).with_nodes(replica, timestamp)

    def reset_itl(self, old: Replica, new: Replica) -> bytes | None:
        """Return the ITL that `utils itl reset` has just put in place of the node's own."""
        place = (self.node_name, ITL_FILENAME)
        given = new.tftp_files.get(place)
        return None if given is None or given == old.tftp_files.get(place) else given.data

    def _with_ctl(self, replica: Replica) -> "TftpStart":
        held = replica.tftp_file(CTL_FILENAME, self.node_name)
        ctl = None if held is None else held.data
        is_new = ctl is not None and not ctl_works_itself(self.release)
        if is_new or ctl == self.ctl:
            return self
        return replace(self, ctl=ctl)

    def with_nodes(self, replica: Replica, timestamp: datetime) -> "TftpStart":
        """Return the same with the nodes of `replica`; itself when no node came or went."""
        nodes = replica.nodes
        own = {key: held for key, held in self.replica.own.items() if key[0] in nodes}
        added = {key: held for key, held in replica.own.items() if key not in own}
        if not added and len(own) == len(self.replica.own):
            return self
        keys = {**replica.own_keys, **self.replica.own_keys}
        pinned = replace(self.replica, nodes=nodes, own={**own, **added}, own_keys=keys)
        itl = self.itl
        if not self.itl_is_given:
            itl = _itl(pinned, self.node_name, self.release, ItlStamp.of(itl), timestamp)
        return replace(self, replica=pinned, itl=itl)


def load_start(
    replica: Replica,
    node_name: str,
    release: Release,
    *,
    timestamp: datetime,
    itl: bytes | None = None,
    stamp: ItlStamp | None = None,
) -> TftpStart:
    """Read what the TFTP service of a node needs; `itl` takes the place of a new one.

    `stamp` is of the last ITL: while its contents are the same, so is the file.
    Raises StoreError when a certificate, or the key to it, is not in the store.
    """
    pinned = replace(replica, devices={}, tftp_files={})
    static = _static_files(replica, node_name)
    ctl = static.pop(CTL_FILENAME, None)  # a trust list: served as it is, and never as `.sgn`
    return TftpStart(
        node_name=node_name,
        release=release,
        replica=pinned,
        signer=replica.signer(node_name, Unit.CALLMANAGER),
        digest=signature_digest(replica),
        signer_version=signer_version(replica, release),
        itl=itl or _itl(pinned, node_name, release, stamp, timestamp),
        itl_is_given=itl is not None,
        ctl=ctl,
        static=static,
    )


def _itl(
    replica: Replica, node_name: str, release: Release, stamp: ItlStamp | None, now: datetime
) -> bytes:
    """Return the node's ITL: the one of `stamp` while its contents are the same."""

    def build(timestamp: datetime) -> bytes:
        return build_itl(replica, node_name, release, timestamp=timestamp)

    return build_or_repeat(stamp, build, now)


def _static_files(replica: Replica, node_name: str) -> dict[str, bytes]:
    """Return the static files of a node: its own before everybody's before the built-in ones."""
    held = replica.tftp_files
    everybody = {name: file.data for (node, name), file in held.items() if node is None}
    own = {name: file.data for (node, name), file in held.items() if node == node_name}
    own.pop(ITL_FILENAME, None)  # of `utils itl reset`: a restart brings the usual signer back
    return {**BUILT_IN_FILES, **everybody, **own}
