"""An SFTP server on the stage, for what clusters leave there and take: bulk certificates, backups.

What crosses it is between administrators and servers; no phone sees any of it. But commands name
its address and show its key, so both are given.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import asyncssh
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cucmsim.daemons.sftpserver import SftpDirectory, SftpLogin
from cucmsim.entropy import Entropy
from cucmsim.pki.keys import KeyAlgorithm, KeySpec
from cucmsim.pki.keysource import key_job

__all__ = ["Exchange", "serving"]

_KEY: Final = KeySpec(KeyAlgorithm.RSA, 2048)
_LOGIN: Final = SftpLogin("lab", "exchange-2022")


@dataclass(frozen=True, slots=True)
class Exchange:
    """A running SFTP server: where it is, who is let in, and the directory that it serves."""

    host: str
    port: int
    directory: Path
    user: str = _LOGIN.user
    password: str = field(default=_LOGIN.password, repr=False)

    @property
    def answers(self) -> tuple[str, str, str, str]:
        """What the command line asks about a server: host, port, user, password."""
        return self.host, str(self.port), self.user, self.password


@asynccontextmanager
async def serving(
    directory: Path, address: tuple[str, int], entropy: Entropy
) -> AsyncIterator[Exchange]:
    """Serve a directory at an address and port while the block runs. Raises StartError."""
    key = asyncssh.import_private_key(await asyncio.to_thread(_key_pem, entropy))
    server = SftpDirectory(address, directory, _LOGIN, key)
    await server.start()
    try:
        yield Exchange(address[0], server.ports[0], directory)
    finally:
        await server.stop()


def _key_pem(entropy: Entropy) -> bytes:
    """Make the server's key."""
    return key_job(_KEY, entropy)().private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    )
