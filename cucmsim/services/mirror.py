"""The mirror: each node's certificates and keys as PEM files, for openssl and Wireshark.

    <directory>/<node>/<unit>.pem                    own certificate, mode 0644
    <directory>/<node>/<unit>.key                    its private key, mode 0600
    <directory>/<node>/<store>/<common name>.pem     what a trust store holds, mode 0644
    <directory>/<node>/.mirror                       names of the files above, which are ours

The database is the truth and nobody reads the mirror but people. Writing goes in two steps: all
that is new is written beside its place first, then everything is renamed into place; so a full
disk leaves what was there. Only what changed is touched, and only files named in `.mirror` are
ever removed. File names as in cucm.md 2.2: blanks become `_`; certificates that share a name in
one store, which a real server cannot tell apart, get their serial numbers appended.
"""

import base64
import contextlib
import os
import re
import textwrap
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.x509.oid import NameOID

from cucmsim.errors import StoreError
from cucmsim.pki.certificates import load_certificate
from cucmsim.store.replica import Replica
from cucmsim.store.rows import StoredCertificate

__all__ = ["MANIFEST", "trust_file_names", "write_mirror"]

MANIFEST = ".mirror"
_READABLE, _SECRET = 0o644, 0o600
_TRUST = "-trust"
_LONGEST_NAME = 100  # a serial number and an ending still fit into the 255 of a file system


@dataclass(frozen=True, slots=True)
class _File:
    """A file as it is to be."""

    data: bytes = field(repr=False)
    mode: int = _READABLE

    def is_at(self, path: Path) -> bool:
        """Tell whether it is there already, contents and mode."""
        try:
            return path.stat().st_mode & 0o777 == self.mode and path.read_bytes() == self.data
        except FileNotFoundError:
            return False


def write_mirror(directory: Path, replica: Replica, node_names: Collection[str]) -> None:
    """Make the files of `node_names` under `directory` what `replica` says; blocks.

    Also removes the files of nodes that the cluster no longer has. Files of other nodes are left
    alone: another process looks after them. Not to be called twice at once for one directory.

    Raises:
        StoreError: a file cannot be written (full disk, no permission); nothing was changed then
            unless the error came while files were renamed.

    """
    try:
        for name in _gone(directory, replica):
            _replace_files(directory / name, {})
        for node in node_names:
            _replace_files(directory / _file_name(node), _files_of(replica, node))
    except OSError as error:
        where = error.filename or directory
        raise StoreError(
            f"cannot write the certificate files under {directory}: {where}: {error.strerror}"
        ) from error


def _gone(directory: Path, replica: Replica) -> list[str]:
    """Return the folders that a mirror made for nodes that are no longer there."""
    present = {_file_name(node) for node in replica.nodes}
    made = [manifest.parent.name for manifest in sorted(directory.glob(f"*/{MANIFEST}"))]
    return [name for name in made if name not in present]


def _files_of(replica: Replica, node: str) -> dict[str, _File]:
    """Return a node's files by path relative to its folder."""
    files: dict[str, _File] = {}
    for (owner, unit), held in replica.own.items():
        if owner == node:
            files[f"{unit}.pem"] = _File(_pem("CERTIFICATE", held.certificate_der))
    for (owner, unit), key in replica.own_keys.items():
        if owner == node:
            files[f"{unit}.key"] = _File(_pem("PRIVATE KEY", key.private_key_der), _SECRET)
    for store, trusted in _trust_stores(replica, node).items():
        for name, held in trust_file_names(trusted).items():
            files[f"{store}/{name}"] = _File(_pem("CERTIFICATE", held.certificate_der))
    return files


def _trust_stores(replica: Replica, node: str) -> dict[str, list[StoredCertificate]]:
    """Return what each trust store of a node holds."""
    stores: dict[str, list[StoredCertificate]] = {}
    for held in replica.certificates:
        if held.is_on(node):
            for unit in held.units:
                if unit.endswith(_TRUST):
                    stores.setdefault(_file_name(unit), []).append(held)
    return stores


def trust_file_names(trusted: Sequence[StoredCertificate]) -> dict[str, StoredCertificate]:
    """Return what a trust store holds by the name of its file, "cucm-pub.pem"."""
    names = [_common_name(held) for held in trusted]
    return {
        f"{name if names.count(name) == 1 else f'{name}-{held.serialnumber}'}.pem": held
        for name, held in zip(names, trusted, strict=True)
    }


def _common_name(held: StoredCertificate) -> str:
    """Return the file name that a trusted certificate has."""
    names = load_certificate(held.certificate_der).subject.get_attributes_for_oid(
        NameOID.COMMON_NAME
    )
    return _file_name(str(names[0].value) if names else "") or held.serialnumber


def _file_name(text: str) -> str:
    """Return the text with whatever could lead out of the folder, or hide in it, made `_`."""
    return re.sub(r"[^\w.-]|^[.]", "_", text)[:_LONGEST_NAME]


def _pem(label: str, data: bytes) -> bytes:
    lines = textwrap.wrap(base64.b64encode(data).decode(), 64)
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]).encode()


def _replace_files(folder: Path, files: Mapping[str, _File]) -> None:
    """Make the folder hold `files` and none that it held before for us."""
    before = _read_manifest(folder)
    changed = {path: file for path, file in files.items() if not file.is_at(folder / path)}
    listed = _File("".join(f"{path}\n" for path in sorted(files)).encode())
    if not changed and (listed.is_at(folder / MANIFEST) or not before | files.keys()):
        return
    # both the old and the new names first: a run that is killed half way forgets no file
    either = _File("".join(f"{path}\n" for path in sorted(before | files.keys())).encode())
    with _staged(folder, {MANIFEST: either, **changed}) as staged:
        for path in staged:
            _staging_path(folder / path).replace(folder / path)
    _remove(folder, before - files.keys())
    if files:
        with _staged(folder, {MANIFEST: listed}):
            _staging_path(folder / MANIFEST).replace(folder / MANIFEST)
    else:
        _remove(folder, {MANIFEST})


def _read_manifest(folder: Path) -> set[str]:
    """Return the paths that earlier runs wrote; none that leads out of the folder."""
    try:
        lines = (folder / MANIFEST).read_text("utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return set()
    inside = re.compile(r"(?![.])[\w.-]+(/(?![.])[\w.-]+)?")
    return {line for line in lines if inside.fullmatch(line)}


def _staging_path(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")


@contextlib.contextmanager
def _staged(folder: Path, files: Mapping[str, _File]) -> Iterator[list[str]]:
    """Write each file beside its place; on the way out remove what was not renamed."""
    try:
        for path, file in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            _write(_staging_path(folder / path), file)
        yield list(files)
    finally:
        for path in files:
            with contextlib.suppress(OSError):
                _staging_path(folder / path).unlink()


def _write(path: Path, file: _File) -> None:
    """Write a file that nobody but its owner can read until its mode says so."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, _SECRET)
    with open(descriptor, "wb") as stream:  # noqa: PTH123  a descriptor is no path
        os.fchmod(stream.fileno(), file.mode)
        stream.write(file.data)


def _remove(folder: Path, paths: Collection[str]) -> None:
    """Remove files, and the folders that have nothing left in them."""
    for path in paths:
        (folder / path).unlink(missing_ok=True)
    parents = {(folder / path).parent for path in paths} | {folder}
    for parent in sorted(parents, key=lambda parent: len(parent.parts), reverse=True):
        with contextlib.suppress(OSError):
            parent.rmdir()
