"""Provisioning: which bytes for which name, when they are built again, what waits for `load`."""

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from structlog.testing import capture_logs

from cucmsim.entropy import SeededEntropy
from cucmsim.errors import StoreError
from cucmsim.formats.encryptedfile import decrypt_file
from cucmsim.formats.header import decode_header
from cucmsim.formats.roles import Role
from cucmsim.formats.signedfile import decode_signed_file
from cucmsim.formats.trustlist import decode_trust_list, verify_file
from cucmsim.pki.certificates import load_certificate
from cucmsim.pki.digests import Digest
from cucmsim.pki.keys import load_private_key
from cucmsim.pki.release import Release
from cucmsim.services.provisioning import Provisioning
from cucmsim.services.staticfiles import SOFT_KEY_FILE
from cucmsim.services.view import View
from cucmsim.store.replica import Replica
from cucmsim.store.rows import Device, StoredCertificate, TftpFile
from tests.services.conftest import SteppingClock

PUBLISHER = "cucm-1051-a-pub"
SUBSCRIBER = "cucm-1051-a-sub1"
PHONE = "SEPB000B4BA0AEE"
OLD_PHONE = "SEP0011215A1AE3"
SIGNED = f"{PHONE}.cnf.xml.sgn"

VectorBytes = Callable[[str], bytes]
Stored = Callable[..., StoredCertificate]
Make = Callable[..., Provisioning]


@pytest.fixture
def view(two_nodes: Replica) -> View:
    return View(two_nodes)


@pytest.fixture
def make(view: View, stepping_clock: SteppingClock) -> Iterator[Make]:
    made: list[Provisioning] = []

    def provisioning(
        node: str = PUBLISHER,
        release: Release = Release(11, 5),  # noqa: B008  frozen
        *,
        cache_bytes: int = 1 << 20,
        load: bool = True,
    ) -> Provisioning:
        entropy = SeededEntropy(1)
        made.append(
            Provisioning(
                node, view, release, clock=stepping_clock, entropy=entropy, cache_bytes=cache_bytes
            )
        )
        if load:
            made[-1].load()
        return made[-1]

    yield provisioning
    for each in made:
        each.close()


async def _must(provisioning: Provisioning, name: str) -> bytes:
    data = await provisioning.fetch(name)
    assert data is not None, name
    return data


def _with_device(replica: Replica, **changes: object) -> Replica:
    device: Device = replace(replica.devices[PHONE], **changes)  # type: ignore[arg-type]  # by use
    return replace(replica, devices={**replica.devices, PHONE: device})


def _with_parameters(replica: Replica, **parameters: str) -> Replica:
    return replace(replica, enterprise={**replica.enterprise, **parameters})


def _with_file(replica: Replica, name: str, data: bytes, node: str | None = None) -> Replica:
    file = TftpFile(name=name, data=data, node=node)
    return replace(replica, tftp_files={**replica.tftp_files, (node, name): file})


async def test_a_configuration_is_served_plain_and_signed(make: Make, vector: VectorBytes) -> None:
    provisioning = make()
    plain = await _must(provisioning, f"{PHONE}.cnf.xml")
    signed = await _must(provisioning, SIGNED)
    assert plain.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<device  xsi:type=')
    assert decode_signed_file(signed).payload == plain
    assert decode_signed_file(signed).header.filename == SIGNED
    assert verify_file(signed, load_certificate(vector("callmanager-pub.crt")))


async def test_each_node_signs_with_its_own_key(make: Make, vector: VectorBytes) -> None:
    signed = await _must(make(SUBSCRIBER), SIGNED)
    assert verify_file(signed, load_certificate(vector("callmanager-sub.crt")))


async def test_files_are_at_hand_once_built(make: Make) -> None:
    provisioning = make()
    assert provisioning.cached(SIGNED) is None
    signed = await _must(provisioning, SIGNED)
    assert provisioning.cached(SIGNED) is signed
    assert await provisioning.fetch(SIGNED) is signed
    assert provisioning.cached("/SEPb000b4ba0aee.cnf.xml.sgn") is signed
    assert provisioning.build_sign_count == 1


async def test_a_known_phone_gets_the_node_s_own_itl_an_unknown_one_none(make: Make) -> None:
    provisioning = make()
    itl = provisioning.cached("ITLFile.tlv")
    assert itl is not None
    assert provisioning.cached(f"ITL{PHONE}.tlv") is itl
    assert await provisioning.fetch(f"ITL{PHONE}.tlv") is itl
    assert await provisioning.fetch("ITLSEP000000000000.tlv") is None


async def test_there_is_no_ctl_in_a_cluster_that_was_never_mixed(make: Make) -> None:
    provisioning = make()
    assert await provisioning.fetch("CTLFile.tlv") is None
    assert await provisioning.fetch(f"CTL{PHONE}.tlv") is None


async def test_a_mixed_mode_cluster_whose_ctl_was_deleted_serves_none(
    make: Make, view: View
) -> None:
    view.replace(_with_parameters(view.replica, ClusterSecurityMode="1"))
    assert make(SUBSCRIBER).cached(f"CTL{PHONE}.tlv") is None


async def test_a_stored_ctl_is_served_as_it_is_even_without_mixed_mode(
    make: Make, view: View
) -> None:
    view.replace(_with_file(view.replica, "CTLFile.tlv", b"left behind"))
    provisioning = make()
    assert provisioning.cached(f"CTL{PHONE}.tlv") == b"left behind"
    assert await provisioning.fetch("CTLFile.tlv.sgn") is None


@pytest.mark.parametrize(
    "name",
    [
        "SEP000000000000.cnf.xml",
        "SEP000000000000.cnf.xml.sgn",
        f"{PHONE}.cnf.xml.enc.sgn",
        f"CTL{PHONE}.tlv.sgn",
        "nothing.xml",
        "nothing.xml.sgn",
        "../ITLFile.tlv",
        "",
    ],
)
async def test_what_does_not_exist_is_not_found(make: Make, name: str) -> None:
    provisioning = make()
    assert provisioning.cached(name) is None
    assert await provisioning.fetch(name) is None


async def test_nothing_is_served_before_load(make: Make, view: View) -> None:
    provisioning = make(load=False)
    view.replace(_with_device(view.replica, versionstamp="2-x"))
    assert provisioning.cached("ITLFile.tlv") is None
    assert await provisioning.fetch(SIGNED) is None


async def test_the_default_file_is_served_plain_and_signed(make: Make) -> None:
    provisioning = make()
    plain = await _must(provisioning, "XMLDefault.cnf.xml")
    signed = decode_signed_file(await _must(provisioning, "XMLDefault.cnf.xml.sgn"))
    assert signed.payload == plain
    assert signed.header.filename == "XMLDefault.cnf.xml.sgn"


async def test_static_files_are_served_as_they_are_and_signed(make: Make, view: View) -> None:
    view.replace(_with_file(view.replica, "New_Zealand/g3-tones.xml", b"<tones/>"))
    provisioning = make()
    assert provisioning.cached("/New_Zealand/g3-tones.xml") == b"<tones/>"
    signed = decode_signed_file(await _must(provisioning, "New_Zealand/g3-tones.xml.sgn"))
    assert signed.payload == b"<tones/>"
    assert signed.header.filename == "New_Zealand/g3-tones.xml.sgn"


async def test_a_node_s_own_file_goes_before_everybody_s_before_the_built_in_one(
    make: Make, view: View
) -> None:
    replica = _with_file(view.replica, "RingList.xml", b"everybody's")
    view.replace(_with_file(replica, "RingList.xml", b"own", PUBLISHER))
    assert make(PUBLISHER).cached("RingList.xml") == b"own"
    assert make(SUBSCRIBER).cached("RingList.xml") == b"everybody's"
    view.replace(replace(replica, tftp_files={}))
    assert b"CiscoIPPhoneRingList" in (make().cached("RingList.xml") or b"")


async def test_a_file_stored_with_its_signature_is_not_signed_again(make: Make, view: View) -> None:
    view.replace(_with_file(view.replica, "image.zz.sgn", b"signed by its maker"))
    assert make().cached("image.zz.sgn") == b"signed by its maker"


async def test_the_soft_key_file_of_a_configuration_exists(make: Make) -> None:
    provisioning = make()
    assert SOFT_KEY_FILE.encode() in await _must(provisioning, f"{PHONE}.cnf.xml")
    assert await provisioning.fetch(SOFT_KEY_FILE + ".sgn") is not None


async def test_a_phone_whose_configuration_is_not_encrypted_has_no_encrypted_file(
    make: Make, view: View, vector: VectorBytes
) -> None:
    provisioning = make()
    mic = vector(f"mic-{PHONE}.crt")
    view.replace(_with_device(view.replica, encrypted_config=False, mic_der=mic, versionstamp="2"))
    assert await provisioning.fetch(f"{PHONE}.cnf.xml.enc.sgn") is None
    assert b"<fullConfig>true</fullConfig>" in await _must(provisioning, f"{PHONE}.cnf.xml.sgn")


async def test_an_encrypted_configuration_opens_with_the_phone_s_key_only(
    make: Make, view: View, vector: VectorBytes
) -> None:
    mic = vector(f"mic-{PHONE}.crt")
    plain = await _must(make(), f"{PHONE}.cnf.xml")
    view.replace(_with_device(view.replica, encrypted_config=True, mic_der=mic, versionstamp="2"))
    provisioning = make()
    encrypted = await _must(provisioning, f"{PHONE}.cnf.xml.enc.sgn")
    key = load_private_key(vector(f"mic-{PHONE}.key"))
    assert isinstance(key, rsa.RSAPrivateKey)
    opened = decrypt_file(encrypted, key)
    assert opened.count(b"\n") == plain.count(b"\n")
    assert b"<fullConfig>true</fullConfig>" in opened
    assert decode_header(encrypted).filename == f"{PHONE}.cnf.xml.enc.sgn"
    assert verify_file(encrypted, load_certificate(vector("callmanager-pub.crt")))
    stub = decode_signed_file(await _must(provisioning, SIGNED)).payload
    assert hashlib.md5(mic).hexdigest().encode() in stub
    assert b"<devicePool" not in await _must(provisioning, f"{PHONE}.cnf.xml")
    assert provisioning.encrypt_count == 1


async def test_encryption_without_a_usable_key_gives_no_encrypted_file(
    make: Make, view: View
) -> None:
    view.replace(_with_device(view.replica, encrypted_config=True, versionstamp="2"))
    provisioning = make()
    assert await provisioning.fetch(f"{PHONE}.cnf.xml.enc.sgn") is None
    view.replace(
        _with_device(view.replica, encrypted_config=True, lsc_der=b"no DER", versionstamp="3")
    )
    assert await provisioning.fetch(f"{PHONE}.cnf.xml.enc.sgn") is None
    assert b"<fullConfig>false" in await _must(provisioning, f"{PHONE}.cnf.xml")


async def test_a_changed_phone_loses_its_own_files_only(make: Make, view: View) -> None:
    provisioning = make()
    await _must(provisioning, SIGNED)
    other = await _must(provisioning, f"{OLD_PHONE}.cnf.xml.sgn")
    view.replace(_with_device(view.replica, load_information="new", versionstamp="2-x"))
    assert provisioning.cached(SIGNED) is None
    assert provisioning.cached(f"{OLD_PHONE}.cnf.xml.sgn") is other
    assert b"<loadInformation>new<" in await _must(provisioning, SIGNED)


async def test_a_removed_phone_is_not_found_at_once(make: Make, view: View) -> None:
    provisioning = make()
    await _must(provisioning, SIGNED)
    view.replace(replace(view.replica, devices={}))
    assert provisioning.cached(SIGNED) is None
    assert await provisioning.fetch(SIGNED) is None
    assert await provisioning.fetch(f"ITL{PHONE}.tlv") is None


async def test_a_changed_parameter_reaches_every_configuration(make: Make, view: View) -> None:
    provisioning = make()
    for name in (SIGNED, f"{OLD_PHONE}.cnf.xml"):
        await _must(provisioning, name)
    itl = provisioning.cached("ITLFile.tlv")
    view.replace(_with_parameters(view.replica, URLServices="http://new/"))
    for name in (SIGNED, f"{OLD_PHONE}.cnf.xml"):
        assert provisioning.cached(name) is None
        assert b"<servicesURL>http://new/<" in await _must(provisioning, name)
    assert provisioning.cached("ITLFile.tlv") is itl


async def test_a_change_that_concerns_no_file_drops_none(make: Make, view: View) -> None:
    provisioning = make()
    signed = await _must(provisioning, SIGNED)
    view.replace(replace(view.replica, version=2, certificates=()))
    assert provisioning.cached(SIGNED) is signed


async def test_a_regenerated_callmanager_signs_only_after_load(
    make: Make, view: View, vector: VectorBytes, stored: Stored
) -> None:
    provisioning = make()
    old = view.replica
    itl = provisioning.cached("ITLFile.tlv")
    own = stored("callmanager-casigned", PUBLISHER, frozenset({"CallManager"}))
    key = replace(
        old.own_keys[PUBLISHER, "CallManager"],
        private_key_der=vector("callmanager-casigned.key"),
    )
    view.replace(
        replace(
            old,
            own={**old.own, (PUBLISHER, "CallManager"): own},
            own_keys={**old.own_keys, (PUBLISHER, "CallManager"): key},
        )
    )
    assert provisioning.cached("ITLFile.tlv") is itl
    before, after = (
        load_certificate(vector(f"{name}.crt"))
        for name in ("callmanager-pub", "callmanager-casigned")
    )
    assert verify_file(await _must(provisioning, SIGNED), before)
    provisioning.load()
    assert verify_file(await _must(provisioning, SIGNED), after)
    assert verify_file(await _must(provisioning, "ITLFile.tlv"), after)


async def test_signature_and_rollback_parameters_wait_for_load(make: Make, view: View) -> None:
    provisioning = make()
    view.replace(
        _with_parameters(
            view.replica, RollBackToPreGrayback="T", TFTPFileSignatureAlgorithm="SHA-512"
        )
    )
    assert decode_header(await _must(provisioning, SIGNED)).digest == Digest.SHA1
    roles = [r.role for r in decode_trust_list(await _must(provisioning, "ITLFile.tlv")).records]
    assert Role.TVS in roles
    provisioning.load()
    assert decode_header(await _must(provisioning, SIGNED)).digest == Digest.SHA512
    roles = [r.role for r in decode_trust_list(await _must(provisioning, "ITLFile.tlv")).records]
    assert Role.TVS not in roles


async def test_a_static_file_changes_with_load(make: Make, view: View) -> None:
    provisioning = make()
    view.replace(_with_file(view.replica, "RingList.xml", b"new"))
    assert provisioning.cached("RingList.xml") != b"new"
    provisioning.load()
    assert provisioning.cached("RingList.xml") == b"new"


async def test_a_node_added_later_enters_the_itl_and_leaves_it_again(
    make: Make, view: View
) -> None:
    both = view.replica
    view.replace(
        replace(
            both,
            nodes={PUBLISHER: both.nodes[PUBLISHER]},
            own={key: held for key, held in both.own.items() if key[0] == PUBLISHER},
        )
    )
    alone = view.replica
    provisioning = make()

    def tvs_records() -> int:
        itl = decode_trust_list(provisioning.cached("ITLFile.tlv") or b"")
        return [record.role for record in itl.records].count(Role.TVS)

    assert tvs_records() == 1
    view.replace(both)
    assert tvs_records() == 2
    view.replace(alone)
    assert tvs_records() == 1


async def test_an_itl_of_a_reset_is_served_until_the_next_load(make: Make, view: View) -> None:
    provisioning = make()
    built = provisioning.cached("ITLFile.tlv")
    provisioning.load(itl=b"signed by ITLRecovery")
    assert provisioning.cached(f"ITL{PHONE}.tlv") == b"signed by ITLRecovery"
    own = {key: held for key, held in view.replica.own.items() if key[0] == PUBLISHER}
    nodes = {PUBLISHER: view.replica.nodes[PUBLISHER]}
    view.replace(replace(view.replica, nodes=nodes, own=own))
    assert provisioning.cached("ITLFile.tlv") == b"signed by ITLRecovery"
    provisioning.load()
    assert provisioning.cached("ITLFile.tlv") not in (None, built, b"signed by ITLRecovery")


async def test_before_10_a_phone_s_itl_names_the_tvs_of_its_group(make: Make, view: View) -> None:
    view.replace(_with_device(view.replica, device_pool="Single", versionstamp="2"))
    provisioning = make(release=Release(8, 6))
    itl = decode_trust_list(await _must(provisioning, f"ITL{PHONE}.tlv"))
    assert [record.role for record in itl.records].count(Role.TVS) == 1
    assert provisioning.cached(f"ITL{PHONE}.tlv") == itl.data
    whole = decode_trust_list(await _must(provisioning, "ITLFile.tlv"))
    assert [record.role for record in whole.records].count(Role.TVS) == 2


@pytest.mark.parametrize("release", [Release(8, 6), Release(11, 5), Release(12, 5)])
async def test_an_itl_stays_the_same_file_while_its_contents_do(
    make: Make, view: View, stepping_clock: SteppingClock, release: Release
) -> None:
    view.replace(_with_device(view.replica, device_pool="Single", versionstamp="2"))
    provisioning = make(release=release)

    async def served() -> list[bytes]:
        return [await _must(provisioning, name) for name in ("ITLFile.tlv", f"ITL{PHONE}.tlv")]

    before = await served()
    stepping_clock.step()
    provisioning.load()
    assert await served() == before
    view.replace(_with_parameters(view.replica, RollBackToPreGrayback="T"))
    provisioning.load()
    for old, new in zip(before, await served(), strict=True):
        assert decode_header(new).modified == stepping_clock.now() != decode_header(old).modified


async def test_a_node_without_tvs_leaves_the_itl_as_it_is(
    make: Make, view: View, stepping_clock: SteppingClock
) -> None:
    both = view.replica
    quiet = replace(both.nodes[SUBSCRIBER], services=("tftp",))
    view.replace(replace(both, nodes={**both.nodes, SUBSCRIBER: quiet}))
    provisioning = make()
    itl = provisioning.cached("ITLFile.tlv")
    stepping_clock.step()
    own = {key: held for key, held in both.own.items() if key[0] == PUBLISHER}
    view.replace(replace(both, nodes={PUBLISHER: both.nodes[PUBLISHER]}, own=own))
    assert provisioning.cached("ITLFile.tlv") == itl


async def test_before_10_the_group_of_all_nodes_or_none_gets_the_node_s_itl(
    make: Make, view: View
) -> None:
    groups = dict(view.replica.groups)
    groups["Default"] = replace(groups["Default"], members=(PUBLISHER, SUBSCRIBER))
    view.replace(
        _with_device(replace(view.replica, groups=groups), device_pool="gone", versionstamp="2")
    )
    provisioning = make(release=Release(8, 6))
    itl = provisioning.cached("ITLFile.tlv")
    assert provisioning.cached(f"ITL{OLD_PHONE}.tlv") is itl
    assert provisioning.cached(f"ITL{PHONE}.tlv") is itl


async def test_a_change_that_cannot_be_served_leaves_the_files_as_they_were(
    make: Make, view: View
) -> None:
    provisioning = make()
    itl = provisioning.cached("ITLFile.tlv")
    with capture_logs() as logs:
        view.replace(replace(view.replica, nodes={}))
    assert [line["log_level"] for line in logs] == ["warning"]
    assert provisioning.cached("ITLFile.tlv") is itl


async def test_load_names_what_is_missing(make: Make, view: View) -> None:
    view.replace(replace(view.replica, own_keys={}))
    provisioning = make(load=False)
    with pytest.raises(StoreError, match="no CallManager certificate with a key"):
        provisioning.load()


async def test_load_refuses_what_cannot_sign_files(
    make: Make, view: View, stepping_clock: object
) -> None:
    stepping_clock.time -= timedelta(days=365 * 60)  # type: ignore[attr-defined]  # test clock
    provisioning = make(load=False)
    with pytest.raises(StoreError, match=r"'cucm-1051-a-pub' cannot sign its files: .*TIMESTAMP"):
        provisioning.load()
    assert view.replica.nodes


async def test_requests_for_the_same_file_wait_for_one_build(make: Make) -> None:
    provisioning = make()
    files = await asyncio.gather(*(provisioning.fetch(SIGNED) for _ in range(20)))
    assert len({id(data) for data in files}) == 1
    assert provisioning.build_sign_count == 1


async def test_one_who_goes_does_not_take_the_build_from_the_others(make: Make) -> None:
    provisioning = make()
    first = asyncio.ensure_future(provisioning.fetch(SIGNED))
    second = asyncio.ensure_future(provisioning.fetch(SIGNED))
    await asyncio.sleep(0)
    first.cancel()
    assert await second is not None
    assert first.cancelled() or first.cancelling()


async def test_a_build_overtaken_by_a_change_is_not_kept(make: Make, view: View) -> None:
    provisioning = make()
    running = asyncio.ensure_future(provisioning.fetch(SIGNED))
    await asyncio.sleep(0)
    view.replace(_with_parameters(view.replica, URLServices="http://new/"))
    assert b"http://new/" not in (await running or b"")
    assert provisioning.cached(SIGNED) is None
    assert b"http://new/" in await _must(provisioning, SIGNED)


async def test_a_build_that_fails_fails_for_the_one_who_asks_and_is_tried_again(
    make: Make, stepping_clock: object
) -> None:
    provisioning = make()
    stepping_clock.time -= timedelta(days=365 * 60)  # type: ignore[attr-defined]  # test clock
    for _ in range(2):
        with pytest.raises(ValueError, match="TIMESTAMP"):
            await provisioning.fetch(SIGNED)
    assert await provisioning.prebuild() == 0


async def test_the_same_inputs_make_the_same_bytes(make: Make) -> None:
    first, second = make(), make()
    for name in (SIGNED, "ITLFile.tlv", "XMLDefault.cnf.xml.sgn", "RingList.xml.sgn"):
        assert await _must(first, name) == await _must(second, name)


async def test_building_ahead_puts_every_phone_at_hand(make: Make, view: View) -> None:
    model = view.replica.devices[PHONE]
    devices = {
        name: replace(model, name=name, versionstamp=f"1-{number}", pkid=f"{number}")
        for number in range(300)
        for name in (f"SEP{number:012X}",)
    }
    view.replace(replace(view.replica, devices=devices))
    provisioning = make()
    assert await provisioning.prebuild() == 300
    assert await provisioning.prebuild() == 0
    signed = provisioning.cached("SEP00000000012B.cnf.xml.sgn")
    assert signed is not None
    assert b"<versionStamp>1-299</versionStamp>" in signed
    assert provisioning.build_sign_count == 300


async def test_building_ahead_stops_when_the_cache_is_full(make: Make, view: View) -> None:
    model = view.replica.devices[PHONE]
    devices = {
        name: replace(model, name=name, versionstamp=f"1-{number}")
        for number in range(200)
        for name in (f"SEP{number:012X}",)
    }
    view.replace(replace(view.replica, devices=devices))
    assert 0 < await make(cache_bytes=200_000).prebuild() < 200
    assert await make(cache_bytes=10_000).prebuild() == 0


async def test_building_ahead_gives_way_and_ends_when_its_ingredients_change(
    make: Make, view: View
) -> None:
    provisioning = make()
    waiting = asyncio.ensure_future(provisioning.fetch(f"{PHONE}.cnf.xml"))
    ahead = asyncio.ensure_future(provisioning.prebuild())
    await asyncio.wait([waiting])
    view.replace(_with_parameters(view.replica, URLServices="http://new/"))
    assert await ahead in (0, 2)
    data = provisioning.cached(SIGNED)
    assert data is None or b"http://new/" in data


async def test_run_builds_ahead_again_after_a_change(
    make: Make, view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cucmsim.services.provisioning._CALM_S", 0)
    provisioning = make()
    rounds: asyncio.Queue[int] = asyncio.Queue()
    prebuild = provisioning.prebuild

    async def counted() -> int:
        await rounds.put(await prebuild())
        return 0

    monkeypatch.setattr(provisioning, "prebuild", counted)
    task = asyncio.ensure_future(provisioning.run())
    assert await rounds.get() == 2
    view.replace(_with_device(view.replica, load_information="new", versionstamp="2-x"))
    assert await rounds.get() == 1
    assert b"<loadInformation>new<" in (provisioning.cached(SIGNED) or b"")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_after_close_changes_are_not_followed(make: Make, view: View) -> None:
    provisioning = make()
    data = await _must(provisioning, "XMLDefault.cnf.xml")
    provisioning.close()
    view.replace(_with_parameters(view.replica, URLServices="http://new/"))
    assert provisioning.cached("XMLDefault.cnf.xml") is data


def _put_own_file(view: View, name: str, data: bytes, pkid: str = "1") -> None:
    """Put a file on the publisher, as `utils ctl` and `utils itl reset` do."""
    files = {**view.replica.tftp_files}
    files[PUBLISHER, name] = TftpFile(name=name, data=data, node=PUBLISHER, pkid=pkid)
    view.replace(replace(view.replica, tftp_files=files))


async def test_a_reset_itl_is_served_at_once_on_its_node_and_gone_after_a_restart(
    make: Make, view: View
) -> None:
    publisher, subscriber = make(), make(SUBSCRIBER)
    own, others = [await _must(one, "ITLFile.tlv") for one in (publisher, subscriber)]
    _put_own_file(view, "ITLFile.tlv", b"reset")
    assert await _must(publisher, "ITLFile.tlv") == b"reset"
    assert await _must(subscriber, "ITLFile.tlv") == others
    publisher.load()
    assert (await _must(publisher, "ITLFile.tlv")) not in (b"reset", own[:5])
    assert await publisher.fetch("ITLFile.tlv.sgn") is None
    view.replace(replace(view.replica, enterprise={"Any": "1"}))
    assert await _must(publisher, "ITLFile.tlv") != b"reset"
    _put_own_file(view, "ITLFile.tlv", b"reset", pkid="2")
    assert await _must(publisher, "ITLFile.tlv") == b"reset"


@pytest.mark.parametrize(("release", "served"), [("11.5", None), ("12.0", b"ctl")])
async def test_a_new_ctl_waits_for_load_before_12_and_is_served_at_once_from_then_on(
    make: Make, view: View, release: str, served: bytes | None
) -> None:
    provisioning = make(release=Release.parse(release))
    _put_own_file(view, "CTLFile.tlv", b"ctl")
    assert await provisioning.fetch("CTLFile.tlv") == served
    provisioning.load()
    assert await _must(provisioning, "CTLFile.tlv") == b"ctl"
