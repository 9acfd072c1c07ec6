"""Each scenario of the library fails when the rule that it is about is broken.

A mutation is one line: the scenario, what is put where, and (a part of) the claim that names the
rule. One that breaks nothing, or something else, shows a scenario that would not notice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

import pytest

from cucmsim.formats.contents import ItlContents, itl_records
from cucmsim.formats.records import Record
from cucmsim.formats.roles import Role
from cucmsim.formats.trustlist import CTL_FILENAME
from cucmsim.phone.steps import PeerVerdict
from cucmsim.phone.trust import SIGNERS, Place
from cucmsim.phone.trustlists import Holding
from cucmsim.phone.values import FileKind, TrustSource
from cucmsim.pki.profiles import OWN_UNITS, Unit
from cucmsim.pki.release import Release
from cucmsim.scenarios.library import LIBRARY
from cucmsim.scenarios.narrative import Result
from cucmsim.scenarios.runner import Order, Verdict
from cucmsim.services.alarms import AlarmBook
from cucmsim.services.operations.operator import Operator
from cucmsim.services.phonefiles import PhoneFiles
from cucmsim.services.verification import MapId
from cucmsim.services.verification import Verdict as TvsVerdict
from cucmsim.store.alarms import StoredAlarm
from cucmsim.store.replica import Replica
from cucmsim.store.rows import ROLES_OF_STORE
from cucmsim.store.store import Transaction
from cucmsim.testing.shape import NEW_PHONE
from tests.scenarios.plays import played

SCENARIOS = {scenario.name: scenario for scenario in LIBRARY}
BLIND = Place(TrustSource.BLIND)
BY_TVS = Place(TrustSource.TVS, frozenset((Role.SAST,)))


@dataclass(frozen=True)
class Mutation:
    """What is broken for a scenario, and which claim has to show it.

    `patches` maps dotted names to what is put there; "NAME.__code__" of a function reaches all who
    imported it. `release` "" is the first of the scenario.
    """

    scenario: str
    patches: Mapping[str, object]
    claim: str
    release: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return "-".join((self.scenario, *self.parameters.values()))


def signers(holding: Holding, kind: FileKind, *places: Place) -> Mapping[str, object]:
    """Have a phone in a state look for the signers of a kind of file in other places."""
    table = MappingProxyType({**SIGNERS, (holding, kind): places})
    return {"cucmsim.phone.trust.SIGNERS": table}


def roles(store: str, *given: Role) -> Mapping[str, object]:
    """Have a store give its certificates other roles."""
    table = MappingProxyType({**ROLES_OF_STORE, store: given})
    return {"cucmsim.store.certificates.ROLES_OF_STORE": table}


def itl_as_ever(release: Release, contents: ItlContents, **modes: bool) -> tuple[Record, ...]:
    """Return the records of an ITL, whether a rollback is prepared or not."""
    return itl_records(release, contents, mixed_mode=modes["mixed_mode"])


async def nothing(*_: object) -> None:
    """Do nothing, whatever is wanted."""


async def remove_ctl(transaction: Transaction, replica: Replica, _: bytes) -> None:
    """Remove the CTL where another was to be put."""
    for node in replica.nodes:
        await transaction.delete_tftp_file(CTL_FILENAME, node)


async def first_password(operator: Operator) -> str:
    """Return the cluster security password of the description."""
    return operator.security_password


def keep_first(book: AlarmBook, stored: StoredAlarm) -> None:
    """Keep the first alarm of a kind, not the last."""
    book._last.setdefault(stored.device_name, {}).setdefault(stored.alarm.name, stored)


ALL_BUT_TVS = tuple(unit for unit in OWN_UNITS if unit is not Unit.TVS)
NEVER_EMPTIED = {"cucmsim.services.trustlists.itl_records": itl_as_ever}
ITL_BY_ITL = SIGNERS[Holding.ITL, FileKind.ITL][:1]
CTL_BY_LISTS = SIGNERS[Holding.BOTH, FileKind.CTL][:2]
DISTRUST = TvsVerdict(trusted=False, map_id=MapId("", ""))
EVERYWHERE = (lambda replica, node: True).__code__  # noqa: ARG005 - the names are those of the rule
NO_REFUSAL = (lambda replica, node: None).__code__  # noqa: ARG005 - the names are those refused by

MUTATIONS = (
    Mutation("first-boot", signers(Holding.NOTHING, FileKind.ITL), "takes the ITL"),
    Mutation(
        "ctl-only", signers(Holding.CTL, FileKind.ITL, BLIND), "refuses an ITL of another signer"
    ),
    Mutation(
        "https-tomcat",
        {"cucmsim.phone.tvscache.TvsCache.find_certificate": lambda *_: None},
        "nobody is asked at the second press",
    ),
    Mutation(
        "regen-callmanager",
        {"cucmsim.services.verification.Verification.query": lambda *_: DISTRUST},
        "takes the ITL",
    ),
    Mutation("regen-tvs", signers(Holding.ITL, FileKind.ITL, BY_TVS), "takes the ITL"),
    Mutation(
        "regen-both",
        {"cucmsim.phone.trust.TrustedPeers.judge": lambda *_: PeerVerdict.ACCEPTED},
        "TVS heard no question",
    ),
    Mutation(
        "hold-timer",
        {"cucmsim.services.operations.holdtimer.HOLD": timedelta(0)},
        "refused on the same node",
    ),
    Mutation(
        "itl-reset-local",
        {"cucmsim.services.trustlists.itl_signer_unit": lambda *_, **__: Unit.CALLMANAGER},
        "signed by ITLRecovery now",
    ),
    Mutation(
        "itl-reset-remote",
        {"cucmsim.services.operations.itlreset.put_recovery_key": nothing},
        "the local key is the remote one",
    ),
    Mutation(
        "itl-reset-subscriber",
        {"cucmsim.services.operations.publisher.refuse_on_subscriber.__code__": NO_REFUSAL},
        "localkey is refused",
    ),
    Mutation(
        "itl-reset-no-record",
        signers(Holding.ITL, FileKind.ITL, *ITL_BY_ITL, BLIND),
        "is locked out",
    ),
    Mutation(
        "recovery-wrong-password",
        {"cucmsim.services.operations.itlreset.security_password": first_password},
        "it is refused",
    ),
    Mutation(
        "recovery-regen-12",
        {"cucmsim.formats.contents._FIRST_SIGNED_BY_ITLRECOVERY": Release(99)},
        "signed by ITLRecovery at first",
    ),
    Mutation("mixed-mode", signers(Holding.ITL, FileKind.CTL), "takes the CTL"),
    Mutation(
        "token-to-tokenless", signers(Holding.BOTH, FileKind.CTL, *CTL_BY_LISTS), "takes the CTL"
    ),
    Mutation(
        "tokenless-to-token",
        {"cucmsim.services.operations.etokens._before": lambda *_: ()},
        "the client refuses unknown eTokens",
    ),
    Mutation(
        "ctl-regen",
        {"cucmsim.phone.values.PhoneIdentity.has_sbd": property(lambda _: True)},
        "a phone without SBD refuses the CTL",
    ),
    Mutation(
        "ctl-left-behind",
        {"cucmsim.services.operations.mixedmode.put_ctl": remove_ctl},
        "takes the CTL",
    ),
    Mutation("migrate-secure", roles("Phone-SAST-trust"), "takes the CTL"),
    Mutation(
        "migrate-unprepared",
        signers(Holding.BOTH, FileKind.CTL, *CTL_BY_LISTS, BLIND),
        "is locked out",
    ),
    Mutation(
        "migrate-trust-only", roles("CallManager-trust", Role.SAST, Role.TFTP), "is locked out"
    ),
    Mutation("migrate-bulk", roles("Phone-SAST-trust"), "takes the CTL"),
    Mutation("migrate-rollback-ctl", NEVER_EMPTIED, "is locked out"),
    Mutation("rollback-itl", NEVER_EMPTIED, "takes the ITL"),
    Mutation(
        "rename-single-itl",
        {"cucmsim.services.operations.rename.OWN_UNITS": ALL_BUT_TVS},
        "is locked out",
    ),
    Mutation("rename-single-ctl", signers(Holding.BOTH, FileKind.CTL), "takes the CTL"),
    Mutation(
        "rename-multi-itl",
        {"cucmsim.services.verification.Verification.query": lambda *_, **__: DISTRUST},
        "takes the ITL",
    ),
    Mutation(
        "rename-multi-itl",
        {"cucmsim.services.operations.rename.OWN_UNITS": ALL_BUT_TVS},
        "is locked out",
        parameters={"renamed": "only-member"},
    ),
    Mutation(
        "drs-restore",
        {"cucmsim.services.operations.drs.contents.is_true": lambda _: True},
        "takes the ITL",
    ),
    Mutation(
        "drs-CSCtn50405",
        {"cucmsim.services.operations.drs.contents.is_true": lambda _: False},
        "is locked out",
    ),
    Mutation(
        "rebuilt-no-backup",
        signers(Holding.ITL, FileKind.ITL, *ITL_BY_ITL, BLIND),
        "is locked out",
    ),
    Mutation(
        "central-tftp",
        {"cucmsim.services.filelocator.FileLocator.find": nothing},
        "the centre looked for its files",
    ),
    Mutation("central-tftp-mixed-releases", NEVER_EMPTIED, "follows"),
    Mutation(
        "encrypted-config",
        {"cucmsim.services.filebuilds._has_key": lambda _: False},
        "asks for the stub, then for the encrypted file",
    ),
    Mutation(
        "encrypted-config",
        {"cucmsim.services.enrolment.Enrolment._note_mic": nothing},
        "asks for the stub, then for the encrypted file",
        parameters={"key": "mic"},
    ),
    Mutation(
        "encrypted-config",
        {"cucmsim.services.phonefiles.PhoneFiles.clear": PhoneFiles.full},
        "visits CAPF",
        parameters={"key": "none"},
    ),
    Mutation(
        "capf-install",
        {"cucmsim.services.enrolment.Enrolment.record_installed": nothing},
        "the operation ended well",
    ),
    Mutation(
        "capf-regen",
        {"cucmsim.services.operations.stalelsc._is_stale": lambda *_: False},
        "reported as stale",
    ),
    Mutation(
        "recovery-backup-alert",
        {"cucmsim.services.admin.commands_files_get.remembered_backup": nothing},
        "none once the key was saved",
    ),
    Mutation(
        "subscriber-p12",
        {"cucmsim.services.operations.recovery.has_recovery_file.__code__": EVERYWHERE},
        "a subscriber has no such file",
    ),
    Mutation(
        "checksum-audit",
        {"cucmsim.services.alarms.AlarmBook._keep_last": keep_first},
        "nobody is behind once it was reset",
    ),
)


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_a_scenario_fails_when_its_rule_is_broken(
    mutation: Mutation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = SCENARIOS[mutation.scenario]
    for name, value in mutation.patches.items():
        monkeypatch.setattr(name, value)
    release = mutation.release or scenario.releases[0]
    order = Order(scenario, release, seed=0, identity=NEW_PHONE, parameters=mutation.parameters)
    result = played(order, tmp_path)

    broken = [check.claim for check in result.checks if check.result is Result.BROKEN]
    assert (result.verdict, [one for one in broken if mutation.claim in one] != []) == (
        Verdict.FAILED,
        True,
    ), (result.reason, broken)


def test_every_scenario_has_a_rule_that_is_broken() -> None:
    assert list(dict.fromkeys(mutation.scenario for mutation in MUTATIONS)) == [*SCENARIOS]
