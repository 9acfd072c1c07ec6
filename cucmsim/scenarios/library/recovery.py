"""Trust that was lost, and ITLRecovery that brings it back: itl-reset-*, recovery-*.

Source: seed 003; cucm.md 1.4, 3.6 and 7 (row 4).
"""

from typing import Final

from cucmsim.phone.values import FileKind, TrustSource
from cucmsim.scenarios.library.generations import BEFORE_10, FROM_10, FROM_10_TO_11, FROM_12
from cucmsim.scenarios.library.lockout import lock_out
from cucmsim.scenarios.library.recoverykey import (
    RECOVERY_FILE,
    change_security_password,
    reset_local,
    reset_remote,
    save_key,
)
from cucmsim.scenarios.listings import shown_list
from cucmsim.scenarios.model import Choice, Scenario, scenario
from cucmsim.scenarios.observed import BootReport
from cucmsim.scenarios.stage import Stage
from cucmsim.scenarios.stagecluster import TFTP, StageCluster
from cucmsim.testing.shape import NEW_PHONE, OLD_PHONE, ClusterShape

__all__ = ["SCENARIOS"]

_UPGRADES: Final = {
    "to": Choice("the release upgraded to", ("10.5.2.10000-5", "11.5.1.10000-6")),
}


def _expect_back(stage: Stage, report: BootReport) -> None:
    """Check that a phone takes the ITL by its ITL, and the configuration."""
    stage.expect_source(report, FileKind.ITL, TrustSource.ITL)
    stage.expect_follows(report)


async def _expect_signer(stage: Stage, cluster: StageCluster, wanted: str, when: str) -> None:
    shown = await shown_list(cluster, "itl")
    stage.expect(f"the ITL is signed by {wanted} {when}", shown.signer, wanted)


@scenario(
    "itl-reset-local",
    title="Locked phones are brought back with the publisher's recovery key",
    source="seed 003",
    outcome=(
        "ITL signed by ITLRecovery accepted, new configuration accepted; after the next TFTP "
        "restart the ITL is signed by CallManager again and still accepted"
    ),
    shape=ClusterShape(nodes=1),
    releases=FROM_10_TO_11,
)
async def itl_reset_local(stage: Stage) -> None:
    """Lock the phone out, give `utils itl reset localkey`, reset the phone; restart TFTP, reset.

    ITLRecovery stands in the ITL that the phone still has, so an ITL that it signs is believed.
    That ITL names the new CallManager, and so the next one, which that signs as usual, is too.
    """
    cluster = stage.cluster
    await stage.phone.boot()
    await lock_out(stage)
    stage.expect_locked(await stage.phone.boot())
    said = await reset_local(cluster)
    stage.expect("the ITL is reset", said.succeeded)
    await _expect_signer(stage, cluster, "ITLRecovery", "now")
    _expect_back(stage, await stage.phone.boot())
    await cluster.restart(TFTP)
    await _expect_signer(stage, cluster, "CallManager", "after TFTP was restarted")
    _expect_back(stage, await stage.phone.boot())


@scenario(
    "itl-reset-remote",
    title="The publisher is rebuilt, and a saved recovery key brings the phones back",
    source="seed 003",
    outcome=(
        "ITL signed by ITLRecovery accepted, new configuration accepted; after the next TFTP "
        "restart the ITL is signed by CallManager again and still accepted; the local key is "
        "replaced by the remote one"
    ),
    shape=ClusterShape(nodes=1),
    releases=FROM_10_TO_11,
)
async def itl_reset_remote(stage: Stage) -> None:
    """Save ITLRecovery.p12; rebuild the publisher without a backup; reset with the saved key.

    The rebuilt publisher has other keys, also another ITLRecovery, so it locks the phone out. The
    saved key is that of the ITLRecovery in the phone's ITL. It takes the place of the local one.
    """
    exchange = await stage.exchange()
    await stage.phone.boot()
    saved = await save_key(stage.cluster, exchange)
    stage.expect(f"{RECOVERY_FILE} is saved", saved.succeeded)
    trusted = await _recovery_hash(stage.cluster)
    await stage.stop(stage.cluster)
    rebuilt = await stage.open(stage.shape, "rebuilt")
    stage.expect_locked(await stage.phone.boot())
    stage.expect("the rebuilt key is another", await _recovery_hash(rebuilt) != trusted)
    said = await reset_remote(rebuilt, exchange)
    stage.expect("the ITL is reset", said.succeeded)
    await _expect_signer(stage, rebuilt, "ITLRecovery", "now")
    _expect_back(stage, await stage.phone.boot())
    stage.expect("the local key is the remote one", await _recovery_hash(rebuilt), trusted)
    await rebuilt.restart(TFTP)
    await _expect_signer(stage, rebuilt, "CallManager", "after TFTP was restarted")
    _expect_back(stage, await stage.phone.boot())


async def _recovery_hash(cluster: StageCluster) -> str:
    held = await cluster.administrator.certificate("ITLRecovery", node=cluster.publisher)
    return held.hash


@scenario(
    "itl-reset-subscriber",
    title="The ITL is not reset from a subscriber",
    source="seed 003",
    outcome="refused: not a publisher node",
    releases=FROM_10,
    phones=False,
)
async def itl_reset_subscriber(stage: Stage) -> None:
    """Give both forms of `utils itl reset` on the subscriber; each is refused, nothing changes."""
    cluster = stage.cluster
    exchange, subscriber = await stage.exchange(), cluster.nodes[1]
    before = await _state(cluster)
    local = await reset_local(cluster, node=subscriber)
    remote = await reset_remote(cluster, exchange, node=subscriber)
    for form, said in (("localkey", local), ("remotekey", remote)):
        stage.expect(f"{form} is refused", said.succeeded, wanted=False)
        stage.expect(f"{form} says why", "This is not a publisher node" in said.lines)
    stage.expect("nothing has changed", await _state(cluster) == before)


async def _state(cluster: StageCluster) -> tuple[object, ...]:
    """Return what is served, and the nodes' certificates."""
    held = await cluster.administrator.certificates()
    return await cluster.served(), [(one.node, one.store, one.hash) for one in held]


@scenario(
    "itl-reset-no-record",
    title="A phone slept through the upgrade to 10, and its ITL has no ITLRecovery",
    source="seed 003",
    outcome="stays locked",
    shape=ClusterShape(nodes=1),
    releases=BEFORE_10,
    choices=_UPGRADES,
)
async def itl_reset_no_record(stage: Stage) -> None:
    """Upgrade to 10.0 or later; lock all phones out; reset the ITL with the local key.

    A phone that booted after the upgrade has ITLRecovery in its ITL, and comes back. The phone
    under test was off meanwhile: its ITL is older than 10.0, nothing in it vouches for ITLRecovery.
    """
    awake = stage.simulated(OLD_PHONE if stage.identity == NEW_PHONE else NEW_PHONE)
    await stage.phone.boot()
    await awake.boot()
    await stage.cluster.upgrade(stage.parameters["to"])
    await awake.boot()
    await lock_out(stage)
    await reset_local(stage.cluster)
    await _expect_signer(stage, stage.cluster, "ITLRecovery", "now")
    stage.expect_locked(await stage.phone.boot())
    _expect_back(stage, await awake.boot())


@scenario(
    "recovery-wrong-password",
    title="A recovery key was saved under another cluster security password",
    source="seed 003",
    outcome="refused, nothing changed",
    releases=FROM_10,
    phones=False,
)
async def recovery_wrong_password(stage: Stage) -> None:
    """Save ITLRecovery.p12, change the cluster security password, and reset with the saved file.

    The file is sealed with the password of the day on which it was saved.
    """
    cluster, exchange = stage.cluster, await stage.exchange()
    saved = await save_key(cluster, exchange)
    stage.expect(f"{RECOVERY_FILE} is saved", saved.succeeded)
    await change_security_password(stage)
    before = await _state(cluster)
    said = await reset_remote(cluster, exchange)
    stage.expect("it is refused", said.succeeded, wanted=False)
    stage.expect("it says why", "wrong cluster security password" in said.text)
    stage.expect("nothing has changed", await _state(cluster) == before)
    saved = await save_key(cluster, exchange)
    stage.expect(f"{RECOVERY_FILE} is saved again", saved.succeeded)
    again = await reset_remote(cluster, exchange)
    stage.expect("a file saved under the password of now is taken", again.succeeded)


@scenario(
    "recovery-regen-12",
    title="ITLRecovery is regenerated where it signs the ITL",
    source="cucm §7",
    outcome="phones follow both signers",
    releases=FROM_12,
)
async def recovery_regen_12(stage: Stage) -> None:
    """Regenerate ITLRecovery; reset the ITL with the local key; reset, restart TFTP, reset.

    From 12.0 ITLRecovery signs the ITL as a rule, and the reset signs it with CallManager, which
    the phone knows. That ITL names the new ITLRecovery, so the phone follows when it signs again.
    """
    cluster = stage.cluster
    await stage.phone.boot()
    await _expect_signer(stage, cluster, "ITLRecovery", "at first")
    await cluster.regenerate("ITLRecovery")
    said = await reset_local(cluster)
    stage.expect("the ITL is reset", said.succeeded)
    await _expect_signer(stage, cluster, "CallManager", "now")
    _expect_back(stage, await stage.phone.boot())
    await cluster.restart(TFTP)
    await _expect_signer(stage, cluster, "ITLRecovery", "after TFTP was restarted")
    report = await stage.phone.boot()
    _expect_back(stage, report)
    stage.expect("TVS was not asked", len(report.questions), 0)


SCENARIOS: Final[tuple[Scenario, ...]] = (
    itl_reset_local,
    itl_reset_remote,
    itl_reset_subscriber,
    itl_reset_no_record,
    recovery_wrong_password,
    recovery_regen_12,
)
