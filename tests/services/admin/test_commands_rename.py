"""set network hostname, set network domain: the dialogs, and what they change."""

from tests.services.admin.conftest import Desk, MakeClerk
from tests.services.operations.conftest import PUBLISHER

UNSUCCESSFUL = "Executed command unsuccessfully\n"
HOSTNAME = ["y", "newHostName", "no", "yes"]


async def test_the_host_name_is_set_in_the_dialog_of_12_5(clerk: Desk) -> None:
    shown = await clerk.give("set network hostname", HOSTNAME)
    assert shown.startswith(
        "WARNING: Changing this setting will invalidate software license\n"
        "         on this server. The license will have to be re-hosted.\n"
        "Continue(y/n):\n"
        "Continue (y/n)?y\n"
        "\n"
        "ctrl-c: To quit the input.\n"
    )
    assert (
        "Enter the hostname:: newHostName\n"
        "Would you like to change the network ip address at this time [yes]:: no\n"
        "\n"
        "Warning: Do not close this window until command finishes.\n"
        "\n"
        "Hostname: newHostName\n"
        "Do you want to continue [yes/no]? yes\n"
        "\n"
    ) in shown
    assert "updating server table from:'cucm-pub', to: 'newHostName'\nRows: 1\n" in shown
    assert shown.endswith("\nSystem services will restart in 1 minute\n")
    assert clerk.context.node.host == "newHostName"


async def test_from_14_nothing_is_said_of_a_licence(make_clerk: MakeClerk) -> None:
    desk = await make_clerk(PUBLISHER, "14")
    assert (await desk.give("set network hostname", HOSTNAME[1:])).startswith("\nctrl-c: To quit")
    assert desk.context.node.host == "newHostName"


async def test_without_a_yes_nothing_changes(clerk: Desk) -> None:
    version = clerk.context.view.replica.version
    await clerk.give("set network hostname", ["n"])
    await clerk.give("set network hostname", [*HOSTNAME[:3], "no"])
    await clerk.give("set network domain example.com", ["n"])
    assert (await clerk.give("set network hostname", ["y", "a", "yes"])).endswith(UNSUCCESSFUL)
    assert (await clerk.give("set network hostname", ["y", "a b", "no", "yes"])).endswith(
        f"1 to 63\n{UNSUCCESSFUL}"
    )
    assert (await clerk.context.store.load_replica()).version == version


async def test_the_domain_is_set_and_without_a_name_left_alone(clerk: Desk) -> None:
    shown = await clerk.give("set network domain example.com", ["y"])
    assert shown.endswith("Continue (y/n)?y\nSystem services will restart in 1 minute\n")
    assert clerk.context.node.fqdn == "cucm-pub.example.com"
    assert await clerk.give("set network domain", ["y"]) == (
        "The domain name of this node is example.com. Expected the new one;"
        f' "unset network domain" takes it away.\n{UNSUCCESSFUL}'
    )
    assert clerk.context.node.fqdn == "cucm-pub.example.com"


async def test_the_domain_is_taken_away(clerk: Desk) -> None:
    await clerk.give("set network domain example.com", ["y"])
    assert clerk.context.node.domain == "example.com"
    await clerk.give("unset network domain", ["n"])
    assert clerk.context.node.domain == "example.com"
    assert "WARNING" in (await clerk.give("unset network domain", ["y"])).replace(" ", "")
    assert clerk.context.node.domain == ""
    assert (await clerk.give("unset network domain", ["y"])).endswith(UNSUCCESSFUL)


async def test_the_address_is_that_of_the_description(clerk: Desk) -> None:
    refused = await clerk.give("set network ip eth0 10.0.0.1 255.0.0.0 10.0.0.2")
    assert refused == (
        f"The network ip address of this node is set in its description.\n{UNSUCCESSFUL}"
    )
