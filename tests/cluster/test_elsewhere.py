"""Two processes of a cluster on machines of their own: what one is asked about the other's node."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cluster.test_registered import DEVICE, PHONES, cli, register
from tests.fixtures.clusters import PUBLISHER, SUBSCRIBER, Lab

_KEPT = (b"Via:", b"From:", b"To:", b"Call-ID:", b"CSeq:")


async def accept_order(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """Answer the order of a registrar with 200; return it."""
    while b"NOTIFY sip:" not in (read := await reader.readuntil(b"\r\n\r\n")):
        continue
    order = read[read.index(b"NOTIFY sip:") :]
    kept = [line for line in order.split(b"\r\n") if line.startswith(_KEPT)]
    writer.write(b"\r\n".join([b"SIP/2.0 200 OK", *kept, b"Content-Length: 0", b"", b""]))
    return order


@pytest.mark.usefixtures("quiet")
async def test_a_command_reaches_phones_and_nodes_of_another_machine(
    postgres_lab: Lab, tmp_path: Path
) -> None:
    here = replace(postgres_lab, phones=PHONES)
    there = replace(here, directory=tmp_path / "there")
    there.directory.mkdir()
    async with here.running(PUBLISHER):
        async with there.running(SUBSCRIBER) as subscriber:
            reader, writer = await register(subscriber, SUBSCRIBER)
            shown = await cli(here, "device", "show", "CONFIG", DEVICE)
            assert f"Registered with:     {SUBSCRIBER}\n" in shown.output
            ordering = asyncio.create_task(cli(here, "reset", "CONFIG", DEVICE))
            assert b"action=reset" in await accept_order(reader, writer) + await reader.read(4096)
            outcome = await ordering
            assert (outcome.status, outcome.output) == (0, f"{DEVICE}: reset: accepted\n1 phone\n")
            added = await cli(here, "fault", "add", "CONFIG", "tvs-silent", "--node", SUBSCRIBER)
            assert added.status == 0, added.errors
            assert [held.rule.kind for held in subscriber.faults.held] == ["tvs-silent"]
            writer.close()
        gone = await cli(here, "device", "show", "CONFIG", DEVICE)
        assert "Registered with:     none\n" in gone.output
