"""Keys of phones: encrypted-config, capf-install, capf-regen.

Source: seed 000; capf.md; cucm.md 3.5, 6 and 7 (row 7).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from cucmsim.phone.events import (
    CertificateHashMismatch,
    ConfigurationDecrypted,
    DeviceCertificateUsed,
)
from cucmsim.scenarios.model import Choice, Scenario, scenario
from cucmsim.scenarios.observed import UNKNOWN, BootReport, Unknown
from cucmsim.scenarios.stage import Stage
from cucmsim.scenarios.stagecluster import CALLMANAGER, CAPF, TFTP, TVS, StageCluster
from cucmsim.scenarios.stagephone import StagePhone, events_of
from cucmsim.testing.shape import ClusterShape

__all__ = ["SCENARIOS"]

_STRING: Final = "20482"
_ENCRYPTED: Final = "encrypted"
_SECURED: Final = "secured"
_PROFILES: Final = {
    "security_profiles": [
        {"name": _ENCRYPTED, "device_security_mode": "encrypted", "encrypted_config": True},
        {"name": _SECURED, "device_security_mode": "encrypted"},
    ]
}
_MIXED: Final = ClusterShape(mode="mixed", extra=_PROFILES)
_ORDERED: Final[Mapping[str, Mapping[str, object]]] = {
    "lsc": {"pending_operation": "install"},
    "mic": {"pending_operation": "delete", "authentication_mode": "existing-mic"},
    "none": {"pending_operation": "none"},
    "lost": {"pending_operation": "install"},
}
"""How CAPF learns of a key. To delete an LSC that is not there changes nothing but that."""
_MAKER: Final = "Manufacturing CA"
_STALE: Final = "utils capf stale-lsc list"


@scenario(
    "encrypted-config",
    title="The phone's profile has TFTP Encrypted Config",
    source="seed 000; cucm §3.5",
    outcome=(
        "asks `.enc.sgn`, decrypts, verifies; wrong key or old `certHash`: falls back and"
        " re-requests; no key known: minimal configuration"
    ),
    shape=_MIXED,
    choices={
        "key": Choice(
            "what the cluster knows of the phone's keys: its LSC; its MIC, by which it has proved"
            " itself to CAPF; nothing; an LSC that it has lost",
            ("lsc", "mic", "none", "lost"),
        )
    },
)
async def encrypted_config(stage: Stage) -> None:
    """Give the phone a profile with encryption and have it boot.

    The signed `.cnf.xml.sgn` is then a stub which tells whose key the whole file, `.enc.sgn`, is
    encrypted to; the phone asks for that if the key is its own.
    """
    key, cluster = stage.parameters["key"], stage.cluster
    if key in ("mic", "lost"):
        await stage.equip()
    await cluster.change_phone(stage.identity.name, security_profile=_ENCRYPTED, **_ORDERED[key])
    await stage.phone.boot()
    await cluster.restart(TFTP)
    report = await stage.phone.boot()
    if key == "none":
        _expect_minimal(stage, report)
        return
    _expect_decrypted(stage, report, "MIC" if key == "mic" else "LSC")
    if key == "lost":
        await _lose_lsc(stage)


def _asked(stage: Stage, report: BootReport) -> list[str]:
    """Return the configuration files that were asked for, `.enc.sgn` or `.sgn`, in order."""
    name = f"{stage.identity.name}.cnf.xml"
    endings = (".enc.sgn", ".sgn")
    return [
        ending
        for one in report.exchanges
        if one.service in ("tftp", "http") and "not found" not in one.answer
        for ending in endings
        if one.request.endswith(name + ending)
    ]


def _expect_decrypted(stage: Stage, report: BootReport, key: str) -> None:
    claim = "it asks for the stub, then for the encrypted file"
    stage.expect(claim, " ".join(_asked(stage, report)[-2:]), ".sgn .enc.sgn")
    opened = f"{stage.identity.name}.cnf.xml.enc"
    stage.expect("it decrypts and verifies it", report.takes(opened))
    stage.expect("the file was encrypted to its key", _opened_with(stage.phone), key)


def _opened_with(phone: StagePhone) -> str | Unknown:
    """Return which key opened the last encrypted file."""
    events = events_of(phone)
    if events is None:
        return UNKNOWN
    opened = [one.with_mic for one in events if isinstance(one, ConfigurationDecrypted)]
    return _kind(opened)


def _kind(is_mic: Sequence[bool]) -> str:
    """Say which certificate it was at last."""
    if not is_mic:
        return "none"
    return "MIC" if is_mic[-1] else "LSC"


def _expect_minimal(stage: Stage, report: BootReport) -> None:
    """Check that it was told of CAPF and of nothing else."""
    stage.expect(
        "it asks for the stub alone", " ".join(dict.fromkeys(_asked(stage, report))), ".sgn"
    )
    stage.expect("it visits CAPF, which has nothing for it", _visits(report), 1)
    stage.expect("it does not register", report.registered, None)


def _visits(report: BootReport) -> int:
    return sum(one.service == "capf" for one in report.exchanges)


async def _lose_lsc(stage: Stage) -> None:
    """Have the phone lose its LSC: it falls back on what it held, and enrols again."""
    phone, cluster = stage.own_phone, stage.cluster
    phone.handset.flash = replace(phone.handset.flash, lsc=None)
    stage.narrate(f"{phone.name} loses its LSC")
    report = await phone.boot()
    mismatched = [one for one in phone.handset.events if isinstance(one, CertificateHashMismatch)]
    stage.expect("it sees that certHash is that of another certificate", len(mismatched), 1)
    stage.expect("it asks CAPF, which has nothing for it", _visits(report), 1)
    claim = "it does not ask for what it could not open"
    stage.expect(claim, ".enc.sgn" in _asked(stage, report), wanted=False)
    stage.expect(
        "it falls back on the configuration that it held", report.registered, cluster.publisher
    )
    await cluster.change_phone(phone.name, pending_operation="install")
    renewed = await phone.boot()
    claim = "with another LSC it asks again, and for the encrypted file"
    stage.expect(claim, " ".join(_asked(stage, renewed)), ".sgn .sgn .enc.sgn")
    _expect_decrypted(stage, renewed, "LSC")


@scenario(
    "capf-install",
    title="CAPF has an LSC for the phone",
    source="seed 000; capf",
    outcome="LSC installed; TVS and TLS now present it",
    shape=_MIXED,
    choices={
        "mode": Choice(
            "how the phone proves itself to CAPF",
            ("null-string", "authentication-string", "existing-mic", "existing-lsc"),
        )
    },
)
async def capf_install(stage: Stage) -> None:
    """Order the installation of an LSC in one of the four authentication modes, and reset.

    Its profile is changed to an encrypted one then, and the makers of MICs are trusted no more: so
    it is with the LSC that it registers over TLS. TVS, which the phone asks when its directory
    button is pressed, is shown the LSC too.
    """
    mode, cluster, name = stage.parameters["mode"], stage.cluster, stage.identity.name
    await stage.equip(authentication_string=_STRING)
    typed = {"authentication_string": _STRING} if mode == "authentication-string" else {}
    await cluster.change_phone(name, pending_operation="install", authentication_mode=mode, **typed)
    await stage.phone.boot()
    held = await cluster.administrator.phone(name)
    stage.expect("the operation ended well", held.certificate_status, "upgrade-success")
    stage.expect("nothing is pending any more", held.pending_operation, "none")
    await _distrust_mics(stage)
    await cluster.change_phone(name, security_profile=_SECURED)
    report = await stage.phone.boot()
    registered = {one.device: one.tls for one in await cluster.administrator.registrations()}
    stage.expect("it registers", report.registered, cluster.publisher)
    stage.expect("it registers over TLS with its LSC", registered.get(name), wanted=True)
    directory = await stage.phone.press_directories()
    stage.expect("it asks TVS about the directory's certificate", len(directory.questions), 1)
    stage.expect("TVS is shown its LSC", _shown_to_tvs(stage.phone), "LSC")


async def _distrust_mics(stage: Stage) -> None:
    """Delete the makers of MICs from CallManager-trust: nobody registers with a MIC any more."""
    for held in await stage.cluster.administrator.certificates("CallManager-trust"):
        if _MAKER in held.subject:
            said = await stage.cluster.forget("CallManager-trust", held.hash)
            stage.expect("no MIC is trusted any more", said.succeeded)


def _shown_to_tvs(phone: StagePhone) -> str | Unknown:
    """Return which certificate TVS was shown last."""
    events = events_of(phone)
    if events is None:
        return UNKNOWN
    return _kind([one.is_mic for one in events if isinstance(one, DeviceCertificateUsed)])


@scenario(
    "capf-regen",
    title="CAPF's certificate is made anew while phones hold LSCs of the old one",
    source="cucm §7",
    outcome="reported as stale; refused where CAPF-trust no longer holds the old CAPF",
    shape=_MIXED,
)
async def capf_regen(stage: Stage) -> None:
    """Regenerate CAPF, then forget the old certificate in the trust stores, then enrol anew."""
    cluster, name = stage.cluster, stage.identity.name
    await stage.equip()
    await cluster.change_phone(name, security_profile=_SECURED, pending_operation="install")
    await stage.phone.boot()
    old = await cluster.administrator.certificate("CAPF", node=cluster.publisher)
    await cluster.regenerate("CAPF")
    await cluster.restart(CAPF, TVS, TFTP, CALLMANAGER)
    listed = await cluster.command(_STALE)
    stage.expect("the old LSC is reported as stale", name in listed.text)
    still = await stage.phone.boot()
    stage.expect("it still registers with the old LSC", still.registered, cluster.publisher)
    await _forget(stage, cluster, old.hash)
    refused = await stage.phone.boot()
    stage.expect("it is refused without the old CAPF", refused.registered, None)
    await _enrol_anew(stage, cluster, name)


async def _forget(stage: Stage, cluster: StageCluster, old: str) -> None:
    """Delete a CAPF certificate, by its hash, from both trust stores."""
    for store in ("CAPF-trust", "CallManager-trust"):
        said = await cluster.forget(store, old)
        stage.expect(f"the old CAPF is deleted from {store}", said.succeeded)
    await cluster.restart(CALLMANAGER)


async def _enrol_anew(stage: Stage, cluster: StageCluster, name: str) -> None:
    """Update the CTL, which names CAPF, and order another LSC."""
    await cluster.operate("ctl", task="update")
    await cluster.restart(TFTP, CALLMANAGER)
    await cluster.change_phone(name, pending_operation="install")
    again = await stage.phone.boot()
    after = await cluster.command(_STALE)
    stage.expect("with a new LSC it registers", again.registered, cluster.publisher)
    stage.expect("no LSC is stale any more", name in after.text, wanted=False)


SCENARIOS: Final[tuple[Scenario, ...]] = (encrypted_config, capf_install, capf_regen)
