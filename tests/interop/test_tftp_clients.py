"""Other people's TFTP clients fetch from the running daemon: tftp-hpa, atftp, curl, tftpy.

Each client gets files of the sizes where block counting goes wrong, in both modes of the daemon.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tftpy.TftpClient import TftpClient
from tftpy.TftpShared import TftpException

from cucmsim.clock import SystemClock
from cucmsim.daemons.tftp_faults import TftpFaults
from cucmsim.daemons.tftpd import TftpOptions, TftpServer
from cucmsim.services.faults.kinds import FaultKind
from cucmsim.services.faults.plan import FaultPlan, FaultRule
from cucmsim.services.journal import Journal
from tests.fixtures.programs import program

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]

ADDRESS = "127.0.0.1"
SIZES = (0, 1, 511, 512, 513, 1468, 100_000)
ROLLOVER = 65537 * 8 + 3  # at 8 bytes a block
ROLLOVER_512 = 65537 * 512 + 3
FIRMWARE = 16 << 20
TEXT = b"first line\nsecond\rline\r\n\nlast"
ON_THE_WIRE = b"first line\r\nsecond\r\0line\r\0\r\n\r\nlast"

SINGLE_PORT = pytest.mark.parametrize("single_port", [False, True], ids=["ports", "single-port"])


class Files:
    """Random bytes; the name says how many: `f512`."""

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {"text": TEXT}

    def cached(self, name: str) -> bytes | None:
        return self._files.get(name)

    async def fetch(self, name: str) -> bytes | None:
        return self.make(int(name[1:])) if name[0] == "f" else None

    def make(self, size: int) -> bytes:
        name = f"f{size}"
        if name not in self._files:
            self._files[name] = random.Random(size).randbytes(size)  # noqa: S311 - no secret
        return self._files[name]


@asynccontextmanager
async def daemon(
    *, single_port: bool, rules: Sequence[FaultRule] = ()
) -> AsyncIterator[tuple[int, Files]]:
    files = Files()
    faults = TftpFaults(FaultPlan(rules), "cucm1")
    server = TftpServer(
        files,
        [(ADDRESS, 0)],
        node="cucm1",
        journal=Journal(),
        clock=SystemClock(),
        options=TftpOptions(single_port=single_port, faults=faults),
    )
    await server.start()
    try:
        yield server.ports[0], files
    finally:
        await server.stop(0)


async def run(*command: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode(errors="replace")


Command = Callable[[int, str, Path], list[str]]


def tftp_hpa(mode: str = "octet") -> Command:
    def command(port: int, name: str, path: Path) -> list[str]:
        return [program("tftp"), "-m", mode, ADDRESS, str(port), "-c", "get", name, str(path)]

    return command


def atftp(*options: str) -> Command:
    def command(port: int, name: str, path: Path) -> list[str]:
        given = [text for option in options for text in ("--option", option)]
        where = ["-g", "-r", name, "-l", str(path), ADDRESS, str(port)]
        return [program("atftp"), *given, *where]

    return command


def curl(*options: str, suffix: str = "") -> Command:
    def command(port: int, name: str, path: Path) -> list[str]:
        url = f"tftp://{ADDRESS}:{port}/{name}{suffix}"
        return [program("curl"), "-sS", "-f", *options, "-o", str(path), url]

    return command


async def fetch(command: Command, port: int, name: str, path: Path) -> bytes:
    status, output = await run(*command(port, name, path))
    assert status == 0, f"{name}: {output}"
    return taken(path)


def taken(path: Path) -> bytes:
    """Return what a client wrote, and remove it; curl makes no file for an empty answer."""
    data = path.read_bytes() if path.exists() else b""
    path.unlink(missing_ok=True)
    return data


@SINGLE_PORT
@pytest.mark.parametrize(
    ("command", "sizes"),
    [
        pytest.param(tftp_hpa(), SIZES, id="tftp-hpa"),
        pytest.param(atftp(), SIZES, id="atftp"),
        pytest.param(atftp("blksize 1468", "tsize", "timeout 3"), SIZES, id="atftp-options"),
        pytest.param(atftp("blksize 8"), SIZES, id="atftp-8"),
        pytest.param(atftp("blksize 512", "windowsize 8"), SIZES, id="atftp-window"),
        pytest.param(curl("--tftp-no-options"), SIZES, id="curl-no-options"),
        # curl takes a tsize of 0 for an illegal one
        pytest.param(curl(), SIZES[1:], id="curl"),
        pytest.param(curl("--tftp-blksize", "8"), SIZES[1:], id="curl-8"),
        pytest.param(curl("--tftp-blksize", "65464"), SIZES[1:], id="curl-65464"),
    ],
)
async def test_a_client_fetches_files_of_every_size(
    command: Command,
    sizes: tuple[int, ...],
    tmp_path: Path,
    single_port: bool,  # noqa: FBT001 - a case
) -> None:
    async with daemon(single_port=single_port) as (port, files):
        for size in sizes:
            data = await fetch(command, port, f"f{size}", tmp_path / "file")
            assert data == files.make(size), size


@SINGLE_PORT
@pytest.mark.parametrize(
    ("command", "size"),
    [
        pytest.param(tftp_hpa(), ROLLOVER_512, id="tftp-hpa"),
        pytest.param(atftp("blksize 8"), ROLLOVER, id="atftp"),
        pytest.param(curl("--tftp-blksize", "8"), ROLLOVER, id="curl"),
    ],
)
async def test_block_numbers_roll_over(
    command: Command,
    size: int,
    tmp_path: Path,
    single_port: bool,  # noqa: FBT001 - a case
) -> None:
    async with daemon(single_port=single_port) as (port, files):
        assert await fetch(command, port, f"f{size}", tmp_path / "file") == files.make(size)


@SINGLE_PORT
@pytest.mark.parametrize(
    "command",
    [
        pytest.param(atftp("blksize 1468"), id="atftp"),
        pytest.param(atftp("blksize 1468", "windowsize 16"), id="atftp-window"),
        pytest.param(curl("--tftp-blksize", "1468"), id="curl"),
    ],
)
async def test_firmware_of_16_mib_arrives(
    command: Command,
    tmp_path: Path,
    single_port: bool,  # noqa: FBT001 - a case
) -> None:
    async with daemon(single_port=single_port) as (port, files):
        data = await fetch(command, port, f"f{FIRMWARE}", tmp_path / "file")
        assert data == files.make(FIRMWARE)


@SINGLE_PORT
@pytest.mark.parametrize("options", [{}, {"blksize": 8}, {"blksize": 1468, "tsize": 0}])
async def test_tftpy_fetches_files_of_every_size(
    options: dict[str, int],
    tmp_path: Path,
    single_port: bool,  # noqa: FBT001 - a case
) -> None:
    async with daemon(single_port=single_port) as (port, files):
        for size in (*SIZES, ROLLOVER if options == {"blksize": 8} else FIRMWARE // 8):
            client = TftpClient(ADDRESS, port, dict(options))
            path = tmp_path / "file"
            await asyncio.to_thread(client.download, f"f{size}", str(path))
            assert path.read_bytes() == files.make(size)


@SINGLE_PORT
@pytest.mark.parametrize(
    ("command", "expected"),
    [
        pytest.param(tftp_hpa("netascii"), TEXT, id="tftp-hpa"),
        pytest.param(atftp("mode netascii"), TEXT, id="atftp"),
        # curl keeps the text as it came over the wire
        pytest.param(curl(suffix=";mode=netascii"), ON_THE_WIRE, id="curl"),
    ],
)
async def test_text_arrives_in_netascii(
    command: Command,
    expected: bytes,
    tmp_path: Path,
    single_port: bool,  # noqa: FBT001 - a case
) -> None:
    async with daemon(single_port=single_port) as (port, _):
        assert await fetch(command, port, "text", tmp_path / "file") == expected


@SINGLE_PORT
@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        pytest.param(tftp_hpa(), 0, "File not found", id="tftp-hpa"),
        pytest.param(atftp(), 255, "File not found", id="atftp"),
        pytest.param(curl(), 68, "", id="curl"),  # CURLE_TFTP_NOTFOUND
    ],
)
async def test_a_client_shows_that_there_is_no_such_file(
    command: Command,
    status: int,
    said: str,
    tmp_path: Path,
    single_port: bool,  # noqa: FBT001 - a case
) -> None:
    async with daemon(single_port=single_port) as (port, _):
        ended, output = await run(*command(port, "absent", tmp_path / "file"))
        assert said in output
        assert ended == status


async def test_an_upload_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(b"data")
    async with daemon(single_port=False) as (port, _):
        url = f"tftp://{ADDRESS}:{port}/upload"
        status, _ = await run(program("curl"), "-sS", "-T", str(path), url)
        assert status == 69  # CURLE_TFTP_PERM
        client = TftpClient(ADDRESS, port)
        with pytest.raises(TftpException, match="Access violation"):
            await asyncio.to_thread(client.upload, "upload", str(path))


@SINGLE_PORT
async def test_tftpy_gets_its_file_over_a_line_that_loses_and_delays_datagrams(
    single_port: bool,  # noqa: FBT001 - a case
    tmp_path: Path,
) -> None:
    rules = [
        FaultRule(FaultKind.TFTP_DROP, times=2, after=1),
        FaultRule(FaultKind.TFTP_DROP, times=1, after=2, values={"direction": "phone"}),
        FaultRule(FaultKind.TFTP_DELAY, probability=0.1, seed=1, values={"delay_s": 0.01}),
    ]
    path = tmp_path / "file"
    async with daemon(single_port=single_port, rules=rules) as (port, files):
        client = TftpClient(ADDRESS, port)
        await asyncio.to_thread(client.download, "f100000", str(path), timeout=5)
        assert taken(path) == files.make(100_000)
