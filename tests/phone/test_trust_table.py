"""The trust decision, every combination of it, against tables written by hand from the documents.

What the phone holds x who signed x what TVS says x which kind of file; and for servers: what the
phone holds x where the certificate stands, in which role x what TVS says x what it is wanted for.
The tables are not made from the code: each row names the sentence it comes from. Section numbers
are those of the phone reference; S0, S1, S2 the seeds 000, 001, 002.
"""

from dataclasses import dataclass
from functools import cache
from itertools import product

import pytest

from cucmsim.formats.roles import Role
from cucmsim.formats.trustlist import (
    CTL_FILENAME,
    ITL_FILENAME,
    Record,
    certificate_record,
    hash_record,
)
from cucmsim.phone.flash import Flash
from cucmsim.phone.trust import (
    Accepted,
    FileRequest,
    NeedsTvs,
    PeerRequest,
    TvsDistrusts,
    TvsKnowledge,
    TvsNotAsked,
    TvsSilent,
    TvsVouches,
    Verdict,
    judge_file,
    judge_peer,
)
from cucmsim.phone.trustlists import TrustLists
from cucmsim.phone.values import FileKind, Purpose, Refusal, TrustSource
from tests.fixtures.phonekit import der, signed, signer, trust_list

# Who signs what is judged, and who signed what the phone holds: never the same certificate.
SUBJECT = "callmanager-sub"
OTHER = "callmanager-pub"

HOLDINGS = (
    "nothing",
    "CTL",
    "ITL",
    "CTL and ITL",
    "rollback ITL",
    "CTL and rollback ITL",
)

# The columns: in which list and role the signer stands; a signature that is damaged, of a signer
# who stands as SAST and as CCM+TFTP in every list that the phone holds.
SIGNERS = (
    "CTL:SAST",
    "CTL:CCM_TFTP",
    "CTL:TFTP",
    "ITL:SAST",
    "ITL:CCM_TFTP",
    "ITL:TFTP",
    "unknown",
    "damaged",
)

# blind: leap of faith. CTL, ITL: accepted through that list. TVS: depends on TVS, see ANSWERS.
# bad: refused, wrong signature. no: refused, signer unknown. none: refused, nothing to check with.
#
# Where a list is not held, a signer "in" it is unknown. An emptied ITL keeps SAST records up to
# 11.5 (cucm 3.6), so "ITL:SAST" can stand in one; the other two columns cannot, and count as
# unknown.
FILES = """
                              | CTL    CTL      CTL   | ITL    ITL      ITL   |         |         |
  holds                 file  | SAST   CCM_TFTP TFTP  | SAST   CCM_TFTP TFTP  | unknown | damaged |
--------------------------------------------------------------------------------------------------
  nothing               CTL   | blind  blind    blind | blind  blind    blind | blind   | bad     |
  nothing               ITL   | blind  blind    blind | blind  blind    blind | blind   | bad     |
  nothing               sgn   | none   none     none  | none   none     none  | none    | none    |

  CTL                   CTL   | CTL    TVS      TVS   | TVS    TVS      TVS   | TVS     | bad     |
  CTL                   ITL   | CTL    CTL      no    | no     no       no    | no      | bad     |
  CTL                   sgn   | no     CTL      CTL   | no     no       no    | no      | bad     |

  ITL                   CTL   | TVS    TVS      TVS   | ITL    ITL      TVS   | TVS     | bad     |
  ITL                   ITL   | TVS    TVS      TVS   | ITL    ITL      TVS   | TVS     | bad     |
  ITL                   sgn   | TVS    TVS      TVS   | TVS    ITL      ITL   | TVS     | bad     |

  CTL and ITL           CTL   | CTL    TVS      TVS   | ITL    ITL      TVS   | TVS     | bad     |
  CTL and ITL           ITL   | CTL    CTL      TVS   | ITL    ITL      TVS   | TVS     | bad     |
  CTL and ITL           sgn   | TVS    CTL      CTL   | TVS    ITL      ITL   | TVS     | bad     |

  rollback ITL          CTL   | blind  blind    blind | blind  blind    blind | blind   | bad     |
  rollback ITL          ITL   | blind  blind    blind | blind  blind    blind | blind   | bad     |
  rollback ITL          sgn   | none   none     none  | none   none     none  | none    | none    |

  CTL and rollback ITL  CTL   | CTL    TVS      TVS   | TVS    TVS      TVS   | TVS     | bad     |
  CTL and rollback ITL  ITL   | CTL    CTL      no    | no     no       no    | no      | bad     |
  CTL and rollback ITL  sgn   | no     CTL      CTL   | no     no       no    | no      | bad     |
"""
# Sources, by block:
# nothing            2.1 row 1 and S0: "blindly trusts the next CTL or ITL"; unsigned names are
#                    asked for until a list is stored, so a signed file has nothing to be checked
#                    with. Damaged: our choice, a list that contradicts its own signer record.
# CTL                2.1 row 2. CTL: "signer must be a SAST of the CTL, or TVS". ITL: "only when the
#                    CTL's CCM+TFTP record verifies its signer" (S0); SAST too, by 2.3 line 1 and
#                    because a 12.0 ITL's signer stands in the CTL as SAST only (cucm 3.6).
#                    Signed file: "CCM+TFTP / TFTP record of the CTL", no TVS named.
# ITL                2.1 row 3 (S1): "signer looked for in the ITL (CCM+TFTP / SAST), else TVS";
#                    signed file "record with role CCM+TFTP or TFTP in the ITL, else TVS".
# CTL and ITL        2.1 row 4 (S0): CTL, then ITL, then TVS; roles as in the rows above, an ITL
#                    against the CTL as in row 2 (S2: without TVS).
# rollback ITL       2.1 row 1: "or an emptied ITL (rollback)".
# CTL and rollback   2.4, S2: rollback "does not empty a CTL", and the phone then has to ask a TVS
#                    whose certificate it has lost: row 2.

TVS_SAYS: dict[str, TvsKnowledge] = {
    "not asked": TvsNotAsked(),
    "silent": TvsSilent(),
    "not trusted": TvsDistrusts(),
    "{0}": TvsVouches(der(SUBJECT), (0,)),
    "{0,2}": TvsVouches(der(SUBJECT), (0, 2)),
    "{0,3}": TvsVouches(der(SUBJECT), (0, 3)),
    "{3}": TvsVouches(der(SUBJECT), (3,)),
    "{7}": TvsVouches(der(SUBJECT), (7,)),
    "{}": TvsVouches(der(SUBJECT), ()),
}

# What TVS's answer means to whom it was asked for.
ANSWERS = """
  TVS says     | list   sgn    | sip    capf   https  6971
------------------------------------------------------------
  not asked    | ask    ask    | ask    ask    ask    ask
  silent       | mute   mute   | mute   mute   mute   mute
  not trusted  | denied denied | denied denied denied denied
  {0}          | yes    role   | role   role   role   role
  {0,2}        | yes    yes    | yes    role   role   yes
  {0,3}        | yes    yes    | role   role   role   yes
  {3}          | role   yes    | role   role   role   yes
  {7}          | role   role   | role   role   yes    role
  {}           | role   role   | role   role   role   role
"""
# list   2.3 line 1: SAST; S2: a CTL accepted on an answer with {0,3}; cucm 2.1: {0,2} is what the
#        store CallManager gives. sgn: 2.3 line 2, CCM+TFTP (2) or TFTP (3).
# sip    2.3 line 3, CCM (1) or CCM+TFTP (2). capf: line 4. https: line 6, APP-SERVER (7), which is
#        what the store tomcat gives (cucm 2.1). 6971: line 7, TFTP (3); CCM+TFTP is TFTP as well.
# {}     cucm 2.1: a certificate of CallManager-trust alone has no role and is not vouched for.

KINDS = {
    FileKind.CTL: "CTL",
    FileKind.ITL: "ITL",
    FileKind.CONFIG: "sgn",
    FileKind.ENCRYPTED_CONFIG: "sgn",
    FileKind.OTHER: "sgn",
}


@dataclass(frozen=True)
class Expected:
    """One cell, in words that can be compared."""

    text: str

    @classmethod
    def of(cls, verdict: Verdict) -> "Expected":
        if isinstance(verdict, Accepted):
            return cls(f"accepted through {verdict.source}")
        if isinstance(verdict, NeedsTvs):
            return cls("ask TVS")
        return cls(f"refused: {verdict.reason}")


CELLS = {
    "blind": Expected(f"accepted through {TrustSource.BLIND}"),
    "CTL": Expected(f"accepted through {TrustSource.CTL}"),
    "ITL": Expected(f"accepted through {TrustSource.ITL}"),
    "yes": Expected(f"accepted through {TrustSource.TVS}"),
    "bad": Expected(f"refused: {Refusal.BAD_SIGNATURE}"),
    "no": Expected(f"refused: {Refusal.UNKNOWN_SIGNER}"),
    "none": Expected(f"refused: {Refusal.NO_TRUST_LIST}"),
    "ask": Expected("ask TVS"),
    "mute": Expected(f"refused: {Refusal.TVS_SILENT}"),
    "denied": Expected(f"refused: {Refusal.TVS_REFUSED}"),
    "role": Expected(f"refused: {Refusal.WRONG_ROLE}"),
    "stranger": Expected(f"refused: {Refusal.UNKNOWN_CERTIFICATE}"),
}


def read_files_table() -> dict[tuple[str, str, str], str]:
    cells = {}
    for line in FILES.split("-\n", 1)[1].splitlines():
        if not line.strip():
            continue
        head, *groups = line.split("|")
        holds, file = head.rsplit(maxsplit=1)
        row = " ".join(groups).split()
        for who, cell in zip(SIGNERS, row, strict=True):
            cells[holds.strip(), file, who] = cell
    return cells


def read_answers_table() -> dict[tuple[str, str], str]:
    cells = {}
    for line in ANSWERS.split("-\n", 1)[1].splitlines():
        if not line.strip():
            continue
        says, files, peers = line.split("|")
        row = f"{files} {peers}".split()
        columns = ("list", "sgn", "sip", "capf", "https", "6971")
        for column, cell in zip(columns, row, strict=True):
            cells[says.strip(), column] = cell
    return cells


FILE_CELLS = read_files_table()
ANSWER_CELLS = read_answers_table()


@cache
def lists(holds: str, extra_ctl: tuple[Record, ...], extra_itl: tuple[Record, ...]) -> TrustLists:
    """Make the lists of a phone, with records of its own cluster and some more."""
    own = signer(OTHER).certificate
    sast, both = certificate_record(0, own), certificate_record(2, own)
    capf = hash_record(Role.CAPF, signer("capf").certificate)
    tvs = hash_record(Role.TVS, signer("tvs-pub").certificate)
    ctl = trust_list(OTHER, CTL_FILENAME, (sast, both, *extra_ctl))
    itl = trust_list(OTHER, ITL_FILENAME, (sast, both, tvs, capf, *extra_itl))
    emptied = trust_list(OTHER, ITL_FILENAME, (sast, capf, *extra_itl))
    flash = Flash(
        ctl=ctl if "CTL" in holds else None,
        itl=emptied if "rollback" in holds else itl if "ITL" in holds else None,
    )
    return TrustLists.of(flash)


def signer_records(holds: str, who: str) -> tuple[tuple[Record, ...], tuple[Record, ...]]:
    """Return the signer's records in CTL and ITL; none that would un-empty an emptied ITL."""
    subject = signer(SUBJECT).certificate
    if who == "unknown":
        return (), ()
    if who == "damaged":
        ctl = (certificate_record(0, subject), certificate_record(2, subject))
        return ctl, ctl[:1] if "rollback" in holds else ctl
    where, role = who.split(":")
    record = (certificate_record(Role[role], subject),)
    if where == "CTL":
        return record, ()
    return (), () if "rollback" in holds and role != "SAST" else record


@cache
def file(kind: FileKind, *, damaged: bool) -> FileRequest:
    if kind.is_trust_list:
        name = f"{kind}File.tlv"
        data = trust_list(SUBJECT, name, (certificate_record(0, signer(SUBJECT).certificate),))
    else:
        name = "SEPB000B4BA0AEE.cnf.xml.sgn"
        data = signed(b"<device/>", SUBJECT, name)
    if damaged:
        # a bit of the file name, which the signature covers and which alone stays readable
        data = data.replace(name[:3].encode(), name[:2].encode() + b"x", 1)
    return FileRequest(kind, name, data)


def test_the_tables_are_whole() -> None:
    assert set(FILE_CELLS) == {
        (holds, file, who)
        for holds in HOLDINGS
        for file in ("CTL", "ITL", "sgn")
        for who in SIGNERS
    }
    assert {says for says, _ in ANSWER_CELLS} == set(TVS_SAYS)


@pytest.mark.parametrize("who", SIGNERS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("holds", HOLDINGS)
def test_a_file_is_judged_as_the_documents_say(holds: str, kind: FileKind, who: str) -> None:
    held = lists(holds, *signer_records(holds, who))
    request = file(kind, damaged=who == "damaged")
    column = "list" if kind.is_trust_list else "sgn"
    cell = FILE_CELLS[holds, KINDS[kind], who]

    judged = {
        says: Expected.of(judge_file(held, request, knowledge))
        for says, knowledge in TVS_SAYS.items()
    }

    assert judged == {
        says: CELLS[ANSWER_CELLS[says, column] if cell == "TVS" else cell] for says in TVS_SAYS
    }


# Servers: the roles that open the door (2.3), and the column of ANSWERS for what is not in a list.
PEERS = {
    Purpose.SIP_PEER: ({"CCM", "CCM_TFTP"}, "sip"),
    Purpose.CAPF_SERVER: ({"CAPF"}, "capf"),
    Purpose.TVS_SERVER: ({"TVS"}, None),  # 2.2: never checked through TVS itself
    Purpose.HTTPS_SERVICE: ({"APP_SERVER"}, "https"),
    Purpose.HTTPS_PROVISIONING: ({"TFTP", "CCM_TFTP"}, "6971"),
}
ROLES = ("SAST", "CCM", "CCM_TFTP", "TFTP", "CAPF", "SRST", "APP_SERVER", "TVS")
# records that an emptied ITL cannot hold, or it would not be emptied
NOT_EMPTIED = {"CCM_TFTP", "TFTP", "TVS"}


STANDINGS = tuple(product(("CTL", "ITL", "nowhere"), ROLES, (False, True), TVS_SAYS))


@pytest.mark.parametrize("holds", HOLDINGS)
@pytest.mark.parametrize("purpose", PEERS)
def test_a_server_is_judged_as_the_documents_say(purpose: Purpose, holds: str) -> None:
    judged = {
        (where, role, by_hash, says): Expected.of(
            judge_peer(
                lists(holds, *peer_records(holds, where, role, by_hash=by_hash)),
                PeerRequest(purpose, der(SUBJECT)),
                TVS_SAYS[says],
            )
        )
        for where, role, by_hash, says in STANDINGS
    }

    assert judged == {
        (where, role, by_hash, says): CELLS[peer_cell(purpose, holds, where, role, says)]
        for where, role, by_hash, says in STANDINGS
    }


def peer_records(
    holds: str, where: str, role: str, *, by_hash: bool
) -> tuple[tuple[Record, ...], tuple[Record, ...]]:
    make = hash_record if by_hash else certificate_record
    record = (make(Role[role], signer(SUBJECT).certificate),)
    if where == "CTL":
        return record, ()
    can_stand = where == "ITL" and not ("rollback" in holds and role in NOT_EMPTIED)
    return (), record if can_stand else ()


def peer_cell(purpose: Purpose, holds: str, where: str, role: str, says: str) -> str:
    roles, column = PEERS[purpose]
    can_stand = where in holds and not (
        where == "ITL" and "rollback" in holds and role in NOT_EMPTIED
    )
    if can_stand and role in roles:
        return where
    if column is None:
        return "stranger"
    if holds in ("nothing", "rollback ITL"):
        return "none"  # the word of a TVS that the phone does not know is worth nothing (2.2)
    return ANSWER_CELLS[says, column]


def test_the_phone_keeps_the_certificate_that_convinced_it() -> None:
    held = lists("ITL", (), ())
    vouched = TvsVouches(der(SUBJECT), (0, 2), cached=True)

    verdict = judge_file(held, file(FileKind.ITL, damaged=False), vouched)

    assert verdict == Accepted(TrustSource.TVS_CACHE, None, der(SUBJECT))
    assert held.itl is not None
    by_list = judge_file(held, FileRequest(FileKind.ITL, "x", held.itl.data), TvsNotAsked())
    assert isinstance(by_list, Accepted)
    assert by_list.found is not None
    assert by_list.found.record.role == Role.SAST
    assert by_list.certificate_der == der(OTHER)
