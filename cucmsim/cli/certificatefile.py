"""Reads what the commands that act as a phone are given: certificates, keys, servers.

Everything that is wrong with an argument is a CommandError with exit status 2.
"""

import base64
import binascii
import re
from pathlib import Path

from cryptography import x509

from cucmsim.errors import CommandError, FormatError
from cucmsim.pki.certificates import load_certificate
from cucmsim.pki.keys import PrivateKey, load_private_key

__all__ = ["parse_endpoint", "read_certificate", "read_identity"]

_USAGE = 2
_HIGHEST_PORT = 65535
_PEM_KEY = re.compile(rb"-----BEGIN PRIVATE KEY-----(.*?)-----END PRIVATE KEY-----", re.DOTALL)
_ENDPOINT = re.compile(r"(?:\[([^\]]+)\]|([^:\[\]]+))(?::([0-9]{1,5}))?")


def read_certificate(path: Path) -> x509.Certificate:
    """Read a certificate, PEM or DER."""
    try:
        return load_certificate(_read(path))
    except FormatError as error:
        raise CommandError(f"{path}: {error}", _USAGE) from error


def read_identity(certificate: Path, key: Path | None) -> tuple[x509.Certificate, PrivateKey]:
    """Read a certificate and its PKCS#8 key; without `key` the key stands in the same PEM file."""
    loaded = read_certificate(certificate)
    key = key or certificate
    try:
        private_key = load_private_key(_key_der(_read(key)))
    except (FormatError, binascii.Error) as error:
        raise CommandError(f"{key}: no private key (PKCS#8): {error}", _USAGE) from error
    if private_key.public_key() != loaded.public_key():
        raise CommandError(f"{key}: is not the key of {certificate}", _USAGE)
    return loaded, private_key


def parse_endpoint(text: str, default_port: int) -> tuple[str, int]:
    """Take `host`, `host:port`, `[v6]` or `[v6]:port` apart."""
    match = _ENDPOINT.fullmatch(text)
    port = int(match[3] or default_port) if match else 0
    if match is None or not 0 < port <= _HIGHEST_PORT:
        raise CommandError(f"{text}: expected HOST or HOST:PORT", _USAGE)
    return match[1] or match[2], port


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}", _USAGE) from error


def _key_der(data: bytes) -> bytes:
    """Return the DER of a key file; what is not PEM is taken for DER."""
    match = _PEM_KEY.search(data)
    return base64.b64decode(match[1]) if match else data
