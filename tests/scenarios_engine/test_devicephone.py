"""Somebody's own phone, judged by what it does on the wire."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from cucmsim.phone.values import FileKind, PhoneIdentity, TrustSource
from cucmsim.scenarios.devicehook import Act, Action
from cucmsim.scenarios.devicephone import DevicePhone, Patience
from cucmsim.scenarios.model import Play
from cucmsim.scenarios.narrative import Tell
from cucmsim.scenarios.observed import UNKNOWN, BootReport
from cucmsim.scenarios.runner import RunResult, Verdict, run_scenario
from cucmsim.scenarios.stage import Stage
from cucmsim.scenarios.stagephone import Clusters
from tests.scenarios_engine.pretended import TIME, PretendedCluster, order_of

DEVICE = "SEPB000B4BA0AEE"
SERVED, OLD = "aa" * 20, "bb" * 20
SIGNER = "5e11a1"
SHOWN = {"text": f"2\tSERIALNUMBER\t3\t{SIGNER}", "succeeded": True}
IMPATIENT = Patience(begin_s=0.05, quiet_s=0.05)


@dataclass
class Device:
    """What a device does when it is told to, to the cluster it sees."""

    cluster: PretendedCluster
    does: Callable[[PretendedCluster], None]
    asked: list[Act] = field(default_factory=list)
    is_closed: bool = False
    fails: str = ""

    async def do(self, act: Act) -> None:
        self.asked.append(act)
        self.does(self.cluster)

    def failure(self) -> str:
        return self.fails

    async def close(self) -> None:
        self.is_closed = True

    def made(self, identity: PhoneIdentity, clusters: Clusters, tell: Tell) -> DevicePhone:
        return DevicePhone(identity, clusters, self, IMPATIENT, tell)


async def play_with(device: Device, play: Play) -> RunResult:
    order = replace(order_of(play, device.cluster), device=device.made)
    return await run_scenario(order, lambda _: None)


async def boot_of(device: Device) -> BootReport:
    reports: list[BootReport] = []

    async def play(stage: Stage) -> None:
        reports.append(await stage.phone.boot())
        stage.expect("it has booted", found=True)

    result = await play_with(device, play)
    assert result.verdict is Verdict.PASSED, result.reason
    return reports[0]


def holds(itl: str, *, asks_tvs: bool = False) -> Callable[[PretendedCluster], None]:
    """Return what a device does that boots, says that it holds this ITL, and registers."""

    def does(cluster: PretendedCluster) -> None:
        cluster.happened(f"GET ITL{DEVICE}.tlv", "4447 bytes", service="http", device=DEVICE)
        if asks_tvs:
            cluster.happened(f"query {SIGNER}CN=x", "found", service="tvs", device=None)
        cluster.answers["POST /commands/cucm-pub"] = SHOWN
        cluster.answers["GET /certificates"] = []
        told = {"device": DEVICE, "itl_server": "", "ctl": "", "ctl_server": "", "time": TIME}
        cluster.answers["GET /trust-held"] = [{**told, "itl": itl}]
        cluster.answers["GET /trust-lists"] = [{"node": "cucm-pub", "itl": SERVED, "ctl": None}]
        alarm = {"time": TIME, "node": "cucm-pub", "device": DEVICE, "address": "192.0.2.9"}
        cluster.answers["GET /alarms"] = [{**alarm, "name": "DeviceTLInfo", "parameters": {}}]
        cluster.happened("REGISTER", "200, expires 120 s", service="callmanager", device=DEVICE)

    return does


async def test_a_device_follows_when_it_says_that_it_holds_what_is_served() -> None:
    device = Device(PretendedCluster(), holds(SERVED, asks_tvs=True))
    report = await boot_of(device)
    assert (report.follows, report.is_locked, report.registered) == (True, False, "cucm-pub")
    assert report.source(FileKind.ITL) == TrustSource.TVS
    assert report.source(FileKind.CONFIG) is UNKNOWN
    assert len(report.questions) == 1
    assert device.is_closed


async def test_a_device_is_locked_out_when_it_says_that_it_holds_another_list() -> None:
    report = await boot_of(Device(PretendedCluster(), holds(OLD)))
    assert (report.follows, report.is_locked) == (False, True)
    assert report.source(FileKind.ITL) is UNKNOWN


async def test_tvs_is_not_why_a_device_took_a_list_when_it_asked_about_somebody_else() -> None:
    def does(cluster: PretendedCluster) -> None:
        holds(SERVED)(cluster)
        cluster.happened("verify 77CN=tomcat", "trusted", service="tvs", device=DEVICE)

    report = await boot_of(Device(PretendedCluster(), does))
    assert report.follows is True
    assert report.source(FileKind.ITL) is UNKNOWN


async def test_a_device_that_holds_another_ctl_does_not_follow() -> None:
    def does(cluster: PretendedCluster) -> None:
        holds(SERVED)(cluster)
        cluster.answers["GET /trust-lists"] = [{"node": "cucm-pub", "itl": SERVED, "ctl": OLD}]

    report = await boot_of(Device(PretendedCluster(), does))
    assert (report.follows, report.is_locked) == (False, True)


async def test_a_device_that_fetches_a_file_and_nothing_else_is_not_judged_and_told_so() -> None:
    def does(cluster: PretendedCluster) -> None:
        cluster.happened(f"GET ITL{DEVICE}.tlv", "4447 bytes", service="http", device=DEVICE)

    async def play(stage: Stage) -> None:
        stage.expect("one is one", 1, 1)
        stage.expect_locked(await stage.phone.boot())

    result = await play_with(Device(PretendedCluster(), does), play)
    assert result.verdict is Verdict.NOT_JUDGED
    assert "it registers nowhere, as a locked phone still would" in result.reason


async def test_a_device_whose_hook_fails_before_it_appears_ends_the_run_at_once() -> None:
    device = Device(PretendedCluster(), lambda _: None, fails="the hook ended with status 3")
    result = await play_with(device, _boots)
    assert (result.verdict, result.is_unreachable) == (Verdict.ERROR, False)
    assert result.reason == (f"the hook ended with status 3, before anything was seen of {DEVICE}")


async def test_what_a_device_does_not_say_is_not_known() -> None:
    def does(cluster: PretendedCluster) -> None:
        cluster.happened(f"CTL{DEVICE}.tlv", "error 1", service="tftp", device=DEVICE)

    report = await boot_of(Device(PretendedCluster(), does))
    assert (report.follows, report.is_locked, report.registered) == (
        False,
        UNKNOWN,
        None,
    )
    assert len(report.exchanges) == 1


async def test_what_another_phone_does_is_not_taken_for_the_device() -> None:
    def does(cluster: PretendedCluster) -> None:
        cluster.happened("REGISTER", "200", service="callmanager", device="SEP001122334455")

    result = await play_with(Device(PretendedCluster(), does), _boots)
    assert result.is_unreachable


async def test_a_device_that_never_appears_ends_the_run_with_what_was_waited_for() -> None:
    result = await play_with(Device(PretendedCluster(), lambda _: None), _boots)
    assert (result.verdict, result.is_unreachable) == (Verdict.ERROR, True)
    assert result.reason == (
        f"{DEVICE} has not booted within 0.05 s: waited for anything from it, such as a request for"
        f" ITL{DEVICE}.tlv by TFTP at 127.0.0.1:6969 or by HTTP at 127.0.0.1:6970"
    )


async def test_a_registered_device_is_reset_by_its_cluster_and_nobody_else() -> None:
    cluster = PretendedCluster()
    held = {"device": DEVICE, "node": "cucm-pub", "protocol": "SIP", "tls": False, "port": 1}
    more = {"address": "", "number": "", "user_agent": "", "registered_at": TIME}
    cluster.answers["GET /registrations"] = [{**held, **more, "refreshed_at": TIME}]
    outcome = {"device": DEVICE, "action": "reset", "status": 200, "accepted": True}
    cluster.answers["POST /orders"] = [outcome]
    device = Device(cluster, lambda _: None)
    assert (await play_with(device, _boots)).is_unreachable
    assert "POST /orders" in cluster.asked
    assert device.asked == []


async def test_a_device_is_told_what_to_do_and_where_the_servers_are() -> None:
    async def play(stage: Stage) -> None:
        await stage.phone.move(stage.cluster)
        await stage.phone.erase()
        stage.expect("it was told", found=True)

    device = Device(PretendedCluster(), lambda _: None)
    await play_with(device, play)
    assert [act.action for act in device.asked] == [Action.MOVE, Action.ERASE]
    assert device.asked[0].environment() == {
        "CUCMSIM_ACTION": "move",
        "CUCMSIM_DEVICE": DEVICE,
        "CUCMSIM_MAC": DEVICE[3:],
        "CUCMSIM_MODEL": "8861",
        "CUCMSIM_TFTP": "127.0.0.1:6969",
        "CUCMSIM_HTTP": "127.0.0.1:6970",
        "CUCMSIM_HTTPS": "127.0.0.1:6971",
        "CUCMSIM_HOSTS": "cucm-pub=127.0.0.1",
    }
    assert str(device.asked[0]) == f"Give {DEVICE} these TFTP servers: 127.0.0.1:6969"


async def _boots(stage: Stage) -> None:
    await stage.phone.boot()
