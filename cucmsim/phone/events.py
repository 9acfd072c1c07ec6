"""What happens inside a phone, one value for each line or fixed group of lines of its console log.

Events name things, not texts: `texts79xx` and `texts78xx` put them into the words of each
generation, `phone.md` 3.3 and 3.4 and seeds 000 and 002 being the sources. The machines of this
package give most of them; those marked (I/O) come from whoever carries out the steps. The classes
stand in `fileevents` and `peerevents`.
"""

from typing import TypeAlias

from cucmsim.phone.dhcpevents import (
    DhcpAnswered,
    DhcpAsked,
    DhcpOffered,
    DhcpRefused,
    DhcpTimedOut,
)
from cucmsim.phone.fileevents import (
    BootStarted,
    CacheFlushed,
    CertificateHashMismatch,
    ConfigurationAccepted,
    ConfigurationDecrypted,
    ConfigurationKept,
    DownloadFailed,
    DownloadFinished,
    DownloadStarted,
    FileApproved,
    RequestRetransmitted,
    RequestSent,
    ServerSecurity,
    SignatureVerified,
    TrustListKept,
    TrustListMissing,
    TrustListRefused,
    TrustListsErased,
    TrustListsSearched,
    TrustListsSummarised,
    TrustListUpdated,
    TrustListVerified,
    VerificationFailed,
)
from cucmsim.phone.moreevents import DirectoryAnswered
from cucmsim.phone.peerevents import (
    CapfFinished,
    CapfSkipped,
    CapfStarted,
    DeviceCertificateUsed,
    DeviceTlInfo,
    DirectoryRequested,
    HttpsAuthenticated,
    HttpsConnected,
    HttpsConnecting,
    HttpsNotInTrustList,
    HttpsRefused,
    Registering,
    RegistrationFailed,
    RegistrationLost,
    RegistrationSucceeded,
    ResetReceived,
    TlsHandshakeWaited,
    TvsAnswerReceived,
    TvsCached,
    TvsCacheSearched,
    TvsConnected,
    TvsConnecting,
    TvsFailed,
    TvsGivenUp,
    TvsRequestSent,
    TvsServerRefused,
    TvsServerVerified,
    TvsStarted,
)

__all__ = [
    "BootStarted",
    "CacheFlushed",
    "CapfFinished",
    "CapfSkipped",
    "CapfStarted",
    "CertificateHashMismatch",
    "ConfigurationAccepted",
    "ConfigurationDecrypted",
    "ConfigurationKept",
    "DeviceCertificateUsed",
    "DeviceTlInfo",
    "DhcpAnswered",
    "DhcpAsked",
    "DhcpOffered",
    "DhcpRefused",
    "DhcpTimedOut",
    "DirectoryAnswered",
    "DirectoryRequested",
    "DownloadFailed",
    "DownloadFinished",
    "DownloadStarted",
    "Event",
    "FileApproved",
    "HttpsAuthenticated",
    "HttpsConnected",
    "HttpsConnecting",
    "HttpsNotInTrustList",
    "HttpsRefused",
    "Registering",
    "RegistrationFailed",
    "RegistrationLost",
    "RegistrationSucceeded",
    "RequestRetransmitted",
    "RequestSent",
    "ResetReceived",
    "ServerSecurity",
    "SignatureVerified",
    "TlsHandshakeWaited",
    "TrustListKept",
    "TrustListMissing",
    "TrustListRefused",
    "TrustListUpdated",
    "TrustListVerified",
    "TrustListsErased",
    "TrustListsSearched",
    "TrustListsSummarised",
    "TvsAnswerReceived",
    "TvsCacheSearched",
    "TvsCached",
    "TvsConnected",
    "TvsConnecting",
    "TvsFailed",
    "TvsGivenUp",
    "TvsRequestSent",
    "TvsServerRefused",
    "TvsServerVerified",
    "TvsStarted",
    "VerificationFailed",
]

Event: TypeAlias = (
    DhcpAsked
    | DhcpOffered
    | DhcpRefused
    | DhcpAnswered
    | DhcpTimedOut
    | BootStarted
    | DownloadStarted
    | ServerSecurity
    | FileApproved
    | RequestSent
    | RequestRetransmitted
    | DownloadFinished
    | DownloadFailed
    | TrustListMissing
    | TrustListVerified
    | TrustListUpdated
    | TrustListKept
    | TrustListRefused
    | TrustListsSummarised
    | TrustListsErased
    | CacheFlushed
    | TrustListsSearched
    | SignatureVerified
    | VerificationFailed
    | ConfigurationAccepted
    | ConfigurationKept
    | CertificateHashMismatch
    | ConfigurationDecrypted
    | TvsStarted
    | TvsCacheSearched
    | TvsConnecting
    | DeviceCertificateUsed
    | TlsHandshakeWaited
    | TvsConnected
    | TvsServerVerified
    | TvsServerRefused
    | TvsRequestSent
    | TvsAnswerReceived
    | TvsCached
    | TvsFailed
    | TvsGivenUp
    | DirectoryRequested
    | DirectoryAnswered
    | HttpsConnecting
    | HttpsConnected
    | HttpsNotInTrustList
    | HttpsAuthenticated
    | HttpsRefused
    | CapfStarted
    | CapfSkipped
    | CapfFinished
    | Registering
    | RegistrationSucceeded
    | RegistrationFailed
    | RegistrationLost
    | ResetReceived
    | DeviceTlInfo
)
