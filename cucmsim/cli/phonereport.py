"""What `cucmsim phone` says of a phone: what it holds, what it accepted and how, where it is."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from cucmsim.errors import FormatError
from cucmsim.formats.names import decode_text, format_name
from cucmsim.formats.trustlist import decode_trust_list
from cucmsim.phone.config import parse_configuration
from cucmsim.phone.flash import Flash
from cucmsim.phone.summary import AcceptedFile, BootSummary
from cucmsim.phone.values import Certified, FileKind, TrustSource
from cucmsim.pki.certificates import load_certificate
from cucmsim.pki.digests import Digest

__all__ = ["FlashReport", "boot_lines", "flash_lines", "flash_report", "has_configuration"]

_WIDTH = 14


@dataclass(frozen=True, slots=True)
class ListReport:
    """A trust list; `signer` is empty when the list cannot be read, `sha1` in upper-case pairs."""

    size: int
    sha1: str
    signer: str
    records: int
    timestamp: datetime | None


@dataclass(frozen=True, slots=True)
class ConfigurationReport:
    """The configuration in force, and the servers it names."""

    size: int
    version_stamp: str
    call_managers: tuple[str, ...]
    tvs_servers: tuple[str, ...]
    capf_servers: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CertificateReport:
    """A LSC or MIC."""

    subject: str
    issuer: str
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class FlashReport:
    """What a phone holds; None where it holds none."""

    ctl: ListReport | None
    itl: ListReport | None
    configuration: ConfigurationReport | None
    lsc: CertificateReport | None
    mic: CertificateReport | None


def flash_report(flash: Flash) -> FlashReport:
    """Return what `flash` holds."""
    return FlashReport(
        _list_report(flash.ctl),
        _list_report(flash.itl),
        _configuration_report(flash.config),
        _certificate_report(flash.lsc),
        _certificate_report(flash.mic),
    )


def flash_lines(report: FlashReport) -> Iterator[str]:
    """Return what a phone holds, in lines."""
    for name, held in (("CTL", report.ctl), ("ITL", report.itl)):
        yield _line(name, "none" if held is None else _list_text(held))
    configuration = report.configuration
    if configuration is None:
        yield _line("configuration", "none")
    else:
        stamp = configuration.version_stamp or "none"
        yield _line("configuration", f"{configuration.size} bytes, version stamp {stamp}")
        yield _line("CallManager", ", ".join(configuration.call_managers) or "none")
        yield _line("TVS", ", ".join(configuration.tvs_servers) or "none")
    for name, certificate in (("LSC", report.lsc), ("MIC", report.mic)):
        yield _line(name, "none" if certificate is None else _certificate_text(certificate))


def boot_lines(summary: BootSummary) -> Iterator[str]:
    """Return what a boot led to, in lines."""
    for accepted in _last_of_each(summary.accepted):
        yield _line("accepted", f"{accepted.name}: {_how(accepted)}")
    for refused in summary.refused:
        yield _line("refused", f"{refused.name}: {refused.reason}")
    yield _line("registered", _where(summary))


def _where(summary: BootSummary) -> str:
    """Say with which node a phone is registered, over what, as what and for how long."""
    if summary.registered is None:
        return f"no: {summary.failure}"
    told = summary.registration
    if told is None or not told.transport:
        return f"with {summary.registered}"
    name = f" as {told.number}" if told.number else ""
    how = f"over {told.transport}{name}, expires in {told.expires_s} s"
    return f"with {told.server} {how}"


def _last_of_each(files: tuple[AcceptedFile, ...]) -> list[AcceptedFile]:
    """Return one entry a name: a configuration that was fetched again counts once."""
    return list({each.name: each for each in files}.values())


def _how(accepted: AcceptedFile) -> str:
    if not accepted.is_new:
        return "the one it held"
    if accepted.tls_server:
        return f"unsigned, over HTTPS from {accepted.tls_server}, whose certificate is trusted"
    if accepted.source is None:
        return "unsigned"
    if accepted.source is TrustSource.BLIND:
        return f"blindly, signed by {accepted.signer}"
    return f"by {accepted.source}, signed by {accepted.signer}"


def _line(label: str, text: str) -> str:
    return f"  {label:<{_WIDTH}} {text}"


def _list_text(held: ListReport) -> str:
    signer = f"signed by {held.signer}" if held.signer else "damaged"
    return f"{held.size} bytes, SHA-1 {held.sha1}, {signer}"


def _certificate_text(certificate: CertificateReport) -> str:
    until = f"{certificate.valid_until:%Y-%m-%d}"
    return f"{certificate.subject}, issued by {certificate.issuer}, valid until {until}"


def _list_report(data: bytes | None) -> ListReport | None:
    if data is None:
        return None
    sha1 = Digest.SHA1.hash(data).hex(" ").upper()
    try:
        trust_list = decode_trust_list(data)
        header = trust_list.header
        signer = decode_text(header.signer.name)
    except FormatError:
        return ListReport(len(data), sha1, "", 0, None)
    return ListReport(len(data), sha1, signer, len(trust_list.records), header.modified)


def _configuration_report(data: bytes | None) -> ConfigurationReport | None:
    if data is None:
        return None
    try:
        values = parse_configuration(data)
    except FormatError:
        return ConfigurationReport(len(data), "", (), (), (), ())
    return ConfigurationReport(
        len(data),
        values.version_stamp,
        tuple(member.process_node_name for member in values.call_managers),
        tuple(f"{server.address}:{server.port}" for server in values.tvs_servers),
        tuple(f"{server.address}:{server.port}" for server in values.capf_servers),
        tuple(line.number for line in values.lines),
    )


def _certificate_report(certified: Certified | None) -> CertificateReport | None:
    if certified is None:
        return None
    certificate = load_certificate(certified.certificate_der)
    return CertificateReport(
        format_name(certificate.subject),
        format_name(certificate.issuer),
        certificate.not_valid_after_utc,
    )


def has_configuration(summary: BootSummary) -> bool:
    """Tell whether a boot put a configuration in force."""
    return any(each.kind is FileKind.CONFIG for each in summary.accepted)
