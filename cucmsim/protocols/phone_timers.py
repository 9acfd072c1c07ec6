"""The timers of a registering phone, by protocol, in seconds."""

from dataclasses import dataclass

__all__ = ["SccpTimers", "SipTimers"]


@dataclass(frozen=True, slots=True)
class SipTimers:
    """Those of the configuration file, and the wait for check-version.

    `version_wait_s` None does not wait, as it is not known of newer phones.
    """

    delta_s: int = 5
    keepalive_s: int = 120
    version_wait_s: float | None = None


@dataclass(frozen=True, slots=True)
class SccpTimers:
    """Of a keepalive where no server told it, of an answer, of a wait after failure."""

    keepalive_s: float = 30.0
    answer_s: float = 10.0
    retry_s: float = 30.0
