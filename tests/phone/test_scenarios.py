"""The documented situations as conversations without sockets; ids are those of scenarios.md."""

from dataclasses import replace
from datetime import timedelta

from cucmsim.phone.boot import Boot
from cucmsim.phone.events import (
    ConfigurationAccepted,
    ConfigurationKept,
    DeviceTlInfo,
    HttpsAuthenticated,
    HttpsNotInTrustList,
    SignatureVerified,
    TrustListRefused,
    TrustListUpdated,
    TrustListVerified,
    TvsCached,
    TvsCacheSearched,
    TvsServerRefused,
    TvsServerVerified,
    VerificationFailed,
)
from cucmsim.phone.flash import Flash
from cucmsim.phone.lookup import HttpsCheck
from cucmsim.phone.machine import Session
from cucmsim.phone.steps import AskTvs, Register
from cucmsim.phone.trust import Accepted, Refused
from cucmsim.phone.tvscache import TvsCache
from cucmsim.phone.values import FileKind, PhoneIdentity, Refusal, TrustSource
from cucmsim.pki.digests import Digest
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
    signed,
    stub_xml,
)

CTL, ITL = f"CTLSEP{MAC}.tlv", f"ITLSEP{MAC}.tlv"
XML = f"SEP{MAC}.cnf.xml"
SGN, ENC = f"{XML}.sgn", f"{XML}.enc.sgn"
OLD_7970 = PhoneIdentity(MAC, "7970")
OLD_CONFIG = config_xml(version_stamp="old")
NEW_CONFIG = config_xml(version_stamp="new")


def boot(flash: Flash | None = None, phone: PhoneIdentity = PHONE) -> Boot:
    return Boot(Session(phone, flash or Flash(), NOW, ("tftp-1",)))


def test_first_boot_of_a_79xx_as_seed_000_shows_it() -> None:
    world = World({CTL: ctl(), ITL: itl(), SGN: signed(NEW_CONFIG)})
    phone = boot(phone=OLD_7970)

    assert world.run(phone) == [
        f"tftp tftp-1 {CTL}: found",
        f"tftp tftp-1 {ITL}: found",
        f"tftp tftp-1 {SGN}: found",
        "register cucm-1",
    ]
    assert phone.flash == Flash(ctl=ctl(), itl=itl(), config=NEW_CONFIG)
    assert [(each.kind, each.source) for each in world.happened(TrustListVerified)] == [
        (FileKind.CTL, TrustSource.BLIND),
        (FileKind.ITL, TrustSource.CTL),  # no leap of faith once there is a CTL
    ]
    assert [each.source for each in world.happened(SignatureVerified)] == [TrustSource.CTL]


def test_first_boot_of_an_88xx_asks_http_first() -> None:
    world = World({ITL: itl(), SGN: signed(NEW_CONFIG)})
    phone = boot()

    assert world.run(phone) == [
        f"http tftp-1 {CTL}: not found",
        f"tftp tftp-1 {CTL}: not found",
        f"http tftp-1 {ITL}: found",
        f"http tftp-1 {SGN}: found",
        "register cucm-1",
    ]
    assert phone.flash.itl == itl()
    assert phone.summary.registered == "cucm-1"
    assert [each.source for each in phone.summary.accepted] == [TrustSource.BLIND, TrustSource.ITL]


def test_first_boot_of_release_12_where_itlrecovery_signs_both_lists() -> None:
    first = ctl("itlrecovery", release="12.5")
    second = itl("itlrecovery", release="12.5")
    phone = boot()

    World({CTL: first, ITL: second, SGN: signed(NEW_CONFIG)}).run(phone)

    assert phone.flash == Flash(ctl=first, itl=second, config=NEW_CONFIG)


def test_first_boot_without_any_trust_list_takes_the_unsigned_configuration() -> None:
    world = World({XML: NEW_CONFIG})
    phone = boot()

    assert world.run(phone)[4:] == [
        "http tftp-1 ITLFile.tlv: not found",
        "tftp tftp-1 ITLFile.tlv: not found",
        f"http tftp-1 {XML}: found",
        "register cucm-1",
    ]
    assert phone.flash == Flash(config=NEW_CONFIG)


def test_ctl_only_takes_an_itl_that_its_ccm_tftp_record_verifies() -> None:
    held = Flash(ctl=ctl(), config=OLD_CONFIG)
    phone = boot(held)

    World({ITL: itl(), SGN: signed(NEW_CONFIG)}).run(phone)

    assert phone.flash == replace(held, itl=itl(), config=NEW_CONFIG)


def test_ctl_only_refuses_any_other_itl_and_asks_no_tvs() -> None:
    held = Flash(ctl=ctl(), config=OLD_CONFIG)
    other = itl("callmanager-sub", callmanager="callmanager-sub")
    world = World({ITL: other, SGN: signed(NEW_CONFIG)}, {"tvs-1": Tvs()})
    phone = boot(held)

    transcript = world.run(phone)

    assert not any(line.startswith("tvs") for line in transcript)
    assert phone.flash == replace(held, config=NEW_CONFIG)
    assert world.happened(TrustListRefused) == [
        TrustListRefused(FileKind.ITL, Refusal.UNKNOWN_SIGNER)
    ]


def test_https_tomcat_asks_tvs_once_in_86400_seconds() -> None:
    world = World(tvs={"tvs-1": Tvs(vouches={"tomcat": (7,)})})
    flash, cache = Flash(ctl=ctl(), itl=itl(), config=NEW_CONFIG), TvsCache()

    def press() -> HttpsCheck:
        return HttpsCheck(Session(PHONE, flash, world.now, cache=cache), "cucm-1", der("tomcat"))

    first = press()
    assert world.run(first) == ["tvs tvs-1 verify: 0 [7]"]
    assert first.decision == Accepted(TrustSource.TVS, None, der("tomcat"))
    assert [type(event).__name__ for event in world.events] == [
        "TrustListsSearched",
        "HttpsNotInTrustList",
        "TvsStarted",
        "TvsCacheSearched",
        "TvsConnecting",
        "TvsConnected",
        "TrustListsSearched",
        "TvsServerVerified",
        "TvsRequestSent",
        "TvsAnswerReceived",
        "TvsCached",
        "HttpsAuthenticated",
    ]
    assert world.happened(TvsCached) == [TvsCached(is_query=False, time_to_live_s=86400)]

    world.now += timedelta(seconds=86_300)
    second = press()
    assert world.run(second) == []
    assert second.decision == Accepted(TrustSource.TVS_CACHE, None, der("tomcat"))
    assert world.happened(HttpsNotInTrustList, TvsCacheSearched, HttpsAuthenticated) == [
        HttpsNotInTrustList("cucm-1"),
        TvsCacheSearched(found=True),
        HttpsAuthenticated("cucm-1", TrustSource.TVS_CACHE),
    ]

    world.now += timedelta(seconds=101)
    assert world.run(press()) == ["tvs tvs-1 verify: 0 [7]"]


def test_https_without_a_trust_list_is_refused_and_asks_nobody() -> None:
    check = HttpsCheck(Session(PHONE, Flash(config=NEW_CONFIG), NOW), "cucm-1", der("tomcat"))

    assert World(tvs={"tvs-1": Tvs(vouches={"tomcat": (7,)})}).run(check) == []
    assert check.decision == Refused(Refusal.NO_TRUST_LIST)


def test_regen_callmanager_is_survived_through_tvs() -> None:
    new = itl("callmanager-sub", callmanager="callmanager-sub")
    world = World(
        {ITL: new, SGN: signed(NEW_CONFIG, "callmanager-sub")},
        {"tvs-1": Tvs(vouches={"callmanager-sub": (0, 2)})},
    )
    phone = boot(Flash(itl=itl(), config=OLD_CONFIG))

    assert world.run(phone)[2:] == [
        f"http tftp-1 {ITL}: found",
        "tvs tvs-1 query: 0 [0, 2]",
        f"http tftp-1 {SGN}: found",  # the new ITL in memory verifies the new configuration
        "register cucm-1",
    ]
    assert phone.flash == Flash(itl=new, config=NEW_CONFIG)
    assert [each.source for each in phone.summary.accepted] == [TrustSource.TVS, TrustSource.ITL]


def test_regen_callmanager_asks_the_next_tvs_when_the_first_is_down() -> None:
    new = itl("callmanager-sub", callmanager="callmanager-sub", tvs=("tvs-pub", "tvs-sub"))
    held = Flash(
        itl=itl(tvs=("tvs-pub", "tvs-sub")), config=config_xml(tvs=("tvs-1", "tvs-2", "tvs-3"))
    )
    world = World(
        {ITL: new, SGN: signed(NEW_CONFIG, "callmanager-sub")},
        {"tvs-2": Tvs("tvs-sub", {"callmanager-sub": (0, 2)}), "tvs-3": Tvs()},
    )
    phone = boot(held)

    assert world.run(phone)[3:5] == ["tvs tvs-1 query: silent", "tvs tvs-2 query: 0 [0, 2]"]
    assert phone.flash.itl == new


def test_regen_tvs_alone_keeps_the_signer_known() -> None:
    new = itl(tvs=("tvs-sub",))
    phone = boot(Flash(itl=itl(), config=OLD_CONFIG))

    transcript = World({ITL: new, SGN: signed(NEW_CONFIG)}).run(phone)

    assert not any(line.startswith("tvs") for line in transcript)
    assert phone.flash.itl == new


def test_regen_both_locks_a_phone_of_one_node_out() -> None:
    held = Flash(itl=itl(), config=OLD_CONFIG)
    new = itl("callmanager-sub", callmanager="callmanager-sub", tvs=("tvs-sub",))
    world = World(
        {ITL: new, SGN: signed(NEW_CONFIG, "callmanager-sub")},
        {"tvs-1": Tvs("tvs-sub", {"callmanager-sub": (0, 2)})},
    )
    phone = boot(held)

    assert world.run(phone)[2:] == [
        f"http tftp-1 {ITL}: found",
        "tvs tvs-1 query: PeerRefused",
        f"http tftp-1 {SGN}: found",
        "tvs tvs-1 query: PeerRefused",
        "register cucm-1",  # on its old configuration the phone keeps running
    ]
    assert phone.flash == held
    refused = (TrustListRefused, VerificationFailed, ConfigurationKept)
    assert world.happened(*refused) == [
        TrustListRefused(FileKind.ITL, Refusal.TVS_UNTRUSTED),
        VerificationFailed(XML, FileKind.CONFIG, Refusal.TVS_UNTRUSTED),
        ConfigurationKept(XML, Refusal.TVS_UNTRUSTED, held=True),
    ]
    assert len(world.happened(TvsServerRefused)) == 2
    assert world.happened(TvsServerVerified) == []
    assert [each.reason for each in phone.summary.refused] == [Refusal.TVS_UNTRUSTED] * 2


def test_regen_both_with_every_tvs_silent_is_the_same() -> None:
    held = Flash(itl=itl(), config=config_xml(tvs=("tvs-1", "tvs-2", "tvs-3", "tvs-4")))
    new = itl("callmanager-sub", callmanager="callmanager-sub")
    phone = boot(held)

    transcript = World({ITL: new}).run(phone)

    assert [line for line in transcript if line.startswith("tvs")] == [
        f"tvs tvs-{number} query: silent"
        for number in (1, 2, 3)  # three at most
    ]
    assert phone.flash == held


def test_rollback_itl_makes_the_phone_take_the_next_clusters_itl_blindly() -> None:
    held = Flash(itl=itl(), config=OLD_CONFIG)
    phone = boot(held)
    emptied = itl(rollback=True, release="9.1")
    World({ITL: emptied, XML: NEW_CONFIG}).run(phone)
    assert phone.flash == Flash(itl=emptied, config=NEW_CONFIG)

    other = itl("callmanager-casigned", callmanager="callmanager-casigned")
    moved = boot(phone.flash)
    world = World({ITL: other, SGN: signed(OLD_CONFIG, "callmanager-casigned")})
    transcript = world.run(moved)

    assert not any(line.startswith("tvs") for line in transcript)
    assert moved.flash == Flash(itl=other, config=OLD_CONFIG)
    assert [each.source for each in moved.summary.accepted] == [TrustSource.BLIND, TrustSource.ITL]


def test_rollback_does_not_empty_a_ctl_so_a_secure_phone_stays_behind() -> None:
    held = Flash(ctl=ctl(), itl=itl(rollback=True), config=OLD_CONFIG)
    other = ctl("callmanager-casigned", callmanager="callmanager-casigned")
    world = World({CTL: other}, {"tvs-1": Tvs(vouches={"callmanager-casigned": (0, 3)})})
    phone = boot(held)

    # the phone tries, but its emptied ITL has lost the TVS certificate (seed 002)
    assert world.run(phone)[1] == "tvs tvs-1 query: PeerRefused"
    assert phone.flash == held


def test_mixed_mode_a_phone_with_an_itl_takes_the_first_tokenless_ctl() -> None:
    held = Flash(itl=itl(), config=OLD_CONFIG)
    world = World({CTL: ctl(), ITL: itl(), SGN: signed(NEW_CONFIG)})
    phone = boot(held)

    assert world.run(phone) == [
        f"http tftp-1 {CTL}: found",
        f"http tftp-1 {ITL}: found",
        f"http tftp-1 {SGN}: found",
        "register cucm-1",
    ]
    assert phone.flash == Flash(ctl=ctl(), itl=itl(), config=NEW_CONFIG)
    assert world.happened(TrustListUpdated) == [
        TrustListUpdated(FileKind.CTL, replaced=False, sha1=Digest.SHA1.hash(ctl()))
    ]
    alarm = world.happened(DeviceTlInfo)[0]
    register = world.steps[-1]
    assert isinstance(register, Register)
    assert register.alarms == (alarm,)
    assert (alarm.ctl_sha1, alarm.itl_sha1) == (Digest.SHA1.hash(ctl()), Digest.SHA1.hash(itl()))
    assert alarm.status_code == 3
    assert alarm.itl_server.startswith("cucm")


def test_migrate_secure_takes_the_target_ctl_through_the_source_tvs_only() -> None:
    target = "callmanager-casigned"
    world = World(
        {
            CTL: ctl(target, callmanager=target),
            ITL: itl(target, callmanager=target),
            SGN: signed(NEW_CONFIG, target),
        },
        {"tvs-1": Tvs(vouches={target: (0, 3)})},
    )
    phone = boot(Flash(ctl=ctl(), itl=itl(), config=OLD_CONFIG, lsc=certified("lsc")))

    assert world.run(phone) == [
        f"http tftp-1 {CTL}: found",
        "tvs tvs-1 query: 0 [0, 3]",
        f"http tftp-1 {ITL}: found",  # verified by the new CTL, without TVS (seed 002)
        f"http tftp-1 {SGN}: found",
        "register cucm-1",
    ]
    asked = world.steps[1]
    assert isinstance(asked, AskTvs)
    assert asked.certified == certified("lsc")
    assert phone.flash.config == NEW_CONFIG


def test_migrate_trust_only_is_refused_because_that_store_gives_no_role() -> None:
    target = "callmanager-casigned"
    held = Flash(ctl=ctl(), itl=itl(), config=OLD_CONFIG)
    world = World({CTL: ctl(target, callmanager=target)}, {"tvs-1": Tvs(vouches={target: ()})})
    phone = boot(held)

    world.run(phone)

    assert phone.flash == held
    assert world.happened(TrustListRefused) == [TrustListRefused(FileKind.CTL, Refusal.WRONG_ROLE)]


def test_encrypted_config_is_opened_with_the_key_that_cert_hash_names() -> None:
    for device in ("lsc", "mic"):
        key = certified(device)
        world = World(
            {
                ITL: itl(),
                SGN: signed(stub_xml(NEW_CONFIG, key)),
                ENC: encrypted(NEW_CONFIG, key),
            }
        )
        phone = boot(Flash(itl=itl(), lsc=certified("lsc"), mic=certified("mic")))

        assert world.run(phone)[3:] == [
            f"http tftp-1 {SGN}: found",
            f"http tftp-1 {ENC}: found",
            "register cucm-1",
        ]
        assert phone.flash.config == NEW_CONFIG


def test_encrypted_config_for_another_key_leads_through_capf_to_a_new_lsc() -> None:
    old, new = certified("mic"), certified("lsc")
    world = World(
        {ITL: itl(), SGN: signed(stub_xml(config_xml(capf_mode=2), new))},
        capf={"capf-1": [installs(new)]},
    )
    world.files[ENC] = encrypted(NEW_CONFIG, new)
    phone = boot(Flash(itl=itl(), config=OLD_CONFIG, lsc=old))

    assert world.run(phone)[3:] == [
        f"http tftp-1 {SGN}: found",
        "capf capf-1: install",
        f"http tftp-1 {SGN}: found",
        f"http tftp-1 {ENC}: found",
        "register cucm-1",
    ]
    assert phone.flash == Flash(itl=itl(), config=NEW_CONFIG, lsc=new)


def test_encrypted_config_without_a_key_known_starts_with_the_minimal_file() -> None:
    lsc = certified("lsc")
    world = World(
        {ITL: itl(), SGN: signed(config_xml(minimal=True, capf_mode=2))},
        capf={"capf-1": [installs(lsc)]},
    )

    def serve_for_the_new_key(world: World, _step: object) -> None:
        if world.transcript[-1] == "capf capf-1: install":
            world.files[SGN] = signed(stub_xml(NEW_CONFIG, lsc))
            world.files[ENC] = encrypted(NEW_CONFIG, lsc)

    world.after = serve_for_the_new_key
    phone = boot()

    assert world.run(phone)[3:] == [
        f"http tftp-1 {SGN}: found",
        "capf capf-1: install",
        f"http tftp-1 {SGN}: found",
        f"http tftp-1 {ENC}: found",
        "register cucm-1",
    ]
    assert (phone.flash.config, phone.flash.lsc) == (NEW_CONFIG, lsc)


def test_capf_install_follows_a_configuration_with_an_operation_pending() -> None:
    lsc = certified("lsc")
    world = World(
        {ITL: itl(), SGN: signed(config_xml(capf_mode=2))}, capf={"capf-1": [installs(lsc)]}
    )

    def finish(world: World, _step: object) -> None:
        if world.transcript[-1].startswith("capf"):
            world.files[SGN] = signed(NEW_CONFIG)

    world.after = finish
    phone = boot()

    assert world.run(phone)[3:] == [
        f"http tftp-1 {SGN}: found",
        "capf capf-1: install",
        f"http tftp-1 {SGN}: found",
        "register cucm-1",
    ]
    assert phone.flash == Flash(itl=itl(), config=NEW_CONFIG, lsc=lsc)
    assert len(world.happened(ConfigurationAccepted)) == 2
