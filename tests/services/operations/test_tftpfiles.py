"""Deleting a static file at one node, and what may be activated."""

import pytest

from cucmsim.errors import RefusedError
from cucmsim.services.operations.activation import deactivated_parts, set_activation
from cucmsim.services.operations.operator import Operator
from cucmsim.services.operations.tftpfiles import delete_tftp_file
from cucmsim.store.rows import TftpFile
from tests.services.operations.conftest import PUBLISHER, SUBSCRIBER


async def _put(operator: Operator, *files: TftpFile) -> None:
    async with operator.store.transaction() as transaction:
        for file in files:
            await transaction.put_tftp_file(file)


async def test_a_shared_file_is_deleted_at_one_node_alone(operator: Operator) -> None:
    await _put(operator, TftpFile(name="Rings.raw", data=b"ring"))
    assert await delete_tftp_file(operator, SUBSCRIBER, "Rings.raw")
    replica = await operator.newest()
    assert replica.tftp_file("Rings.raw", SUBSCRIBER) is None
    held = replica.tftp_file("Rings.raw", PUBLISHER)
    assert held is not None
    assert held.data == b"ring"
    assert not await delete_tftp_file(operator, SUBSCRIBER, "Rings.raw")


async def test_a_node_s_own_file_goes_and_another_s_own_stays(operator: Operator) -> None:
    own = [TftpFile(name="a.xml", data=b"x", node=node) for node in (PUBLISHER, SUBSCRIBER)]
    await _put(operator, *own)
    assert await delete_tftp_file(operator, PUBLISHER, "a.xml")
    replica = await operator.newest()
    assert replica.tftp_file("a.xml", PUBLISHER) is None
    assert replica.tftp_file("a.xml", SUBSCRIBER) is not None


async def test_feature_services_alone_are_deactivated(operator: Operator) -> None:
    with pytest.raises(RefusedError, match="is a network service"):
        await set_activation(operator, PUBLISHER, "Cisco Tomcat", is_activated=False)
    await set_activation(operator, PUBLISHER, "Cisco Tftp", is_activated=False)
    assert {"tftp", "http"} <= deactivated_parts((await operator.newest()).node(PUBLISHER))
    await set_activation(operator, PUBLISHER, "Cisco Tftp", is_activated=True)
    assert {"tftp", "http"}.isdisjoint(deactivated_parts((await operator.newest()).node(PUBLISHER)))
