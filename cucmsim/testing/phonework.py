"""What can be done with a phone of a test: coroutines that run on the cluster's own loop.

`PhoneUnderTest` and `AsyncPhoneUnderTest` are what a test sees of it. Once booted the phone stays
on: it refreshes its registration, fails over, and obeys resets, until the test ends.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from cryptography import x509

from cucmsim.entropy import Entropy
from cucmsim.errors import RefusedError
from cucmsim.phone.device import PhoneOptions
from cucmsim.phone.execute import Button
from cucmsim.phone.performer import Network
from cucmsim.phone.summary import BootSummary
from cucmsim.phone.values import FileKind, Purpose
from cucmsim.pki.certificates import certificate_der
from cucmsim.testing.clusterwork import ClusterWork, unit_of
from cucmsim.testing.dhcp import through_dhcp
from cucmsim.testing.handset import Handset, HandsetOptions
from cucmsim.testing.shape import PhoneShape
from cucmsim.testing.verdicts import Trust, Whereabouts

__all__ = ["PhoneWork"]

__tracebackhide__ = True  # pytest shows the test\'s own lines

_BOOT_S: Final = 60.0
_PURPOSES: Final = {
    "TVS": Purpose.TVS_SERVER,
    "CAPF": Purpose.CAPF_SERVER,
    "CallManager": Purpose.SIP_PEER,
    "CallManager-ECDSA": Purpose.SIP_PEER,
    "ITLRecovery": Purpose.TRUST_LIST,
}
"""What a phone wants a certificate of these units for; any other is of an HTTPS service."""


class PhoneWork:
    """A phone, and the clusters it is told of."""

    def __init__(
        self,
        shape: PhoneShape,
        homes: Sequence[ClusterWork],
        clusters: Callable[[], Sequence[ClusterWork]],
        entropy: Entropy,
    ) -> None:
        self._clusters = clusters
        self.homes = tuple(homes)
        typed = shape.keys.get("authentication_string")
        options = PhoneOptions(
            authentication_string=None if typed is None else str(typed), entropy=entropy
        )
        chosen = HandsetOptions(options, clock=homes[0].clock, entropy=entropy)
        self._device = shape.identity.name
        self._network = self._told(None)
        self.handset = Handset(shape.identity, self._network, chosen)

    @property
    def name(self) -> str:
        """The device name."""
        return self.handset.name

    @property
    def home(self) -> ClusterWork:
        """The cluster whose TFTP servers it asks first."""
        return self.homes[0]

    async def boot(self) -> BootSummary:
        """Switch it on, or off and on; then it stays on. Raises FlashError."""
        summary = await self.handset.boot()
        await self.handset.stay()
        return summary

    async def reset(self, timeout_s: float = _BOOT_S) -> BootSummary:
        """Have its cluster reset it, and wait until it has booted. Raises RefusedError."""
        while not self.handset.boots.empty():
            self.handset.boots.get_nowait()
        await self.home.reset(self.name, "reset")
        with suppress(TimeoutError):
            return await asyncio.wait_for(self.handset.boots.get(), timeout_s)
        raise AssertionError(f"{self.name} was reset, and has not booted in {timeout_s:g} s")

    async def press(self, button: str) -> list[str]:
        """Press a button; return what the console log says meanwhile."""
        return await self.handset.press(Button(button))

    async def erase(self) -> None:
        """Erase its trust lists, as a person does in the security settings."""
        await self.handset.phone.erase_trust_lists()

    async def move(self, homes: Sequence[ClusterWork]) -> None:
        """Switch it off, and tell it the TFTP servers of these clusters."""
        history = self.handset.history
        await self.handset.close()
        self.homes = tuple(homes)
        self._network = self._told(self._network)
        self.handset = self.handset.moved(self._network)
        self.handset.history = history

    async def close(self) -> None:
        """Switch it off."""
        await self.handset.close()

    # waiting and judging

    def whereabouts(self) -> Whereabouts:
        """Return where it is registered."""
        summary = self.handset.summary
        why = "it was not switched on yet" if summary is None else summary.failure
        held = self.handset.phone.registered_at
        return Whereabouts(self.name, held, why or "it lost its registration")

    async def wait_registered(self, node: str = "", timeout_s: float = _BOOT_S) -> str:
        """Wait until it is registered, at a node if one is given; return that node."""
        happened = asyncio.Event()
        end = self.handset.subscribe(happened.set)
        try:
            async with asyncio.timeout(timeout_s):
                while not (held := self.handset.phone.registered_at) or node not in ("", held):
                    await happened.wait()
                    happened.clear()
                return held
        except TimeoutError:
            where = f" at {node}" if node else ""
            message = f"{self.name} did not register{where} in {timeout_s:g} s"
            raise AssertionError(f"{message}: {self.whereabouts()!r}") from None
        finally:
            end()

    async def trusts(self, wanted: str | bytes | x509.Certificate, node: str = "") -> Trust:
        """Return whether it trusts a certificate, or its cluster's of this name, and why."""
        if isinstance(wanted, str):
            unit = unit_of(wanted).value
            at = self.home.node(node)
            pem = await self.home.certificate_pem(unit, at)
            purpose = _PURPOSES.get(unit, Purpose.HTTPS_SERVICE)
            der = certificate_der(x509.load_pem_x509_certificate(pem.encode()))
            return await self.handset.trusts_certificate(der, f"{unit} of {at}", purpose)
        der = wanted if isinstance(wanted, bytes) else certificate_der(wanted)
        if der.startswith(b"-----"):
            der = certificate_der(x509.load_pem_x509_certificate(der))
        return await self.handset.trusts_certificate(der, "the certificate")

    async def trusts_file(self, name: str, data: bytes | None = None, node: str = "") -> Trust:
        """Return whether it would take a signed file, by default as its cluster serves it."""
        if data is None:
            data = await self.home.fetch(name, node)
        return await self.handset.trusts_file(_kind_of(name), name, data)

    def _told(self, before: Network | None) -> Network:
        """Return a network whose DHCP names the servers of its clusters."""
        others = {name: at for one in self._clusters() for name, at in one.lab.addresses.items()}
        networks = [home.lab.network(others=others) for home in self.homes]
        servers = tuple(server for network in networks for server in network.servers)
        network = networks[0].with_servers(servers)
        return through_dhcp(network, self._device, [home.lab for home in self.homes], before)


def _kind_of(name: str) -> FileKind:
    """Return what a file is by its name. Raises RefusedError for one that is not signed."""
    if name.startswith(("CTL", "ITL")):
        return FileKind(name[:3])
    endings = {".enc.sgn": FileKind.ENCRYPTED_CONFIG, ".cnf.xml.sgn": FileKind.CONFIG}
    for ending, kind in endings.items():
        if name.endswith(ending):
            return kind
    if not name.endswith(".sgn"):
        raise RefusedError(f"found the file name {name!r}, expected that of a signed file")
    return FileKind.OTHER
