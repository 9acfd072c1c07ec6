"""Builds the services of a node: what each is made of, taken from the view at that moment."""

from collections.abc import Iterator, Mapping
from functools import partial

from cucmsim.cluster.fileservices import build_http, build_tftp
from cucmsim.cluster.logs import trace_for
from cucmsim.cluster.node import Builder
from cucmsim.cluster.ports import ServiceName
from cucmsim.cluster.surroundings import Surroundings
from cucmsim.daemons.base import Daemon
from cucmsim.daemons.capfd import CAPF_LIMITS, CapfServer
from cucmsim.daemons.sipd import SipServer, SipSurroundings
from cucmsim.daemons.tvsd import TvsServer
from cucmsim.daemons.webd import WebServer
from cucmsim.errors import StartError
from cucmsim.formats.trustlist import CTL_FILENAME
from cucmsim.pki.profiles import Unit
from cucmsim.services.enrolment import Enrolment
from cucmsim.services.parameters import is_true
from cucmsim.services.verification import Verification
from cucmsim.services.view import View
from cucmsim.web.directory import DirectoryEntry, directory_app

__all__ = ["Surroundings", "builders_of"]


def builders_of(around: Surroundings) -> Mapping[ServiceName, Builder]:
    """Return the builders of the services that the node runs, in the order they are started."""
    known: dict[ServiceName, Builder] = {
        ServiceName.TVS: partial(_build_tvs, around),
        ServiceName.CAPF: partial(_build_capf, around),
        ServiceName.TFTP: partial(build_tftp, around),
        ServiceName.HTTP: partial(build_http, around),
        ServiceName.CALLMANAGER: partial(_build_callmanager, around),
        ServiceName.WEB: partial(_build_web, around),
    }
    return {service: known[service] for service in known if service in around.node.services}


async def _build_tvs(around: Surroundings) -> Daemon:
    node, view = around.node.name, around.view
    trace = trace_for(ServiceName.TVS.value, node)
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
        )
    except StartError:
        verification.close()
        raise


async def _build_capf(around: Surroundings) -> Daemon:
    enrolment = Enrolment(
        around.node.name, around.store, around.view, clock=around.clock, entropy=around.entropy
    )
    return CapfServer(
        around.node.endpoints(ServiceName.CAPF)[0],
        enrolment,
        around.recorder(ServiceName.CAPF),
        around.entropy,
        policy=around.policy(),
        limits=around.limits(CAPF_LIMITS.idle_s),
    )


async def _build_callmanager(around: Surroundings) -> Daemon:
    tcp, tls = around.node.endpoints(ServiceName.CALLMANAGER)
    return SipServer(
        SipSurroundings(
            around.node.name,
            around.node.address,
            around.settings.cluster.release,
            around.registrations,
            around.clock,
            around.entropy,
        ),
        around.recorder(ServiceName.CALLMANAGER),
        tcp=tcp,
        tls=tls,
        identity=around.identity(Unit.CALLMANAGER),
        policy=around.policy(asks=True),
    )


async def _build_web(around: Surroundings) -> Daemon:
    units = [Unit.TOMCAT]
    if around.view.replica.has_signer(around.node.name, Unit.TOMCAT_ECDSA.value):
        units.append(Unit.TOMCAT_ECDSA)
    return WebServer(
        around.node.endpoints(ServiceName.WEB)[0],
        directory_app(partial(_directory, around.view)),
        [around.identity(unit) for unit in units],
        around.policy(),
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
