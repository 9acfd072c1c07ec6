"""Services by Cisco's names and by short ones."""

import pytest

from cucmsim.errors import RefusedError
from cucmsim.services.operations.servicecontrol import ServiceAction, act_on_service


class Node:
    """A node that writes down what is done to its services."""

    name = "cucm-pub"
    parts = ("tftp", "http", "web")

    def __init__(self) -> None:
        self.done: list[str] = []

    async def act(self, service: str, action: ServiceAction, drain_s: float) -> None:
        self.done.append(f"{action} {service} {drain_s:g}")


@pytest.mark.parametrize(
    ("service", "action", "done"),
    [
        (
            "Cisco Tftp",
            ServiceAction.RESTART,
            ["stop http 2", "stop tftp 2", "start tftp 2", "start http 2"],
        ),
        ("Cisco Tftp", ServiceAction.STOP, ["stop http 2", "stop tftp 2"]),
        ("Cisco Tomcat", ServiceAction.START, ["start web 2"]),
        ("tftp", ServiceAction.RESTART, ["stop tftp 2", "start tftp 2"]),
    ],
)
async def test_a_service_of_ciscos_is_all_its_parts(
    service: str, action: ServiceAction, done: list[str]
) -> None:
    node = Node()
    await act_on_service(node, service, action, 2)
    assert node.done == done


@pytest.mark.parametrize("service", ["Cisco CTIManager", "capf", "", "cisco tftp"])
async def test_a_service_that_is_not_there_is_refused(service: str) -> None:
    node = Node()
    with pytest.raises(RefusedError, match=r"^node cucm-pub has no service .* tftp, http, web$"):
        await act_on_service(node, service, ServiceAction.RESTART, 2)
    assert node.done == []
