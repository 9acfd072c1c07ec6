"""The command that makes a device under test do something."""

import asyncio
import os
from pathlib import Path

import pytest

from cucmsim.errors import CommandError
from cucmsim.scenarios.devicehook import Act, Action, CommandHook
from cucmsim.testing.shape import NEW_PHONE


def hook_of(tmp_path: Path, script: str) -> CommandHook:
    path = tmp_path / "hook.sh"
    path.write_text(script)
    return CommandHook(f"sh {path}")


async def test_what_a_hook_has_started_ends_with_it(tmp_path: Path) -> None:
    pipe = tmp_path / "started"
    os.mkfifo(pipe)
    hook = hook_of(tmp_path, f"sleep 300 & echo $$ $! > {pipe}; sleep 300")
    await hook.do(Act(Action.BOOT, NEW_PHONE, []))
    leader, child = map(int, (await asyncio.to_thread(pipe.read_text)).split())
    assert os.getpgid(child) == leader != os.getpgid(0)
    await hook.close()
    with pytest.raises(ProcessLookupError):
        os.killpg(leader, 0)


async def test_what_a_hook_leaves_behind_is_ended_too(tmp_path: Path) -> None:
    pipe = tmp_path / "started"
    os.mkfifo(pipe)
    hook = hook_of(tmp_path, f"sleep 300 & echo $$ > {pipe}")
    await hook.do(Act(Action.BOOT, NEW_PHONE, []))
    leader = int(await asyncio.to_thread(pipe.read_text))
    await hook.close()
    with pytest.raises(ProcessLookupError):
        os.killpg(leader, 0)


async def test_a_hook_that_fails_is_told_with_its_status(tmp_path: Path) -> None:
    hook = hook_of(tmp_path, "exit 3")
    with pytest.raises(CommandError, match=r"sh .* ended with status 3 when .* called to erase"):
        await hook.do(Act(Action.ERASE, NEW_PHONE, []))
    await hook.close()
