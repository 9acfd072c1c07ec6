"""Static TFTP files as a configuration describes them: single files and whole directories."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from cucmsim.cluster.checks import Numbered
from cucmsim.cluster.problems import Findings, Spot, show
from cucmsim.cluster.settings import TftpFileEntry, TftpFileSettings

__all__ = ["files_of"]

_LONGEST_NAME = 200


def files_of(
    entries: Numbered[TftpFileEntry], nodes: Sequence[str], base: Path, findings: Findings
) -> tuple[TftpFileSettings, ...]:
    """Return each file once for all nodes, or once for each node it is for."""
    found: dict[tuple[str | None, str], TftpFileSettings] = {}
    for index, entry in entries:
        spot: Spot = ("tftp_files", index)
        for place, node in enumerate(entry.nodes):
            if node not in nodes:
                findings.add_reference((*spot, "nodes", place), node, "a node", nodes)
        for name, path in _files(entry, spot, base, findings):
            for where in entry.nodes or (None,):
                if (where, name) in found:
                    findings.add((*spot, "name"), show(name), "each name once")
                found[where, name] = TftpFileSettings(name, path, where)
    return tuple(found.values())


def _files(
    entry: TftpFileEntry, spot: Spot, base: Path, findings: Findings
) -> Iterator[tuple[str, Path]]:
    """Yield the name and the path of each file of an entry."""
    if any(findings.is_broken((*spot, key)) for key in ("path", "directory")):
        return
    if (entry.path is None) == (entry.directory is None):
        found = "neither" if entry.path is None else "both"
        findings.add(spot, f"{found} of `path` and `directory`", "one of them")
    elif entry.directory is not None:
        if entry.name is not None:
            findings.add((*spot, "name"), show(entry.name), "no such key beside `directory`")
        yield from _below(base / entry.directory, spot, findings)
    elif entry.path is not None:
        path = base / entry.path
        name = entry.name or path.name
        if _is_right(name, (*spot, "name"), findings) and _is_readable(
            path, (*spot, "path"), findings
        ):
            yield name, path


def _below(directory: Path, spot: Spot, findings: Findings) -> Iterator[tuple[str, Path]]:
    """Yield every file below a directory under its relative name."""
    if not directory.is_dir():
        findings.add((*spot, "directory"), show(str(directory)), "a directory that is there")
        return
    for path in sorted(path for path in directory.rglob("*") if path.is_file()):
        name = path.relative_to(directory).as_posix()
        where = (*spot, "directory")
        if _is_right(name, where, findings) and _is_readable(path, where, findings):
            yield name, path


def _is_right(name: str, spot: Spot, findings: Findings) -> bool:
    """Whether a client can ask for `name`; notes it if not."""
    parts = name.split("/")
    plain = name.isascii() and name.isprintable() and "\\" not in name
    if plain and len(name) <= _LONGEST_NAME and not {"", ".", ".."} & set(parts):
        return True
    findings.add(spot, show(name), "a relative name in ASCII, its parts separated by /")
    return False


def _is_readable(path: Path, spot: Spot, findings: Findings) -> bool:
    """Whether `path` is a file that can be read; notes it if not."""
    if path.is_file() and os.access(path, os.R_OK):
        return True
    findings.add(spot, show(str(path)), "a file that can be read")
    return False
