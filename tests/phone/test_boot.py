"""What a boot does when servers are silent, files bad, keys missing; and the rules of `Machine`."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cucmsim.errors import LocalProtocolError
from cucmsim.formats.tvs import QueryAnswer, Reason, VerificationAnswer
from cucmsim.phone.boot import Boot, Restart
from cucmsim.phone.events import (
    CacheFlushed,
    CapfFinished,
    CapfSkipped,
    CertificateHashMismatch,
    ConfigurationAccepted,
    ConfigurationDecrypted,
    ConfigurationKept,
    DeviceCertificateUsed,
    DeviceTlInfo,
    DownloadFailed,
    DownloadStarted,
    Event,
    FileApproved,
    HttpsAuthenticated,
    HttpsRefused,
    RegistrationFailed,
    RequestSent,
    ServerSecurity,
    TrustListKept,
    TrustListMissing,
    TrustListRefused,
    TrustListsSummarised,
    TvsAnswerReceived,
    TvsCached,
    TvsFailed,
    TvsGivenUp,
    VerificationFailed,
)
from cucmsim.phone.flash import Flash
from cucmsim.phone.lookup import HttpsCheck
from cucmsim.phone.machine import Machine, Session
from cucmsim.phone.steps import (
    AskTvs,
    CapfAnswered,
    CapfBusy,
    CapfOperation,
    Fetch,
    Fetched,
    NotReached,
    Outcome,
    PeerRefused,
    Register,
    Registered,
    RunCapf,
    StoreFlash,
    TvsAnswered,
)
from cucmsim.phone.trust import FileRequest, Refused, TrustedPeers, TvsVouches, judge_file
from cucmsim.phone.trustlists import TrustLists
from cucmsim.phone.values import (
    Certified,
    FileKind,
    PhoneIdentity,
    Purpose,
    Refusal,
    Switches,
    Transport,
    TrustSource,
)
from cucmsim.pki.keys import KeySpec, dump_private_key, generate_key
from tests.fixtures.phonekit import (
    MAC,
    NOW,
    PHONE,
    Tvs,
    World,
    certified,
    config_xml,
    ctl,
    der,
    encrypted,
    installs,
    itl,
    md5,
    signed,
    stub_xml,
)

CTL, ITL = f"CTLSEP{MAC}.tlv", f"ITLSEP{MAC}.tlv"
XML = f"SEP{MAC}.cnf.xml"
SGN, ENC = f"{XML}.sgn", f"{XML}.enc.sgn"
OLD_7970 = PhoneIdentity(MAC, "7970")
OLD = config_xml(version_stamp="old")
NEW = config_xml(version_stamp="new")
HELD = Flash(itl=itl(), config=OLD)
LSC, MIC = certified("lsc"), certified("mic")


def boot(
    flash: Flash = HELD,
    phone: PhoneIdentity = PHONE,
    *,
    switches: Switches | None = None,
    servers: tuple[str, ...] = ("tftp-1",),
    string: str | None = None,
) -> Boot:
    return Boot(
        Session(
            phone,
            flash,
            NOW,
            servers,
            switches=switches or Switches(),
            authentication_string=string,
        )
    )


def files(name: str, data: bytes) -> World:
    return World({ITL: itl(), SGN: signed(NEW), name: data})


# --- downloads


def test_the_next_server_is_asked_when_one_is_silent() -> None:
    world = World({ITL: itl(), SGN: signed(NEW)}, silent=frozenset(("tftp-1",)))
    phone = boot(phone=OLD_7970, servers=("tftp-1", "tftp-2"))

    assert world.run(phone) == [
        f"tftp tftp-1 {CTL}: silent",
        f"tftp tftp-2 {CTL}: not found",
        f"tftp tftp-1 {ITL}: silent",
        f"tftp tftp-2 {ITL}: found",
        f"tftp tftp-1 {SGN}: silent",
        f"tftp tftp-2 {SGN}: found",
        "register cucm-1",
    ]
    assert phone.summary.was_answered


def test_with_every_server_silent_the_phone_registers_as_it_was() -> None:
    world = World(silent=frozenset(("tftp-1",)))
    phone = boot()

    transcript = world.run(phone)

    assert transcript[-1] == "register cucm-1"
    assert phone.flash == HELD
    assert not phone.summary.was_answered
    assert world.happened(ConfigurationKept) == [ConfigurationKept(XML, "timeout", held=True)]
    assert world.happened(TrustListMissing) == []


def test_a_phone_without_servers_and_without_configuration_ends() -> None:
    phone = boot(Flash(), servers=())
    world = World()

    assert world.run(phone) == []
    assert world.happened(RegistrationFailed) == [
        RegistrationFailed("the phone has no configuration")
    ]
    assert phone.summary.failure == "the phone has no configuration"
    assert phone.summary.registered is None


def test_a_file_over_the_limit_is_not_taken_even_if_the_executor_brings_it() -> None:
    world = files(SGN, signed(b"x" * 550_001))
    phone = boot(phone=OLD_7970)

    world.run(phone)

    assert phone.flash == HELD
    assert [each.failure for each in world.happened(DownloadFailed)] == ["not found", "too large"]


def test_requests_are_counted_trust_lists_apart() -> None:
    world = files(SGN, signed(NEW))
    world.run(boot(phone=OLD_7970))

    sent = world.happened(RequestSent)
    assert [(each.number, each.name, each.size_limit) for each in sent] == [
        (1, CTL, None),
        (2, ITL, None),
        (1, SGN, 550_001),
    ]
    # a 79xx says nothing of secure servers before trust lists (seed 000)
    assert [each.name for each in world.happened(FileApproved)] == [SGN]
    assert world.happened(DownloadStarted)[-1] == DownloadStarted(
        XML, FileKind.CONFIG, secure=True, size_limit=550_001
    )


def test_an_88xx_tells_the_security_of_the_server_before_every_file() -> None:
    world = files(SGN, signed(NEW))
    world.run(boot(Flash()))

    assert world.happened(ServerSecurity) == [
        ServerSecurity("tftp-1", 0, secure=False, holds_trust_list=False),
        ServerSecurity("tftp-1", 0, secure=False, holds_trust_list=False),
        ServerSecurity("tftp-1", 0, secure=True, holds_trust_list=True),
    ]


# --- HTTPS 6971


SECURE = Flash(itl=itl(signer_version=(1, 1)), config=OLD)


def test_a_signer_version_of_1_1_leads_to_https_and_an_unsigned_configuration() -> None:
    world = World({SGN: NEW}, https="callmanager-pub")
    phone = boot(SECURE)

    assert world.run(phone)[-2:] == [f"https tftp-1 {SGN}: found", "register cucm-1"]
    assert phone.flash.config == NEW
    assert phone.summary.accepted[-1].source is None
    assert phone.summary.accepted[-1].tls_server == "tftp-1"


def test_a_signer_version_of_1_0_does_not() -> None:
    world = World({SGN: signed(NEW)}, https="callmanager-pub")

    assert world.run(boot(Flash(itl=itl(signer_version=(1, 0)), config=OLD)))[-2:] == [
        f"http tftp-1 {SGN}: found",
        "register cucm-1",
    ]


def test_tvs_may_vouch_for_the_https_server() -> None:
    world = World(
        {SGN: NEW}, {"tvs-1": Tvs(vouches={"callmanager-sub": (3,)})}, https="callmanager-sub"
    )
    phone = boot(SECURE)

    assert world.run(phone)[-4:] == [
        f"https tftp-1 {SGN}: PeerUnproven",
        "tvs tvs-1 verify: 0 [3]",
        f"https tftp-1 {SGN}: found",
        "register cucm-1",
    ]
    assert world.happened(HttpsAuthenticated) == [HttpsAuthenticated("tftp-1", TrustSource.TVS)]


def test_an_untrusted_https_server_leads_back_to_http_and_a_signature() -> None:
    class Signing(World):
        def _fetch(self, step: Fetch) -> tuple[str, Outcome]:
            line, outcome = super()._fetch(step)
            if isinstance(outcome, Fetched) and step.transport is Transport.HTTP:
                return line, Fetched(signed(NEW))
            return line, outcome

    world = Signing({SGN: NEW}, {"tvs-1": Tvs()}, https="tomcat")
    phone = boot(SECURE)

    assert world.run(phone)[-4:] == [
        f"https tftp-1 {SGN}: PeerUnproven",
        "tvs tvs-1 verify: 1 []",
        f"http tftp-1 {SGN}: found",
        "register cucm-1",
    ]
    assert world.happened(HttpsRefused) == [HttpsRefused("tftp-1", Refusal.TVS_REFUSED)]
    assert phone.flash.config == NEW


def test_a_server_that_changes_its_certificate_while_tvs_is_asked_is_refused() -> None:
    phone = boot(SECURE)
    world = World(tvs={"tvs-1": Tvs(vouches={"callmanager-sub": (3,)})}, https="callmanager-sub")

    def change(world: World, step: object) -> None:
        if isinstance(step, AskTvs):
            world.https = "tomcat"

    world.after = change

    assert f"https tftp-1 {SGN}: PeerUnproven" in world.run(phone)
    failed = [each for each in world.happened(DownloadFailed) if each.transport == "https"]
    assert [each.text for each in failed] == ["server is not trusted"]


# --- trust lists


def test_the_same_list_again_changes_nothing() -> None:
    world = files(SGN, signed(NEW))
    phone = boot()

    world.run(phone)

    assert world.happened(TrustListKept) == [TrustListKept(FileKind.ITL)]
    assert world.happened(DeviceTlInfo, CacheFlushed) == []
    assert not phone.summary.accepted[0].is_new
    assert world.happened(TrustListsSummarised) == [
        TrustListsSummarised(has_ctl=False, has_itl=True, updated=False, refused=False)
    ]


def damaged(data: bytes) -> bytes:
    return data[:-1] + bytes((data[-1] ^ 1,))


BAD_LISTS = {
    "cut": (itl()[:-1], Refusal.DAMAGED),
    "empty": (b"", Refusal.DAMAGED),
    "no list": (NEW, Refusal.DAMAGED),
    "a signed file": (signed(NEW), Refusal.DAMAGED),
    "too long": (itl() + bytes(64 * 1024), Refusal.TOO_LARGE),
    "another signature": (damaged(itl(timestamp=NOW + timedelta(1))), Refusal.BAD_SIGNATURE),
}


@pytest.mark.parametrize("what", BAD_LISTS)
@pytest.mark.parametrize("flash", [HELD, Flash(config=OLD)], ids=["with ITL", "without"])
def test_a_bad_list_leaves_the_old_one_in_force(flash: Flash, what: str) -> None:
    data, reason = BAD_LISTS[what]
    world = World({ITL: data, XML: NEW, SGN: signed(NEW)})
    phone = boot(flash)

    world.run(phone)

    assert phone.flash == replace(flash, config=NEW)
    assert world.happened(TrustListRefused) == [TrustListRefused(FileKind.ITL, reason)]
    assert [each.status_code for each in world.happened(DeviceTlInfo)] == [0]


def test_a_list_of_exactly_64_kib_loads() -> None:
    switches = Switches(trust_list_limit=len(itl()))
    phone = boot(Flash(), switches=switches)

    World({ITL: itl()}).run(phone)

    assert phone.flash.itl == itl()


def test_an_older_list_is_taken_unless_switched_otherwise() -> None:
    older = itl(timestamp=NOW - timedelta(days=1))
    for refuse, expected in ((False, older), (True, HELD.itl)):
        phone = boot(switches=Switches(refuse_older_timestamp=refuse))
        World({ITL: older}).run(phone)
        assert phone.flash.itl == expected


def test_a_lower_version_or_another_name_is_taken_unless_switched_otherwise() -> None:
    request = FileRequest(FileKind.ITL, ITL, signed(NEW))
    held = TrustLists.of(HELD)
    named = FileRequest(FileKind.CONFIG, "SEP000000000000.cnf.xml.sgn", signed(NEW))
    vouched = TvsVouches(der("callmanager-pub"), (0,))

    strict = Switches(refuse_other_filename=True)
    assert judge_file(held, named, vouched, strict) == Refused(Refusal.OTHER_NAME)
    ctl_as_itl = replace(request, data=ctl())
    assert judge_file(held, ctl_as_itl, vouched, strict) == Refused(Refusal.OTHER_NAME)
    # the version of a list is 1.2; nothing here makes a lower one but a byte changed by hand
    lowered = replace(request, data=itl().replace(b"\x01\x00\x02\x01\x02", b"\x01\x00\x02\x01\x01"))
    lower = Switches(refuse_older_version=True)
    assert judge_file(held, lowered, vouched, lower) == Refused(Refusal.OLDER_VERSION)
    assert judge_file(held, lowered, vouched) == Refused(Refusal.BAD_SIGNATURE)
    blind = TrustLists.of(Flash(itl=itl(rollback=True, timestamp=NOW + timedelta(1))))
    both = Switches(refuse_older_timestamp=True, refuse_older_version=True)
    assert not isinstance(judge_file(blind, replace(request, data=itl()), vouched, both), Refused)


def test_a_list_that_does_not_bring_its_signer_is_taken_blindly() -> None:
    emptied = itl("itlrecovery", release="12.5", rollback=True)
    phone = boot(Flash())

    World({ITL: emptied}).run(phone)

    assert phone.flash.itl == emptied


def test_a_list_damaged_in_flash_counts_as_none() -> None:
    phone = boot(Flash(itl=b"garbage", config=b"garbage"))

    World({ITL: itl(), SGN: signed(NEW)}).run(phone)

    assert phone.flash == Flash(itl=itl(), config=NEW)


def test_the_fallback_names_are_switches() -> None:
    switches = Switches(ctl_file_fallback=True, itl_file_fallback=False)
    world = World()

    assert world.run(boot(phone=OLD_7970, switches=switches))[:3] == [
        f"tftp tftp-1 {CTL}: not found",
        "tftp tftp-1 CTLFile.tlv: not found",
        f"tftp tftp-1 {ITL}: not found",
    ]
    assert world.happened(TrustListMissing) == [
        TrustListMissing(FileKind.CTL),
        TrustListMissing(FileKind.ITL),
    ]


def test_itlfile_is_asked_for_where_the_phones_own_is_not_found() -> None:
    phone = boot(Flash(), OLD_7970)

    World({"ITLFile.tlv": itl()}).run(phone)

    assert phone.flash.itl == itl()


def test_a_secure_phone_without_ctl_asks_four_times() -> None:
    phone = boot(Flash(itl=itl(), config=config_xml(security_mode=3)), OLD_7970)

    transcript = World().run(phone)

    assert transcript.count(f"tftp tftp-1 {CTL}: not found") == 4


def test_a_new_list_flushes_the_tvs_cache() -> None:
    new = itl("callmanager-sub", callmanager="callmanager-pub")
    world = World(
        {ITL: new, SGN: signed(NEW, "callmanager-sub")},
        {"tvs-1": Tvs(vouches={"callmanager-sub": (0, 2)})},
    )

    transcript = world.run(boot())

    assert transcript.count("tvs tvs-1 query: 0 [0, 2]") == 2
    assert world.happened(CacheFlushed) == [CacheFlushed()]


def test_a_signer_in_the_cache_is_not_asked_for_again() -> None:
    world = World(
        {ITL: itl(), SGN: signed(NEW, "callmanager-sub")},
        {"tvs-1": Tvs(vouches={"callmanager-sub": (0, 2)}, time_to_live_s=None)},
    )
    session = Session(PHONE, HELD, NOW, ("tftp-1",))
    assert "tvs tvs-1 query: 0 [0, 2]" in world.run(Boot(session))

    again = Boot(Session(PHONE, HELD, NOW, ("tftp-1",), cache=session.cache))

    assert not any(line.startswith("tvs") for line in world.run(again))
    assert again.summary.accepted[-1].source is TrustSource.TVS_CACHE


# --- TVS


class Odd(World):
    """Answers a query with `odd`, whatever the server is told to say."""

    odd: Outcome = NotReached("")

    def _ask(self, step: AskTvs) -> tuple[str, Outcome]:
        line, outcome = super()._ask(step)
        return line, self.odd if step.index == 0 else outcome


UNKNOWN = {ITL: itl("callmanager-sub", callmanager="callmanager-sub")}


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        (
            TvsAnswered(VerificationAnswer(Reason.TRUSTED, (0,)), 1, 1, der("tvs-pub")),
            "TVS_REFUSED",
        ),
        (
            TvsAnswered(VerificationAnswer(Reason.TRUSTED, (0,)), 1, 1, der("tomcat")),
            "TVS_UNTRUSTED",
        ),
        (TvsAnswered(VerificationAnswer(Reason.TRUSTED, (0,)), 1, 1, None), "TVS_UNTRUSTED"),
        (NotReached("broken off", connected=True), "TVS_SILENT"),
        (PeerRefused(None), "TVS_UNTRUSTED"),
    ],
)
def test_an_odd_answer_is_no_answer(odd: Outcome, reason: str) -> None:
    world = Odd(UNKNOWN, {"tvs-1": Tvs()})
    world.odd = odd

    world.run(boot())

    assert world.happened(TrustListRefused) == [TrustListRefused(FileKind.ITL, Refusal[reason])]


def test_no_tvs_server_configured_is_told() -> None:
    world = World(UNKNOWN)
    world.run(boot(Flash(itl=itl(), config=config_xml(tvs=()))))

    assert world.happened(TvsGivenUp, TvsFailed) == [
        TvsGivenUp(Purpose.TRUST_LIST, Refusal.TVS_NOT_CONFIGURED)
    ]


def test_a_certificate_other_than_the_one_asked_for_is_refused() -> None:
    held = TrustLists.of(HELD)
    request = FileRequest(FileKind.ITL, ITL, UNKNOWN[ITL])
    for wrong in (der("tomcat"), b"no certificate"):
        verdict = judge_file(held, request, TvsVouches(wrong, (0,)))
        assert verdict == Refused(Refusal.TVS_WRONG_CERTIFICATE)


@pytest.mark.parametrize("wrong", [der("tomcat"), b"no certificate"])
def test_a_certificate_that_was_not_asked_for_is_not_remembered(wrong: bytes) -> None:
    world = Odd(UNKNOWN, {"tvs-1": Tvs()})
    answer = QueryAnswer(Reason.TRUSTED, wrong, (0,), 86_400)
    world.odd = TvsAnswered(answer, 1, 1, der("tvs-pub"))

    world.run(boot())

    refused = TrustListRefused(FileKind.ITL, Refusal.TVS_WRONG_CERTIFICATE)
    assert world.happened(TrustListRefused, TvsCached) == [refused]


def test_a_certificate_vouched_for_does_not_save_a_wrong_signature() -> None:
    request = FileRequest(FileKind.ITL, ITL, damaged(UNKNOWN[ITL]))
    vouched = TvsVouches(der("callmanager-sub"), (0,))

    assert judge_file(TrustLists.of(HELD), request, vouched) == Refused(Refusal.BAD_SIGNATURE)


def test_the_phone_says_what_it_presents_to_tvs() -> None:
    for flash, is_mic in ((replace(HELD, lsc=LSC, mic=MIC), False), (replace(HELD, mic=MIC), True)):
        world = World(UNKNOWN, {"tvs-1": Tvs()})
        world.run(boot(flash))
        shown = world.happened(DeviceCertificateUsed)[0]
        assert shown.is_mic is is_mic
        assert shown.subject.startswith("/")
        assert f"SEP{MAC}" in shown.subject
        assert shown.key_length in range(1187, 1195)  # seed 002: 1191


def test_the_phone_presents_nothing_to_tvs_when_switched_so() -> None:
    world = World(UNKNOWN, {"tvs-1": Tvs()})
    world.run(boot(replace(HELD, lsc=LSC), switches=Switches(show_certificate_to_tvs=False)))

    assert world.happened(DeviceCertificateUsed) == []
    assert [each.status for each in world.happened(TvsAnswerReceived)] == [1]


# --- configuration


BAD_FILES = {
    "unsigned": (NEW, Refusal.DAMAGED),
    "cut": (signed(NEW)[:100], Refusal.DAMAGED),
    "another signature": (damaged(signed(NEW)), Refusal.BAD_SIGNATURE),
    "no XML": (signed(b"hello"), Refusal.DAMAGED),
    "unknown signer": (signed(NEW, "tomcat"), Refusal.TVS_SILENT),
}


@pytest.mark.parametrize("what", BAD_FILES)
def test_a_bad_configuration_leaves_the_old_one_in_force(what: str) -> None:
    data, reason = BAD_FILES[what]
    world = files(SGN, data)
    phone = boot()

    world.run(phone)

    assert phone.flash == HELD
    assert phone.summary.registered == "cucm-1"
    assert world.happened(VerificationFailed, ConfigurationKept) == [
        VerificationFailed(XML, FileKind.CONFIG, reason),
        ConfigurationKept(XML, reason, held=True),
    ]


def test_xmldefault_serves_a_phone_that_no_cluster_knows() -> None:
    default = (
        b"<Default><callManagerGroup><members><member priority='0'><callManager>"
        b"<processNodeName>cucm-1</processNodeName></callManager></member></members>"
        b"</callManagerGroup></Default>"
    )
    world = World({"XMLDefault.cnf.xml": default})
    phone = boot(Flash())

    assert world.run(phone)[-4:] == [
        f"http tftp-1 {XML}: not found",
        f"tftp tftp-1 {XML}: not found",
        "http tftp-1 XMLDefault.cnf.xml: found",
        "register cucm-1",
    ]
    register = world.steps[-1]
    assert isinstance(register, Register)
    assert register.protocol == "SIP"
    assert phone.flash.config == default


def test_a_phone_with_a_trust_list_does_not_ask_for_xmldefault() -> None:
    world = World({"XMLDefault.cnf.xml": b"<Default/>"})

    assert not any("XMLDefault" in line for line in world.run(boot()))


# --- encrypted configuration and CAPF


def test_an_encrypted_file_that_is_gone_means_the_signed_one_is_whole_now() -> None:
    world = files(SGN, signed(stub_xml(NEW, LSC)))

    def switch_off(world: World, step: object) -> None:
        if isinstance(step, Fetch) and step.name == ENC and step.transport is Transport.TFTP:
            world.files[SGN] = signed(NEW)

    world.after = switch_off
    phone = boot(replace(HELD, lsc=LSC))
    world.run(phone)

    assert phone.flash.config == NEW


def test_a_stub_whose_file_never_comes_is_given_up() -> None:
    world = files(SGN, signed(stub_xml(NEW, LSC)))
    phone = boot(replace(HELD, lsc=LSC), switches=Switches(retrievals=3))

    transcript = world.run(phone)

    assert transcript.count(f"http tftp-1 {SGN}: found") == 3
    assert world.happened(ConfigurationKept) == [
        ConfigurationKept(XML, "asked for too often", held=True)
    ]


def test_an_encrypted_file_that_does_not_come_or_is_refused_keeps_the_old_one() -> None:
    class Cut(World):
        def _fetch(self, step: Fetch) -> tuple[str, Outcome]:
            quiet = step.kind is FileKind.ENCRYPTED_CONFIG and ENC not in self.files
            self.silent = frozenset((step.server,)) if quiet else frozenset()
            return super()._fetch(step)

    cut = Cut({ITL: itl(), SGN: signed(stub_xml(NEW, LSC))})
    phone = boot(replace(HELD, lsc=LSC))
    cut.run(phone)
    assert cut.happened(ConfigurationKept)[0].reason == "timeout"
    assert phone.flash.config == OLD

    refused = Cut({ITL: itl(), SGN: signed(stub_xml(NEW, LSC)), ENC: encrypted(NEW, LSC, "tomcat")})
    phone = boot(replace(HELD, lsc=LSC))
    refused.run(phone)
    assert refused.happened(VerificationFailed)[0].kind is FileKind.ENCRYPTED_CONFIG
    assert phone.flash.config == OLD


@pytest.mark.parametrize("inside", [encrypted(NEW, MIC), signed(NEW)], ids=["other key", "plain"])
def test_an_encrypted_file_that_does_not_open_leads_to_capf_and_again(inside: bytes) -> None:
    world = files(SGN, signed(stub_xml(config_xml(capf_mode=2), LSC)))
    world.files[ENC] = inside

    def serve(world: World, step: object) -> None:
        if isinstance(step, RunCapf):
            world.files |= {SGN: signed(stub_xml(NEW, MIC)), ENC: encrypted(NEW, MIC)}

    world.after = serve
    world.capf = {"capf-1": [installs(MIC)]}
    phone = boot(replace(HELD, lsc=LSC))
    world.run(phone)

    assert world.happened(VerificationFailed)[0].reason is Refusal.DECRYPTION_FAILED
    assert phone.flash.config == NEW
    assert world.happened(ConfigurationDecrypted) == [
        ConfigurationDecrypted(f"{XML}.enc", with_mic=False)
    ]


def test_an_encrypted_file_with_no_configuration_inside_is_refused() -> None:
    world = files(SGN, signed(stub_xml(NEW, LSC)))
    world.files[ENC] = encrypted(b"hello", LSC)
    phone = boot(replace(HELD, lsc=LSC))

    world.run(phone)

    assert phone.flash.config == OLD
    assert world.happened(VerificationFailed)[0].reason is Refusal.DAMAGED


def test_an_ec_key_opens_no_configuration() -> None:
    key = dump_private_key(generate_key(KeySpec.parse("ec-256")))
    odd = Certified(LSC.certificate_der, key)
    world = files(SGN, signed(stub_xml(NEW, LSC)))
    world.files[ENC] = encrypted(NEW, LSC)
    phone = boot(replace(HELD, lsc=odd))

    world.run(phone)

    assert phone.flash.config == OLD


def test_a_hash_that_no_key_has_is_told_and_without_capf_the_old_file_stays() -> None:
    world = files(SGN, signed(stub_xml(NEW, LSC)))
    phone = boot(replace(HELD, mic=MIC))

    world.run(phone)

    assert world.happened(CertificateHashMismatch) == [CertificateHashMismatch(md5(LSC))]
    assert phone.flash.config == OLD
    assert world.happened(ConfigurationKept)[0].reason == "certHash of another certificate"


@pytest.mark.parametrize(
    ("mode", "lsc", "mic", "proof"),
    [
        (1, LSC, MIC, None),
        (2, LSC, MIC, None),
        (3, LSC, MIC, LSC),
        (3, None, MIC, MIC),
        (4, LSC, MIC, MIC),
        (4, LSC, None, LSC),
    ],
)
def test_capf_gets_the_proof_of_the_mode(
    mode: int, lsc: Certified | None, mic: Certified | None, proof: Certified | None
) -> None:
    world = files(SGN, signed(config_xml(capf_mode=mode)))
    world.capf = {"capf-1": [CapfAnswered(CapfOperation.NONE, succeeded=True, reason=0)]}
    world.run(boot(replace(HELD, lsc=lsc, mic=mic), string="12345"))

    visit = next(step for step in world.steps if isinstance(step, RunCapf))
    assert visit.proof == proof
    assert visit.proof_is_mic is (proof is MIC)
    assert visit.password == ("12345" if mode == 1 else "")
    assert visit.held == lsc
    assert visit.device_name == f"SEP{MAC}"


@pytest.mark.parametrize(
    ("xml", "reason"),
    [
        (config_xml(capf_mode=1), "the authentication string has to be typed on the phone"),
        (config_xml(capf_mode=3), "neither LSC nor MIC to authenticate with"),
        (config_xml(capf_mode=2, capf_servers=()), "no CAPF server in the configuration"),
    ],
)
def test_a_phone_that_cannot_prove_itself_does_not_go_to_capf(xml: bytes, reason: str) -> None:
    world = files(SGN, signed(xml))

    assert world.run(boot())[-1] == "register cucm-1"
    assert world.happened(CapfSkipped) == [CapfSkipped(reason)]


BAD_LSC = Certified(b"no certificate", b"no key")


@pytest.mark.parametrize(
    ("outcome", "lsc"),
    [
        (CapfAnswered(CapfOperation.INSTALL, succeeded=False, reason=7), LSC),
        (CapfAnswered(CapfOperation.INSTALL, succeeded=True, installed=BAD_LSC), LSC),
        (CapfAnswered(CapfOperation.FETCH, succeeded=True), LSC),
        (CapfAnswered(CapfOperation.DELETE, succeeded=True), None),
        (CapfBusy(30), LSC),
    ],
)
def test_what_capf_did_is_kept(outcome: Outcome, lsc: Certified | None) -> None:
    world = files(SGN, signed(config_xml(capf_mode=2)))
    world.capf = {"capf-1": [outcome]}

    def done(world: World, step: object) -> None:
        if isinstance(step, RunCapf):
            world.files[SGN] = signed(NEW)

    world.after = done
    phone = boot(replace(HELD, lsc=LSC))
    world.run(phone)

    assert phone.flash.lsc == lsc
    finished = world.happened(CapfFinished)
    assert [each.succeeded for each in finished] == [
        isinstance(outcome, CapfAnswered) and outcome.succeeded and outcome.installed is None
    ]


def test_the_next_capf_server_is_visited_when_one_is_silent_or_untrusted() -> None:
    world = files(SGN, signed(config_xml(capf_mode=2, capf_servers=("capf-1", "capf-2"))))
    world.capf = {"capf-2": [installs(LSC)]}
    world.capf_shows = "tomcat"
    world.tvs = {"tvs-1": Tvs()}

    transcript = world.run(boot())

    assert [line for line in transcript if "capf" in line or "tvs" in line] == [
        "capf capf-1: silent",
        "capf capf-2: PeerUnproven",
        "tvs tvs-1 verify: 1 []",
    ]
    assert [each.detail for each in world.happened(CapfFinished)] == [
        "no answer",
        "server is not trusted",
    ]


def test_a_capf_operation_that_never_ends_is_given_up() -> None:
    world = files(SGN, signed(config_xml(capf_mode=2)))
    world.capf = {"capf-1": [installs(each) for each in (LSC, MIC, LSC, MIC, LSC)]}
    phone = boot()

    transcript = world.run(phone)

    assert transcript.count("capf capf-1: install") == 4
    assert len(world.happened(ConfigurationAccepted)) == 4
    assert transcript[-1] == "register cucm-1"


# --- registration


def test_registration_over_tls_needs_a_trusted_callmanager() -> None:
    for shown, tvs, last in (
        ("callmanager-pub", Tvs(), "register cucm-1"),
        ("callmanager-sub", Tvs(vouches={"callmanager-sub": (0, 2)}), "register cucm-1"),
        ("callmanager-sub", Tvs(), "register: PeerRefused"),
        (None, Tvs(), "register: PeerRefused"),
    ):
        world = World(
            {CTL: ctl(), ITL: itl(), SGN: signed(config_xml(security_mode=3, transport=3))},
            {"tvs-1": tvs},
            sip_shows=shown,
        )
        phone = boot(Flash(ctl=ctl(), itl=itl(), lsc=LSC))
        assert world.run(phone)[-1] == last
        assert (phone.summary.registered is None) == (last != "register cucm-1")


def test_over_tls_a_phone_whose_lists_name_no_callmanager_does_not_connect() -> None:
    secure = config_xml(security_mode=3, transport=3)
    phone = boot(Flash(config=secure))
    world = World({})

    assert not any(line.startswith("register") for line in world.run(phone))
    assert phone.summary.failure == ("no trust list names a CallManager to register with over TLS")
    assert not phone.summary.is_unreachable


def test_a_restart_fetches_the_configuration_and_registers() -> None:
    world = files(SGN, signed(NEW))
    phone = Restart(Session(PHONE, HELD, NOW, ("tftp-1",)))

    assert world.run(phone) == [f"http tftp-1 {SGN}: found", "register cucm-1"]
    assert phone.summary.registered == "cucm-1"


def test_a_configuration_can_be_taken_without_registering() -> None:
    world = files(SGN, signed(NEW))
    phone = Restart(Session(PHONE, HELD, NOW, ("tftp-1",)), registers=False)

    assert world.run(phone) == [f"http tftp-1 {SGN}: found"]


def test_a_group_that_does_not_answer_is_told() -> None:
    world = files(SGN, signed(NEW))
    world.members = ()
    phone = boot()

    assert world.run(phone)[-1] == "register: silent"
    assert phone.summary.failure == "no member answers"


def test_a_configuration_without_members_registers_nowhere() -> None:
    world = files(SGN, signed(config_xml(members=())))
    phone = boot()

    world.run(phone)

    assert phone.summary.registered is None


# --- the machine


def test_a_step_stays_the_same_until_it_is_answered() -> None:
    phone = boot()

    first = phone.next_step()

    assert first is phone.next_step()
    assert isinstance(first, Fetch)
    assert first.name == CTL


def test_an_answer_without_a_step_or_of_the_wrong_kind_is_a_mistake() -> None:
    phone = boot()
    with pytest.raises(LocalProtocolError, match="no step"):
        phone.answer(Registered("x"), NOW)

    phone.next_step()

    with pytest.raises(LocalProtocolError, match="Registered cannot come of Fetch"):
        phone.answer(Registered("x"), NOW)


def test_effects_are_given_once_and_the_flash_before_what_follows_from_it() -> None:
    phone = boot(Flash())
    effects: list[object] = []
    world = files(SGN, signed(NEW))

    class Watching(World):
        def _take(self, machine: Machine) -> None:
            effects.extend(machine.take_effects())

    Watching(world.files).run(phone)

    stored = [each.flash for each in effects if isinstance(each, StoreFlash)]
    assert stored == [Flash(itl=itl()), Flash(itl=itl(), config=NEW)]
    assert phone.take_effects() == ()
    assert sum(isinstance(each, Event) for each in effects) == len(effects) - 2


def test_a_server_without_a_certificate_is_refused() -> None:
    peers = TrustedPeers(TrustLists.of(HELD), Purpose.HTTPS_SERVICE)

    assert peers.judge(None) == "refused"
    assert peers.judge(der("tomcat")) == "unproven"
    assert TrustedPeers(TrustLists(), Purpose.HTTPS_SERVICE).judge(der("tomcat")) == "refused"


def test_what_tvs_vouched_for_one_purpose_holds_for_no_other() -> None:
    session = Session(PHONE, HELD, NOW)
    check = HttpsCheck(session, "cucm-1", der("tomcat"))
    World(tvs={"tvs-1": Tvs(vouches={"tomcat": (7,)})}).run(check)

    assert session.check(Purpose.HTTPS_SERVICE).judge(der("tomcat")) == "accepted"
    assert session.check(Purpose.CAPF_SERVER).judge(der("tomcat")) == "unproven"


@pytest.mark.parametrize(("mac", "model"), [("b000b4ba0aee", "8861"), ("B0", "8861"), (MAC, "1")])
def test_a_phone_that_cannot_be_is_refused(mac: str, model: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        PhoneIdentity(mac, model)


def test_a_phone_names_itself() -> None:
    assert PHONE.name == f"SEP{MAC}"
    assert PHONE.device_id == f"CP-8861-SEP{MAC}"
