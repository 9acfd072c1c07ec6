"""`cucmsim profile`: listed, added, set, removed, refused; phones are given one."""

import asyncio
import json

import pytest

from tests.fixtures.clusters import SIP_PHONE, Lab, Outcome

pytestmark = pytest.mark.usefixtures("quiet")


async def cli(lab: Lab, *arguments: str) -> Outcome:
    return await asyncio.to_thread(lab.cli, *arguments)


async def profile(lab: Lab, command: str, *arguments: str) -> Outcome:
    return await cli(lab, "profile", command, "CONFIG", *arguments)


async def test_profiles_are_made_given_to_phones_changed_and_removed(lab: Lab) -> None:
    options = ("--authentication-mode", "existing-mic", "--key-order", "ec-preferred")
    async with lab.running():
        added = await profile(lab, "add", "Floor 2", *options)
        unused = await profile(lab, "set", "Floor 2", "--key-size-bits", "3072")
        given = await cli(lab, "device", "set", "CONFIG", SIP_PHONE, "--profile", "Floor 2")
        changed = await profile(
            lab, "set", "Floor 2", "--device-security-mode", "encrypted", "--encrypted-config"
        )
        listed = await profile(lab, "list", "--match", "floor")
        told = json.loads((await profile(lab, "list", "--json")).output)
        in_use = await profile(lab, "remove", "Floor 2")
        back = "Cisco 8861 - Standard SIP Non-Secure Profile"
        await cli(lab, "device", "set", "CONFIG", SIP_PHONE, "--security-profile", back)
        removed = await profile(lab, "remove", "Floor 2")
    assert [one.output for one in (added, unused, given, changed, removed)] == [
        "Floor 2 added\n",
        "Floor 2 changed\n",
        f"{SIP_PHONE} changed\n",
        "Floor 2 changed; 1 phone to be reset\n",
        "Floor 2 removed\n",
    ]
    assert [" ".join(line.split()) for line in listed.output.splitlines()] == [
        "Name Mode Transport Encrypted config CAPF Key Phones",
        "Floor 2 encrypted tls yes existing-mic ec-preferred 384/3072 1",
    ]
    assert {one["name"]: one["standard"] for one in told}["Floor 2"] is False
    assert (in_use.status, in_use.errors) == (
        1,
        "cucmsim: security profile 'Floor 2' is in use by 1 phone; give them another one first\n",
    )


async def test_what_cannot_be_is_refused(lab: Lab) -> None:
    async with lab.running():
        await profile(lab, "add", "Lobby")
        refused = [
            await profile(lab, "set", "Loby", "--encrypted-config"),
            await profile(lab, "add", "Lobby"),
            await profile(lab, "add", "Hall", "--key-size-bits", "1000"),
            await cli(lab, "device", "set", "CONFIG", SIP_PHONE, "--profile", "Loby"),
        ]
        nothing = await profile(lab, "set", "Lobby")
    assert nothing.status == 2
    assert {one.status for one in refused} == {1}
    for text, one in zip(
        (
            "no security profile 'Loby'; did you mean 'Lobby'?",
            "security profile 'Lobby' is there already",
            "key_size_bits",
            "Lobby",
        ),
        refused,
        strict=True,
    ):
        assert text in one.errors


def test_no_cluster_is_unreachable(lab: Lab) -> None:
    lab.write()
    assert lab.cli("profile", "list", "CONFIG").status == 69
