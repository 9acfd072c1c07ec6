"""A backup and a restore with OpenSSH's sftp-server as the one that holds the files."""

from pathlib import Path

import pytest

from tests.fixtures.adminlines import at_node
from tests.fixtures.clusters import PUBLISHER, SUBSCRIBER, Lab
from tests.fixtures.sftpservers import PASSWORD, USER, openssh_sftp_server

pytestmark = [pytest.mark.interop, pytest.mark.usefixtures("quiet")]

DRS = "utils disaster_recovery"


async def test_a_cluster_is_backed_up_to_openssh_pruned_and_restored(
    lab: Lab, tmp_path: Path
) -> None:
    backups = tmp_path / "backups"
    backups.mkdir()
    async with openssh_sftp_server(backups) as served, lab.running() as cluster:
        give, server = at_node(cluster, PUBLISHER), f"{served.host}:{served.port}"
        add = f"{DRS} device add network sftp1 {backups} {server} {USER} 1"
        assert "added successfully" in await give(add, [PASSWORD, "yes"])
        before = cluster.view.replica
        for _ in range(2):
            assert "initiated successfully" in await give(f"{DRS} backup network UCM sftp1")
        (listed,) = (await give(f"{DRS} show_backupfiles sftp1")).splitlines()
        for node in (PUBLISHER, SUBSCRIBER):
            regenerated = await at_node(cluster, node)("set cert regen tomcat", ["yes"])
            assert "Successfully Regenerated" in regenerated
        shown = await give(f"{DRS} restore network ALL {listed} sftp1", ["y"])
        await cluster.operator().newest()
        after = cluster.view.replica

    assert "Restore Completed..." in shown
    assert {place: held.hash for place, held in after.own.items()} == {
        place: held.hash for place, held in before.own.items()
    }
    stamp = listed.removesuffix(".tar")
    assert sorted(path.name for path in backups.iterdir()) == sorted(
        [
            f"{stamp}_drfComponent.xml",
            *(
                f"{stamp}_{node}_UCM_{component}.tar"
                for node in (PUBLISHER, SUBSCRIBER)
                for component in ("PLATFORM", "CCMDB", "TFTP")
                if (node, component) != (SUBSCRIBER, "CCMDB")
            ),
        ]
    )
