"""The soak itself: who judges finds what is wrong, and a short soak goes through."""

import hashlib
import json
import random
import subprocess
import sys
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest

from bench.soaking.chaos import ALONE, plan_round
from bench.soaking.database import DatabaseState
from bench.soaking.judge import Judge
from bench.soaking.ledger import ANYTHING, GONE, Ledger
from bench.soaking.memory import Memory
from bench.soaking.place import PUBLISHER
from bench.soaking.truth import CALLMANAGER, PAGES, SLOW, TVS, Look, Truth, process_of
from cucmsim.formats.signedfile import sign_file
from tests.fixtures.phonekit import NOW, der, itl, signer
from tests.fixtures.postgres import PostgresServer

SOAK = Path(__file__).parents[2] / "bench" / "soak.py"
NODE, OTHER = "soak-pub", "soak-sub1"
PHONE = "SEP00507A000001"
BEGAN, ENDED, LATER = 100.0, 105.0, 110.0
CONFIG = f"{PHONE}.cnf.xml.sgn"


def sha1(name: str) -> str:
    return hashlib.sha1(der(name), usedforsecurity=False).hexdigest()


@dataclass
class Court:
    """A judge of a cluster whose publisher has these certificates, and a phone with a list."""

    judge: Judge = field(default_factory=lambda: Judge(Truth(), {NODE: NODE, OTHER: OTHER}))

    def __post_init__(self) -> None:
        truth = self.judge.truth
        for node in (NODE, OTHER):
            for what in (node, process_of(node), SLOW + node, f"{node}/database"):
                truth.availability.mark(what, 1.0, up=True)
            truth.knowledge.look(node, Look(50.0, 7, 10.0))
        self.hold(2.0, 5, "callmanager-pub")
        self.hold(LATER, 7, "callmanager-pub")

    def hold(self, at: float, version: int, callmanager: str) -> None:
        """Let the database be seen with a CallManager certificate of the publisher."""
        own = {
            (NODE, CALLMANAGER): signer(callmanager).certificate,
            (OTHER, CALLMANAGER): signer("callmanager-sub").certificate,
            (NODE, TVS): signer("tvs-pub").certificate,
            (NODE, PAGES[0]): signer("callmanager-casigned").certificate,
        }
        self.judge.truth.certificates.look(DatabaseState(at, version, own, {}, {}))

    def file(self, data: bytes) -> str:
        name = hashlib.sha256(data).hexdigest()
        self.judge.files[name] = data
        return name

    def boot(
        self,
        file: bytes,
        *,
        server: str = NODE,
        asked: tuple[dict[str, object], ...] = (),
        refused: str = "",
        held: bytes | None = None,
    ) -> list[str]:
        """Judge a boot in which the phone was given a configuration; return what was found."""
        fetch = {"step": "fetch", "at": BEGAN, "name": CONFIG, "server": server}
        name = CONFIG.removesuffix(".sgn")
        taken = [["configuration", name, "ITL", True]]
        self.judge.judge_boot(
            {
                "phone": PHONE,
                "lossy": False,
                "servers": [server],
                "began": BEGAN,
                "ended": ENDED,
                "held": self.file(held or itl()),
                "steps": [{**fetch, "file": self.file(file)}, *asked],
                "accepted": [] if refused else taken,
                "refused": [["configuration", name, refused]] if refused else [],
                "registered": NODE,
            }
        )
        return [one.text for one in self.judge.findings]

    def page(self, *, certificate: bytes, accepted: bool, bogus: bool) -> list[str]:
        """Judge what a phone thought of a page's certificate; return what was found."""
        self.judge.judge_peer(
            {
                "phone": PHONE,
                "node": NODE,
                "began": BEGAN,
                "ended": ENDED,
                "held": self.file(itl()),
                "certificate": self.file(certificate),
                "bogus": bogus,
                "accepted": accepted,
                "reason": "TVS does not trust it",
                "steps": [answer(reason=1)],
            }
        )
        return [one.text for one in self.judge.findings]


def signed(by: str) -> bytes:
    return sign_file(signer(by), filename=CONFIG, payload=b"<device/>", timestamp=NOW)


def answer(
    reason: int, shown: str = "tvs-pub", given: str = "callmanager-sub"
) -> dict[str, object]:
    """Return what TVS of the publisher answered; 0 is that it trusts the certificate."""
    return {
        "step": "tvs",
        "at": BEGAN,
        "said": "TvsAnswered",
        "server": NODE,
        "shown": sha1(shown),
        "given": sha1(given),
        "reason": reason,
    }


@pytest.fixture
def court() -> Court:
    return Court()


def test_a_file_of_a_listed_signer_and_one_that_tvs_vouched_for_are_rightly_taken(
    court: Court,
) -> None:
    assert court.boot(signed("callmanager-pub")) == []
    assert court.boot(signed("callmanager-sub"), server=OTHER, asked=(answer(reason=0),)) == []
    assert court.judge.counts["trusted by the list held"] == 1
    assert court.judge.counts["trusted by TVS"] == 1


@pytest.mark.parametrize(
    ("spoilt", "found"),
    [
        (signed("callmanager-pub") + b"\n", "does not verify"),
        (signed("capf"), "no certificate that soak-pub ever had"),
        (b"<device/>", "no signed file"),
    ],
)
def test_a_file_that_no_node_should_serve_is_found(court: Court, spoilt: bytes, found: str) -> None:
    assert found in "".join(court.boot(spoilt, refused="signature is wrong"))


def test_a_file_signed_by_what_was_replaced_before_tftp_started_is_found(court: Court) -> None:
    court.hold(LATER + 1, 8, "callmanager-casigned")
    assert court.boot(signed("callmanager-pub")) == []  # at version 7 when it started: not yet
    court.judge.truth.knowledge.look(NODE, Look(80.0, 8, 70.0))
    assert court.boot(signed("callmanager-pub")) == []  # it knew 7 when TFTP started
    court.judge.truth.knowledge.look(NODE, Look(99.0, 8, 90.0))
    (found,) = court.boot(signed("callmanager-pub"))
    assert "replaced in version 8" in found


@pytest.mark.parametrize(
    ("by", "server", "asked", "found"),
    [
        ("callmanager-pub", NODE, (), "its signer is in the list held"),
        ("callmanager-sub", OTHER, (answer(reason=1),), "TVS could vouch for it"),
        (
            "callmanager-sub",
            OTHER,
            ({"step": "tvs", "at": BEGAN, "said": "NotReached", "server": NODE},),
            "TVS could vouch for it",
        ),
    ],
)
def test_a_refusal_that_the_documents_do_not_demand_is_found(
    court: Court, by: str, server: str, asked: tuple[dict[str, object], ...], found: str
) -> None:
    (said,) = court.boot(signed(by), server=server, asked=asked, refused="TVS says no")
    assert found in said


def test_a_refusal_of_who_knows_no_tvs_of_the_cluster_is_demanded(court: Court) -> None:
    refusing = {"step": "tvs", "at": BEGAN, "said": "PeerRefused", "server": NODE}
    asked = ({**refusing, "shown": sha1("tvs-pub")},)
    old = itl(tvs=("capf",))
    file = signed("callmanager-sub")
    assert court.boot(file, server=OTHER, asked=asked, refused="unknown", held=old) == []
    assert court.judge.counts["refused: no TVS that it knows"] == 1


def test_a_refusal_while_no_tvs_was_up_is_demanded(court: Court) -> None:
    court.judge.truth.availability.mark(NODE, BEGAN + 1, up=False)
    silent = {"step": "tvs", "at": BEGAN, "said": "NotReached", "server": NODE}
    file = signed("callmanager-sub")
    assert court.boot(file, server=OTHER, asked=(silent,), refused="no TVS answers") == []
    assert court.judge.counts["refused: no TVS in reach"] == 1


def test_what_was_taken_without_a_reason_is_found(court: Court) -> None:
    file = signed("callmanager-sub")
    assert "no TVS vouched" in court.boot(file, server=OTHER, asked=(answer(reason=1),))[-1]
    strange = answer(reason=0, shown="capf")
    assert "does not know" in court.boot(file, server=OTHER, asked=(strange,))[-1]
    other = answer(reason=0, given="callmanager-pub")
    assert "somebody else" in court.boot(file, server=OTHER, asked=(other,))[-1]


def test_a_phone_that_gets_nothing_from_a_server_that_is_up_is_found(court: Court) -> None:
    fact = {"phone": PHONE, "lossy": False, "servers": [NODE], "began": BEGAN, "ended": ENDED}
    nothing: dict[str, object] = {
        "held": None,
        "steps": [],
        "accepted": [],
        "refused": [],
        "registered": None,
    }
    court.judge.judge_boot(fact | nothing)
    (found,) = court.judge.findings
    assert f"with {NODE} up all the time" in found.text


def test_a_wrong_word_about_a_page_is_found(court: Court) -> None:
    real, bogus = der("callmanager-casigned"), der("capf")
    assert court.page(certificate=bogus, accepted=False, bogus=True) == []
    assert "bogus" in court.page(certificate=bogus, accepted=True, bogus=True)[-1]
    assert "though TVS could" in court.page(certificate=real, accepted=False, bogus=False)[-1]


def test_the_ledger_holds_to_what_was_announced_and_to_either_value_in_doubt() -> None:
    ledger, key = Ledger(), ("description", PHONE)
    ledger.announce(key, "new", 9)
    assert ledger.differences({key: "new"}, ("description",)) == []
    (lost,) = ledger.differences({key: "old"}, ("description",))
    assert lost == f"description {PHONE}: found 'old', expected 'new', announced in version 9"
    ledger.doubt(key, GONE)
    assert ledger.differences({}, ("description",)) == []
    ledger.settle({})
    assert ledger.entries[key].value == GONE
    ledger.doubt(("lsc", PHONE), ANYTHING)
    assert ledger.differences({("lsc", PHONE): "any"}, ("lsc",)) == []


def test_memory_that_grows_is_told_from_memory_that_does_not() -> None:
    memory = Memory()
    for second in range(0, 400, 2):
        memory.add("flat", second, (140 << 20) + (second % 7 << 10))
        memory.add("leaks", second, (140 << 20) + (second << 16))
    flat, leaks = memory.trends()
    assert abs(flat.mib_per_minute) < 0.1
    assert leaks.mib_per_minute == pytest.approx(3.75)
    assert leaks.is_long


def test_the_same_seed_plans_the_same_faults_and_two_nodes_always_serve() -> None:
    plans = [plan_round(random.Random(seed), 600, 0.1) for seed in (3, 3, 4)]  # noqa: S311 - a plan
    assert plans[0] == plans[1] != plans[2]
    of_nodes = [one for one in plans[0] if one.kind in ("kill", "stop", "freeze", ALONE)]
    assert all(one.at + one.lasts < after.at for one, after in pairwise(of_nodes))
    later = plan_round(random.Random(3), 600, 0.9)  # noqa: S311 - a plan
    killed = {one.target for one in later if one.kind in ("kill", "stop", ALONE)}
    assert PUBLISHER not in killed


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_a_short_soak_finds_nothing(postgres: PostgresServer, tmp_path: Path) -> None:
    del postgres  # one can be started here
    seed = random.SystemRandom().randrange(1 << 31)
    soak = subprocess.run(
        [
            *(sys.executable, str(SOAK), "--minutes", "0.25", "--phones", "6"),
            *("--seed", str(seed), "--no-lockout", "--results", str(tmp_path)),
        ],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert soak.returncode == 0, soak.stdout + soak.stderr
    told = json.loads((tmp_path / "soak.json").read_text())
    assert told["phones"]["boots"] >= 6
    assert sum(told["faults"].values()) >= 1
