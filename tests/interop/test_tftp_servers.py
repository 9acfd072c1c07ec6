"""Files of other clusters come from another program's TFTP server, tftpy's, as from a real one."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tftpy.TftpServer import TftpServer

from cucmsim.daemons.remotefiles import RemoteFileClient
from cucmsim.services.filelocations import FileLocation, Found, Missing, Scheme

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]

LOCAL = "127.0.0.1"
WAIT_S = 30


@pytest.fixture
def old_cluster(tmp_path: Path) -> Iterator[FileLocation]:
    """Serve a directory."""
    server = TftpServer(str(tmp_path))
    thread = threading.Thread(target=server.listen, args=(LOCAL, 0))
    thread.start()
    assert server.is_running.wait(WAIT_S)
    yield FileLocation(Scheme.TFTP, LOCAL, server.listenport)
    server.stop(now=True)
    thread.join(WAIT_S)


@pytest.mark.parametrize("size", [0, 511, 512, 513, 20_000])
async def test_a_file_of_tftpy_comes_whole(
    old_cluster: FileLocation, tmp_path: Path, size: int
) -> None:
    content = bytes(index % 251 for index in range(size))
    (tmp_path / "SEP001B54C25A01.cnf.xml").write_bytes(content)
    client = RemoteFileClient()
    assert await client.get(old_cluster, "SEP001B54C25A01.cnf.xml") == Found(content)
    assert await client.get(old_cluster, "ITLSEP001B54C25A01.tlv") == Missing()
