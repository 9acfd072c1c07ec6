"""Enterprise and service parameters, static files, and what a configuration said last."""

import pytest

from cucmsim.errors import StoreError
from cucmsim.store.rows import TftpFile
from cucmsim.store.store import Store


async def test_an_enterprise_parameter_is_set_changed_and_deleted(lab: Store) -> None:
    for value in ("0", "1"):
        async with lab.transaction() as transaction:
            await transaction.set_enterprise_parameter("ClusterSecurityMode", value)
        assert (await lab.load_replica()).enterprise == {"ClusterSecurityMode": value}
    async with lab.transaction() as transaction:
        assert await transaction.delete_enterprise_parameter("ClusterSecurityMode")
        assert not await transaction.delete_enterprise_parameter("ClusterSecurityMode")
    assert (await lab.load_replica()).enterprise == {}


async def test_a_node_s_own_service_parameter_goes_before_the_cluster_s(lab: Store) -> None:
    async with lab.transaction() as transaction:
        await transaction.set_service_parameter("Cisco Tftp", "Port", "69")
        await transaction.set_service_parameter("tftp", "Port", "6969", "cucm-sub")
        await transaction.set_service_parameter("My own service", "Port", "1")
    replica = await lab.load_replica()
    assert replica.service_parameter("tftp", "Port", "cucm-sub") == "6969"
    assert replica.service_parameter("Cisco Tftp", "Port", "cucm-pub") == "69"
    assert replica.service_parameter("tftp", "Missing", default="8") == "8"
    assert replica.service_parameters["", "My own service", "Port"] == "1"
    async with lab.transaction() as transaction:
        assert await transaction.delete_service_parameter("tftp", "Port", "cucm-sub")
        assert not await transaction.delete_service_parameter("tftp", "Missing")
    replica = await lab.load_replica()
    assert replica.service_parameter("tftp", "Port", "cucm-sub") == "69"


async def test_a_parameter_for_an_unknown_node_is_refused(lab: Store) -> None:
    with pytest.raises(StoreError, match="no node 'nobody'"):
        async with lab.transaction() as transaction:
            await transaction.set_service_parameter("tftp", "Port", "69", "nobody")


async def test_a_node_s_own_file_goes_before_everybody_s(lab: Store) -> None:
    data = bytes(range(256)) * 16
    async with lab.transaction() as transaction:
        await transaction.put_tftp_file(TftpFile(name="ring.xml", data=b"old"))
        await transaction.put_tftp_file(TftpFile(name="ring.xml", data=data))
        await transaction.put_tftp_file(TftpFile(name="ring.xml", data=b"", node="cucm-sub"))
    replica = await lab.load_replica()
    everybodys, own = (
        replica.tftp_file("ring.xml", "cucm-pub"),
        replica.tftp_file("ring.xml", "cucm-sub"),
    )
    assert everybodys is not None
    assert own is not None
    assert (everybodys.data, own.data) == (data, b"")
    assert replica.tftp_file("other.xml", "cucm-pub") is None


async def test_a_deleted_file_is_gone_from_the_next_replica(lab: Store) -> None:
    async with lab.transaction() as transaction:
        await transaction.put_tftp_file(TftpFile(name="a", data=b"1"))
        await transaction.put_tftp_file(TftpFile(name="b", data=b"2", node="cucm-pub"))
    before = await lab.load_replica()
    async with lab.transaction() as transaction:
        assert await transaction.delete_tftp_file("a")
        assert not await transaction.delete_tftp_file("b")
        await transaction.put_tftp_file(TftpFile(name="b", data=b"3", node="cucm-pub"))
    after = await lab.update_replica(before)
    assert {key: file.data for key, file in after.tftp_files.items()} == {("cucm-pub", "b"): b"3"}


async def test_what_was_applied_is_remembered_without_a_version(lab: Store) -> None:
    async with lab.transaction() as transaction:
        await transaction.remember_applied("phone", {})
        await transaction.remember_applied("phone", {"A": "1", "B": "2"})
        await transaction.remember_applied("phone", {"B": "3"})
    assert lab.version == 1
    async with lab.transaction() as transaction:
        assert await transaction.applied() == {"phone": {"A": "1", "B": "3"}}
