"""The reset ITL is signed with the other key and sent to every TFTP server."""

from dataclasses import replace

import pytest

from cucmsim.errors import RefusedError
from cucmsim.formats.trustlist import ITL_FILENAME, decode_trust_list
from cucmsim.pki.bundles import KeyBundle, dump_key_bundle
from cucmsim.pki.certificates import load_certificate
from cucmsim.pki.keys import load_private_key
from cucmsim.pki.release import Release
from cucmsim.services.operations.itlreset import reset_itl_localkey, reset_itl_remotekey
from cucmsim.services.operations.operator import Operator, Restart
from tests.services.operations.conftest import KEYS, PUBLISHER, SUBSCRIBER, der

PASSWORD = "of the cluster"
REMOTE = "tomcat"
RELEASES = pytest.mark.parametrize("release", ["10.0", "11.5", "12.0", "14"])


def remote_file(password: str = PASSWORD) -> bytes:
    """Write an ITLRecovery.p12 of another installation."""
    key = load_private_key((KEYS / f"{REMOTE}.key.der").read_bytes())
    certificate = load_certificate(der(REMOTE))
    return dump_key_bundle(KeyBundle("ITLRecovery", certificate, key), password)


def of_release(operator: Operator, release: str) -> Operator:
    given = Release.parse(release)
    return replace(operator, release=given, security_password=PASSWORD)


async def signers(operator: Operator) -> dict[str, str]:
    """Return who signed the ITL that each node was sent, by the unit of the publisher."""
    replica = await operator.store.load_replica()
    units = {
        bytes.fromhex(held.serialnumber): unit
        for (node, unit), held in replica.own.items()
        if node == PUBLISHER
    }
    files = {node: replica.tftp_file(ITL_FILENAME, node) for node in replica.nodes}
    return {
        node: units[decode_trust_list(held.data).header.signer.serial]
        for node, held in files.items()
        if held
    }


@RELEASES
async def test_the_local_key_is_the_one_that_does_not_sign_as_a_rule(
    operator: Operator, release: str
) -> None:
    outcome = await reset_itl_localkey(of_release(operator, release), PUBLISHER)
    unit = "ITLRecovery" if Release.parse(release) < Release(12) else "CallManager"
    assert await signers(operator) == {PUBLISHER: unit, SUBSCRIBER: unit}
    assert outcome.automatic == (Restart("Cisco Tftp", every_node=True),)


@RELEASES
async def test_the_remote_key_signs_and_takes_the_place_of_the_local_one(
    operator: Operator, release: str
) -> None:
    operating = of_release(operator, release)
    await reset_itl_remotekey(operating, PUBLISHER, remote_file())
    replica = await operator.store.load_replica()
    assert replica.signer(PUBLISHER, "ITLRecovery").certificate == load_certificate(der(REMOTE))
    assert set((await signers(operator)).values()) <= {"ITLRecovery", REMOTE}


async def test_the_lines_of_10_are_those_of_seed_003_line_92(operator: Operator) -> None:
    outcome = await reset_itl_localkey(of_release(operator, "10.0"), PUBLISHER)
    assert outcome.lines == (
        "Locating active Tftp servers in the cluster.....",
        "",
        "Following is the list of Active tftp servers in the cluster",
        "",
        "['cucm-pub', 'cucm-sub']",
        "The reset ITL file was generated successfully",
        "",
        "Transferring new reset ITL file to the TFTP server nodes in the cluster.....",
        "",
        "Restarting Cisco Tftp service on host cucm-pub",
        "Cisco Tftp service restarted on host cucm-pub",
        "Successfully transferred reset ITL to node cucm-sub",
        "",
        "Restarting Cisco Tftp service on host cucm-sub",
        "Cisco Tftp service restarted on host cucm-sub",
    )


async def test_the_lines_of_12_5_are_those_of_its_command_reference(operator: Operator) -> None:
    lines = (await reset_itl_localkey(operator, PUBLISHER)).lines
    assert lines[:3] == (
        "Name is None",
        "Generating the reset ITL file.....",
        "The reset ITL file was generated successfully",
    )
    assert lines[5:9] == ("====================", "cucm-pub", "cucm-sub", "=====================")
    assert lines[-1] == "Successfully transferred reset ITL to node cucm-sub"


async def test_a_second_reset_at_the_same_moment_is_a_new_file(operator: Operator) -> None:
    await reset_itl_localkey(operator, PUBLISHER)
    first = (await operator.store.load_replica()).tftp_file(ITL_FILENAME, PUBLISHER)
    await reset_itl_localkey(operator, PUBLISHER)
    assert (await operator.store.load_replica()).tftp_file(ITL_FILENAME, PUBLISHER) != first


async def test_what_is_refused_changes_nothing(operator: Operator) -> None:
    before = (await operator.store.load_replica()).version
    for node in (SUBSCRIBER, "nobody"):
        text = "This is not a publisher node" if node == SUBSCRIBER else "no node"
        with pytest.raises(RefusedError, match=text):
            await reset_itl_localkey(operator, node)
        with pytest.raises(RefusedError, match=text):
            await reset_itl_remotekey(operator, node, remote_file())
    with pytest.raises(RefusedError, match="wrong cluster security password"):
        await reset_itl_remotekey(of_release(operator, "12.5"), PUBLISHER, remote_file("another"))
    early = of_release(operator, "9.1")
    with pytest.raises(RefusedError, match=r"Release 9\.1.* has no utils itl"):
        await reset_itl_localkey(early, PUBLISHER)
    with pytest.raises(RefusedError, match=r"Release 9\.1.* has no utils itl"):
        await reset_itl_remotekey(early, PUBLISHER, remote_file())
    assert (await operator.store.load_replica()).version == before
