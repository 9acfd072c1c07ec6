"""How the commands that act as a phone connect: TLS version, ciphers, patience, identity.

Everything that is wrong with an option is a CommandError with exit status 2.
"""

from dataclasses import replace
from typing import Annotated

import typer
from cryptography import x509

from cucmsim.errors import CommandError
from cucmsim.phone.link import TLS_VERSIONS, LinkOptions
from cucmsim.pki.keys import PrivateKey

__all__ = ["CiphersOption", "TimeoutOption", "TlsOption", "link_options"]

TlsOption = Annotated[
    str | None, typer.Option("--tls", help=f"Speak this version only: {', '.join(TLS_VERSIONS)}.")
]
CiphersOption = Annotated[
    str | None, typer.Option("--ciphers", help="OpenSSL cipher string, e.g. AES256-SHA.")
]
TimeoutOption = Annotated[
    float, typer.Option("--timeout", help="Seconds to wait for each step.", min=0.1)
]

_USAGE = 2
_OLD_PHONES = "@SECLEVEL=0"  # without it OpenSSL refuses TLS 1.0 and 1024-bit certificates


def link_options(
    tls: str | None,
    ciphers: str | None,
    timeout_s: float,
    identity: tuple[x509.Certificate, PrivateKey] | None = None,
) -> LinkOptions:
    """Return how to connect; `identity` is presented when asked for. Raises CommandError."""
    if tls is not None and tls not in TLS_VERSIONS:
        raise CommandError(f"--tls {tls}: expected one of {', '.join(TLS_VERSIONS)}", _USAGE)
    options = LinkOptions(timeout_s=timeout_s, tls_version=tls)
    if ciphers is not None:
        level = "" if "@SECLEVEL" in ciphers else f":{_OLD_PHONES}"
        options = replace(options, ciphers=f"{ciphers}{level}")
    if identity is not None:
        options = replace(options, certificate=identity[0], private_key=identity[1])
    return options
