"""What happens inside a phone, as sentences a stranger understands; and exchanges, a line each.

`told` has what a decision hangs on; `told_besides` the rest of what is worth a line. Everything
else is in the phone's console log.
"""

from collections.abc import Mapping
from functools import singledispatch
from types import MappingProxyType
from typing import Final

from cucmsim.cluster.journalapi import EventReport
from cucmsim.formats.roles import role_name
from cucmsim.phone.events import (
    CapfFinished,
    CapfSkipped,
    CapfStarted,
    CertificateHashMismatch,
    ConfigurationAccepted,
    ConfigurationDecrypted,
    ConfigurationKept,
    DeviceTlInfo,
    DhcpAnswered,
    DhcpTimedOut,
    DirectoryAnswered,
    DownloadFailed,
    DownloadFinished,
    HttpsAuthenticated,
    HttpsNotInTrustList,
    HttpsRefused,
    Registering,
    RegistrationFailed,
    RegistrationLost,
    RegistrationSucceeded,
    RequestRetransmitted,
    ResetReceived,
    TrustListKept,
    TrustListMissing,
    TrustListRefused,
    TrustListsErased,
    TrustListVerified,
    TvsAnswerReceived,
    TvsCached,
    TvsCacheSearched,
    TvsConnected,
    TvsFailed,
    TvsGivenUp,
    TvsServerRefused,
    TvsServerVerified,
    TvsStarted,
    VerificationFailed,
)
from cucmsim.phone.values import Purpose, TrustSource

__all__ = ["exchange_line", "told", "told_besides"]

_SOURCES: Final[Mapping[TrustSource, str]] = MappingProxyType(
    {
        TrustSource.BLIND: "it holds no trust list, so it believes the first one (leap of faith)",
        TrustSource.CTL: "whoever signed it stands in the CTL that the phone holds",
        TrustSource.ITL: "whoever signed it stands in the ITL that the phone holds",
        TrustSource.TVS_CACHE: "TVS has vouched for whoever signed it before (TVS cache)",
        TrustSource.TVS: "TVS vouches for whoever signed it",
    }
)
_SUBJECTS: Final[Mapping[Purpose, str]] = MappingProxyType(
    {
        Purpose.TRUST_LIST: "who signed the trust list",
        Purpose.SIGNED_FILE: "who signed the file",
    }
)
_KNOWN: Final[Mapping[TrustSource, str]] = MappingProxyType(
    {
        TrustSource.CTL: "it stands in the CTL",
        TrustSource.ITL: "it stands in the ITL",
        TrustSource.TVS_CACHE: "TVS has vouched for it before (TVS cache)",
        TrustSource.TVS: "TVS vouches for it",
    }
)
_STATUS_DONE: Final = 0


def exchange_line(exchange: EventReport) -> str:
    """Return what was asked and what was answered."""
    asked = f"{exchange.request} -> {exchange.answer}".replace("\n", "\\n").replace("\r", "\\r")
    fault = f"  [fault: {exchange.fault}]" if exchange.fault else ""
    return f"{exchange.service:<11} {asked}{fault}"


@singledispatch
def told(event: object) -> str | None:
    """Return the sentence for what a decision hangs on; None for anything else."""
    del event
    return None


@singledispatch
def told_besides(event: object) -> str | None:
    """Return the sentence for what is only worth a line to somebody who wants to know more."""
    del event
    return None


# trust lists and files


@told.register
def _(event: TrustListVerified) -> str:
    return f"takes the new {event.kind}{_signer(event.signer)}: {_SOURCES[event.source]}"


@told.register
def _(event: TrustListKept) -> str:
    return f"the {event.kind} is the one it holds already"


@told.register
def _(event: TrustListRefused) -> str:
    return f"refuses the new {event.kind}: {event.reason}; it keeps what it holds"


@told.register
def _(event: TrustListsErased) -> str:
    del event
    return "holds no trust list any more"


@told.register
def _(event: VerificationFailed) -> str:
    return f"refuses {event.name}: {event.reason}"


@told.register
def _(event: ConfigurationAccepted) -> str:
    if event.source is not None:
        why = _SOURCES[event.source]
    elif event.tls_server:
        why = f"unsigned, but over HTTPS from {event.tls_server}, which it trusts"
    else:
        why = "unsigned; a phone that holds no trust list has to take it"
    return f"takes the configuration{_signer(event.signer)}: {why}"


@told.register
def _(event: ConfigurationKept) -> str:
    if event.held:
        return "goes on with its old configuration, whatever is changed on the server"
    return f"has no configuration: {event.reason}"


@told.register
def _(event: ConfigurationDecrypted) -> str:
    return f"opens {event.name} with the key of its {'MIC' if event.with_mic else 'LSC'}"


@told.register
def _(event: CertificateHashMismatch) -> str:
    return f"the file was encrypted for another certificate ({event.expected[:16]}...)"


# TVS


@told.register
def _(event: TvsStarted) -> str:
    what = _SUBJECTS.get(event.purpose, f"the certificate shown by the {event.purpose}")
    return f"does not know {what}: asks TVS"


@told.register
def _(event: TvsCacheSearched) -> str | None:
    return "the TVS cache has the answer: asks nobody" if event.found else None


@told.register
def _(event: TvsServerRefused) -> str:
    server = f"{event.server.address}:{event.server.port}"
    return (
        f"hangs up on TVS at {server}: the certificate shown there is in none of its trust lists,"
        " so it asks nothing"
    )


@told.register
def _(event: TvsAnswerReceived) -> str:
    if event.status == _STATUS_DONE:
        roles = ", ".join(map(role_name, event.roles))
        return f"TVS knows the certificate{f' (good for {roles})' if roles else ''}"
    return f"TVS does not vouch for it (status {event.status})"


@told.register
def _(event: TvsFailed) -> str:
    return f"no answer from TVS at {event.server.address}:{event.server.port}: {event.reason}"


# other servers


@told.register
def _(event: HttpsNotInTrustList) -> str:
    return f"the certificate of {event.server} is in none of its trust lists"


@told.register
def _(event: HttpsAuthenticated) -> str:
    return f"trusts {event.server}: {_KNOWN.get(event.source, event.source)}"


@told.register
def _(event: HttpsRefused) -> str:
    return f"hangs up on {event.server}: {event.reason}"


@told.register
def _(event: CapfStarted) -> str:
    return f"visits CAPF at {event.server.address}:{event.server.port}: {event.why}"


@told.register
def _(event: CapfSkipped) -> str:
    return f"does not visit CAPF: {event.reason}"


@told.register
def _(event: CapfFinished) -> str:
    ended = "succeeded" if event.succeeded else "failed"
    return f"CAPF {event.what} {ended}{f': {event.detail}' if event.detail else ''}"


@told.register
def _(event: RegistrationSucceeded) -> str:
    how = f" over {event.transport}" if event.transport else ""
    return f"registers with {event.server}{how}{f' as {event.number}' if event.number else ''}"


@told.register
def _(event: RegistrationFailed) -> str:
    return f"cannot register: {event.reason}"


@told.register
def _(event: RegistrationLost) -> str:
    return f"loses {event.server}: {event.reason}"


@told.register
def _(event: ResetReceived) -> str:
    return f"is told to {event.kind} by CallManager"


@told.register
def _(event: DhcpTimedOut) -> str:
    del event
    return "no DHCP server answers"


# for whoever wants to know more


@told_besides.register
def _(event: TrustListMissing) -> str:
    return f"the server has no {event.kind}"


@told_besides.register
def _(event: DownloadFinished) -> str:
    return f"has {event.name} from {event.server} over {event.transport}: {event.size} bytes"


@told_besides.register
def _(event: DownloadFailed) -> str:
    why = event.status_line or event.text or str(event.failure)
    return f"does not get {event.name} from {event.server} over {event.transport}: {why}"


@told_besides.register
def _(event: RequestRetransmitted) -> str:
    return f"asks for {event.name} again ({event.count})"


@told_besides.register
def _(event: TvsConnected) -> str:
    return f"is connected to TVS at {event.server.address}:{event.server.port}"


@told_besides.register
def _(event: TvsServerVerified) -> str:
    return f"knows this TVS: {_KNOWN.get(event.source, event.source)}"


@told_besides.register
def _(event: TvsCached) -> str:
    return f"remembers the answer for {event.time_to_live_s} s"


@told_besides.register
def _(event: TvsGivenUp) -> str:
    return f"nobody vouches: {event.reason}"


@told_besides.register
def _(event: DirectoryAnswered) -> str:
    return f"has the page {event.url}"


@told_besides.register
def _(event: Registering) -> str:
    return f"registers by {event.protocol} with {', '.join(event.members)}"


@told_besides.register
def _(event: DeviceTlInfo) -> str:
    held = [
        f"{kind} {'none' if sha1 is None else sha1.hex()[:12] + '...'}"
        for kind, sha1 in (("CTL", event.ctl_sha1), ("ITL", event.itl_sha1))
    ]
    return f"reports what it holds (SHA-1): {', '.join(held)}"


@told_besides.register
def _(event: DhcpAnswered) -> str:
    del event
    return "has its address and TFTP servers from DHCP"


def _signer(subject: str) -> str:
    """Return who signed, by common name."""
    return f", signed by {subject.partition(';')[0]}" if subject else ""
