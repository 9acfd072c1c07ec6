"""The CTL: mixed-mode, token-to-tokenless, tokenless-to-token, ctl-regen, ctl-left-behind.

Source: seed 001; cucm.md 1.2, 1.3, 3.6 and 7 (row 15).
"""

from typing import Final

from cucmsim.phone.values import FileKind, PhoneIdentity, Refusal, TrustSource
from cucmsim.scenarios.library.generations import FROM_10, signer_of_lists
from cucmsim.scenarios.listings import shown_list
from cucmsim.scenarios.model import Scenario, scenario
from cucmsim.scenarios.observed import BootReport
from cucmsim.scenarios.stage import Stage
from cucmsim.scenarios.stagecluster import CALLMANAGER, TFTP, StageCluster
from cucmsim.testing.administrator import Said
from cucmsim.testing.shape import NEW_PHONE, OLD_PHONE, ClusterShape, PhoneShape

__all__ = ["SCENARIOS"]

_PLAIN_PHONE: Final = PhoneIdentity("0007EB463800", "7960")
_WITH_PLAIN_PHONE: Final = ClusterShape(
    mode="mixed",
    phones=(
        PhoneShape(OLD_PHONE),
        PhoneShape(NEW_PHONE),
        PhoneShape(_PLAIN_PHONE, {"protocol": "SCCP"}),
    ),
)
_DIALOG: Final = "The Security Token you have inserted does not exist in the CTL File"
_NO_CTL: Final = "No CTL File exists on the server"
_YES: Final = ("y",)
_TOKENS: Final = ("ADN0054f509", "ADN008580ef")


async def _update(cluster: StageCluster) -> Said:
    """Make the CTL anew and have it served."""
    said = await cluster.command("utils ctl update CTLFile", _YES)
    await _restart(cluster)
    return said


async def _restart(cluster: StageCluster) -> None:
    """Restart what a new CTL asks for, on every node."""
    for node in cluster.nodes:
        await cluster.restart(TFTP, CALLMANAGER, node=node)


async def _expect_signer(stage: Stage, wanted: str) -> None:
    shown = await shown_list(stage.cluster, "ctl")
    stage.expect(f"the CTL is signed by {wanted}", shown.signer, wanted)


def _expect_taken(stage: Stage, report: BootReport, source: TrustSource) -> None:
    """Check why a phone took the CTL, and that it took everything else."""
    stage.expect_source(report, FileKind.CTL, source)
    stage.expect_follows(report)


@scenario(
    "mixed-mode",
    title="A non-secure cluster becomes a mixed-mode one, without eTokens",
    source="seed 001",
    outcome=(
        "CTL appears; a phone with only an ITL accepts it (signer's certificate is in its ITL)"
    ),
    releases=FROM_10,
)
async def mixed_mode(stage: Stage) -> None:
    """Give `utils ctl set-cluster mixed-mode`, restart TFTP and CallManager, reset the phone.

    CallManager signs the CTL (from 12.0 ITLRecovery), and the phone knows it from its ITL.
    """
    cluster = stage.cluster
    first = await stage.phone.boot()
    stage.expect("the cluster serves no CTL", await _served(cluster), {None})
    stage.expect_source(first, FileKind.ITL, TrustSource.BLIND)
    said = await cluster.command("utils ctl set-cluster mixed-mode", _YES)
    stage.expect("mixed mode is set", "Cluster set to Mixed Mode" in said.lines)
    await _restart(cluster)
    stage.expect("every node serves a CTL", None not in await _served(cluster))
    await _expect_signer(stage, signer_of_lists(stage))
    report = await stage.phone.boot()
    _expect_taken(stage, report, TrustSource.ITL)
    stage.expect("TVS was not asked", len(report.questions), 0)


async def _served(cluster: StageCluster) -> set[str | None]:
    """Return the SHA-1 of the CTLs that are served, None where a node serves none."""
    return {ctl for _, ctl in (await cluster.served()).values()}


@scenario(
    "token-to-tokenless",
    title="A CTL that eTokens signed is replaced by a tokenless one",
    source="seed 001",
    outcome=("CTL signed by CallManager; phone asks TVS for the unknown signer; accepted"),
    releases=FROM_10,
)
async def token_to_tokenless(stage: Stage) -> None:
    """Set mixed mode by the CTL client with two eTokens; later give `utils ctl update CTLFile`.

    Who signs that (CallManager, from 12.0 ITLRecovery) was regenerated in between, so neither the
    CTL nor the ITL of the phone has it. TVS vouches for it.
    """
    cluster = stage.cluster
    tokens = await cluster.buy_tokens(*_TOKENS)
    await cluster.run_ctl_client("mixed-mode", tokens)
    await _restart(cluster)
    first = await stage.phone.boot()
    _expect_taken(stage, first, TrustSource.BLIND)
    stage.expect("an eToken signed the CTL", _TOKENS[-1] in await _signer(cluster))
    await cluster.regenerate(signer_of_lists(stage))
    await _update(cluster)
    await _expect_signer(stage, signer_of_lists(stage))
    report = await stage.phone.boot()
    _expect_taken(stage, report, TrustSource.TVS)
    stage.expect("TVS was asked about the signer", len(report.questions) > 0)


async def _signer(cluster: StageCluster) -> str:
    return (await shown_list(cluster, "ctl")).signer


@scenario(
    "tokenless-to-token",
    title="A tokenless CTL is replaced by one that eTokens sign",
    source="seed 001",
    outcome=(
        "refused with the dialog of seed 001 unless the old CTL was deleted and the eToken "
        "certificates are in Phone-SAST-trust; then accepted through TVS"
    ),
    shape=ClusterShape(mode="mixed"),
    releases=FROM_10,
)
async def tokenless_to_token(stage: Stage) -> None:
    """Run the CTL client: beside the old CTL; with that deleted; with the eTokens trusted.

    The client refuses eTokens that phones could not learn to trust. Once TVS vouches for them, by
    Phone-SAST-trust, the phone takes the CTL that they sign.
    """
    cluster = stage.cluster
    await stage.phone.boot()
    tokens = await cluster.buy_tokens(*_TOKENS)
    beside = await cluster.run_ctl_client("update", tokens)
    stage.expect("the client refuses beside the old CTL", beside.text.startswith(_DIALOG))
    await _delete_everywhere(stage)
    untrusted = await cluster.run_ctl_client("update", tokens)
    stage.expect("the client refuses unknown eTokens", untrusted.text.startswith(_DIALOG))
    for number, token in zip(_TOKENS, tokens, strict=True):
        line = "set cert import trust Phone-SAST-trust"
        said = await cluster.command(line, token.certificate.splitlines())
        stage.expect(f"{number} is taken into Phone-SAST-trust", said.succeeded)
    done = await cluster.run_ctl_client("update", tokens)
    stage.expect(
        "the client makes a CTL", (done.succeeded, done.text.startswith(_NO_CTL)), (True, True)
    )
    await _restart(cluster)
    _expect_taken(stage, await stage.phone.boot(), TrustSource.TVS)


async def _delete_everywhere(stage: Stage) -> None:
    """Delete the CTL on every node."""
    for node in stage.cluster.nodes:
        said = await stage.cluster.command("file delete tftp CTLFile.tlv", _YES, node=node)
        deleted = "files: found = 1, deleted = 1" in said.lines
        stage.expect(f"{node}: the CTL is deleted", deleted)


@scenario(
    "ctl-regen",
    title="The certificate that a tokenless CTL is signed with is regenerated",
    source="seed 001",
    outcome=(
        "CTL length and checksum change; TVS notices the new file by itself; phone without SBD "
        "support (7940/7960) refuses it, others accept through TVS"
    ),
    shape=_WITH_PLAIN_PHONE,
    releases=FROM_10,
)
async def ctl_regen(stage: Stage) -> None:
    """Regenerate who signs, with a larger key; give `utils ctl update CTLFile`; reset two phones.

    CallManager signs, from 12.0 ITLRecovery. The phone under test asks TVS about the new signer. A
    7960 knows no Security By Default: it has no ITL and asks no TVS, so it keeps its old CTL, until
    somebody deletes that by hand.
    """
    cluster, plain = stage.cluster, stage.simulated(_PLAIN_PHONE)
    await stage.phone.boot()
    await plain.boot()
    before = await shown_list(cluster, "ctl")
    await cluster.operate("regenerate", unit=signer_of_lists(stage), key="rsa-2048")
    noticed = await _noticed(cluster)
    await _update(cluster)
    after = await shown_list(cluster, "ctl")
    stage.expect("the length of the CTL changes", before.length != after.length)
    stage.expect("the checksum of the CTL changes", before.sha1 != after.sha1)
    stage.expect("TVS notices the file by itself", await _noticed(cluster) - noticed, 1)
    report = await stage.phone.boot()
    _expect_taken(stage, report, TrustSource.TVS)
    refusing = await plain.boot()
    why = refusing.source(FileKind.CTL)
    stage.expect("a phone without SBD refuses the CTL", why, Refusal.UNKNOWN_SIGNER.value)
    stage.expect("that phone asks no TVS", len(refusing.questions), 0)
    await plain.erase()
    _expect_taken(stage, await plain.boot(), TrustSource.BLIND)


async def _noticed(cluster: StageCluster) -> int:
    """Return how often TVS wrote into its trace that the CTL is another."""
    line = 'file search activelog cm/trace/tvs/sdi/* "CTLFile.tlv has been modified"'
    said = await cluster.command(line)
    return said.text.count("Recaching CTL")


@scenario(
    "ctl-left-behind",
    title="A cluster goes back to non-secure mode and its CTL stays",
    source="seed 001",
    outcome=("phones still take it; `file delete tftp CTLFile.tlv` on every node removes it"),
    shape=ClusterShape(mode="mixed"),
    releases=FROM_10,
)
async def ctl_left_behind(stage: Stage) -> None:
    """Give `utils ctl set-cluster non-secure-mode`, boot a new phone; delete the CTL, boot it anew.

    Nothing but the deletion, which is a node's own affair, ends the CTL.
    """
    cluster = stage.cluster
    said = await cluster.command("utils ctl set-cluster non-secure-mode", _YES)
    stage.expect("non-secure mode is set", "Cluster set to Non Secure Mode" in said.lines)
    await _restart(cluster)
    _expect_taken(stage, await stage.phone.boot(), TrustSource.BLIND)
    await _delete_everywhere(stage)
    for node in cluster.nodes:
        await cluster.restart(TFTP, node=node)
    stage.expect("no node serves a CTL any more", await _served(cluster), {None})
    await stage.phone.erase()
    report = await stage.phone.boot()
    stage.expect("no CTL is there to take", report.source(FileKind.CTL), "not served")
    stage.expect_follows(report)


SCENARIOS: Final[tuple[Scenario, ...]] = (
    mixed_mode,
    token_to_tokenless,
    tokenless_to_token,
    ctl_regen,
    ctl_left_behind,
)
