"""What a file name stands for at the moment, and how the file is built.

`Ingredients` holds what all files of a node are made of, apart from the phones; it never changes,
so worker threads read it while the loop puts another one in its place.
"""

from dataclasses import dataclass
from datetime import datetime

from cucmsim.entropy import Entropy
from cucmsim.formats.encryptedfile import encrypt_file
from cucmsim.formats.signedfile import sign_file
from cucmsim.services.filecache import Packed, pack
from cucmsim.services.filenames import FileKind, FileRequest, parse_file_name
from cucmsim.services.itlstamp import ItlStamp
from cucmsim.services.phonefiles import PhoneFiles, encryption_certificate
from cucmsim.services.tftpstart import TftpStart
from cucmsim.services.trustlists import build_itl, holds_group_only, nodes_in_order
from cucmsim.store.replica import Replica
from cucmsim.store.rows import Device

__all__ = ["Built", "DrawnEntropy", "Ingredients", "Wanted"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file to be built: the key and stamp it is cached under, and what it is made of."""

    key: str
    stamp: str
    request: FileRequest
    device: Device | None = None
    tvs_nodes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Built:
    """A finished file; `packed` where it is worth keeping small as well."""

    data: bytes
    packed: Packed | None = None


class DrawnEntropy:
    """Random bytes drawn beforehand, so that threads do not share the source of them."""

    def __init__(self, drawn: bytes) -> None:
        self._drawn = drawn

    def token(self, size: int) -> bytes:
        """Return the next `size` bytes of those drawn."""
        token, self._drawn = self._drawn[:size], self._drawn[size:]
        return token


@dataclass(frozen=True, slots=True)
class Ingredients:
    """What the files of a node are made of; `sample` is a configuration, to deflate others by."""

    start: TftpStart
    files: PhoneFiles
    sample: bytes

    def resolve(self, name: str, replica: Replica) -> Wanted | bytes | None:
        """Return the file itself, what to build, or None when there is no such file.

        `replica` is the current one: it knows the phones.
        """
        request = parse_file_name(name)
        device = replica.devices.get(request.device or "") if request is not None else None
        if request is None or (request.device is not None and device is None):
            return None
        match request.kind:
            case FileKind.CTL:
                return self.start.ctl
            case FileKind.ITL:
                return self._resolve_itl(request, device, replica)
            case FileKind.STATIC:
                return self._resolve_static(request)
            case FileKind.ENCRYPTED_CONFIG if device is None or not _has_key(device):
                return None
        stamp = device.versionstamp if device is not None else ""
        return Wanted(request.full_name, stamp, request, device)

    def build(self, wanted: Wanted, timestamp: datetime, entropy: Entropy) -> Built | None:
        """Build a file, in any thread; None when it turns out not to exist."""
        request, device = wanted.request, wanted.device
        match request.kind:
            case FileKind.ITL:
                return Built(self._group_itl(wanted.tvs_nodes))
            case FileKind.STATIC:
                return Built(self._signed(request, self.start.static[request.name], timestamp))
            case FileKind.ENCRYPTED_CONFIG if device is not None:
                return self._encrypted(request, device, timestamp, entropy)
        data = self.files.default() if device is None else self.files.clear(device)
        if request.signed:
            data = self._signed(request, data, timestamp)
        return Built(data, pack(data, self.sample))

    def _resolve_itl(
        self, request: FileRequest, device: Device | None, replica: Replica
    ) -> Wanted | bytes:
        """Return the node's ITL; before 10.0 a phone gets the one of its CallManager group."""
        start = self.start
        if device is None or start.itl_is_given or not holds_group_only(start.release):
            return start.itl
        members = tuple(node.name for node in replica.group_members(device))
        if members in ((), tuple(node.name for node in nodes_in_order(start.replica))):
            return start.itl
        return Wanted(" ".join(("ITL", *members)), "", request, tvs_nodes=members)

    def _resolve_static(self, request: FileRequest) -> Wanted | bytes | None:
        """Return a static file as it is, or to be signed if only its plain form is there."""
        static = self.start.static
        held = static.get(request.full_name)
        if held is not None or not request.signed or request.name not in static:
            return held
        return Wanted(request.full_name, "", request)

    def _group_itl(self, members: tuple[str, ...]) -> bytes:
        """Return an ITL as old as the node's own, so that it too is the same after a restart."""
        start = self.start
        timestamp = ItlStamp.of(start.itl).made
        return build_itl(
            start.replica, start.node_name, start.release, timestamp=timestamp, tvs_nodes=members
        )

    def _signed(self, request: FileRequest, payload: bytes, timestamp: datetime) -> bytes:
        return sign_file(
            self.start.signer,
            filename=request.full_name,
            payload=payload,
            timestamp=timestamp,
            digest=self.start.digest,
        )

    def _encrypted(
        self, request: FileRequest, device: Device, timestamp: datetime, entropy: Entropy
    ) -> Built | None:
        certificate = encryption_certificate(device)
        if certificate is None:
            return None
        data = encrypt_file(
            self.start.signer,
            filename=request.full_name,
            plain=self.files.full(device),
            certificate=certificate,
            timestamp=timestamp,
            entropy=entropy,
            digest=self.start.digest,
            signer_version=self.start.signer_version,
        )
        return Built(data)


def _has_key(device: Device) -> bool:
    """Tell whether a phone may have an encrypted file, without reading its certificates."""
    known = device.lsc_der is not None or device.mic_der is not None
    return device.encrypted_config and known
