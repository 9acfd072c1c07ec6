"""Servers, groups and pools: written by name, read whole, kept consistent."""

from dataclasses import replace

import pytest

from cucmsim.errors import StoreError
from cucmsim.store.rows import CallManagerGroup, Device, DevicePool, ProcessNode, TftpFile
from cucmsim.store.store import Store
from tests.store.conftest import LAB_NODES


async def test_a_node_is_read_back_as_it_was_written(lab: Store) -> None:
    replica = await lab.load_replica()
    for written in LAB_NODES:
        read = replica.nodes[written.name]
        assert set(read.services) == set(written.services)
        assert replace(read, pkid="", nodeid=0, services=written.services) == written


async def test_the_publisher_has_nodeid_2_and_the_subscriber_3(lab: Store) -> None:
    replica = await lab.load_replica()
    assert [(node.name, node.nodeid) for node in replica.nodes.values()] == [
        ("cucm-pub", 2),
        ("cucm-sub", 3),
    ]
    assert replica.publisher.fqdn == "cucm-pub.lab.local"
    assert replica.node("cucm-sub").fqdn == "cucm-sub"


async def test_a_node_that_changes_its_services_keeps_its_pkid(lab: Store) -> None:
    before = (await lab.load_replica()).nodes["cucm-sub"]
    async with lab.transaction() as transaction:
        changed = replace(before, services=("tftp", "tvs", "Cisco DRF Local"), address="127.0.1.9")
        assert await transaction.put_node(changed) == before.pkid
    after = (await lab.load_replica()).nodes["cucm-sub"]
    assert set(after.services) == {"tftp", "tvs", "Cisco DRF Local"}
    assert (after.pkid, after.address) == (before.pkid, "127.0.1.9")


async def test_a_node_is_renamed_by_its_pkid(lab: Store) -> None:
    before = (await lab.load_replica()).nodes["cucm-sub"]
    async with lab.transaction() as transaction:
        await transaction.put_node(replace(before, name="10.0.0.2"))
    replica = await lab.load_replica()
    assert "cucm-sub" not in replica.nodes
    assert replica.nodes["10.0.0.2"].pkid == before.pkid
    assert replica.groups["Default"].members == ("cucm-pub", "10.0.0.2")


async def test_a_second_publisher_is_refused(lab: Store) -> None:
    other = ProcessNode(name="other", host="other", address="127.0.1.3", is_publisher=True)
    with pytest.raises(StoreError, match="'other' cannot be publisher: 'cucm-pub' is"):
        async with lab.transaction() as transaction:
            await transaction.put_node(other)
    assert lab.version == 1


async def test_a_group_keeps_the_order_of_its_members(lab: Store) -> None:
    async with lab.transaction() as transaction:
        group = CallManagerGroup(
            name="Default", members=("cucm-sub", "cucm-pub"), tftp_default=True
        )
        await transaction.put_group(group)
    read = (await lab.load_replica()).groups["Default"]
    assert (read.members, read.tftp_default) == (("cucm-sub", "cucm-pub"), True)


async def test_a_group_with_an_unknown_member_is_refused(lab: Store) -> None:
    with pytest.raises(StoreError, match="no node 'nobody'"):
        async with lab.transaction() as transaction:
            await transaction.put_group(CallManagerGroup(name="Other", members=("nobody",)))
    assert "Other" not in (await lab.load_replica()).groups


async def test_a_pool_is_read_back_as_it_was_written(lab: Store) -> None:
    pool = DevicePool(
        name="Paris",
        callmanager_group="Default",
        date_time_group="Europe",
        date_template="D.M.Y",
        time_zone="Europe/Paris",
        ntp_servers=("10.0.0.1", "10.0.0.2"),
        connection_monitor_duration_s=60,
    )
    async with lab.transaction() as transaction:
        await transaction.put_device_pool(pool)
    read = (await lab.load_replica()).device_pools["Paris"]
    assert replace(read, pkid="", date_time_group_pkid="") == pool


async def test_a_pool_of_an_unknown_group_is_refused(lab: Store) -> None:
    with pytest.raises(StoreError, match="names CallManager group 'Nowhere'"):
        async with lab.transaction() as transaction:
            await transaction.put_device_pool(DevicePool(name="P", callmanager_group="Nowhere"))


async def test_what_is_in_use_is_not_deleted(lab: Store) -> None:
    async with lab.transaction() as transaction:
        await transaction.put_device(Device(name="SEP000000000001", model="7962"))
    with pytest.raises(StoreError, match="'Default' is in use by device pool 'Default'"):
        async with lab.transaction() as transaction:
            await transaction.delete_group("Default")
    with pytest.raises(StoreError, match="'Default' is in use by SEP000000000001"):
        async with lab.transaction() as transaction:
            await transaction.delete_device_pool("Default")


async def test_what_is_not_in_use_is_deleted_once(lab: Store) -> None:
    async with lab.transaction() as transaction:
        assert await transaction.delete_device_pool("Default")
        assert await transaction.delete_group("Default")
        assert not await transaction.delete_device_pool("Default")
        assert not await transaction.delete_group("Default")
    replica = await lab.load_replica()
    assert (dict(replica.groups), dict(replica.device_pools)) == ({}, {})


async def test_a_deleted_node_takes_all_that_is_its_own_along(lab: Store) -> None:
    async with lab.transaction() as transaction:
        await transaction.put_tftp_file(TftpFile(name="x", data=b"1", node="cucm-sub"))
        await transaction.set_service_parameter("tftp", "P", "1", "cucm-sub")
        assert await transaction.delete_node("cucm-sub")
        assert not await transaction.delete_node("cucm-sub")
    replica = await lab.load_replica()
    assert list(replica.nodes) == ["cucm-pub"]
    assert replica.groups["Default"].members == ("cucm-pub",)
    assert (dict(replica.tftp_files), dict(replica.service_parameters)) == ({}, {})
