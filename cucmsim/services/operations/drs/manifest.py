"""The list of what belongs to a backup: its file `<timestamp>_drfComponent.xml`.

Real ones are not published; ours names the release, the servers and each file with its size and
digest. It is not sealed, so that backups can be listed and pruned; the tars are bound to what it
says of their server (`archive.py`).
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree

from cucmsim.errors import RefusedError

__all__ = ["LIST_SUFFIX", "TIMESTAMP", "Component", "Manifest", "ServerEntry", "stamp_of"]

LIST_SUFFIX = "_drfComponent.xml"
TIMESTAMP = re.compile(r"\d{4}(?:-\d{2}){5}", re.ASCII)
_LARGEST = 1_000_000


def stamp_of(tar_name: str) -> str:
    """Return the timestamp that "2026-03-01-12-00-00.tar" means. Raises RefusedError."""
    stamp = tar_name.removesuffix(".tar")
    if TIMESTAMP.fullmatch(stamp) is None:
        raise RefusedError(
            f"drfCliMsg: Invalid tar file name: found {tar_name!r}, expected YYYY-MM-DD-hh-mm-ss"
        )
    return stamp


@dataclass(frozen=True, slots=True)
class ServerEntry:
    """A server that was backed up: its name in the cluster, host name and domain."""

    name: str
    host: str
    domain: str

    @property
    def fqdn(self) -> str:
        """Host and domain, or the host alone."""
        return f"{self.host}.{self.domain}" if self.domain else self.host


@dataclass(frozen=True, slots=True)
class Component:
    """A file of a backup."""

    server: str
    name: str
    file: str
    size: int
    sha256: str

    @classmethod
    def of(cls, server: str, name: str, file: str, data: bytes) -> "Component":
        """Return the entry of a file."""
        return cls(server, name, file, len(data), hashlib.sha256(data).hexdigest())

    def check(self, data: bytes) -> None:
        """Refuse a file that is not whole. Raises RefusedError."""
        if len(data) != self.size:
            raise RefusedError(f"{self.file}: found {len(data)} bytes, expected {self.size}")
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise RefusedError(f"{self.file} is damaged: its SHA-256 is not that of the backup")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup is made of."""

    stamp: str
    release: str
    feature: str
    publisher: str
    servers: tuple[ServerEntry, ...]
    components: tuple[Component, ...] = ()

    @property
    def file(self) -> str:
        """The name of the file."""
        return self.stamp + LIST_SUFFIX

    def file_of(self, server: str, component: str) -> str:
        """Return the name of a component's file."""
        safe = re.sub(r"[^\w.-]", "_", server)
        return f"{self.stamp}_{safe}_{self.feature}_{component}.tar"

    def binding(self, server: str, component: str) -> str:
        """Return what a component's file is bound to."""
        entry = self.server(server)
        parts = (self.stamp, self.release, self.publisher, server, entry.host, entry.domain)
        return "/".join((*parts, component))

    def server(self, name: str) -> ServerEntry:
        """Return a server by name. Raises RefusedError."""
        for one in self.servers:
            if one.name == name:
                return one
        known = ", ".join(one.name for one in self.servers)
        raise RefusedError(f"drfCliMsg: Backup {self.stamp} has no server {name}; it has: {known}")

    def of_server(self, name: str) -> Sequence[Component]:
        """Return the files of a server."""
        return [one for one in self.components if one.server == name]

    def dump(self) -> bytes:
        """Return the file."""
        root = etree.Element("drfComponent", version="1")
        etree.SubElement(
            root,
            "Backup",
            timestamp=self.stamp,
            release=self.release,
            feature=self.feature,
            publisher=self.publisher,
        )
        for one in self.servers:
            etree.SubElement(root, "Server", name=one.name, host=one.host, domain=one.domain)
        for each in self.components:
            etree.SubElement(
                root,
                "Component",
                server=each.server,
                name=each.name,
                file=each.file,
                size=str(each.size),
                sha256=each.sha256,
            )
        return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)

    @classmethod
    def load(cls, data: bytes, file: str) -> "Manifest":
        """Read the file called `file`. Raises RefusedError."""
        try:
            return _manifest(_root(data), file)
        except (etree.XMLSyntaxError, ValueError, LookupError) as error:
            raise RefusedError(f"{file} is not the list of a backup: {error}") from error


def _root(data: bytes) -> etree._Element:
    if len(data) > _LARGEST:
        raise ValueError(f"found {len(data)} bytes, expected at most {_LARGEST}")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    return etree.fromstring(data, parser)


def _manifest(root: etree._Element, file: str) -> Manifest:
    backup = root.find("Backup")
    if root.tag != "drfComponent" or backup is None:
        raise ValueError("found no drfComponent with a Backup")
    stamp, release, feature, publisher = _texts(
        backup, "timestamp", "release", "feature", "publisher"
    )
    servers = [
        ServerEntry(*_texts(one, "name", "host", "domain")) for one in root.findall("Server")
    ]
    components = [_component(one) for one in root.findall("Component")]
    held = Manifest(stamp, release, feature, publisher, tuple(servers), tuple(components))
    if held.file != file or any(not _is_own(held, one) for one in held.components):
        raise ValueError("it names files of another backup")
    return held


def _component(element: etree._Element) -> Component:
    server, name, file, size, sha256 = _texts(element, "server", "name", "file", "size", "sha256")
    return Component(server, name, file, int(size), sha256)


def _texts(element: etree._Element, *names: str) -> list[str]:
    """Return attributes that have to be there. Raises LookupError."""
    return [str(element.attrib[name]) for name in names]


def _is_own(held: Manifest, component: Component) -> bool:
    """Tell whether a file is called as its server and component say: nothing else is touched."""
    return component.file == held.file_of(component.server, component.name)
