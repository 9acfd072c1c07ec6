"""Looking into the network: names, ports, echoes."""

import socket

import pytest

from cucmsim.daemons.probes import SystemProbes
from cucmsim.errors import RefusedError


async def test_names_are_resolved_or_not() -> None:
    probes = SystemProbes()
    assert "127.0.0.1" in await probes.resolve("127.0.0.1")
    assert await probes.resolve("no-such-host.invalid") == ()
    assert await probes.resolve("x" * 64 + ".invalid") == ()


async def test_a_port_answers_or_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert await SystemProbes().connects("127.0.0.1", port)
    assert not await SystemProbes().connects("127.0.0.1", port)


async def test_an_echo_comes_back_or_is_refused_in_words() -> None:
    try:
        took = await SystemProbes(30).echo("127.0.0.1", 1)
    except RefusedError as error:
        assert str(error).startswith("ping: ")  # noqa: PT017 - the machine may not allow it
    else:
        assert took is not None
        assert took > 0


async def test_no_way_is_refused_in_words() -> None:
    with pytest.raises(RefusedError, match="ping: "):
        await SystemProbes(0.01).echo("255.255.255.255", 1)
