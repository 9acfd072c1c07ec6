"""`cucmsim phone` against a cluster in this process, and against nobody."""

import asyncio
import json
import os
import re
import signal
import sys
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import typer

from cucmsim.cli import phone as command
from cucmsim.cli.phone import BootPlan, run_phone
from cucmsim.cli.phonereport import boot_lines, flash_lines, flash_report
from cucmsim.cluster.node import ServiceAction
from cucmsim.errors import CommandError
from cucmsim.formats.servicecontrol import Action
from cucmsim.phone.device import PhoneOptions
from cucmsim.phone.flash import Flash
from cucmsim.phone.flashdir import FlashDirectory
from cucmsim.phone.performer import Network
from cucmsim.phone.summary import AcceptedFile, BootSummary
from cucmsim.phone.values import FileKind, PhoneIdentity
from cucmsim.services.admission import Admission, Refusal
from tests.fixtures.clusters import ADDRESSES, PUBLISHER, Outcome, run_cli
from tests.fixtures.phonelab import PhoneLab

OLD, NEW = "001B54C25A01", "B000B4BA0AEE"

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture
def phones(tmp_path: Path) -> PhoneLab:
    found = PhoneLab(tmp_path / "lab")
    model = 'model = "7962"\n'
    found.lab.phones = found.lab.phones.replace(model, f'{model}protocol = "SIP"\n')
    return found


async def boot(phones: PhoneLab, *options: str, mac: str = NEW) -> Outcome:
    arguments = ("phone", "boot", *phones.options(), f"--mac={mac}", *options)
    return await asyncio.to_thread(run_cli, *arguments)


def squeezed(text: str) -> str:
    return re.sub(" +", " ", text)


async def test_boot_prints_the_log_and_what_the_phone_holds_then(
    phones: PhoneLab, tmp_path: Path
) -> None:
    flash = tmp_path / "flash"
    async with phones.lab.running():
        first = await boot(phones, f"--flash={flash}")
        second = await boot(phones, f"--flash={flash}")

    assert (first.status, second.status) == (0, 0), first.errors
    log, found, summary = squeezed(first.output).partition(f"SEP{NEW} (Cisco 8861)\n")
    assert found
    assert "SECUREAPP-Using leap of faith to accept TL file" in log
    assert "CAPF-install complete" in log
    held = FlashDirectory(flash).load()
    assert held.itl is not None
    lines = summary.splitlines()
    assert lines[0] == " CTL none"
    assert lines[1].startswith(f" ITL {len(held.itl)} bytes, SHA-1 ")
    assert "signed by CN=cucm-pub;OU=Lab" in lines[1]
    assert re.search(r"\n LSC CN=SEPB000B4BA0AEE;.*, issued by CN=CAPF-", summary)
    assert "\n MIC CN=CP-8861-SEPB000B4BA0AEE;" in summary
    assert "\n accepted ITLFile.tlv: blindly, signed by CN=cucm-pub" in summary
    assert f"\n accepted SEP{NEW}.cnf.xml: by ITL, signed by CN=cucm-pub" in summary
    assert "\n registered with cucm-pub over TCP as 2002, expires in 120 s" in summary
    assert " accepted ITLFile.tlv: the one it held" in squeezed(second.output)


async def test_boot_without_flash_forgets_and_takes_mac_addresses_as_people_write_them(
    phones: PhoneLab,
) -> None:
    async with phones.lab.running():
        for mac in ("00:1b:54:c2:5a:01", "001b.54c2.5a01", "SEP001B54C25A01"):
            outcome = await boot(phones, "--model=7962", "--transport=tftp", mac=mac)
            assert outcome.status == 0
            assert f"SEP{OLD} (Cisco 7962)" in outcome.output
            assert "blindly" in outcome.output


async def test_boot_says_how_to_tell_it_of_servers_that_it_does_not_find(
    phones: PhoneLab,
) -> None:
    server = phones.options()[:3]
    async with phones.lab.running():
        outcome = await asyncio.to_thread(run_cli, "phone", "boot", *server, f"--mac={NEW}")
    assert outcome.status == 69
    says = "cucmsim: DNS does not know {0}; say where it is with --host {0}=ADDRESS\n"
    assert outcome.errors.startswith("".join(map(says.format, ADDRESSES)))
    assert f"SEP{NEW}: no CallManager answers: cucm-pub: no such host" in outcome.errors


async def test_boot_is_refused_by_a_phone_of_another_cluster(
    phones: PhoneLab, tmp_path: Path
) -> None:
    flash = tmp_path / "flash"
    async with phones.lab.running():
        await boot(phones, f"--flash={flash}")
    held = FlashDirectory(flash).load()
    async with phones.clone(tmp_path / "other").lab.running():
        outcome = await boot(phones, f"--flash={flash}")

    assert outcome.status == 1
    assert "refused ITLFile.tlv" in outcome.errors
    assert "  refused        ITLFile.tlv: " in outcome.output
    assert FlashDirectory(flash).load() == held


async def test_boot_of_a_phone_that_reaches_nobody(
    phones: PhoneLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = phones.network().tftp
    monkeypatch.setattr(
        command,
        "Network",
        lambda names, ports, **_: replace(phones.network(), names=names, ports=ports, tftp=quick),
    )
    outcome = await boot(phones)
    assert outcome.status == 69
    assert f"SEP{NEW}: no TFTP server answers (127.0.1.1:" in outcome.errors


async def test_boot_of_a_phone_that_the_cluster_does_not_know(phones: PhoneLab) -> None:
    phones.lab.phones = ""
    async with phones.lab.running():
        outcome = await boot(phones)
    assert outcome.status == 1
    assert outcome.errors == f"cucmsim: SEP{NEW}: no configuration that it could use\n"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--mac=1"], "MAC address '1'"),
        ([f"--mac={OLD}", "--model=1"], "model '1'"),
        ([f"--mac={OLD}", "--transport=ftp"], "--transport ftp: expected one of auto, tftp, http"),
        ([f"--mac={OLD}", "--model=7962", "--transport=http"], "a 7962 knows TFTP only"),
        ([f"--mac={OLD}", "--host=cucm-pub"], "--host cucm-pub: expected NAME=ADDRESS"),
        ([f"--mac={OLD}", "--tls=2"], "--tls 2: expected one of"),
        ([f"--mac={OLD}", "--web=0"], "--web needs --keep"),
        ([f"--mac={OLD}", "--tftp=a:b"], "a:b: expected HOST or HOST:PORT"),
    ],
)
def test_options_that_make_no_sense(options: list[str], says: str) -> None:
    outcome = run_cli("phone", "boot", "--tftp=127.0.0.1", *options)
    assert outcome.status == 2
    assert says in outcome.errors


async def test_kept_on_it_serves_its_pages_and_boots_when_the_keypad_says_so(
    phones: PhoneLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed: asyncio.Queue[str] = asyncio.Queue()
    monkeypatch.setattr(typer, "echo", printed.put_nowait)

    async def until(text: str) -> str:
        while text not in (line := await printed.get()):
            pass
        return line

    plan = BootPlan(PhoneIdentity(NEW), phones.network(), PhoneOptions(), keep=True, web=0)
    stop = asyncio.Event()
    async with phones.lab.running():
        running = asyncio.create_task(run_phone(plan, stop))
        address = (await until("Pages: ")).removeprefix("Pages: ")
        async with httpx.AsyncClient(base_url=address, auth=("u", "p")) as client:
            page = await client.get("/CGI/Java/Serviceability?adapter=device.statistics.device")
            assert f"SEP{NEW}" in page.text
            star = "KeyPadStar"
            for keys in (["Settings", star, star], ["KeyPadPound"], [star, star]):
                await client.post("/CGI/Execute", data={"XML": execute(keys)})
        await until("accepted       ITLFile.tlv: the one it held")
        stop.set()
        summary = await running
    assert not summary.refused
    assert summary.registered == PUBLISHER


def execute(keys: list[str]) -> str:
    items = "".join(f'<ExecuteItem Priority="0" URL="Key:{key}"/>' for key in keys)
    return f"<CiscoIPPhoneExecute>{items}</CiscoIPPhoneExecute>"


async def test_kept_on_it_ends_with_a_signal(phones: PhoneLab) -> None:
    async with phones.lab.running():
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cucmsim", "phone", "boot"),
            *(*phones.options(), f"--mac={OLD}", "--model=7962", "--keep"),
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        assert process.stdout is not None
        async for line in process.stdout:
            if b"  registered " in line:
                break
        process.send_signal(signal.SIGTERM)
        await process.communicate()
    assert process.returncode == 0


async def test_boot_of_a_phone_that_is_refused(
    phones: PhoneLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Admission, "check", lambda *_: Refusal("Unknown device"))
    async with phones.lab.running():
        outcome = await boot(phones)
    assert outcome.status == 1
    refusal = '403 Forbidden, 399 cucm-pub "Unknown device"'
    assert outcome.errors == f"cucmsim: SEP{NEW}: not registered: cucm-pub: {refusal}\n"


async def test_boot_of_a_phone_that_no_callmanager_answers(phones: PhoneLab) -> None:
    async with phones.lab.running() as cluster:
        for node in ADDRESSES:
            await cluster.act_on_service(node, "callmanager", ServiceAction.STOP)
        outcome = await boot(phones)
    assert outcome.status == 69
    assert f"SEP{NEW}: no CallManager answers: 127.0.1.1:" in outcome.errors


async def test_kept_on_it_obeys_resets_and_unregisters_at_the_end(
    phones: PhoneLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed: asyncio.Queue[str] = asyncio.Queue()
    loop = asyncio.get_running_loop()  # the command runs in a thread
    monkeypatch.setattr(
        typer, "echo", lambda line, **_: loop.call_soon_threadsafe(printed.put_nowait, line)
    )

    async def until(text: str) -> str:
        while text not in (line := await printed.get()):
            pass
        return line

    plan = BootPlan(PhoneIdentity(NEW), phones.network(), PhoneOptions(settle_s=0), keep=True)
    stop = asyncio.Event()
    async with phones.lab.running() as cluster, asyncio.timeout(60):
        running = asyncio.create_task(run_phone(plan, stop))
        await until("  registered     with cucm-pub")
        registrations = cluster.registrations[PUBLISHER]
        for action, alarm, word in (
            (Action.RESET, 22, "reset"),
            (Action.RESTART, 23, "restart"),
            (Action.APPLY_CONFIG, 104, "apply-config"),
        ):
            order = ("reset", "CONFIG", f"--action={action}", f"SEP{NEW}")
            assert (await asyncio.to_thread(phones.lab.cli, *order)).status == 0
            await until(f"SIPCC-received {word}")
            await until("  registered     with cucm-pub")
            assert registrations.held[f"SEP{NEW}"].details.reason.alarm == alarm
        stop.set()
        assert (await running).registered == PUBLISHER
        assert registrations.held == {}


async def test_show_and_erase(phones: PhoneLab, tmp_path: Path) -> None:
    flash = tmp_path / "flash"
    async with phones.lab.running():
        await boot(phones, f"--flash={flash}")
    shown = run_cli("phone", "show", str(flash))
    assert shown.status == 0
    tvs = ", ".join(f"{name}:{ports['tvs']}" for name, ports in phones.ports.items())
    assert f"  TVS            {tvs}\n" in shown.output
    report = json.loads(run_cli("phone", "show", str(flash), "--json").output)
    assert report["ctl"] is None
    assert report["itl"]["records"] > 3
    assert report["configuration"]["call_managers"][0] == PUBLISHER
    assert report["lsc"]["issuer"].startswith("CN=CAPF-")

    assert run_cli("phone", "erase", str(flash)).output == f"{flash}: CTL and ITL erased\n"
    kept = FlashDirectory(flash).load()
    assert (kept.itl, kept.config is None, kept.lsc is None) == (None, False, False)
    assert run_cli("phone", "erase", "--all", str(flash)).status == 0
    assert FlashDirectory(flash).load() == Flash()
    assert "  MIC            none" in run_cli("phone", "show", str(flash)).output


@pytest.mark.parametrize("action", ["show", "erase"])
def test_a_flash_directory_that_is_not_there(action: str, tmp_path: Path) -> None:
    outcome = run_cli("phone", action, str(tmp_path / "none"))
    assert (outcome.status, outcome.errors) == (
        2,
        f"cucmsim: {tmp_path / 'none'}: no such directory\n",
    )


def test_a_flash_that_is_damaged_inside_is_shown_as_such() -> None:
    lines = list(flash_lines(flash_report(Flash(ctl=b"x", itl=b"y", config=b"z"))))
    assert "damaged" in lines[0]
    assert "version stamp none" in lines[2]


def test_what_came_unsigned_is_said_to_be() -> None:
    taken = AcceptedFile(FileKind.CONFIG, "SEP.cnf.xml", None, "")
    summary = BootSummary((taken,), (), "cucm-pub", "", was_answered=True)
    assert list(boot_lines(summary)) == [
        "  accepted       SEP.cnf.xml: unsigned",
        "  registered     with cucm-pub",
    ]


def test_what_came_over_https_names_the_server_that_stands_for_a_signature() -> None:
    taken = AcceptedFile(FileKind.CONFIG, "SEP.cnf.xml", None, "", tls_server="10.0.0.1")
    summary = BootSummary((taken,), (), "cucm-pub", "", was_answered=True)
    (said, _) = boot_lines(summary)
    assert said.endswith("unsigned, over HTTPS from 10.0.0.1, whose certificate is trusted")


@pytest.mark.parametrize(
    ("summary", "says"),
    [
        (BootSummary((), (), None, "", was_answered=True), "no configuration"),
        (
            BootSummary((), (), "cucm-pub", "", was_answered=True, goes_on_after="too large"),
            r"no new configuration \(too large\), it goes on with the configuration it held",
        ),
        (
            BootSummary(
                (AcceptedFile(FileKind.CONFIG, "a", None, ""),),
                (),
                None,
                "403",
                was_answered=True,
            ),
            "not registered: 403",
        ),
    ],
)
def test_a_phone_that_cannot_work_ends_with_1(summary: BootSummary, says: str) -> None:
    plan = BootPlan(PhoneIdentity(NEW), Network(()), PhoneOptions())
    with pytest.raises(CommandError, match=says) as caught:
        command._conclude(plan, summary)
    assert caught.value.exit_status == 1
