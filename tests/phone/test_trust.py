"""Corners of the trust decision that the table does not show, and files with a damaged byte."""

import random
from datetime import timedelta

from cucmsim.formats.roles import Role
from cucmsim.formats.trustlist import ITL_FILENAME, certificate_record, hash_record
from cucmsim.phone.boot import Boot
from cucmsim.phone.flash import Flash
from cucmsim.phone.machine import Session
from cucmsim.phone.trust import (
    Accepted,
    FileRequest,
    NeedsTvs,
    PeerRequest,
    Refused,
    TvsNotAsked,
    TvsVouches,
    judge_file,
    judge_peer,
)
from cucmsim.phone.trustlists import Holding, TrustLists
from cucmsim.phone.values import FileKind, Purpose, Refusal, TrustSource
from tests.fixtures.phonekit import (
    MAC,
    NOW,
    PHONE,
    World,
    certified,
    config_xml,
    ctl,
    der,
    encrypted,
    itl,
    signed,
    signer,
    stub_xml,
    trust_list,
)

ITL, SGN = f"ITLSEP{MAC}.tlv", f"SEP{MAC}.cnf.xml.sgn"
ENC = f"SEP{MAC}.cnf.xml.enc.sgn"
OLD, NEW = config_xml(version_stamp="old"), config_xml(version_stamp="new")
HELD = TrustLists.of(Flash(itl=itl()))


def test_tvs_may_not_vouch_for_another_certificate_than_the_server_showed() -> None:
    request = PeerRequest(Purpose.HTTPS_SERVICE, der("tomcat"))

    verdict = judge_peer(HELD, request, TvsVouches(der("capf"), (7,)))

    assert verdict == Refused(Refusal.TVS_WRONG_CERTIFICATE)


def test_a_signer_whose_record_holds_a_hash_or_rubbish_is_asked_of_tvs() -> None:
    sub = signer("callmanager-sub").certificate
    whole = certificate_record(Role.SAST, sub)
    rubbish = whole.__class__(
        tuple(
            each.__class__(each.tag, b"rubbish") if each.tag == 9 else each
            for each in whole.elements
            if each.tag != 1
        )
    )
    length = rubbish.length + 5
    head = whole.elements[0].__class__(1, length.to_bytes(2))
    rubbish = whole.__class__((head, *rubbish.elements))
    tvs = hash_record(Role.TVS, signer("tvs-pub").certificate)
    request = FileRequest(FileKind.ITL, ITL, itl("callmanager-sub"))
    for record in (hash_record(Role.SAST, sub), rubbish):
        held = TrustLists.of(Flash(itl=trust_list("tomcat", ITL_FILENAME, (record, tvs))))
        assert isinstance(judge_file(held, request, TvsNotAsked()), NeedsTvs)
    held = TrustLists.of(Flash(itl=trust_list("tomcat", ITL_FILENAME, (rubbish, whole, tvs))))
    verdict = judge_file(held, request, TvsNotAsked())
    assert isinstance(verdict, Accepted)
    assert verdict.source is TrustSource.ITL


def test_an_itl_is_emptied_when_neither_tvs_nor_tftp_is_in_it() -> None:
    for release in ("9.1", "11.5", "12.5"):
        emptied = itl(release=release, rollback=True)
        assert TrustLists.of(Flash(itl=emptied)).holding is Holding.NOTHING
        assert TrustLists.of(Flash(ctl=ctl(), itl=emptied)).holding is Holding.CTL
        let_go = Flash(ctl=ctl(non_secure=True), itl=emptied)
        assert TrustLists.of(let_go).holding is Holding.NOTHING
        assert TrustLists.of(Flash(ctl=ctl(), itl=itl(release=release))).holding is Holding.BOTH
    assert TrustLists.of(Flash(ctl=ctl(non_secure=True))).holding is Holding.CTL


def test_no_damaged_byte_of_a_trust_list_or_signed_file_is_accepted() -> None:
    for kind, data in (
        (FileKind.ITL, itl(timestamp=NOW + timedelta(1))),
        (FileKind.CONFIG, signed(NEW)),
        (FileKind.ENCRYPTED_CONFIG, encrypted(NEW, certified("lsc"))),
    ):
        assert isinstance(judge_file(HELD, FileRequest(kind, "x", data), TvsNotAsked()), Accepted)
        for place in range(0, len(data), 3):
            worse = bytearray(data)
            worse[place] ^= 1 << place % 8
            verdict = judge_file(HELD, FileRequest(kind, "x", bytes(worse)), TvsNotAsked())
            assert not isinstance(verdict, Accepted), place


def test_a_boot_survives_whatever_the_servers_send() -> None:
    dice = random.Random(4)  # noqa: S311 - where to damage, not a secret
    lsc = certified("lsc")
    held = Flash(itl=itl(), config=OLD, lsc=lsc)
    good = {
        ITL: itl(timestamp=NOW + timedelta(1)),
        SGN: signed(stub_xml(NEW, lsc)),
        ENC: encrypted(NEW, lsc),
    }
    for _ in range(150):
        name = dice.choice(sorted(good))
        phone = Boot(Session(PHONE, held, NOW, ("tftp-1",)))

        World(good | {name: worsened(good[name], dice)}).run(phone)

        assert phone.flash.itl == (held.itl if name == ITL else good[ITL])
        assert phone.flash.config == (NEW if name == ITL else OLD)
        assert phone.summary.registered == "cucm-1"


def worsened(data: bytes, dice: random.Random) -> bytes:
    """Return other bytes than `data`: cut, longer, overwritten, or nothing like it."""
    place = dice.randrange(len(data))
    return dice.choice(
        (
            data[:place],
            data + dice.randbytes(1 + place % 50),
            data[:place] + bytes((data[place] ^ dice.randrange(1, 256),)) + data[place + 1 :],
            dice.randbytes(place),
        )
    )
