"""The DHCP of a lab's phones: which servers they know, and on which ports."""

from cucmsim.phone.performer import FileServer, Network
from cucmsim.testing.dhcp import LabDhcp

OLD = (FileServer("127.0.0.9", 69),)
NEW = (FileServer("127.0.0.1", 6969), FileServer("127.0.0.1", 7069))


async def test_a_phone_knows_what_it_was_told_last_and_nodes_of_one_address_by_their_ports() -> (
    None
):
    told: list[object] = []
    first = LabDhcp("SEP001B54C25A01", OLD, ()).after(Network())
    assert first.servers == ()
    assert first.finder is not None
    await first.finder.find(told.append)
    second = LabDhcp("SEP001B54C25A01", NEW, ())
    moved = second.after(first)
    assert moved.servers == OLD
    answer = await second.find(told.append)
    assert answer is not None
    assert moved.as_told(answer).servers == NEW
    assert told == []
