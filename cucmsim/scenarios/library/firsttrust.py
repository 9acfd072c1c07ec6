"""What a phone believes at first, and whom it asks: first-boot, ctl-only, https-tomcat."""

from dataclasses import replace
from typing import Final

from cucmsim.phone.values import FileKind, Refusal, TrustSource
from cucmsim.scenarios.library.generations import BEFORE_10, signer_of_lists
from cucmsim.scenarios.model import Choice, Scenario, scenario
from cucmsim.scenarios.observed import BootReport, DirectoryReport
from cucmsim.scenarios.stage import Stage
from cucmsim.scenarios.stagecluster import CALLMANAGER, TFTP

__all__ = ["SCENARIOS"]

_DAY_S: Final = 86_400
_TRUSTED: Final = f"trusted, roles 7, for {_DAY_S} s"
_MODES: Final = {"mode": Choice("Cluster Security Mode", ("non-secure", "mixed"))}


@scenario(
    "first-boot",
    title="A new phone boots for the first time",
    source="seed 000",
    outcome=("takes CTL (if any) and ITL blindly, then asks for `.cnf.xml.sgn` and verifies it"),
    choices=_MODES,
)
async def first_boot(stage: Stage) -> None:
    """Switch on a phone that holds no trust list, and boot it once more.

    It has nothing to check its first list with, and takes it: the leap of faith. That is the ITL,
    or in mixed mode the CTL, which has who signed the ITL. From then on it asks for signed files,
    and checks them with these lists. At the second boot it holds what it is given, and nobody is
    asked either time.
    """
    if stage.parameters["mode"] == "mixed":
        await _set_mixed_mode(stage)
    first = await stage.phone.boot()
    if stage.parameters["mode"] == "mixed":
        stage.expect_source(first, FileKind.CTL, TrustSource.BLIND)
        stage.expect_source(first, FileKind.ITL, TrustSource.CTL)
    else:
        stage.expect_source(first, FileKind.ITL, TrustSource.BLIND)
    stage.expect_follows(first)
    stage.expect("it asks for its signed configuration", _asks_for_signed(first))
    again = await stage.phone.boot()
    stage.expect("it holds the ITL at its second boot", again.source(FileKind.ITL), "held before")
    stage.expect_follows(again)
    stage.expect("TVS was not asked", len(first.questions) + len(again.questions), 0)
    stage.expect("it registers", again.registered, stage.cluster.publisher)


async def _set_mixed_mode(stage: Stage) -> None:
    """Set mixed mode: before 10.0 with eTokens, since nothing else does."""
    if stage.shape.release in BEFORE_10:
        tokens = await stage.cluster.buy_tokens("ADN0054f509", "ADN008580ef")
        await stage.cluster.run_ctl_client("mixed-mode", tokens)
        await stage.cluster.restart(TFTP, CALLMANAGER)
    else:
        await stage.cluster.set_mixed_mode()


def _asks_for_signed(report: BootReport) -> bool:
    wanted = f"{report.phone}.cnf.xml.sgn"
    return any(wanted in one.request for one in report.exchanges)


@scenario(
    "ctl-only",
    title="A phone of a mixed-mode cluster holds a CTL and no ITL",
    source="seed 000",
    outcome="ITL accepted only if a CTL record with CCM+TFTP verifies its signer",
)
async def ctl_only(stage: Stage) -> None:
    """Boot in mixed mode; erase the ITL alone, boot; make its signer anew, erase it again, boot.

    The first ITL is signed by a certificate of the CTL. The second is not, since nobody updated the
    CTL after the signer of the ITL (CallManager, from 12.0 ITLRecovery) was regenerated. Without an
    ITL the phone knows no TVS server either, so it asks nobody, and goes on without an ITL.
    """
    cluster = stage.cluster
    await _set_mixed_mode(stage)
    await stage.phone.boot()
    _erase_itl(stage)
    known = await stage.phone.boot()
    stage.expect_source(known, FileKind.ITL, TrustSource.CTL)
    stage.expect_follows(known)
    await cluster.regenerate(signer_of_lists(stage))
    await cluster.restart(TFTP)
    _erase_itl(stage)
    unknown = await stage.phone.boot()
    stage.expect(
        f"{unknown.phone} refuses an ITL of another signer",
        unknown.source(FileKind.ITL),
        Refusal.UNKNOWN_SIGNER.value,
    )
    stage.expect("TVS was not asked", len(known.questions) + len(unknown.questions), 0)


def _erase_itl(stage: Stage) -> None:
    """Erase the ITL, and leave the CTL."""
    handset = stage.own_phone.handset
    handset.flash = replace(handset.flash, itl=None)
    stage.narrate(f"the ITL of {handset.name} is erased by hand")


@scenario(
    "https-tomcat",
    title="TVS vouches for the directory's HTTPS certificate, for a day",
    source="seed 000",
    outcome=(
        "Tomcat certificate not in CTL or ITL, not in cache; TVS asked (verification), answer 0; "
        "cached 86400 s; a second press asks nobody; after 86400 s TVS is asked again"
    ),
)
async def https_tomcat(stage: Stage) -> None:
    """Press the directory button: at once, again, within a day, and after a day.

    The directory is read over HTTPS, and no trust list has the certificate of Tomcat. So the phone
    has TVS verify it, and believes the answer as long as it says: 86400 seconds.
    """
    cluster, phone = stage.cluster, stage.phone
    await phone.boot()
    first = await phone.press_directories()
    stage.expect("TVS is asked at the first press", len(first.questions), 1)
    stage.expect("TVS trusts it for a day", _answers(first), [_TRUSTED])
    stage.expect("the directory is shown", first.title, "Directories")
    second = await phone.press_directories()
    stage.expect("nobody is asked at the second press", len(second.questions), 0)
    await cluster.advance(seconds=_DAY_S - 60)
    same_day = await phone.press_directories()
    stage.expect("nobody is asked within 86400 seconds", len(same_day.questions), 0)
    await cluster.advance(seconds=120)
    next_day = await phone.press_directories()
    stage.expect("TVS is asked again after 86400 seconds", len(next_day.questions), 1)


def _answers(report: DirectoryReport) -> list[str]:
    return [one.answer for one in report.questions]


SCENARIOS: Final[tuple[Scenario, ...]] = (first_boot, ctl_only, https_tomcat)
