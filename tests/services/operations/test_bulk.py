"""Certificates travel between two clusters over a server, as in seed 002 from line 59."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cucmsim.entropy import SeededEntropy
from cucmsim.errors import RefusedError
from cucmsim.pki.bundles import load_trust_bundle
from cucmsim.pki.certificates import certificate_der
from cucmsim.services.operations.bulk import (
    consolidate_certificates,
    export_certificates,
    import_certificates,
)
from cucmsim.services.operations.operator import Operator
from cucmsim.store.store import Store
from tests.fixtures.postgres import SECURITY_PASSWORD
from tests.services.operations.conftest import OWN, der, make_operator
from tests.store.conftest import FixedClock, put_lab


@dataclass
class FakeServer:
    """An SFTP server's directory; `broken` refuses to write."""

    files: dict[str, bytes] = field(default_factory=dict)
    broken: bool = False

    async def list_files(self) -> Sequence[str]:
        """Return the names."""
        return list(self.files)

    async def read_file(self, name: str) -> bytes:
        """Return a file."""
        return self.files[name]

    async def write_file(self, name: str, data: bytes) -> None:
        """Keep a file."""
        if self.broken:
            raise RefusedError("disk full")
        self.files[name] = data

    async def remove_file(self, name: str) -> None:
        """Remove a file."""
        del self.files[name]


@pytest.fixture
async def other(tmp_path: Path, clock: FixedClock) -> AsyncIterator[Operator]:
    """Give the store of a second cluster, which trusts nobody yet."""
    async with Store.open(
        f"sqlite:///{tmp_path / 'other.db'}",
        security_password=SECURITY_PASSWORD,
        clock=clock,
        entropy=SeededEntropy(2),
    ) as opened:
        async with opened.transaction() as transaction:
            await put_lab(transaction)
        yield make_operator(opened, clock)


async def test_two_clusters_trust_each_other_after_the_three_steps(
    operator: Operator, other: Operator
) -> None:
    server = FakeServer()
    exported = await export_certificates(operator, server, "all")
    assert exported.lines == tuple(
        f"Successfully exported {name} certificate(s) to sftp server."  # cucm.md line 175
        for name in ("tomcat", "tftp", "capf", "ITL_Recovery")
    )
    assert set(server.files) == {
        "cucm-pub_tomcat.p12",
        "cucm-pub_tftp.p12",
        "cucm-sub_tftp.p12",
        "cucm-pub_capf.p12",
        "cucm-pub_ITL_Recovery.p12",
    }
    assert len((await consolidate_certificates(server, "ALL")).lines) == 4
    for _ in range(2):
        shown = await import_certificates(other, server, "all")
    assert shown.lines[1] == "Successfully imported tftp certificates."  # cucm.md line 175
    replica = await other.store.load_replica()
    stores = {
        name: {held.certificate_der for held in replica.in_store(name)}
        for name in ("Phone-SAST-trust", "CallManager-trust", "tomcat-trust", "CAPF-trust")
    }
    signers = {der("callmanager-pub"), der("callmanager-sub"), der("itlrecovery")}
    assert stores == {  # cucm.md 5.2, table of the bulk import
        "Phone-SAST-trust": signers,
        "CallManager-trust": {*signers, der("capf")},
        "tomcat-trust": {der("tomcat")},
        "CAPF-trust": set(),
    }


async def test_no_key_travels_and_each_certificate_comes_once(operator: Operator) -> None:
    server = FakeServer()
    for _ in range(2):
        await export_certificates(operator, server, "tftp")
    server.files["again_tftp.p12"] = server.files["cucm-pub_tftp.p12"]
    await consolidate_certificates(server, "tftp")
    entries = load_trust_bundle(server.files["tftp.p12"])
    expected = [der(name) for _, unit, name in OWN if unit == "CallManager"]
    assert sorted(certificate_der(one) for _, one in entries) == sorted(expected)
    assert {name for name, _ in entries} == {"cucm-pub", "cucm-sub"}


async def test_imported_again_at_home_it_changes_no_own_certificate(operator: Operator) -> None:
    server, before = FakeServer(), await operator.store.load_replica()
    await export_certificates(operator, server, "all")
    await consolidate_certificates(server, "all")
    await import_certificates(operator, server, "all")
    after = await operator.store.load_replica()
    assert {key: held.pkid for key, held in after.own.items()} == {
        key: held.pkid for key, held in before.own.items()
    }
    assert after.own_keys == before.own_keys


async def test_steps_out_of_order_and_foreign_files_are_refused(operator: Operator) -> None:
    server, before = FakeServer(), await operator.store.load_replica()
    with pytest.raises(RefusedError, match="no exported certificates"):
        await consolidate_certificates(server, "all")
    with pytest.raises(RefusedError, match="no consolidated certificates"):
        await import_certificates(operator, server, "all")
    with pytest.raises(RefusedError, match="nothing is not a type"):
        await export_certificates(operator, server, "nothing")
    server.files |= {"x_tftp.p12": b"rubbish", "tomcat.p12": b"", "readme.txt": b""}
    with pytest.raises(RefusedError, match=r"x_tftp\.p12 is not a PKCS12 file"):
        await consolidate_certificates(server, "all")
    with pytest.raises(RefusedError, match=r"tomcat\.p12 is not a PKCS12 file"):
        await import_certificates(operator, server, "all")
    with pytest.raises(RefusedError, match="disk full"):
        await export_certificates(operator, FakeServer(broken=True), "all")
    assert await operator.store.load_replica() == before
