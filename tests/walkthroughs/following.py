"""Follow a walkthrough from its first block to its last, in windows that stay open between them."""

import tomllib
from contextlib import ExitStack
from pathlib import Path

from tests.walkthroughs.transcript import Block, Walkthrough
from tests.walkthroughs.windows import Account, Journal, Window, shell, ssh_session

__all__ = ["accounts", "follow"]

_SSH_PORT = 2222


def accounts(walkthrough: Walkthrough) -> dict[str, Account]:
    """Return how to log in at each node that the walkthrough's descriptions name."""
    found: dict[str, Account] = {}
    for name, text in walkthrough.files.items():
        if not name.endswith(".toml"):
            continue
        description = tomllib.loads(text)
        password = description["cluster"]["administrator_password"]
        for node in description["nodes"]:
            port = node.get("ports", {}).get("ssh", _SSH_PORT)
            found.setdefault(node["name"], Account(node["address"], port, password))
    return found


def follow(walkthrough: Walkthrough, path: str, directory: Path) -> None:
    """Write the files into `directory`, then do what each block says.

    Raises AssertionError, naming `path` and the line, where anything differs.
    """
    for name, text in walkthrough.files.items():
        (directory / name).write_text(text)
    with ExitStack() as open_windows:
        windows = _Windows(walkthrough, Journal(path), directory, open_windows)
        for block in walkthrough.blocks:
            windows.play(block)
        windows.close()


class _Windows:
    def __init__(
        self, walkthrough: Walkthrough, journal: Journal, directory: Path, stack: ExitStack
    ) -> None:
        self._accounts = accounts(walkthrough)
        self._journal = journal
        self._directory = directory
        self._stack = stack
        self._open: dict[tuple[str, str], Window] = {}

    def play(self, block: Block) -> None:
        key = (block.kind, block.name)
        if key not in self._open:
            self._open[key] = self._opened(block)
        self._open[key].play(block)
        if self._open[key].has_ended:
            del self._open[key]

    def close(self) -> None:
        for window in self._open.values():
            window.close()

    def _opened(self, block: Block) -> Window:
        if block.kind == "ssh":
            account = self._accounts[block.name]
            return self._stack.enter_context(ssh_session(account, self._journal))
        opened = shell(self._directory, self._journal, waits=not block.name)
        return self._stack.enter_context(opened)
