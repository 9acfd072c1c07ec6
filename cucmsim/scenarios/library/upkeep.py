"""What an administrator sees to: recovery-backup-alert, subscriber-p12, checksum-audit."""

from typing import Final

from cucmsim.scenarios.library.generations import FROM_10
from cucmsim.scenarios.library.recoverykey import (
    RECOVERY_FILE,
    change_security_password,
    save_key,
)
from cucmsim.scenarios.listings import shown_list
from cucmsim.scenarios.model import Scenario, scenario
from cucmsim.scenarios.stage import Stage
from cucmsim.scenarios.stagecluster import TFTP, TVS, StageCluster
from cucmsim.testing.shape import NEW_PHONE, OLD_PHONE, ClusterShape

__all__ = ["SCENARIOS"]

_ALERT: Final = "ITLRecoveryCertBackup"
_ENDS_SOON: Final = "Unit:ipsec Type:own-cert"
_WITH_DAILY_LINE: Final = ClusterShape(
    nodes=1, extra={"certificates": {"ipsec": {"validity_days": 25}}}
)


@scenario(
    "recovery-backup-alert",
    title="Nobody saved the recovery key, and the server says so every day",
    source="seed 003",
    outcome=(
        "a daily alert until `file get tftp ITLRecovery.p12`; back after the cluster security "
        "password changes"
    ),
    shape=_WITH_DAILY_LINE,
    releases=FROM_10,
    phones=False,
)
async def recovery_backup_alert(stage: Stage) -> None:
    """Let days pass: with no copy of ITLRecovery.p12, with one, with one of an old password.

    The certificate monitor writes into CiscoSyslog. One certificate of this cluster ends within the
    month, which it mentions every day; so one sees on which days it looked, and said nothing else.
    """
    cluster, exchange = stage.cluster, await stage.exchange()
    await cluster.advance(days=1)
    stage.expect("there is an alert on each of two days", await _count(cluster, _ALERT), 2)
    saved = await save_key(cluster, exchange)
    stage.expect(f"{RECOVERY_FILE} is saved", saved.succeeded)
    await cluster.advance(days=1)
    await cluster.advance(days=1)
    stage.expect("the monitor looked on these days too", await _count(cluster, _ENDS_SOON), 4)
    stage.expect("there is none once the key was saved", await _count(cluster, _ALERT), 2)
    await change_security_password(stage)
    await cluster.advance(days=1)
    back = await _count(cluster, _ALERT)
    stage.expect("the alert is back after the password was changed", back, 3)


async def _count(cluster: StageCluster, text: str) -> int:
    """Return how many lines of the publisher's CiscoSyslog have a text."""
    line = "file dump activelog syslog/CiscoSyslog"
    said = await cluster.administrator.command(line, node=cluster.publisher)
    return sum(text in one for one in said.lines)


@scenario(
    "subscriber-p12",
    title="The recovery key is asked for at a subscriber",
    source="seed 003",
    outcome="file not found",
    releases=FROM_10,
    phones=False,
)
async def subscriber_p12(stage: Stage) -> None:
    """Give `file get tftp ITLRecovery.p12` on the subscriber, and on the publisher."""
    cluster, exchange = stage.cluster, await stage.exchange()
    there = await save_key(cluster, exchange, node=cluster.nodes[1])
    stage.expect("a subscriber has no such file", "file not found" in there.text)
    here = await save_key(cluster, exchange)
    stage.expect("the publisher sends it", "Transfer completed." in here.lines)
    stage.expect("it arrived", (exchange.directory / RECOVERY_FILE).exists())


@scenario(
    "checksum-audit",
    title="An audit finds the phones that do not hold the ITL of now",
    source="seed 003",
    outcome="lists exactly the phones without the current ITL",
    releases=FROM_10,
)
async def checksum_audit(stage: Stage) -> None:
    """Register two phones, change the ITL, reset one of them; compare what they say they hold.

    A phone tells the SHA-1 of its ITL when it registers (DeviceTLInfo). `show itl` has that of the
    ITL of a node: a phone whose SHA-1 none of the nodes shows holds an old one. From 10.0 on, since
    before that each CallManager group has an ITL of its own, which `show itl` does not show.
    """
    cluster, other = stage.cluster, OLD_PHONE if stage.identity == NEW_PHONE else NEW_PHONE
    behind, ahead = stage.phone, stage.simulated(other)
    for phone in (behind, ahead):
        await phone.boot()
    stage.expect("both have told what they hold", await _told(cluster), {behind.name, ahead.name})
    stage.expect("at first nobody is behind", await _behind(cluster), set())
    await _change_itl(cluster)
    await ahead.boot()
    stage.expect("the phone that was not reset is behind", await _behind(cluster), {behind.name})
    await behind.boot()
    stage.expect("nobody is behind once it was reset", await _behind(cluster), set())


async def _change_itl(cluster: StageCluster) -> None:
    """Regenerate TVS of the publisher, which stands in every ITL, and have those served."""
    await cluster.regenerate("TVS")
    await cluster.restart(TVS)
    for node in cluster.nodes:
        await cluster.restart(TFTP, node=node)


async def _told(cluster: StageCluster) -> set[str]:
    return {one.device for one in await cluster.administrator.trust_held()}


async def _behind(cluster: StageCluster) -> set[str]:
    """Return the phones that hold an ITL which no node shows."""
    shown = {(await shown_list(cluster, "itl", node=node)).sha1 for node in cluster.nodes}
    held = await cluster.administrator.trust_held()
    return {one.device for one in held if one.itl not in shown}


SCENARIOS: Final[tuple[Scenario, ...]] = (recovery_backup_alert, subscriber_p12, checksum_audit)
