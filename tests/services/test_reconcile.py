"""What a configuration adds and changes, what stays, and what `prune` removes; on both engines."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest

from cucmsim.clock import SystemClock
from cucmsim.entropy import SeededEntropy
from cucmsim.errors import StoreError
from cucmsim.formats.trustlist import CTL_FILENAME
from cucmsim.services.reconcile import (
    Applied,
    Description,
    Kind,
    apply_description,
    format_names,
    prune,
    strangers_to,
)
from cucmsim.store.replica import Replica
from cucmsim.store.rows import (
    CallManagerGroup,
    CertificateStatus,
    Device,
    DevicePool,
    Line,
    PendingOperation,
    PhoneSecurityProfile,
    ProcessNode,
    TftpFile,
)
from cucmsim.store.store import Store
from tests.fixtures.postgres import SECURITY_PASSWORD

PHONE = Device(
    name="SEP001B54C25A01",
    model="7962",
    security_profile="Standard",
    lines=(Line("2001"),),
    ctiid=404,
)
OTHER = Device(name="SEPB000B4BA0AEE", model="8861", description="Meeting room")
NODES = (
    ProcessNode(
        name="pub",
        host="pub",
        address="192.0.2.1",
        is_publisher=True,
        services=("callmanager", "tftp", "tvs"),
        ports={"tftp": 69},
    ),
    ProcessNode(name="sub", host="sub", address="192.0.2.2", services=("callmanager", "tftp")),
)
LAB = Description(
    nodes=NODES,
    groups=(CallManagerGroup(name="Default", members=("sub", "pub")),),
    device_pools=(DevicePool(name="Default", callmanager_group="Default"),),
    devices=(PHONE, OTHER),
    enterprise={"ClusterSecurityMode": "0"},
    service_parameters={("", "capf", "DurationOfCertificateValidity"): "5"},
    tftp_files=(TftpFile(name="ring.xml", data=b"<a/>"),),
)

Apply = Callable[[Description], Awaitable[Applied]]


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    async with Store.open(
        store_url,
        security_password=SECURITY_PASSWORD,
        clock=SystemClock(),
        entropy=SeededEntropy(1),
    ) as opened:
        yield opened


@pytest.fixture
def apply(store: Store) -> Apply:
    async def applied(description: Description) -> Applied:
        return await apply_description(store, description, await store.load_replica())

    return applied


async def phone(store: Store, name: str = PHONE.name) -> Device:
    return (await store.load_replica()).devices[name]


async def test_an_empty_store_gets_everything_that_is_described(store: Store, apply: Apply) -> None:
    applied = await apply(LAB)
    replica = await store.load_replica()
    assert list(replica.nodes) == ["pub", "sub"]
    assert replica.groups["Default"].members == ("sub", "pub")
    assert replica.devices.keys() == {PHONE.name, OTHER.name}
    assert replica.enterprise["ClusterSecurityMode"] == "0"
    assert replica.service_parameter("capf", "DurationOfCertificateValidity") == "5"
    assert replica.tftp_files[None, "ring.xml"].data == b"<a/>"
    assert list(applied.lines()) == [
        "added: 2 nodes: pub, sub",
        "added: 1 CallManager group: Default",
        "added: 1 device pool: Default",
        "added: 2 phones: SEP001B54C25A01, SEPB000B4BA0AEE",
        "added: 1 enterprise parameter: ClusterSecurityMode",
        "added: 1 service parameter: /capf/DurationOfCertificateValidity",
        "added: 1 TFTP file: /ring.xml",
    ]


async def test_the_same_description_again_changes_nothing(store: Store, apply: Apply) -> None:
    await apply(LAB)
    version = (await store.load_replica()).version
    applied = await apply(LAB)
    assert list(applied.lines()) == []
    assert (await store.load_replica()).version == version


async def test_only_the_field_that_the_file_changes_is_written(store: Store, apply: Apply) -> None:
    await apply(LAB)
    async with store.transaction() as transaction:
        await transaction.put_device(replace(await phone(store), model="7965"))
    edited = replace(PHONE, lines=(Line("2001", "Desk"), Line("2009")))
    applied = await apply(replace(LAB, devices=(edited, OTHER)))
    assert list(applied.lines()) == ["changed: 1 phone: SEP001B54C25A01 (lines)"]
    held = await phone(store)
    assert (held.model, held.lines) == ("7965", edited.lines)


async def test_a_change_at_run_time_survives_an_unchanged_file(store: Store, apply: Apply) -> None:
    await apply(LAB)
    async with store.transaction() as transaction:
        await transaction.put_device(replace(await phone(store), description="moved"))
        await transaction.set_enterprise_parameter("ClusterSecurityMode", "1")
    assert list((await apply(LAB)).lines()) == []
    replica = await store.load_replica()
    assert replica.devices[PHONE.name].description == "moved"
    assert replica.enterprise["ClusterSecurityMode"] == "1"


async def test_an_edit_that_says_what_the_store_has_already_changes_nothing(
    store: Store, apply: Apply
) -> None:
    await apply(LAB)
    async with store.transaction() as transaction:
        await transaction.put_device(replace(await phone(store), description="moved"))
        await transaction.set_enterprise_parameter("ClusterSecurityMode", "1")
    version = (await store.load_replica()).version
    edited = replace(
        LAB,
        devices=(replace(PHONE, description="moved"), OTHER),
        enterprise={"ClusterSecurityMode": "1"},
    )
    assert list((await apply(edited)).lines()) == []
    assert (await store.load_replica()).version == version


async def test_every_kind_of_thing_can_be_changed_by_the_file(store: Store, apply: Apply) -> None:
    await apply(LAB)
    edited = Description(
        nodes=(replace(NODES[0], domain="example"), NODES[1]),
        groups=(CallManagerGroup(name="Default", members=("pub",)),),
        device_pools=(
            DevicePool(name="Default", callmanager_group="Default", time_zone="Europe/Rome"),
        ),
        devices=(replace(PHONE, model="7965", ctiid=436), OTHER),
        enterprise={"ClusterSecurityMode": "1"},
        service_parameters={("", "capf", "DurationOfCertificateValidity"): "3"},
        tftp_files=(TftpFile(name="ring.xml", data=b"<b/>"),),
    )
    assert list((await apply(edited)).lines()) == [
        "changed: 1 node: pub (domain)",
        "changed: 1 CallManager group: Default (members)",
        "changed: 1 device pool: Default (time_zone)",
        "changed: 1 phone: SEP001B54C25A01 (model)",
        "changed: 1 enterprise parameter: ClusterSecurityMode",
        "changed: 1 service parameter: /capf/DurationOfCertificateValidity",
        "changed: 1 TFTP file: /ring.xml (data)",
    ]
    replica = await store.load_replica()
    assert replica.nodes["pub"].domain == "example"
    assert replica.groups["Default"].members == ("pub",)
    assert replica.devices[PHONE.name].ctiid == 436
    assert replica.tftp_files[None, "ring.xml"].data == b"<b/>"


async def test_what_capf_recorded_outlives_an_edit(store: Store, apply: Apply) -> None:
    await apply(LAB)
    done = replace(
        await phone(store),
        certificate_status=CertificateStatus.UPGRADE_SUCCESS,
        lsc_der=b"lsc",
        lsc_issuer="CN=CAPF",
    )
    async with store.transaction() as transaction:
        await transaction.put_device(done)
    await apply(replace(LAB, devices=(replace(PHONE, description="new"), OTHER)))
    held = await phone(store)
    assert held.description == "new"
    assert (held.lsc_der, held.certificate_status) == (b"lsc", CertificateStatus.UPGRADE_SUCCESS)


async def test_an_operation_ordered_by_the_file_is_pending(store: Store, apply: Apply) -> None:
    await apply(LAB)
    ordered = replace(
        PHONE,
        pending_operation=PendingOperation.INSTALL,
        certificate_status=CertificateStatus.PENDING,
    )
    applied = await apply(replace(LAB, devices=(ordered, OTHER)))
    assert list(applied.lines()) == ["changed: 1 phone: SEP001B54C25A01 (pending_operation)"]
    held = await phone(store)
    assert held.pending_operation is PendingOperation.INSTALL
    assert held.certificate_status is CertificateStatus.PENDING


async def test_what_was_removed_at_run_time_stays_removed_until_the_file_says_something_new(
    store: Store, apply: Apply
) -> None:
    await apply(LAB)
    async with store.transaction() as transaction:
        await transaction.delete_device(PHONE.name)
    line = "in the file, but removed before: 1 phone: SEP001B54C25A01"
    assert list((await apply(LAB)).lines()) == [line]
    assert PHONE.name not in (await store.load_replica()).devices
    edited = replace(LAB, devices=(replace(PHONE, description="again"), OTHER))
    assert list((await apply(edited)).lines()) == ["added: 1 phone: SEP001B54C25A01"]
    assert (await phone(store)).description == "again"


async def test_a_phone_taken_out_of_the_file_and_put_in_again_is_added_again(
    store: Store, apply: Apply
) -> None:
    await apply(LAB)
    without = replace(LAB, devices=(OTHER,))
    await apply(without)
    await prune(store, strangers_to(without, await store.load_replica()))
    assert list((await apply(LAB)).lines()) == ["added: 1 phone: SEP001B54C25A01"]


async def test_a_phone_that_the_store_had_before_the_file_takes_what_the_file_says(
    store: Store, apply: Apply
) -> None:
    await apply(replace(LAB, devices=(OTHER,)))
    async with store.transaction() as transaction:
        await transaction.put_device(replace(PHONE, description="by hand"))
    assert list((await apply(LAB)).lines()) == ["changed: 1 phone: SEP001B54C25A01 (description)"]
    assert list((await apply(LAB)).lines()) == []


async def test_what_only_the_store_has_is_named_and_pruned(store: Store, apply: Apply) -> None:
    more = Description(
        nodes=(*NODES, ProcessNode(name="old", host="old", address="192.0.2.9")),
        groups=(*LAB.groups, CallManagerGroup(name="Old", members=("old",))),
        device_pools=(*LAB.device_pools, DevicePool(name="Old", callmanager_group="Old")),
        devices=(*LAB.devices, replace(PHONE, name="SEP00000000000A", device_pool="Old")),
        enterprise={**LAB.enterprise, "BuildSignatureAlgorithm": "1"},
        service_parameters={**LAB.service_parameters, ("", "tvs", "TimeToLive"): "7"},
        tftp_files=(*LAB.tftp_files, TftpFile(name="old.xml", data=b"", node="sub")),
    )
    await apply(more)
    async with store.transaction() as transaction:
        await transaction.put_tftp_file(TftpFile(name=CTL_FILENAME, data=b"ctl", node="sub"))
    assert list((await apply(LAB)).lines()) == []
    strangers = strangers_to(LAB, await store.load_replica())
    assert list(format_names("kept", strangers)) == [
        "kept: 1 node: old",
        "kept: 1 CallManager group: Old",
        "kept: 1 device pool: Old",
        "kept: 1 phone: SEP00000000000A",
        "kept: 1 enterprise parameter: BuildSignatureAlgorithm",
        "kept: 1 service parameter: /tvs/TimeToLive",
        "kept: 1 TFTP file: sub/old.xml",
    ]
    await prune(store, strangers)
    replica = await store.load_replica()
    assert strangers_to(LAB, replica) == {}
    assert (list(replica.nodes), list(replica.groups)) == (["pub", "sub"], ["Default"])
    assert list(replica.tftp_files) == [("sub", CTL_FILENAME), (None, "ring.xml")]


async def test_what_is_still_needed_is_not_pruned_and_nothing_else_is(
    store: Store, apply: Apply
) -> None:
    await apply(
        replace(
            LAB,
            device_pools=(*LAB.device_pools, DevicePool(name="Old", callmanager_group="Default")),
        )
    )
    async with store.transaction() as transaction:
        await transaction.put_device(replace(await phone(store), device_pool="Old"))
        await transaction.put_device(replace(PHONE, name="SEP00000000000A"))
    await apply(LAB)
    before = await store.load_replica()
    with pytest.raises(StoreError, match="device pool 'Old' is in use by SEP001B54C25A01"):
        await prune(store, strangers_to(LAB, before))
    assert "SEP00000000000A" in (await store.load_replica()).devices


async def test_a_description_that_cannot_be_written_changes_nothing(
    store: Store, apply: Apply
) -> None:
    await apply(LAB)
    before = await store.load_replica()
    wrong = replace(
        LAB,
        enterprise={"ClusterSecurityMode": "1"},
        nodes=(replace(NODES[1], name="new", is_publisher=True), *NODES),
    )
    with pytest.raises(StoreError, match="'new' cannot be publisher: 'pub' is"):
        await apply(wrong)
    after = await store.load_replica()
    assert (after.version, after.enterprise) == (before.version, before.enterprise)


def test_long_lists_of_names_are_cut_unless_all_are_asked_for() -> None:
    names = {Kind.PHONE: [f"SEP{n:012X}" for n in range(22)]}
    (line,) = format_names("added", names)
    assert line.endswith("SEP000000000013 and 2 more")
    (whole,) = format_names("removing", names, shown=None)
    assert whole.startswith("removing: 22 phones: ")
    assert whole.endswith("SEP000000000015")


def test_an_empty_replica_has_no_strangers() -> None:
    assert strangers_to(LAB, Replica()) == {}


# security profiles

FLOOR = PhoneSecurityProfile(name="Floor")
ON_FLOOR = replace(PHONE, security_profile="Floor")
FLOORED = replace(LAB, security_profiles=(FLOOR,), devices=(ON_FLOOR, OTHER))
ENCRYPTED = replace(FLOOR, security_mode=3, transport=3)


async def test_an_edited_profile_reaches_its_phones_field_by_field(
    store: Store, apply: Apply
) -> None:
    await apply(FLOORED)
    async with store.transaction() as transaction:
        await transaction.put_profile(ENCRYPTED)
    assert list((await apply(FLOORED)).lines()) == []
    newcomer = replace(ON_FLOOR, name="SEP00000000000B")
    edited = replace(
        FLOORED,
        security_profiles=(replace(FLOOR, encrypted_config=True),),
        devices=(*(replace(one, encrypted_config=True) for one in (ON_FLOOR, newcomer)), OTHER),
    )
    lines = list((await apply(edited)).lines())
    assert "changed: 1 security profile: Floor (encrypted_config)" in lines
    replica = await store.load_replica()
    assert replica.profiles["Floor"] == replace(ENCRYPTED, encrypted_config=True)
    for name in (PHONE.name, newcomer.name):
        held = replica.devices[name]
        assert (held.security_mode, held.transport, held.encrypted_config) == (3, 3, True)


async def test_a_removed_profile_stays_removed_until_a_phone_needs_it(
    store: Store, apply: Apply
) -> None:
    strict = replace(FLOOR, key_size_bits=4096)
    described = replace(LAB, security_profiles=(strict,))
    await apply(described)
    async with store.transaction() as transaction:
        assert await transaction.delete_profile("Floor")
    assert list((await apply(described)).lines()) == [
        "in the file, but removed before: 1 security profile: Floor"
    ]
    newcomer = replace(ON_FLOOR, name="SEP00000000000B")
    await apply(replace(described, devices=(*LAB.devices, newcomer)))
    assert (await store.load_replica()).profiles["Floor"] == strict


async def test_profiles_that_only_the_store_has_are_pruned(store: Store, apply: Apply) -> None:
    await apply(replace(LAB, security_profiles=(FLOOR,)))
    strangers = strangers_to(LAB, await store.load_replica())
    assert strangers == {Kind.PROFILE: ["Floor"]}
    await prune(store, strangers)
    assert strangers_to(LAB, await store.load_replica()) == {}
