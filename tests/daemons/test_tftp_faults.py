"""Faults of TFTP on the wire: what a client sees of each, and what the journal has of it."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import pytest

from cucmsim.daemons.tftp_faults import TftpFaults
from cucmsim.daemons.tftpd import TftpOptions
from cucmsim.formats.tftp import Ack, Data, ErrorPacket, OptionAck, ReadRequest
from cucmsim.phone.steps import Fetched
from cucmsim.phone.tftp import TftpPatience, fetch_tftp
from cucmsim.protocols.tftp_requests import Limits
from cucmsim.services.faults.kinds import FaultKind, Value
from cucmsim.services.faults.plan import Fault, FaultPlan, FaultRule, Scene
from tests.daemons.test_tftpd import FILES, MODES, Address, Bench, Phone, running

NAME = "SEP001122334455.cnf.xml"
FILE = FILES[NAME]  # three blocks
PATIENT = Limits(timeout_s=30.0)
HASTY = Limits(timeout_s=0.25)


@dataclass(frozen=True)
class Case:
    """A rule, and what comes of it: the blocks as they arrive, and the fault of the journal."""

    rule: FaultRule
    blocks: list[int]
    fault: str
    limits: Limits = PATIENT


def rule(kind: FaultKind, times: int | None = 1, **values: Value) -> FaultRule:
    return FaultRule(kind, times=times, values=values)


LATE_S = 0.01
CASES = [
    Case(rule(FaultKind.TFTP_DROP, block=2), [1, 2, 3], "tftp-drop (fault 1): DATA 2", HASTY),
    Case(
        rule(FaultKind.TFTP_DROP, block=2, direction="phone"),
        [1, 2, 2, 3],
        "tftp-drop (fault 1): ACK 2",
        HASTY,
    ),
    Case(
        rule(FaultKind.TFTP_DELAY, block=2, delay_s=LATE_S),
        [1, 2, 3],
        "tftp-delay (fault 1): DATA 2",
    ),
    Case(
        rule(FaultKind.TFTP_DELAY, block=1, delay_s=LATE_S, direction="phone"),
        [1, 2, 3],
        "tftp-delay (fault 1): ACK 1",
    ),
    Case(rule(FaultKind.TFTP_DUPLICATE, block=2), [1, 2, 2, 3], "tftp-duplicate (fault 1): DATA 2"),
    Case(
        rule(FaultKind.TFTP_DUPLICATE, times=2, direction="both"),
        [1, 1, 2, 3],
        "tftp-duplicate (fault 1): request; tftp-duplicate (fault 1): DATA 1",
    ),
    Case(
        rule(FaultKind.TFTP_REORDER, block=1, direction="phone"),
        [1, 1, 2, 3],
        "tftp-reorder (fault 1): ACK 1",
        HASTY,
    ),
]


def at(limits: Limits, single_port: bool, *rules: FaultRule) -> AbstractAsyncContextManager[Bench]:  # noqa: FBT001 - a case
    faults = TftpFaults(FaultPlan(rules), "cucm1")
    return running(TftpOptions(single_port=single_port, limits=limits, faults=faults))


async def blocks_of(phone: Phone, request: ReadRequest, to: Address) -> list[tuple[int, bytes]]:
    """Fetch a file of some blocks, and acknowledge each DATA as often as it comes."""
    phone.send(request, to)
    heard: list[tuple[int, bytes]] = []
    while not heard or len(heard[-1][1]) == 512:
        packet, server = await phone.hear()
        assert isinstance(packet, Data), packet
        heard.append((packet.block, packet.payload))
        phone.send(Ack(packet.block), server)
    return heard


@MODES
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.fault)
async def test_a_datagram_that_goes_astray_is_made_good_and_stands_in_the_journal(
    case: Case,
    single_port: bool,  # noqa: FBT001 - a case
) -> None:
    async with at(case.limits, single_port, case.rule) as bench:
        phone = await bench.phone()
        heard = await blocks_of(phone, ReadRequest(NAME), bench.address)
        ended = await bench.end()
    assert [block for block, _ in heard] == case.blocks
    assert b"".join(payload for _, payload in sorted(dict(heard).items())) == FILE
    assert (ended.answer, ended.fault) == (f"{len(FILE)} bytes", case.fault)


@MODES
async def test_a_damaged_byte_is_the_one_asked_for(single_port: bool) -> None:  # noqa: FBT001 - a case
    damage = rule(FaultKind.TFTP_CORRUPT, block=3, offset=-1)
    async with at(PATIENT, single_port, damage) as bench:
        phone = await bench.phone()
        heard = await blocks_of(phone, ReadRequest(NAME), bench.address)
        assert (await bench.end()).fault == "tftp-corrupt (fault 1): DATA 3"
    got = b"".join(payload for _, payload in heard)
    assert got == FILE[:-1] + bytes((FILE[-1] ^ 0xFF,))


@MODES
async def test_a_block_of_a_window_is_overtaken_and_another_lost(single_port: bool) -> None:  # noqa: FBT001 - a case
    rules = (rule(FaultKind.TFTP_REORDER, block=2), rule(FaultKind.TFTP_DROP, block=5))
    options = (("blksize", "64"), ("windowsize", "8"))
    async with at(PATIENT, single_port, *rules) as bench:
        phone = await bench.phone()
        phone.send(ReadRequest(NAME, options=options), bench.address)
        packet, server = await phone.hear()
        assert isinstance(packet, OptionAck)
        phone.send(Ack(0), server)
        window = [(await phone.hear())[0] for _ in range(7)]
        phone.send(ErrorPacket(0, "enough"), server)
        ended = await bench.end()
    assert [one.block for one in window if isinstance(one, Data)] == [1, 3, 2, 4, 6, 7, 8]
    assert ended.fault == "tftp-reorder (fault 1): DATA 2; tftp-drop (fault 2): DATA 5"


@MODES
async def test_a_lost_request_has_an_exchange_of_its_own(single_port: bool) -> None:  # noqa: FBT001 - a case
    async with at(PATIENT, single_port, rule(FaultKind.TFTP_DROP, direction="phone")) as bench:
        phone = await bench.phone()
        phone.send(ReadRequest(NAME), bench.address)
        lost = await bench.end()
        assert lost.answer == "not answered: the request did not arrive"
        assert (lost.fault, lost.device) == ("tftp-drop (fault 1): request", "SEP001122334455")
        assert await phone.download(ReadRequest(NAME), bench.address) == FILE
        assert (await bench.end()).fault == ""


@pytest.mark.parametrize(
    ("offset", "said"),
    [
        (2, "error 2: Access violation: the name is not printable"),
        (0, "error 4: opcode 65281, expected 1 to 6 (at offset 0)"),
    ],
)
async def test_a_damaged_request_is_what_the_server_makes_of_it(offset: int, said: str) -> None:
    damage = rule(FaultKind.TFTP_CORRUPT, direction="phone", offset=offset)
    async with at(PATIENT, False, damage) as bench:  # noqa: FBT003 - a case
        phone = await bench.phone()
        phone.send(ReadRequest(NAME), bench.address)
        ended = await bench.end()
    assert (ended.answer, ended.fault) == (said, "tftp-corrupt (fault 1): request")


@MODES
async def test_a_request_is_refused_with_the_error_asked_for(single_port: bool) -> None:  # noqa: FBT001 - a case
    rules = (
        FaultRule(FaultKind.TFTP_ERROR, file="SEP*", times=1, values={"code": 2, "text": "no!"}),
        FaultRule(FaultKind.TFTP_DUPLICATE, file="SEP*", times=1),
    )
    async with at(PATIENT, single_port, *rules) as bench:
        phone = await bench.phone()
        assert await phone.download(ReadRequest("empty"), bench.address) == b""
        await bench.end()
        assert await phone.ask(ReadRequest(NAME), bench.address) == ErrorPacket(2, "no!")
        assert (await phone.hear())[0] == ErrorPacket(2, "no!")
        refused = await bench.end()
        assert refused.answer == "error 2: no!"
        assert refused.fault == "tftp-error (fault 1); tftp-duplicate (fault 2): ERROR 2"
        assert await phone.download(ReadRequest(NAME), bench.address) == FILE


async def test_what_is_late_when_the_server_stops_is_lost() -> None:
    delays = [
        rule(FaultKind.TFTP_DELAY, delay_s=600.0, direction="phone"),
        rule(FaultKind.TFTP_DELAY, delay_s=600.0, block=1),
    ]
    async with at(PATIENT, False, *delays) as bench:  # noqa: FBT003 - a case
        late, second = await bench.phone(), await bench.phone()
        late.send(ReadRequest(NAME), bench.address)
        second.send(ReadRequest(NAME), bench.address)
        await bench.barrier()
        assert bench.server.busy == 1
        await bench.server.stop(0)
        ended = await bench.end()
    assert ended.fault == "tftp-delay (fault 2): DATA 1"


@pytest.mark.parametrize("single_port", [False, True])
async def test_our_client_gets_its_file_over_a_line_that_loses_every_fifth_datagram(
    single_port: bool,  # noqa: FBT001 - a case
) -> None:
    chance = FaultRule(FaultKind.TFTP_DROP, probability=0.2, seed=4, values={"direction": "both"})
    async with at(HASTY, single_port, chance) as bench:
        patience = TftpPatience(timeout_s=0.1, retransmissions=30)
        got = await fetch_tftp(bench.address, NAME, 1 << 20, patience)
    assert got == Fetched(FILE)


class Untouched(FaultPlan):
    """A plan without rules that must not be asked anything."""

    def take(
        self,
        kinds: Iterable[FaultKind],
        scene: Scene,
        fits: Callable[[FaultRule], bool] | None = None,
    ) -> Fault | None:
        raise AssertionError(f"asked an empty plan for {kinds} at {scene}, {fits}")

    def concerns(self, kinds: Iterable[FaultKind], scene: Scene) -> bool:
        raise AssertionError(f"asked an empty plan about {kinds} at {scene}")


async def test_an_empty_plan_is_asked_nothing() -> None:
    async with running(TftpOptions(faults=TftpFaults(Untouched(), "cucm1"))) as bench:
        phone = await bench.phone()
        for name in (NAME, "slow", "nowhere"):
            phone.send(ReadRequest(name), bench.address)
            packet, server = await phone.hear()
            if isinstance(packet, Data):
                phone.send(ErrorPacket(0, "enough"), server)
            await bench.end()


async def test_a_rule_for_another_file_leaves_a_transfer_alone() -> None:
    other = FaultRule(FaultKind.TFTP_DROP, file="*.tlv")
    async with at(PATIENT, False, other) as bench:  # noqa: FBT003 - a case
        phone = await bench.phone()
        async with asyncio.timeout(10):
            assert await phone.download(ReadRequest(NAME), bench.address) == FILE
        assert (await bench.end()).fault == ""
