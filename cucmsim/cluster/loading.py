"""Read a cluster description: the TOML file, the environment over it, and every check.

Nothing is refused before all of it has been looked at: each table is checked by itself, what is
right takes part in the checks between tables, and all problems are raised together.
"""

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from pydantic import BaseModel

from cucmsim.cluster.checks import (
    Numbered,
    check_certificates,
    check_management,
    check_names,
    check_nodes,
    groups_of,
    pools_of,
)
from cucmsim.cluster.environment import overlay
from cucmsim.cluster.faultmodel import faults_of
from cucmsim.cluster.filemodel import FileModel
from cucmsim.cluster.limits import LimitSettings
from cucmsim.cluster.phones import PhoneBook
from cucmsim.cluster.problems import Findings, Spot, show
from cucmsim.cluster.settings import (
    CertificatesSettings,
    ClusterSettings,
    GroupEntry,
    ManagementSettings,
    NodeSettings,
    PoolEntry,
    SecurityProfile,
    Settings,
    TftpFileEntry,
    TftpSettings,
    TrustCertificateEntry,
)
from cucmsim.cluster.staticfiles import files_of
from cucmsim.cluster.trustcertificates import trust_certificates_of
from cucmsim.errors import Problem, SettingsError
from cucmsim.services.filelocations import location_parameters
from cucmsim.services.parameters import ENTERPRISE_PARAMETERS, SERVICE_PARAMETERS, Parameter
from cucmsim.store.rows import Device

__all__ = ["load_settings", "parse_settings", "settings_of"]

_ModelT = TypeVar("_ModelT", bound=BaseModel)
_SQLITE = "sqlite:///"
_NO_NAME = "no-name.invalid"
_STAND_INS: Mapping[type[BaseModel], Mapping[str, object]] = {
    NodeSettings: {
        "name": _NO_NAME,
        "address": "192.0.2.1",
        "role": "publisher",
        "ports.tftp[]": 0,
        "alternate_file_locations[]": "192.0.2.1",
    },
    GroupEntry: {"name": _NO_NAME, "members": [_NO_NAME], "members[]": _NO_NAME},
    PoolEntry: {"name": _NO_NAME, "ntp_servers[]": "192.0.2.1"},
    SecurityProfile: {"name": _NO_NAME},
    TftpFileEntry: {"nodes[]": _NO_NAME},
    TrustCertificateEntry: {"store": "CAPF-trust", "path": ".", "nodes[]": _NO_NAME},
}
"""What takes the place of a key that is needed but wrong, for the checks of the other keys."""
_WHERE = re.compile(r"(.*?) \(at (line \d+, column \d+|end of document)\)")


def load_settings(path: Path, environ: Mapping[str, str]) -> Settings:
    """Return what the file at `path` describes, changed as `environ` says.

    Raises:
        SettingsError: the file cannot be read, or is wrong; with every problem found.

    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SettingsError((_whole(path, reason, "a file that can be read"),)) from error
    except UnicodeDecodeError as error:
        found = f"bytes that are no UTF-8, at offset {error.start}"
        raise SettingsError((_whole(path, found, "a TOML file in UTF-8"),)) from error
    return parse_settings(text, path, environ)


def parse_settings(text: str, path: Path, environ: Mapping[str, str]) -> Settings:
    """Return what `text` describes; paths in it are relative to the directory of `path`.

    Raises:
        SettingsError: with every problem found.

    """
    return settings_of(_parse_toml(text, path), path, environ)


def settings_of(
    tree: dict[str, object], path: Path, environ: Mapping[str, str] = MappingProxyType({})
) -> Settings:
    """Return what the tables of a description say, as a file at `path` would have them.

    `environ` is laid over `tree`, which is changed.

    Raises:
        SettingsError: with every problem found.

    """
    findings = Findings(str(path))
    overlay(tree, environ, findings)
    settings = _Reading(tree, path, findings).settings()
    if settings is None or findings.problems:
        raise SettingsError(tuple(findings.problems))
    return settings


def _whole(path: Path, found: str, expected: str, key: str = "the file") -> Problem:
    """Return a problem of the file as a whole."""
    return Problem(str(path), key, found, expected)


def _parse_toml(text: str, path: Path) -> dict[str, object]:
    """Return the tables of the file. Raises SettingsError where it is no TOML."""
    try:
        return tomllib.loads(text.replace("\r\n", "\n"))
    except ValueError as error:
        match = _WHERE.fullmatch(str(error))
        reason, where = match.groups() if match else (str(error), "the file")
        raise SettingsError((_whole(path, reason, "TOML", where),)) from error
    except RecursionError as error:
        raise SettingsError((_whole(path, "endless nesting", "TOML"),)) from error


class _Reading:
    """One pass over the tables of a file."""

    def __init__(self, tree: Mapping[str, object], path: Path, findings: Findings) -> None:
        self._tree = tree
        self._path = path
        self._base = path.absolute().parent
        self._findings = findings

    def settings(self) -> Settings | None:
        """Return everything, or None where a section is missing or wrong; notes each problem."""
        for key in sorted(self._tree.keys() - FileModel.model_fields.keys()):
            self._findings.add_unknown((key,), FileModel.model_fields)
        cluster = self._table(ClusterSettings, "cluster")
        nodes = [(index, node.completed()) for index, node in self._list(NodeSettings, "nodes")]
        check_nodes(nodes, self._column("nodes", "role"), self._findings)
        names = self._column("nodes", "name")
        groups = groups_of(self._list(GroupEntry, "callmanager_groups"), names, self._findings)
        group_names = self._column("callmanager_groups", "name") or ["Default"]
        pools = pools_of(self._list(PoolEntry, "device_pools"), group_names, self._findings)
        profiles = self._list(SecurityProfile, "security_profiles")
        phones = self._phones(profiles)
        certificates = self._table(CertificatesSettings, "certificates")
        management = self._table(ManagementSettings, "management")
        limits = self._table(LimitSettings, "limits")
        enterprise = self._parameters(("enterprise_parameters",), ENTERPRISE_PARAMETERS)
        tftp = self._table(TftpSettings, "tftp")
        service = self._service_parameters()
        entries = self._list(TftpFileEntry, "tftp_files")
        files = files_of(entries, names, self._base, self._findings)
        trusted = self._list(TrustCertificateEntry, "trust_certificates")
        trust = trust_certificates_of(trusted, names, self._base, self._findings)
        runs = {node.name: [one.value for one in node.services] for _, node in nodes}
        faults = faults_of(self._entries("faults"), runs, self._findings)
        if certificates:
            check_certificates(certificates, self._findings)
        if management:
            check_management(management, self._findings)
        if not (cluster and certificates and management and limits and tftp):
            return None
        return Settings(
            path=self._path,
            cluster=_absolute(cluster, self._base),
            nodes=tuple(node for _, node in nodes),
            callmanager_groups=groups,
            device_pools=pools,
            security_profiles=tuple(profile for _, profile in profiles),
            phones=phones,
            enterprise_parameters=enterprise,
            service_parameters={**service, **_file_locations(tftp, nodes)},
            certificates=certificates,
            tftp_files=files,
            trust_certificates=trust,
            management=management,
            limits=limits,
            faults=faults,
        )

    def _table(self, model: type[_ModelT], key: str) -> _ModelT | None:
        """Return one section, its defaults where it is not there."""
        return self._findings.read(model, self._tree.get(key, {}), (key,))

    def _entries(self, key: str) -> Sequence[object]:
        """Return the tables of a list section, none (and a problem) where it is no list."""
        value = self._tree.get(key, [])
        if isinstance(value, list):
            return value
        self._findings.add((key,), show(value), f"a list of tables, each begun with [[{key}]]")
        return ()

    def _column(self, key: str, name: str) -> list[str]:
        """Return the texts that the entries of a list section have at `name`, right or wrong."""
        value = self._tree.get(key)
        entries = value if isinstance(value, list) else []
        found = [entry.get(name) for entry in entries if isinstance(entry, dict)]
        return [text for text in found if isinstance(text, str)]

    def _list(self, model: type[_ModelT], key: str) -> Numbered[_ModelT]:
        """Return the entries of a list section that are right, each with its place."""
        entries = self._entries(key)
        if "name" in model.model_fields and model is not TftpFileEntry:
            check_names(key, entries, self._findings)
        stand_ins = _STAND_INS[model]
        read = [
            (index, self._findings.read(model, entry, (key, index), stand_ins=stand_ins))
            for index, entry in enumerate(entries)
        ]
        return [(index, entry) for index, entry in read if entry is not None]

    def _phones(self, profiles: Numbered[SecurityProfile]) -> tuple[Device, ...]:
        """Return every phone of single entries, ranges and files."""
        named = {*self._column("security_profiles", "name")}
        sound = {
            profile.name
            for index, profile in profiles
            if not self._findings.is_damaged(("security_profiles", index))
        }
        pools = self._column("device_pools", "name") or ["Default"]
        known = [profile for _, profile in profiles if profile.name in sound]
        book = PhoneBook(self._findings, self._base, known, pools, doubtful=named - sound)
        for index, entry in enumerate(self._entries("phones")):
            book.add(index, entry)
        return tuple(book.devices)

    def _parameters(self, spot: Spot, known: Mapping[str, Parameter]) -> dict[str, str]:
        """Return the parameters of the table at `spot` as they are stored."""
        table: object = self._tree
        for part in spot:
            table = table.get(str(part), {}) if isinstance(table, dict) else {}
        if not isinstance(table, dict):
            self._findings.add(spot, show(table), "a table")
            return {}
        stored = {}
        for name, value in table.items():
            place = (*spot, name)
            if name == "ClusterSecurityMode":
                self._findings.add(place, show(value), "cluster.security_mode instead")
            elif name not in known:
                self._findings.add_unknown(place, known)
            else:
                stored[name] = self._stored(place, known[name], value)
        return stored

    def _stored(self, spot: Spot, parameter: Parameter, value: object) -> str:
        """Return a parameter's value as it is stored, or note that it is wrong."""
        try:
            return parameter.store(value)
        except ValueError:
            self._findings.add(spot, show(value), parameter.expected)
            return parameter.default

    def _service_parameters(self) -> dict[tuple[str, str, str], str]:
        """Return the service parameters, for all nodes."""
        services = self._tree.get("service_parameters", {})
        if not isinstance(services, dict):
            self._findings.add(("service_parameters",), show(services), "a table")
            return {}
        stored = {}
        for service in services:
            spot = ("service_parameters", service)
            if service not in SERVICE_PARAMETERS:
                self._findings.add_unknown(spot, SERVICE_PARAMETERS)
                continue
            for name, value in self._parameters(spot, SERVICE_PARAMETERS[service]).items():
                stored["", service, name] = value
        return stored


def _file_locations(
    tftp: TftpSettings, nodes: Numbered[NodeSettings]
) -> dict[tuple[str, str, str], str]:
    """Return the parameters that hold the alternate file locations, the cluster's and nodes'."""
    stored = location_parameters("", tftp.alternate_file_locations)
    for _, node in nodes:
        if "alternate_file_locations" in node.model_fields_set:
            own = node.alternate_file_locations or ("",)
            stored |= location_parameters(node.name, own)
    return stored


def _absolute(cluster: ClusterSettings, base: Path) -> ClusterSettings:
    """Return the section with every path absolute and every place known."""
    data = base / cluster.data_directory
    certs = base / cluster.certs_directory if cluster.certs_directory.name else data / "certs"
    database = cluster.database or f"sqlite:///{_tidy(data / 'cucm.db')}"
    if database.startswith(_SQLITE):
        database = _SQLITE + str(_tidy(base / database.removeprefix(_SQLITE)))
    update = {
        "data_directory": _tidy(data),
        "certs_directory": _tidy(certs),
        "tls_keylog": cluster.tls_keylog and _tidy(base / cluster.tls_keylog),
        "database": database,
    }
    return cluster.model_copy(update=update)


def _tidy(path: Path) -> Path:
    """Return a path without `..` in it, as a person would write it."""
    return Path(os.path.normpath(path))
