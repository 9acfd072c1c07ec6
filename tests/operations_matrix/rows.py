"""The matrix: every operation, in the order they are tried; later ones build on earlier ones."""

from collections.abc import Sequence

from cucmsim.formats.trustlist import CTL_FILENAME, ITL_FILENAME
from cucmsim.pki.profiles import Unit
from cucmsim.services.operations.restarts import (
    after_new_ctl,
    after_regeneration,
    after_rename,
    after_rollback,
)
from tests.fixtures.sftpservers import PASSWORD, USER
from tests.operations_matrix.bench import Bench
from tests.operations_matrix.row import (
    DONE,
    EVERY_TFTP,
    NOT_PUBLISHER,
    OTHER_PHONE,
    PUBLISHER_ONLY,
    RELEASE,
    STALE,
    Give,
    Row,
    line,
    post,
)
from tests.operations_matrix.systemrows import SYSTEM_ROWS
from tests.scenarios.bench import Administrator
from tests.scenarios.trustlists import insert_tokens, make_tokens
from tests.services.operations.conftest import pem

__all__ = ["ROWS"]

OTHER = "lab-password-2446"
OUR_CA = "cucmsim Manufacturing CA"


def regenerate(unit: Unit, *changes: str, at_subscriber: str = DONE) -> Row:
    return Row(
        f"regenerate {unit}",
        line(f"set cert regen {unit}", "yes"),
        f"Successfully Regenerated Certificate for {unit}.\n",
        (f"own {unit}", *(f"{store} +1 -1" for store in changes)),
        at_subscriber,
        restarts=after_regeneration(unit, RELEASE),
    )


async def import_root(bench: Bench, node: str) -> str:
    pasted = pem(bench.root(node).certificate).decode().splitlines()
    return await bench.give(node, "set cert import trust tomcat", pasted)


async def import_chain(bench: Bench, node: str) -> str:
    """Have the root sign the request, and paste what it signed."""
    request = await bench.give(node, "show csr own tomcat")
    signed = pem(bench.root(node).sign(request.encode(), bench.issued()))
    return await bench.give(node, "set cert import own tomcat", signed.decode().splitlines())


async def delete_root(bench: Bench, node: str) -> str:
    return await bench.give(node, f"set cert delete tomcat Root_of_{node}.pem")


def sftp_answers(bench: Bench) -> tuple[str, ...]:
    served = bench.server
    return (served.host, str(served.port), USER, PASSWORD, "/", "yes")


async def set_bulk_server(bench: Bench, node: str) -> str:
    return await bench.give(node, "set cert bulk sftp", sftp_answers(bench))


async def get_recovery_file(bench: Bench, node: str) -> str:
    return await bench.give(node, "file get tftp ITLRecovery.p12", ["y", *sftp_answers(bench)])


async def reset_with_saved_key(bench: Bench, node: str) -> str:
    served = bench.server
    text = f"utils itl reset remotekey {served.host}:{served.port} {USER} /ITLRecovery.p12"
    return await bench.give(node, text, [PASSWORD])


async def sign_with_etokens(bench: Bench, _node: str) -> str:
    """Run the CTL client: a program beside the cluster, which has no command line."""
    admin = Administrator(bench.cluster)
    return "\n".join(await insert_tokens(admin, "mixed-mode", *await make_tokens(admin)))


async def every_node_serves_the_same_itl(bench: Bench) -> None:
    """Hold that a reset ITL is the publisher's, for all, and served at once."""
    served = {await bench.served_file(node, ITL_FILENAME) for node in bench.nodes}
    assert len(served) == 1


async def every_node_serves_the_new_ctl(bench: Bench) -> None:
    """Hold that TFTP takes a new CTL by itself, from 12.0."""
    for node in bench.nodes:
        held = bench.replica.tftp_file(CTL_FILENAME, node)
        assert held is not None
        assert await bench.served_file(node, CTL_FILENAME) == held.data


def rename(text: str, *answers: str, changes: tuple[str, ...]) -> Row:
    units = [unit for unit in Unit if unit is not Unit.ITLRECOVERY]
    return Row(
        text,
        line(text, *answers),
        "System services will restart in 1 minute\n",
        (
            *(f"own {unit}" for unit in units),
            *changes,
            "CAPF-trust +1 -0",
            "CallManager-trust +3 -2",
            "TVS-trust +1 -1",
            "tomcat-trust +2 -2",
            "ipsec-trust +1 -1",
        ),
        automatic=after_rename(),
    )


def new_ctl(
    name: str, give: Give, says: str, *changes: str, at_subscriber: str | None = NOT_PUBLISHER
) -> Row:
    return Row(
        name,
        give,
        says,
        (*changes, f"{CTL_FILENAME} at {{nodes}}"),
        at_subscriber,
        restarts=after_new_ctl(RELEASE),
        check=every_node_serves_the_new_ctl,
    )


ROWS: Sequence[Row] = (
    regenerate(Unit.CALLMANAGER, "CallManager-trust"),
    regenerate(Unit.CALLMANAGER_ECDSA, "CallManager-trust"),
    regenerate(Unit.TVS, "TVS-trust"),
    regenerate(Unit.TOMCAT, "tomcat-trust"),
    regenerate(Unit.TOMCAT_ECDSA, "tomcat-trust"),
    regenerate(Unit.IPSEC, "ipsec-trust"),
    Row(
        "fetch ITLRecovery.p12",
        get_recovery_file,
        "Downloading file: /usr/local/cm/tftp/ITLRecovery.p12\n",
        at_subscriber="file not found\nExecuted command unsuccessfully\n",
    ),
    regenerate(
        Unit.ITLRECOVERY,
        "CallManager-trust",
        at_subscriber="node cucm-sub has no ITLRecovery certificate\n",
    ),
    Row(
        "regenerate CAPF",
        line("set cert regen CAPF", "yes"),
        "Successfully Regenerated Certificate for CAPF.\n",
        ("own CAPF", "CAPF-trust +1 -0", "CallManager-trust +1 -0"),
        restarts=after_regeneration(Unit.CAPF, RELEASE),
    ),
    Row(
        "delete stale LSCs",
        line("utils capf stale-lsc delete all", "y"),
        "Number of stale LSC deleted : 1\n",
        (f"{STALE} is another",),
        PUBLISHER_ONLY,
    ),
    Row(
        "set CAPF's keep-alive timer",
        line("utils capf set keep_alive 20"),
        "CAPF keep alive timer is set to 20 minutes.\n",
        (".capf.KeepAliveTimer=20",),
        PUBLISHER_ONLY,
    ),
    Row("generate a CSR", line("set csr gen tomcat"), "Successfully Generated CSR for tomcat.\n"),
    Row(
        "upload a trust certificate",
        import_root,
        "Successfully imported certificate for tomcat-trust.\n",
        ("tomcat-trust +1 -0",),
    ),
    Row(
        "upload what an authority signed",
        import_chain,
        "Successfully imported certificate for tomcat.\n",
        ("own tomcat", "tomcat-trust +1 -1"),
        restarts=after_regeneration(Unit.TOMCAT, RELEASE),
    ),
    Row(
        "delete a trust certificate",
        delete_root,
        " from tomcat-trust.\n",
        ("tomcat-trust +0 -1",),
    ),
    new_ctl(
        "sign a CTL with eTokens",
        sign_with_etokens,
        "CTL File has been created.",
        "ClusterSecurityMode=1",
        at_subscriber=None,
    ),
    new_ctl(
        "update the CTL",
        line("utils ctl update CTLFile", "y"),
        "Updating CTL file\nCTL file Updated\n",
    ),
    new_ctl(
        "set non-secure mode",
        line("utils ctl set-cluster non-secure-mode", "y"),
        "Cluster set to Non Secure Mode\n",
        "ClusterSecurityMode=0",
    ),
    new_ctl(
        "set mixed mode",
        line("utils ctl set-cluster mixed-mode", "y"),
        "Cluster set to Mixed Mode\n",
        "ClusterSecurityMode=1",
    ),
    new_ctl(
        "reset the CTL",
        line("utils ctl reset localkey", "y"),
        "Resetting CTL file\nCTL file Reset\n",
    ),
    Row(
        "delete the CTL of a node",
        line("file delete tftp CTLFile.tlv", "y"),
        "files: found = 1, deleted = 1\n",
        (f"{CTL_FILENAME} at 1",),
    ),
    Row(
        "reset the ITL",
        line("utils itl reset localkey"),
        "Successfully transferred reset ITL to node cucm-sub\n",
        (f"{ITL_FILENAME} at {{nodes}}",),
        NOT_PUBLISHER,
        restarts=EVERY_TFTP,
        check=every_node_serves_the_same_itl,
    ),
    Row(
        "reset the ITL with the saved key",
        reset_with_saved_key,
        "Successfully transferred reset ITL to node cucm-sub\n",
        ("own ITLRecovery", "CallManager-trust +1 -1", f"{ITL_FILENAME} at {{nodes}}"),
        NOT_PUBLISHER,
        restarts=EVERY_TFTP,
        check=every_node_serves_the_same_itl,
    ),
    Row(
        "change the security password",
        line("set password user security", "lab-password-2445", OTHER, OTHER, "y"),
        "Password updated successfully.\n",
        at_subscriber=NOT_PUBLISHER,
    ),
    Row(
        "set the bulk server",
        set_bulk_server,
        "Successfully set the sftp server.\n",
    ),
    Row(
        "export bulk certificates",
        line("set cert bulk export all"),
        "Successfully exported tomcat certificate(s) to sftp server.\n",
    ),
    Row(
        "consolidate bulk certificates",
        line("set cert bulk consolidate all"),
        "Successfully consolidated tomcat certificates.\n",
    ),
    Row(
        "import bulk certificates",
        line("set cert bulk import all"),
        "Successfully imported ITL_Recovery certificates.\n",
        ("Phone-SAST-trust +{bulk} -0",),
        is_done_for_all=True,
    ),
    Row(
        "disable a default CA",
        line(f'set cert default-ca-list disable common-name "{OUR_CA}"', "yes"),
        f"The {OUR_CA} certificate is disabled.\n",
        ("CAPF-trust +0 -1", "CallManager-trust +0 -1"),
        PUBLISHER_ONLY,
    ),
    Row(
        "enable a default CA",
        line("set cert default-ca-list enable all", "yes"),
        f"The {OUR_CA} certificate is enabled.\n",
        ("CAPF-trust +1 -0", "CallManager-trust +1 -0"),
        PUBLISHER_ONLY,
    ),
    Row(
        "write by SQL",
        line("run sql update devicepool set name='Lab' where name='Default'"),
        "Rows: 1\n",
        (f"{STALE} is another", f"{OTHER_PHONE} is another"),
        "No UPDATE permission",
    ),
    Row(
        "prepare for rollback",
        post("/operations/rollback", prepared=True),
        "Update Successful",
        ("RollBackToPreGrayback=T",),
        at_subscriber=None,
        automatic=after_rollback(),
        itl_is_full=False,
    ),
    Row(
        "take that back",
        post("/operations/rollback", prepared=False),
        "Update Successful",
        ("RollBackToPreGrayback=F",),
        at_subscriber=None,
        automatic=after_rollback(),
    ),
    Row(
        "deactivate a service",
        line("utils service deactivate Cisco CallManager"),
        "Cisco CallManager[STOPPED]  Service Not Activated\n",
        ("{node}: {node} callmanager",),
    ),
    Row(
        "activate a service",
        line("utils service activate Cisco CallManager"),
        "Cisco CallManager[STARTED]  \n",
        ("{node}: {node} callmanager",),
    ),
    rename(
        "set network domain lab.local",
        "y",
        changes=("{node}: {node}.lab.local ",),
    ),
    rename(
        "set network hostname",
        "y",
        "new-{node}",
        "no",
        "yes",
        changes=("{node}: new-{node}.lab.local ",),
    ),
    rename("unset network domain", "y", changes=("{node}: new-{node} ",)),
    *SYSTEM_ROWS,
)
