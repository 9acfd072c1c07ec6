"""CAPF operations of phones: one or many, all or none, until they expire (cucm.md 2.3 and 6)."""

from datetime import timedelta

import pytest

from cucmsim.errors import RefusedError
from cucmsim.services.operations.capforders import CapfOrder, order_capf
from cucmsim.services.operations.operator import Operator
from cucmsim.store.rows import (
    AuthenticationMode,
    CertificateStatus,
    Device,
    KeyOrder,
    PendingOperation,
    SecurityMode,
)
from cucmsim.store.store import Store
from tests.services.operations.conftest import NOW

FIRST, SECOND = "SEP001B54C25A01", "SEPB000B4BA0AEE"
STRING = "20482"
BY_STRING = AuthenticationMode.AUTHENTICATION_STRING
INSTALL = PendingOperation.INSTALL


async def put(store: Store, *devices: Device) -> None:
    async with store.transaction() as transaction:
        await transaction.put_devices(devices)


async def have(store: Store, **values: object) -> None:
    both = [Device(name=name, model="7962") for name in (FIRST, SECOND)]
    secured = Device(name=SECOND, model="8861", **values)  # type: ignore[arg-type]
    await put(store, both[0], secured)


async def set_parameter(store: Store, name: str, value: str) -> None:
    async with store.transaction() as transaction:
        await transaction.set_enterprise_parameter(name, value)


async def test_an_order_of_many_phones_is_one_change_with_an_end(
    store: Store, operator: Operator
) -> None:
    await have(store)
    order = CapfOrder(INSTALL, BY_STRING, STRING, KeyOrder.EC_ONLY, ec_size_bits=256)
    before = (await operator.newest()).version
    first, second = await order_capf(operator, [FIRST, SECOND], order)
    assert (await operator.newest()).version == before + 1
    assert (first.name, second.name) == (FIRST, SECOND)
    assert second.pending_operation is INSTALL
    assert second.certificate_status is CertificateStatus.PENDING
    assert (second.authentication_mode, second.authentication_string) == (BY_STRING, STRING)
    assert (second.key_type, second.ec_size_bits) == (KeyOrder.EC_ONLY, 256)
    assert second.key_size_bits == 2048
    assert second.operation_expires == NOW + timedelta(days=10)
    assert STRING not in repr(order)


async def test_the_end_is_what_the_parameter_or_the_order_says(
    store: Store, operator: Operator
) -> None:
    await have(store)
    await set_parameter(store, "CAPFOperationExpiresIn", "3")
    (held,) = await order_capf(operator, [FIRST], CapfOrder(INSTALL))
    assert held.operation_expires == NOW + timedelta(days=3)
    wanted = NOW + timedelta(hours=1)
    (held,) = await order_capf(operator, [FIRST], CapfOrder(INSTALL, expires=wanted))
    assert held.operation_expires == wanted


async def test_an_order_is_withdrawn_and_a_string_without_use_forgotten(
    store: Store, operator: Operator
) -> None:
    await have(store)
    await order_capf(operator, [FIRST], CapfOrder(INSTALL, BY_STRING, STRING))
    none = CapfOrder(PendingOperation.NONE, AuthenticationMode.NULL_STRING)
    (held,) = await order_capf(operator, [FIRST], none)
    assert held.certificate_status is CertificateStatus.NONE
    assert held.operation_expires is None
    assert held.authentication_string == ""
    done = CertificateStatus.UPGRADE_SUCCESS
    await put(store, Device(name=FIRST, model="7962", certificate_status=done))
    (held,) = await order_capf(operator, [FIRST], none)
    assert held.certificate_status is done


@pytest.mark.parametrize(
    ("names", "order", "words"),
    [
        (["SEP000000000000"], CapfOrder(INSTALL), "no phone 'SEP000000000000'$"),
        ([f"SEP00000000000{n}" for n in range(7)], CapfOrder(INSTALL), "'SEP.*4' and 2 more$"),
        ([FIRST], CapfOrder(INSTALL, BY_STRING), f"{FIRST}: .* needs an authentication string"),
        ([FIRST], CapfOrder(INSTALL, None, STRING), f"{FIRST}: an authentication string was given"),
        ([FIRST], CapfOrder(INSTALL, BY_STRING, "123"), "not of 4 to 10 digits"),
        ([FIRST], CapfOrder(INSTALL, BY_STRING, "12345678901"), "not of 4 to 10 digits"),
        ([FIRST], CapfOrder(INSTALL, BY_STRING, "12a45"), "not of 4 to 10 digits"),
        ([FIRST], CapfOrder(INSTALL, key_size_bits=1000), "found RSA key size 1000, expected one"),
        ([FIRST], CapfOrder(INSTALL, ec_size_bits=224), "found EC key size 224, expected one of"),
        ([FIRST], CapfOrder(INSTALL, expires=NOW), f"{FIRST}: the operation would expire at 2026"),
    ],
)
async def test_an_order_that_cannot_be_is_refused_for_all_its_phones(
    store: Store, operator: Operator, names: list[str], order: CapfOrder, words: str
) -> None:
    await have(store)
    before = (await operator.newest()).devices
    with pytest.raises(RefusedError, match=words) as refused:
        await order_capf(operator, [SECOND, *names], order)
    assert (await operator.newest()).devices == before
    assert order.authentication_string is None or order.authentication_string not in str(refused)


@pytest.mark.parametrize("mode", [SecurityMode.AUTHENTICATED, SecurityMode.ENCRYPTED])
async def test_a_string_cannot_install_the_first_lsc_of_a_secure_phone_in_mixed_mode(
    store: Store, operator: Operator, mode: SecurityMode
) -> None:
    await have(store, security_mode=mode.value, security_profile="Secured")
    order = CapfOrder(INSTALL, BY_STRING, STRING)
    assert len(await order_capf(operator, [SECOND], order)) == 1  # the mode of a phone is unused
    await set_parameter(store, "ClusterSecurityMode", "1")
    with pytest.raises(RefusedError, match=f"{SECOND}: .* secure profile 'Secured'"):
        await order_capf(operator, [SECOND], order)
    delete = CapfOrder(PendingOperation.DELETE, BY_STRING, STRING)
    assert len(await order_capf(operator, [SECOND], delete)) == 1
    await have(store, security_mode=mode.value, security_profile="Secured", lsc_der=b"lsc")
    assert len(await order_capf(operator, [SECOND], order)) == 1
