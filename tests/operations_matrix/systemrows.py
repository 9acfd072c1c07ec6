"""Rows of the matrix about the system: clock, parameters, phones, services, DRS, upgrades."""

import asyncio

from cucmsim.services.operations.clockmove import advance_clock
from cucmsim.services.operations.upgrade import INSTALLATION_TIME
from cucmsim.services.operations.versions import Version, is_upgrading
from tests.fixtures.clusters import PUBLISHER
from tests.fixtures.sftpservers import PASSWORD, USER
from tests.operations_matrix.bench import EVERY_SERVICE, Bench
from tests.operations_matrix.row import (
    EVERY_TFTP,
    OTHER_PHONE,
    PUBLISHER_ONLY,
    RELEASE,
    STALE,
    Row,
    line,
    post,
    request,
)

__all__ = ["IMAGE", "SYSTEM_ROWS"]

DRS = "utils disaster_recovery"
OLD, NEW = str(Version.of(RELEASE)), "14.0.1.10000-20"
IMAGE = f"UCSInstall_UCOS_{NEW}.sha512.iso"
ADDED = "SEP001122334455"
TVS = "Cisco Trust Verification Service"


async def restore_all(bench: Bench, node: str) -> str:
    """Restore every server from the newest backup."""
    tars = await bench.give(PUBLISHER, f"{DRS} show_backupfiles sftp1")
    return await bench.give(node, f"{DRS} restore network ALL {tars.split()[-1]} sftp1", ["y"])


async def begin_installation(bench: Bench, node: str) -> "asyncio.Future[str]":
    """Have an image installed; return when it has begun, or was refused, with what is shown."""
    served = bench.server
    answers = ("1", "/", f"{served.host}:{served.port}", USER, PASSWORD, "1", "no", "yes")
    given = asyncio.ensure_future(bench.give(node, "utils system upgrade initiate", answers))
    while not (given.done() or is_upgrading(bench.replica, node)):
        await asyncio.to_thread(tuple)  # lets the loop turn
    return given


async def cancel_installation(bench: Bench, node: str) -> str:
    """Cancel an upgrade that has begun; return what its own session shows."""
    shown = await begin_installation(bench, node)
    if not shown.done():
        cancelled = await bench.give(node, "utils system upgrade cancel")
        assert cancelled == "The upgrade was cancelled.\n"
    return await shown


async def install(bench: Bench, node: str) -> str:
    """Install an image, in no time."""
    shown = await begin_installation(bench, node)
    if not shown.done():
        await advance_clock(bench.cluster.operator(), INSTALLATION_TIME)
    return await shown


def drs(name: str, text: str, says: str, *answers: str) -> Row:
    return Row(name, line(f"{DRS} {text}", *answers), says, at_subscriber=PUBLISHER_ONLY)


def switch(name: str, before: str, after: str) -> Row:
    return Row(
        name,
        line("utils system switch-version", "yes"),
        "Switching to the inactive version. Appliance is being Restarted ...\n",
        (f"{{node}}.cucmsim.ActiveVersion={after}", f"{{node}}.cucmsim.InactiveVersion={before}"),
        before_publisher="The publisher cucm-pub has to be switched first:",
        automatic=EVERY_SERVICE,
    )


BEFORE_RESTORE = (
    Row(
        "set an enterprise parameter",
        post("/parameters", name="TFTPFileSignatureAlgorithm", value="SHA-512"),
        "Update Successful",
        ("TFTPFileSignatureAlgorithm=SHA-512",),
        at_subscriber=None,
        restarts=EVERY_TFTP,
    ),
    Row(
        "set a service parameter of a node",
        post("/parameters", name="RequestClientCertificate", value="false", node="{node}"),
        "Update Successful",
        ("{node}.tvs.RequestClientCertificate=F",),
    ),
    Row(
        "set an alternate file location",
        post("/parameters", name="AlternateFileLocation1", value="{sftp}"),
        "Update Successful",
        (".tftp.AlternateFileLocation1={sftp}",),
        at_subscriber=None,
    ),
    Row(
        "set a parameter by SQL",
        line(
            "run sql update processconfig set paramvalue='tftp://127.0.0.1'"
            " where paramname='AlternateFileLocation1'"
        ),
        "Rows: 1\n",
        (".tftp.AlternateFileLocation1=tftp://127.0.0.1",),
        "No UPDATE permission",
    ),
    Row(
        "order an LSC",
        post("/operations/capf", devices=[STALE, OTHER_PHONE], operation="install"),
        '"devices":2',
        (f"{STALE} is another", f"{OTHER_PHONE} is another"),
        at_subscriber=None,
    ),
    Row(
        "add a phone",
        post("/devices", mac=ADDED, model="8861"),
        ADDED,
        (f"{ADDED} is new",),
        at_subscriber=None,
    ),
    Row(
        "regenerate TVS after the backup",
        line("set cert regen TVS", "yes"),
        "Successfully Regenerated Certificate for TVS.\n",
        ("own TVS", "TVS-trust +1 -1"),
        restarts=(EVERY_TFTP[0],),
    ),
)
"""What is gone after a restore."""

SYSTEM_ROWS = (
    Row(
        "advance the clock",
        post("/clock/advance", seconds=300),
        '"ahead_s":300',
        (".cucmsim.ClockAdvanceSeconds=300",),
        at_subscriber=None,
    ),
    Row(
        "stop a service",
        line("utils service stop Cisco CallManager"),
        "Cisco CallManager[STOPPED]",
    ),
    Row(
        "start a service",
        line("utils service start Cisco CallManager"),
        "Cisco CallManager[STARTED]  \n",
    ),
    Row(
        "change the security profile of a phone",
        request("PATCH", f"/devices/{STALE}", device_security_mode="encrypted"),
        "Standard SCCP Encrypted Profile",
        (f"{STALE} is another",),
        at_subscriber=None,
    ),
    Row(
        "withdraw an order of CAPF",
        post("/operations/capf", devices=[OTHER_PHONE], operation="none"),
        '"expires":null',
        (f"{OTHER_PHONE} is another",),
        at_subscriber=None,
    ),
    drs(
        "add a backup device",
        f"device add network sftp1 / {{sftp}} {USER}",
        "drfCliMsg: Network Device added successfully.\n",
        PASSWORD,
        "yes",
    ),
    drs("back up", "backup network UCM sftp1", "drfCliMsg: Backup initiated successfully."),
    *BEFORE_RESTORE,
    Row(
        "restore",
        restore_all,
        "drfCliMsg: Restore Completed...\n",
        (
            "own TVS",
            "own TVS of cucm-sub",
            "TVS-trust +2 -2",
            "TFTPFileSignatureAlgorithm=None",
            "cucm-pub.tvs.RequestClientCertificate=None",
            "cucm-sub.tvs.RequestClientCertificate=None",
            ".tftp.AlternateFileLocation1=None",
            f"{STALE} is another",
            f"{OTHER_PHONE} is another",
            f"{ADDED} is gone",
            ".cucmsim.DrsRestored={restored}",
        ),
        PUBLISHER_ONLY,
        restarts_nodes=True,
    ),
    drs(
        "delete the backup device",
        "device delete *",
        "drfCliMsg: Device sftp1 deleted successfully.\n",
    ),
    Row(
        "cancel an upgrade",
        cancel_installation,
        "The upgrade was cancelled.\n",
        at_subscriber="The publisher cucm-pub has to be upgraded first:",
    ),
    Row(
        "install an upgrade",
        install,
        "The system upgrade was successful.  Please switch versions to activate the upgrade.\n",
        (f"{{node}}.cucmsim.InactiveVersion={NEW}", ".cucmsim.ClockAdvanceSeconds={ahead}"),
        before_publisher="The publisher cucm-pub has to be upgraded first:",
    ),
    switch("switch versions", OLD, NEW),
    switch("switch versions back", NEW, OLD),
)
