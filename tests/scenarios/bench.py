"""What scenarios are played with: phones that are looked at, and an administrator.

`Handset` is a phone as `cucmsim.testing` has it.
`Administrator` operates a running cluster through its management API, as programs do.
"""

from collections.abc import Mapping

import httpx

from cucmsim.clock import Clock
from cucmsim.cluster.cluster import Cluster
from cucmsim.cluster.management import management_app
from cucmsim.phone.device import PhoneOptions
from cucmsim.phone.execute import Button
from cucmsim.phone.flash import Flash
from cucmsim.phone.performer import Network
from cucmsim.phone.summary import BootSummary
from cucmsim.phone.values import FileKind, PhoneIdentity, Refusal, TrustSource
from cucmsim.scenarios.stagecluster import TFTP, TVS
from cucmsim.testing import handset as testing
from cucmsim.testing.handset import HandsetOptions
from cucmsim.testing.shape import NEW_PHONE, OLD_PHONE
from tests.fixtures.clusters import PUBLISHER

__all__ = [
    "FAILED",
    "NEW",
    "OLD",
    "TFTP",
    "TVS",
    "Administrator",
    "Handset",
    "accepted",
    "asked",
    "refused",
]

OLD, NEW = OLD_PHONE, NEW_PHONE
FAILED = {OLD: "Trust List Update Failed", NEW: "Trust List update failed"}


class Handset(testing.Handset):
    """A phone of a lab, said shorter; it registers with SIP where it is `registering`."""

    def __init__(
        self,
        identity: PhoneIdentity,
        network: Network,
        *,
        clock: Clock | None = None,
        options: PhoneOptions | None = None,
        registering: bool = False,
        flash: Flash | None = None,
    ) -> None:
        chosen = HandsetOptions(options or PhoneOptions(), registering, clock)
        super().__init__(identity, network, chosen, flash)

    async def press_directories(self) -> list[str]:
        """Press the directory button; return what the console log says meanwhile."""
        return await self.press(Button.DIRECTORIES)

    def moved(self, network: Network) -> "Handset":
        """Return the same phone with what it holds, sent to other servers."""
        return Handset(self.identity, network, flash=self.flash)


class Administrator:
    """Operates `cluster`."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._transport = httpx.ASGITransport(management_app(cluster))

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=self._transport, base_url="http://cluster")

    async def post(self, url: str, body: Mapping[str, object] | None = None) -> httpx.Response:
        return await self.request("POST", url, body)

    async def request(
        self, method: str, url: str, body: Mapping[str, object] | None = None
    ) -> httpx.Response:
        async with self._client() as client:
            return await client.request(method, url, json=body)

    async def regenerate(self, unit: str, node: str = PUBLISHER) -> list[str]:
        """Regenerate a certificate; return the server's words, of a refusal too."""
        answer = await self.post("/operations/regenerate", {"node": node, "unit": unit})
        said = answer.json()
        return [said["detail"]] if answer.is_error else list(said["lines"])

    async def prepare_rollback(self) -> None:
        answer = await self.post("/operations/rollback", {"prepared": True})
        assert answer.is_success, answer.text

    async def restart(self, *services: str, node: str = PUBLISHER) -> None:
        for service in services:
            answer = await self.post(f"/services/{node}/{service}/restart")
            assert answer.is_success, answer.text

    async def change_phone(self, identity: PhoneIdentity, **changes: object) -> None:
        """Change a phone, with keys as in a description."""
        async with self._client() as client:
            answer = await client.patch(f"/devices/{identity.name}", json=changes)
        assert answer.is_success, answer.text

    async def reset(self, identity: PhoneIdentity) -> None:
        body = {"action": "reset", "devices": [identity.name]}
        (outcome,) = (await self.post("/orders", body)).json()
        assert outcome["accepted"]


def asked(cluster: Cluster, service: str) -> list[str]:
    """Return what a service was asked, of all nodes of the cluster."""
    return [each.request for _, each in cluster.journal.since(0) if each.service == service]


def accepted(summary: BootSummary) -> list[tuple[FileKind, TrustSource | None]]:
    return [(each.kind, each.source) for each in summary.accepted]


def refused(summary: BootSummary) -> list[tuple[FileKind, Refusal]]:
    return [(each.kind, each.reason) for each in summary.refused]
