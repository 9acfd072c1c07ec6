"""What rows do with the recovery key: save it, reset the ITL with it, change what seals it."""

from typing import Final

from cucmsim.scenarios.exchange import Exchange
from cucmsim.scenarios.stage import Stage
from cucmsim.scenarios.stagecluster import StageCluster
from cucmsim.testing.administrator import Said

__all__ = [
    "RECOVERY_FILE",
    "change_security_password",
    "reset_local",
    "reset_remote",
    "save_key",
]

RECOVERY_FILE: Final = "ITLRecovery.p12"
_PASSWORD: Final = ("the administrator's",)
"""What up to 11.5 the command asks for; whoever gives it by the management API may say anything."""
_NEW_PASSWORD: Final = "another-password-2445"  # noqa: S105 - of labs, which guard nothing


async def save_key(cluster: StageCluster, exchange: Exchange, *, node: str = "") -> Said:
    """Have the recovery key sent to the SFTP server."""
    answers = ("y", *exchange.answers, "/", "yes")
    return await cluster.command(f"file get tftp {RECOVERY_FILE}", answers, node=node)


async def reset_local(cluster: StageCluster, *, node: str = "") -> Said:
    """Reset the ITL with the publisher's own key."""
    return await cluster.command("utils itl reset localkey", _PASSWORD, node=node)


async def reset_remote(cluster: StageCluster, exchange: Exchange, *, node: str = "") -> Said:
    """Reset the ITL with the key on the SFTP server."""
    host, port, user, password = exchange.answers
    line = f"utils itl reset remotekey {host}:{port} {user} /{RECOVERY_FILE}"
    return await cluster.command(line, (password, *_PASSWORD), node=node)


async def change_security_password(stage: Stage) -> None:
    """Change the cluster security password."""
    answers = (stage.shape.security_password, _NEW_PASSWORD, _NEW_PASSWORD, "y")
    said = await stage.cluster.command("set password user security", answers)
    stage.expect("the cluster security password is changed", said.succeeded)
