"""utils fips, show haproxy client-auth, show tls min-version: truthful answers, plain refusals."""

from cucmsim.daemons.tls import TlsPolicy, TlsVersion
from cucmsim.services.admin.commands_security import MINIMUM_TLS
from tests.services.admin.conftest import Desk, MakeClerk
from tests.services.operations.conftest import PUBLISHER

UNSUCCESSFUL = "Executed command unsuccessfully\n"


async def test_a_wrong_port_is_refused_as_in_cucm_md_1_1(make_clerk: MakeClerk) -> None:
    desk = await make_clerk(PUBLISHER, "14")
    assert await desk.give("show haproxy client-auth 9456") == (
        "Enter valid values for the port. \nSuggested values are 6971, 6972 and 9443\n"
        "Executed command unsuccessfully\n"
    )
    shown = await desk.give("show haproxy client-auth 6972")
    assert shown == "Client authentication on port 6972 : required\n"
    assert len((await desk.give("show haproxy client-auth")).splitlines()) == 3


async def test_there_is_no_haproxy_before_14(clerk: Desk) -> None:
    assert (await clerk.give("show haproxy client-auth")).endswith(UNSUCCESSFUL)


async def test_the_lowest_tls_version_is_that_of_the_servers(clerk: Desk) -> None:
    shown = await clerk.give("show tls min-version")
    assert shown == f"Configured TLS minimum version: {MINIMUM_TLS}\n"
    assert TlsPolicy().minimum_version is TlsVersion["TLS_" + MINIMUM_TLS.replace(".", "_")]


async def test_fips_mode_is_off_and_stays_off(clerk: Desk) -> None:
    version = clerk.context.store.version
    assert "non-FIPS mode" in await clerk.give("utils fips status")
    shown = await clerk.give("utils fips enable")
    # the list of cucm.md 1.7 [S5]
    assert "1)CallManager\n2)Tomcat\n3)IPsec\n4)TVS\n5)CAPF\n6)SSH\n7)ITLRecovery\n" in shown
    assert shown.endswith(UNSUCCESSFUL)
    assert (await clerk.give("utils fips disable")).endswith(UNSUCCESSFUL)
    assert clerk.context.store.version == version
