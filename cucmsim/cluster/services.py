"""Builds the services of a node: what each is made of, taken from the view at that moment."""

import asyncio
from collections.abc import Iterator, Mapping
from functools import partial

from cucmsim.asgi import AsgiLimits
from cucmsim.cluster.fileservices import build_http, build_tftp
from cucmsim.cluster.logs import trace_for
from cucmsim.cluster.node import Builder
from cucmsim.cluster.ports import ServiceName
from cucmsim.cluster.surroundings import Surroundings
from cucmsim.daemons.base import Daemon, DaemonGroup
from cucmsim.daemons.capfd import CapfServer
from cucmsim.daemons.sccpd import SccpLimits, SccpServer, SccpSurroundings
from cucmsim.daemons.sipd import SipLimits, SipServer, SipSurroundings
from cucmsim.daemons.sshd import SshLimits, SshServer, host_key, server_version
from cucmsim.daemons.tvsd import TvsServer
from cucmsim.daemons.webd import WebServer
from cucmsim.daemons.webmischief import WebWatch
from cucmsim.entropy import stream_of
from cucmsim.errors import StartError
from cucmsim.formats.sip_framing import StreamLimits
from cucmsim.formats.trustlist import CTL_FILENAME
from cucmsim.pki.profiles import Unit
from cucmsim.services.enrolment import Enrolment
from cucmsim.services.parameters import is_true
from cucmsim.services.tracefiles import both
from cucmsim.services.verification import Verification
from cucmsim.services.view import View
from cucmsim.web.directory import DirectoryEntry, directory_app

__all__ = ["Surroundings", "builders_of"]

_KEEPALIVE_LATE_S = 60


def builders_of(around: Surroundings) -> Mapping[ServiceName, Builder]:
    """Return the builders of the services that the node runs, in the order they are started."""
    known: dict[ServiceName, Builder] = {
        ServiceName.TVS: partial(_build_tvs, around),
        ServiceName.CAPF: partial(_build_capf, around),
        ServiceName.TFTP: partial(build_tftp, around),
        ServiceName.HTTP: partial(build_http, around),
        ServiceName.CALLMANAGER: partial(_build_callmanager, around),
        ServiceName.WEB: partial(_build_web, around),
        ServiceName.SSH: partial(_build_ssh, around),
    }
    return {service: known[service] for service in known if service in around.node.services}


async def _build_tvs(around: Surroundings) -> Daemon:
    node, view = around.node.name, around.view
    trace = both(around.traces.of(ServiceName.TVS.value), trace_for(ServiceName.TVS.value, node))
    identity = around.identity(Unit.TVS)
    asks = is_true(view.replica.service_parameter("tvs", "RequestClientCertificate", node) or "T")
    verification = Verification(node, view, partial(_ctl_file, around), trace=trace)
    try:
        return TvsServer(
            around.node.endpoints(ServiceName.TVS)[0],
            verification,
            identity,
            around.recorder(ServiceName.TVS),
            policy=around.policy(asks=asks),
            limits=around.limits(),
            trace=trace,
            mischief=around.mischief(ServiceName.TVS),
        )
    except StartError:
        verification.close()
        raise


async def _build_capf(around: Surroundings) -> Daemon:
    enrolment = Enrolment(
        around.node.name,
        around.store,
        around.view,
        clock=around.clock,
        entropy=around.entropy,
        follow=around.follow,
    )
    return CapfServer(
        around.node.endpoints(ServiceName.CAPF)[0],
        enrolment,
        around.recorder(ServiceName.CAPF),
        around.entropy,
        policy=around.policy(),
        limits=around.limits(_capf_idle_s(around)),
        mischief=around.mischief(ServiceName.CAPF),
    )


def _capf_idle_s(around: Surroundings) -> float:
    """Return how long CAPF waits for a silent phone: what `utils capf` set, else the settings."""
    set_minutes = around.view.replica.service_parameter(
        ServiceName.CAPF.value, "KeepAliveTimer", around.node.name
    )
    if set_minutes is None or not (set_minutes.isascii() and set_minutes.isdigit()):
        return around.settings.limits.capf_idle_timeout_s
    return float(set_minutes) * 60


async def _build_callmanager(around: Surroundings) -> Daemon:
    """Build SIP and SCCP, which know the same phones."""
    sip_tcp, sip_tls, sccp_tcp, sccp_tls = around.node.endpoints(ServiceName.CALLMANAGER)
    recorder = around.recorder(ServiceName.CALLMANAGER)
    mischief = around.mischief(ServiceName.CALLMANAGER)
    identity, policy = around.identity(Unit.CALLMANAGER), around.policy(asks=True)
    node, registrations, clock = around.node, around.registrations, around.clock
    sip = SipSurroundings(
        node.name,
        node.address,
        around.release,
        registrations,
        clock,
        around.entropy,
        _sip_limits(around),
        mischief,
    )
    sccp = SccpSurroundings(
        node.name, around.view, registrations, clock, _sccp_limits(around), mischief
    )
    return DaemonGroup(
        ServiceName.CALLMANAGER.value,
        (
            SipServer(sip, recorder, tcp=sip_tcp, tls=sip_tls, identity=identity, policy=policy),
            SccpServer(
                sccp, recorder, tcp=sccp_tcp, tls=sccp_tls, identity=identity, policy=policy
            ),
        ),
    )


def _sip_limits(around: Surroundings) -> SipLimits:
    given = around.settings.limits
    return SipLimits(
        connections=given.registration_connections,
        handshake_s=given.handshake_timeout_s,
        idle_s=_longest_silence(around, "SIP"),
        message_s=given.registration_message_timeout_s,
        burst=given.registration_burst,
        rate=given.registration_rate,
        message=StreamLimits(line=given.sip_head // 4, head=given.sip_head, body=given.sip_body),
    )


def _sccp_limits(around: Surroundings) -> SccpLimits:
    given = around.settings.limits
    return SccpLimits(
        connections=given.registration_connections,
        handshake_s=given.handshake_timeout_s,
        idle_s=_longest_silence(around, "SCCP"),
        message_s=given.registration_message_timeout_s,
        burst=given.registration_burst,
        rate=given.registration_rate,
    )


def _longest_silence(around: Surroundings, protocol: str) -> float:
    """Return how long a phone may say nothing: its keepalive must come first."""
    interval_s = around.registrations.keepalive_s(protocol)
    return max(around.settings.limits.registration_idle_timeout_s, interval_s + _KEEPALIVE_LATE_S)


async def _build_web(around: Surroundings) -> Daemon:
    units = [Unit.TOMCAT]
    if around.view.replica.has_signer(around.node.name, Unit.TOMCAT_ECDSA.value):
        units.append(Unit.TOMCAT_ECDSA)
    return WebServer(
        around.node.endpoints(ServiceName.WEB)[0],
        directory_app(partial(_directory, around.view)),
        [around.identity(unit) for unit in units],
        around.policy(),
        AsgiLimits(
            connections=around.settings.limits.connections,
            request_s=around.settings.limits.idle_timeout_s,
            handshake_s=around.settings.limits.handshake_timeout_s,
            head=around.settings.limits.http_head,
        ),
        WebWatch(
            around.recorder(ServiceName.WEB),
            around.mischief(ServiceName.WEB),
            partial(_phone_at, around),
        ),
        around.clock.now,
    )


def _phone_at(around: Surroundings, address: str) -> str | None:
    """Return the phone registered from an address; None where none or several are."""
    held = around.registrations.held.values()
    names = [each.device_name for each in held if each.address == address]
    return names[0] if len(names) == 1 else None


async def _build_ssh(around: Surroundings) -> Daemon:
    given, release = around.settings.limits, around.release
    path = around.settings.cluster.data_directory / f"{around.node.name}.ssh_host_key"
    return SshServer(
        around.node.endpoints(ServiceName.SSH)[0],
        around.command_line,
        await asyncio.to_thread(host_key, path, entropy=stream_of(around.entropy, "ssh")),
        SshLimits(given.ssh_connections, given.ssh_login_timeout_s, server_version(release)),
    )


def _directory(view: View) -> Iterator[DirectoryEntry]:
    """Yield the lines of all phones, each under the name that others see."""
    for device in view.replica.devices.values():
        for line in device.lines:
            yield DirectoryEntry(line.display or line.label or device.description, line.number)


def _ctl_file(around: Surroundings) -> bytes | None:
    """Return the node's CTL as it lies there now; None when there is none."""
    held = around.view.replica.tftp_file(CTL_FILENAME, around.node.name)
    return None if held is None else held.data
