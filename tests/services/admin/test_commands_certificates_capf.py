"""utils capf: the keep-alive timer, and stale LSCs."""

from dataclasses import replace

import pytest

from cucmsim.pki.certificates import certificate_der, load_certificate
from cucmsim.store.replica import Replica
from cucmsim.store.rows import Device
from tests.services.admin.conftest import Desk
from tests.services.operations.conftest import Authority, Issued, der, make

UNSUCCESSFUL = "Executed command unsuccessfully\n"
STALE, DAMAGED, FRESH = "SEP000000000001", "SEP000000000002", "SEP000000000003"


async def held(desk: Desk) -> Replica:
    return await desk.context.store.load_replica()


async def put_phones(desk: Desk, root: Authority) -> None:
    """Write a phone with an LSC of another CAPF, one with a damaged, one without any."""
    lsc = certificate_der(make(root.subject, root.key.public_key(), root, Issued()))
    phone = Device(name=STALE, model="8861", lsc_der=lsc, lsc_issuer="CN=CAPF-01234567")
    async with desk.context.store.transaction() as transaction:
        await transaction.put_device(phone)
        await transaction.put_device(replace(phone, name=DAMAGED, lsc_der=b"rubbish"))
        await transaction.put_device(Device(name=FRESH, model="8861"))


async def test_stale_lscs_are_listed_and_deleted(clerk: Desk, root: Authority) -> None:
    await put_phones(clerk, root)
    assert await clerk.give("utils capf stale-lsc list") == (
        "Device Name     LSC Issuer\n"
        f"{STALE} CN=CAPF-01234567\n"
        f"{DAMAGED} CN=CAPF-01234567\n"
        "Number of stale LSC : 2\n"
    )
    await clerk.give("utils capf stale-lsc delete all", ["n"])
    assert (await held(clerk)).devices[STALE].lsc_der is not None
    assert await clerk.give("utils capf stale-lsc delete", ["y"]) == (
        "This operation will delete all stale LSC from the database.\n"
        "Continue (y/n)?y\n"
        "Number of stale LSC deleted : 2\n"
    )
    assert (await held(clerk)).devices[STALE].lsc_der is None
    assert (await held(clerk)).devices[STALE].lsc_issuer == ""
    assert await clerk.give("utils capf stale-lsc list") == "No stale LSC found\n"
    assert await clerk.give("utils capf stale-lsc delete all") == "No stale LSC found\n"


async def test_an_lsc_of_the_present_capf_is_not_stale(clerk: Desk) -> None:
    assert load_certificate(der("capf")).subject == load_certificate(der("capf")).issuer
    async with clerk.context.store.transaction() as transaction:
        await transaction.put_device(Device(name=FRESH, model="8861", lsc_der=der("capf")))
    assert await clerk.give("utils capf stale-lsc list") == "No stale LSC found\n"


async def test_the_keep_alive_timer_becomes_a_parameter_of_capf(clerk: Desk) -> None:
    assert await clerk.give("utils capf set keep_alive 20") == (
        "CAPF keep alive timer is set to 20 minutes.\n"
        "Please restart Cisco Certificate Authority Proxy Function.\n"
    )
    assert (await held(clerk)).service_parameter("capf", "KeepAliveTimer") == "20"


@pytest.mark.parametrize("minutes", ["4", "61", "-5", "x", "9" * 200, "٢٠"])
async def test_other_numbers_than_5_to_60_are_refused(clerk: Desk, minutes: str) -> None:
    assert await clerk.give(f"utils capf set keep_alive {minutes}") == (
        f"Enter valid values for the minutes. \nSuggested values are 5 to 60\n{UNSUCCESSFUL}"
    )
    assert (await held(clerk)).service_parameter("capf", "KeepAliveTimer") is None


async def test_a_subscriber_has_no_capf(subscriber_clerk: Desk) -> None:
    for rest in ("set keep_alive 15", "stale-lsc list", "stale-lsc delete all"):
        assert await subscriber_clerk.give(f"utils capf {rest}") == (
            f"This command is only available on the publisher node.\n{UNSUCCESSFUL}"
        )


async def test_no_request_waits_for_an_outside_authority(clerk: Desk) -> None:
    assert await clerk.give("utils capf csr list") == "No CSR found\n"
