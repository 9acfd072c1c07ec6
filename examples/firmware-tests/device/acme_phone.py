"""Stands for a firmware under test: fetches its files by TFTP, registers by SIP, and ends.

It knows nothing of cucmsim. Its environment says where the TFTP server is (CUCM_TFTP,
CUCM_TFTP_PORT) and what names stand for (CUCM_HOSTS, as a lab's DNS would). Its one argument is its
MAC address.
"""

import os
import re
import socket
import sys
import uuid

BLOCK = 512
READ, DATA, ACKNOWLEDGE, ERROR = 1, 3, 4, 5


def fetch(server: tuple[str, int], name: str) -> bytes | None:
    """Get a file by TFTP (RFC 1350); None when the server says that there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.settimeout(1)
        last, peer, data, wanted = _number(READ) + name.encode() + b"\0octet\0", server, b"", 1
        for _ in range(10_000):
            wire.sendto(last, peer)
            try:
                packet, peer = wire.recvfrom(4 + BLOCK)
            except TimeoutError:
                continue  # what was sent last is sent again
            code, block = int.from_bytes(packet[:2]), int.from_bytes(packet[2:4])
            if code == ERROR:
                return None
            if code == DATA and block == wanted:
                data, wanted = data + packet[4:], wanted + 1
                last = _number(ACKNOWLEDGE) + packet[2:4]
                if len(packet) < 4 + BLOCK:
                    wire.sendto(last, peer)
                    return data
    raise SystemExit(f"no end of {name}")


def register(server: tuple[str, int], name: str) -> str:
    """Register by SIP over TCP; return the first line of the final answer."""
    with socket.create_connection(server, timeout=10) as wire:
        own = "%s:%d" % wire.getsockname()
        lines = [
            f"REGISTER sip:{server[0]} SIP/2.0",
            f"Via: SIP/2.0/TCP {own};branch=z9hG4bK{uuid.uuid4().hex}",
            f"From: <sip:1000@{server[0]}>;tag={uuid.uuid4().hex}",
            f"To: <sip:1000@{server[0]}>",
            f"Call-ID: {uuid.uuid4()}@{own}",
            "Max-Forwards: 70",
            "CSeq: 101 REGISTER",
            "User-Agent: Acme-Phone/1.0",
            f"Contact: <sip:{uuid.uuid4()}@{own};transport=tcp>"
            f';+u.sip!devicename.ccm.cisco.com="{name}"',
            "Expires: 3600",
            "Content-Length: 0",
        ]
        wire.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        told = b""
        while not (final := re.search(rb"^SIP/2.0 [2-6].*\r\n", told, re.MULTILINE)):
            if not (more := wire.recv(4096)):
                raise SystemExit("the connection was closed")
            told += more
        return final[0].decode().strip()


def main() -> None:
    name = f"SEP{sys.argv[1]}"
    tftp = os.environ["CUCM_TFTP"], int(os.environ["CUCM_TFTP_PORT"])
    hosts = dict(entry.split("=") for entry in os.environ["CUCM_HOSTS"].split(","))
    trust_list = fetch(tftp, f"ITL{name}.tlv")
    print("trust list:", "none" if trust_list is None else f"{len(trust_list)} bytes")
    configuration = fetch(tftp, f"{name}.cnf.xml")
    if configuration is None:
        raise SystemExit("no configuration")
    members = re.findall(rb"<processNodeName>([^<]+)</processNodeName>", configuration)
    port = re.search(rb"<sipPort>(\d+)</sipPort>", configuration)
    for member in dict.fromkeys(each.decode() for each in members):
        if member not in hosts:
            continue
        try:
            answer = register((hosts[member], int(port[1]) if port else 5060), name)
        except OSError as error:
            print(f"{member}: {error}")
            continue
        print(f"{member}: {answer}")
        if answer.startswith("SIP/2.0 200"):
            return
    raise SystemExit("not registered")


def _number(value: int) -> bytes:
    return value.to_bytes(2)


main()
