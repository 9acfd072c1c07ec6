"""The command line with asyncssh as client: terminals, widths, a window that changes, patterns.

The patterns are those by which unicon finds prompts and pagers (cucm.md 1.1, source S25).
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncssh
import pytest

from tests.fixtures.clusters import ADDRESSES, PUBLISHER, RunningProcess
from tests.fixtures.sshclients import SSH_PASSWORD

pytestmark = pytest.mark.interop
WAIT_S = 60

PRESS_ENTER = re.compile(
    r"\x1b\[1mPress <enter> for 1 line, <space> for one page, or <q> to quit\x1b\[0m\x1b\[K$"
)
OPTIONS = re.compile(
    r"\x1b\[1m\r\noptions: q=quit, n=next, p=prev, b=begin, e=end"
    r" \(lines (\d+) - (\d+) of (\d+)\) : \x1b\[0m$"
)
PROMPT = re.compile(r"(?:^|\n|\x1b\[K)admin:$")
CONTINUE = re.compile(r"\(y/n\)\s?\?? ?:?$")


class Client(asyncssh.SSHClient):
    """Answers keyboard-interactive with the password."""

    def kbdint_auth_requested(self) -> str:
        return ""

    def kbdint_challenge_received(
        self,
        name: str,  # noqa: ARG002  asyncssh's interface
        instructions: str,  # noqa: ARG002
        lang: str,  # noqa: ARG002
        prompts: Sequence[tuple[str, bool]],
    ) -> list[str]:
        return [SSH_PASSWORD for _ in prompts]


class Shell:
    """A shell that is typed into; `expect` waits for a pattern and returns what was shown."""

    def __init__(self, process: asyncssh.SSHClientProcess[str]) -> None:
        self.process = process
        self._shown = ""

    def type(self, text: str) -> None:
        self.process.stdin.write(text)

    async def expect(self, pattern: re.Pattern[str]) -> str:
        async with asyncio.timeout(WAIT_S):
            while (found := pattern.search(self._shown)) is None:
                added = await self.process.stdout.read(65536)
                assert added, f"{pattern.pattern!r} was not shown; found {self._shown!r}"
                self._shown += added
        shown, self._shown = self._shown[: found.end()], self._shown[found.end() :]
        return shown

    async def give(self, line: str) -> str:
        """Give a command; return echo, text and the next prompt."""
        self.type(f"{line}\r")
        return await self.expect(PROMPT)


@asynccontextmanager
async def shell(
    running: RunningProcess, kind: str, columns: int = 80, rows: int = 24
) -> AsyncIterator[Shell]:
    async with asyncssh.connect(
        ADDRESSES[PUBLISHER],
        running.ports[PUBLISHER]["ssh"],
        username="admin",
        known_hosts=None,
        config=None,
        agent_path=None,
        client_keys=None,
        client_factory=Client,
    ) as connection:
        made = Shell(await connection.create_process(term_type=kind, term_size=(columns, rows)))
        await made.expect(PROMPT)
        yield made
        made.type("exit\r")
        ended = await asyncio.wait_for(made.process.wait(), WAIT_S)
        assert ended.exit_status == 0


@pytest.mark.parametrize("columns", [40, 132])
async def test_pages_are_counted_in_rows_of_the_client_s_width_even_when_it_changes(
    ssh_cluster: RunningProcess, columns: int
) -> None:
    def rows(text: str) -> int:
        page = text.removesuffix(PRESS).rpartition("\x1b[K")[2]
        lines = page.expandtabs().splitlines()
        return sum(max(1, -(-len(line) // columns)) for line in lines)

    async with shell(ssh_cluster, "vt100", columns, 12) as opened:
        opened.type("show itl\r")
        page = (await opened.expect(PRESS_ENTER)).partition("show itl\r\n")[2]
        assert rows(page) in (11, 12)  # a line may be too long for the last row
        opened.process.change_terminal_size(columns, 6)
        opened.type("\r")
        assert rows(await opened.expect(PRESS_ENTER)) in (1, 2)
        opened.type(" ")
        assert rows(await opened.expect(PRESS_ENTER)) in (5, 6)
        opened.type("q")
        await opened.expect(PROMPT)


PRESS = "\x1b[1mPress <enter> for 1 line, <space> for one page, or <q> to quit\x1b[0m\x1b[K"


async def test_unicon_s_patterns_find_every_prompt(ssh_cluster: RunningProcess) -> None:
    async with shell(ssh_cluster, "vt100") as opened:
        opened.type("file view activelog syslog/CiscoSyslog\r")
        shown = OPTIONS.search(await opened.expect(OPTIONS))
        assert shown is not None
        assert shown[1] in ("0", "1")
        opened.type("q")
        await opened.expect(PROMPT)
        opened.type("utils ctl set-cluster mixed-mode\r")
        await opened.expect(CONTINUE)
        assert PROMPT.search(await opened.give("n"))
        said = await opened.give("no such command")
        assert "Executed command unsuccessfully\r\n" in said


async def test_a_dumb_terminal_gets_every_byte_plain(ssh_cluster: RunningProcess) -> None:
    async with shell(ssh_cluster, "dumb", 20) as opened:
        opened.type("show cli paginatiom\x7fn")
        echo = re.compile(r"show cli paginatiom\x08 \x08n")
        assert "\x1b" not in await opened.expect(echo)
        shown = await opened.give("")
        assert shown == "\r\nAutomatic Pagination : On.\r\nadmin:"


async def test_a_line_wider_than_the_terminal_is_echoed_as_readline_does(
    ssh_cluster: RunningProcess,
) -> None:
    # "admin:" takes 6 columns of 20; a written last column is followed by blank and CR
    async with shell(ssh_cluster, "vt100", 20) as opened:
        opened.type("show cli paginatiom")
        typed = await opened.expect(re.compile("m$"))
        assert typed == "show cli pagin \ratiom"
        opened.type("\x01")
        assert await opened.expect(re.compile("C$")) == "\x1b[1A\r\x1b[6C"
        opened.type("\x05\x7fn\r")
        assert (await opened.expect(PROMPT)).endswith("n\r\nAutomatic Pagination : On.\r\nadmin:")
