"""Clusters and phones for plain tests: each method returns when what it does is done.

`awaited.py` has the same for async tests, method by method; tests/testing holds them together.
"""

from collections.abc import Mapping
from datetime import timedelta

from cryptography import x509

from cucmsim.phone.summary import BootSummary
from cucmsim.services.journal import Exchange, JournalQuery
from cucmsim.testing.administrator import Said
from cucmsim.testing.clusterwork import ClusterWork
from cucmsim.testing.faces import ClusterFace, PhoneFace
from cucmsim.testing.labs import Bench
from cucmsim.testing.loopthread import LoopThread
from cucmsim.testing.verdicts import Trust
from cucmsim.testing.wishes import make_wish, phone_of

__all__ = ["ClusterUnderTest", "Cucm", "PhoneUnderTest"]

__tracebackhide__ = True  # pytest shows the test\'s own lines


class PhoneUnderTest(PhoneFace):
    """A simulated phone. Once booted it stays on until the test ends."""

    def boot(self) -> BootSummary:
        """Switch it on, or off and on; return what came of it."""
        return self._thread.wait(self._work.boot())

    def reset(self, timeout_s: float = 60.0) -> BootSummary:
        """Have its cluster reset it; return what came of the boot that follows.

        Raises RefusedError when it is not registered.
        """
        return self._thread.wait(self._work.reset(timeout_s))

    def wait_registered(self, node: str = "", timeout_s: float = 60.0) -> str:
        """Wait until it is registered, at a node if one is given; return that node."""
        return self._thread.wait(self._work.wait_registered(node, timeout_s))

    def trusts(self, wanted: str | bytes | x509.Certificate, node: str = "") -> Trust:
        """Return whether it trusts a certificate (PEM, DER), or its cluster's: `trusts("tomcat")`.

        It asks TVS where it would. What is returned says why.
        """
        return self._thread.wait(self._work.trusts(wanted, node))

    def trusts_file(self, name: str, data: bytes | None = None, node: str = "") -> Trust:
        """Return whether it would take a signed file, by default as its cluster serves it now."""
        return self._thread.wait(self._work.trusts_file(name, data, node))

    def press(self, button: str) -> list[str]:
        """Press "directories", "reset" or "erase CTL and ITL"; return what its console says."""
        return self._thread.wait(self._work.press(button))

    def erase_trust_lists(self) -> None:
        """Erase CTL and ITL, as a person does in the security settings."""
        self._thread.wait(self._work.erase())

    def move(self, *clusters: "ClusterUnderTest") -> None:
        """Switch it off, and tell it the TFTP servers of these clusters from now on."""
        self._thread.wait(self._work.move([cluster.work for cluster in clusters]))

    def switch_off(self) -> None:
        """Switch it off; it keeps what it holds."""
        self._thread.wait(self._work.close())


class ClusterUnderTest(ClusterFace):
    """A running cluster, and its administrator."""

    @property
    def work(self) -> ClusterWork:
        """What runs on the cluster's loop."""
        return self._work

    def wait_for(
        self,
        *,
        node: str = "",
        service: str = "",
        device: str = "",
        request: str = "",
        fault: str = "",
        after: int | None = None,
        timeout_s: float = 30.0,
    ) -> Exchange:
        """Wait for an exchange: one that came since the test began, or comes in time.

        Raises AssertionError that shows what came instead. `after` is an earlier `journal.count`.
        """
        query = JournalQuery(node, service, device, fault, request)
        return self._thread.wait(self._work.wait_for(query, after, timeout_s))

    def command(self, line: str, *answers: str, node: str = "") -> Said:
        """Give a command of the command line, with answers to its questions: `show itl`."""
        return self._thread.wait(self._work.command(line, answers, node))

    def operate(self, operation: str, *, node: str = "", **wanted: object) -> Said:
        """Carry out an operation of the management API: `operate("security-mode", mode="mixed")`.

        Raises RefusedError with the server's words.
        """
        return self._thread.wait(self._work.operate(operation, node, wanted))

    def regenerate(self, certificate: str, *, node: str = "") -> Said:
        """Regenerate a certificate, "CallManager" or "TVS"; a restart makes services use it."""
        return self._thread.wait(self._work.regenerate(certificate, node))

    def restart(self, *services: str, node: str = "") -> None:
        """Restart services of a node, "Cisco Tftp" or "tvs"."""
        self._thread.wait(self._work.restart(services, node))

    def reset(self, phone: PhoneFace | str) -> None:
        """Reset a registered phone, without waiting for its boot: `phone.reset()` does."""
        self._thread.wait(self._work.reset(_name(phone), "reset"))

    def change_phone(self, phone: PhoneFace | str, **changes: object) -> None:
        """Change a phone, with keys as in `[[phones]]`."""
        self._thread.wait(self._work.change_phone(_name(phone), changes))

    def advance(self, **by: float) -> None:
        """Move the clock forward: `advance(days=30)`."""
        self._thread.wait(self._work.advance(timedelta(**by)))

    def fetch(self, name: str, node: str = "") -> bytes:
        """Get a file by TFTP, as a phone does."""
        return self._thread.wait(self._work.fetch(name, node))

    def certificate(self, name: str, node: str = "") -> x509.Certificate:
        """Return a node's own certificate: `certificate("tomcat")`."""
        pem = self._thread.wait(self._work.certificate_pem(name, node))
        return x509.load_pem_x509_certificate(pem.encode())


class Cucm:
    """Makes any number of clusters and phones for one test."""

    def __init__(self, bench: Bench, thread: LoopThread) -> None:
        self._bench, self._thread = bench, thread

    def cluster(self, name: str = "cucm", **wanted: object) -> ClusterUnderTest:
        """Start a cluster, with keywords as of the marker; its nodes are `name`-pub, `name`-sub.

        Raises SettingsError, StartError.
        """
        work = self._thread.wait(self._bench.cluster(make_wish(wanted), name))
        return ClusterUnderTest(work, self._thread)

    def phone(
        self, cluster: ClusterUnderTest, phone: str | Mapping[str, object] = ""
    ) -> PhoneUnderTest:
        """Make a phone that is told a cluster's TFTP servers.

        `phone` is the name of one that the cluster was started with, by default the first; a
        model; or keys as in `[[phones]]`, for one that the cluster does not know.
        """
        shape = phone_of(cluster.lab.shape, phone)
        return PhoneUnderTest(
            self._thread.wait(self._bench.phone(shape, cluster.work)), self._thread
        )


def _name(phone: PhoneFace | str) -> str:
    return phone if isinstance(phone, str) else phone.name
