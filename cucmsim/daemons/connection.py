"""One connection, TLS or plain, of a stream server: deadlines, decisions that wait, an orderly end.

Runs on asyncio and uvloop alike. A client can be silent, slow, mad or gone; whatever it does ends
this connection only, and one log line says how it ended and how long it took.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Protocol, cast

from cryptography import x509
from structlog.typing import FilteringBoundLogger

from cucmsim.daemons.conversation import (
    SERVER_ABORTED,
    SERVER_STOPPED,
    Arrival,
    Conversation,
    ConversationFactory,
    Limits,
    PeerInfo,
    Recorder,
)
from cucmsim.daemons.mischief import Welcome, reset
from cucmsim.daemons.plain import PlainChannel
from cucmsim.daemons.taps import StreamTap, tap_stream
from cucmsim.daemons.tls import TlsChannel
from cucmsim.errors import RemoteProtocolError
from cucmsim.services.capture import Sender

__all__ = ["Connection", "Home"]

_LINGER_S = 5.0


class Home(Protocol):
    """What a connection needs of the server it belongs to."""

    factory: ConversationFactory
    recorder: Recorder
    limits: Limits
    log: FilteringBoundLogger

    def welcome(self, address: str) -> Welcome:
        """Decide how a client at `address` is taken."""
        ...

    def admit(self, connection: "Connection") -> int | None:
        """Count `connection` in and return its number; None when there are too many."""
        ...

    def forget(self, connection: "Connection") -> None:
        """Count `connection` out."""
        ...


class Connection(asyncio.Protocol):
    """Drives one conversation; belongs to its server."""

    _transport: asyncio.Transport
    _arrival: Arrival
    _conversation: Conversation

    def __init__(self, home: Home) -> None:
        self._home = home
        self._welcome = Welcome(None)
        self._channel: PlainChannel | TlsChannel = PlainChannel()
        self._loop = asyncio.get_running_loop()
        # durations by the clock: uvloop's own time stands still while a callback runs
        self._now = home.recorder.clock.monotonic
        self._started = self._now()
        self._progress = self._loop.time()
        self._admitted = False
        self._peer: PeerInfo | None = None
        self._request_began: float | None = None
        self._requests = 0
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._outcome: str | None = None
        self._failed = False
        self._draining = False
        self._lost = False
        self._tap = StreamTap()

    # what the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Admit the client, or turn it away when there are too many."""
        self._transport = cast("asyncio.Transport", transport)
        address, port = (transport.get_extra_info("peername") or ("", 0))[:2]
        number = self._home.admit(self)
        if number is None:
            self._outcome = "turned away"
            self._home.log.warning("connection refused", peer=f"{address}:{port}")
            self._transport.abort()
            return
        self._welcome = welcome = self._home.welcome(address)
        self._channel = TlsChannel(welcome.context) if welcome.context else PlainChannel()
        self._tap = tap_stream(self._home.recorder.tap, self._transport, bool(welcome.context))
        descriptor = transport.get_extra_info("socket").fileno()
        ours = self._wake, self._settle, self._reset
        self._arrival = Arrival(number, address, port, descriptor, *ours)
        self._conversation = self._home.factory(self._arrival, self._record)
        self._admitted = True
        self._arm(self._home.limits.handshake_s)
        if welcome.is_reset:
            self._reset_now("reset")
        elif welcome.context is None:
            self._guarded(self._go_on)

    def data_received(self, data: bytes) -> None:
        """Take bytes of the client."""
        self._tap.received(data)
        if self._outcome is None:
            self._channel.feed(data)
            self._guarded(self._go_on)

    def eof_received(self) -> None:
        """Take note that the client closed its side, under TLS without the close alert."""
        self._tap.finished_by(Sender.CLIENT)
        if self._task is None:
            outcome = "connection cut" if self._welcome.context else "closed by peer"
            self._guarded(lambda: self._end_of_input(outcome))

    def connection_lost(self, exc: Exception | None) -> None:
        """Finish, at once or when the decision under way is taken."""
        self._lost = True
        self._tap.lost(exc)
        if self._admitted and self._outcome is None and self._task is None:
            self._end_of_input("connection cut" if exc is None else f"connection lost ({exc})")
        if self._admitted and self._task is None:
            self._finish()

    def pause_writing(self) -> None:
        """Read nothing more from a client that does not read."""
        if not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on reading."""
        if self._task is None and not self._transport.is_closing():
            self._transport.resume_reading()

    # what the server calls

    def drain(self) -> None:
        """Close as soon as no request is under way."""
        self._draining = True
        if self._request_began is None and self._task is None:
            self._close(SERVER_STOPPED)

    def abort(self) -> None:
        """Close at once, whatever is under way."""
        if self._outcome is None:
            self._outcome, self._failed = SERVER_ABORTED, True
        if self._task is not None:
            self._task.cancel()
        self._transport.abort()

    # what the conversation calls

    def _wake(self) -> None:
        """Ask the conversation soon what it has to say or to decide."""
        self._loop.call_soon(self._woken)

    def _woken(self) -> None:
        if self._outcome is None and self._task is None and self._peer is not None:
            self._guarded(self._advance)

    def _settle(self) -> None:
        """Take note that no part of a request is held."""
        self._request_began = None

    def _reset(self, why: str) -> None:
        """Reset the connection soon: what is to be written now goes before."""
        self._loop.call_soon(self._reset_now, why)

    def _reset_now(self, why: str) -> None:
        if self._outcome is None:
            self._outcome, self._failed = why, True
            reset(self._transport)

    # the inside

    def _guarded(self, step: Callable[[], None]) -> None:
        """Do `step`; whatever goes wrong in it ends this connection only."""
        try:
            step()
        except RemoteProtocolError as error:
            self._give_up(str(error))
        except Exception:
            self._home.log.exception("internal error", peer=str(self._arrival))
            self._give_up("internal error")

    def _go_on(self) -> None:
        """Do all that the bytes received so far allow."""
        if self._channel.established or self._shake_hands():
            self._read_all()
        else:
            self._flush()

    def _shake_hands(self) -> bool:
        """Go on with the TLS handshake; return whether it is done."""
        channel, arrival = self._channel, self._arrival
        if not channel.handshake():
            return False
        self._peer = PeerInfo(
            arrival.address,
            arrival.port,
            channel.version,
            channel.cipher,
            channel.peer_certificate,
        )
        self._made_progress()
        self._arm(self._home.limits.idle_s)
        self._flush()
        self._conversation.on_handshake(self._peer)
        self._advance()
        return True

    def _read_all(self) -> None:
        """Hand decrypted bytes to the conversation until there are no more, or it must wait."""
        while self._task is None and self._outcome is None:
            data = self._channel.read()
            if not data:
                if self._channel.closed_by_peer:
                    self._end_of_input("closed by peer")
                return
            self._tap.read(data)
            if self._request_began is None:
                self._request_began = self._now()
            self._conversation.receive_data(data)
            self._advance()

    def _advance(self) -> None:
        """Let the conversation decide, and write what it has to say."""
        work = self._conversation.decide()
        if work is not None:
            self._made_progress()
            self._transport.pause_reading()
            self._task = self._loop.create_task(self._wait_for(work))
            return
        self._send()
        if self._conversation.closed:
            self._close("done")
        elif self._draining and self._request_began is None:
            self._close(SERVER_STOPPED)

    async def _wait_for(self, work: Coroutine[None, None, None]) -> None:
        """Await a decision, then go on where reading stopped."""
        try:
            await work
        except RemoteProtocolError as error:
            self._give_up(str(error))
        except Exception:
            self._home.log.exception("internal error", peer=str(self._arrival))
            self._give_up("internal error")
        finally:
            self._task = None
            if self._lost:
                self._guarded(self._advance_without_client)
                self._finish()
            elif self._outcome is None:
                self._guarded(self._resume)

    def _resume(self) -> None:
        """Go on after a decision that had to wait."""
        self._made_progress()
        self._transport.resume_reading()
        self._advance()
        self._go_on()

    def _advance_without_client(self) -> None:
        """Note how it ended for a client that left while a decision was taken."""
        if self._outcome is None:
            self._end_of_input("connection lost")

    def _send(self) -> None:
        """Write each message as one TLS record with one write."""
        for message in self._conversation.data_to_send():
            self._made_progress()
            self._channel.write(message)
            self._tap.told(message)
            self._flush()

    def _flush(self) -> None:
        """Write what TLS has to send."""
        output = self._channel.output()
        if output and not self._lost:
            self._transport.write(output)
            self._tap.sent(output)

    def _record(self, device: str | None, request: str, answer: str, fault: str = "") -> None:
        """Put a finished request into the journal."""
        began = self._started if self._request_began is None else self._request_began
        self._requests += 1
        self._request_began = None
        elapsed_ms = (self._now() - began) * 1000
        told = fault or self._welcome.fault
        self._home.recorder.record(str(self._arrival), device, request, answer, elapsed_ms, told)

    # deadlines

    def _made_progress(self) -> None:
        self._progress = self._loop.time()

    def _arm(self, delay_s: float) -> None:
        """Set the one timer of this connection."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(delay_s, self._expired)

    def _expired(self) -> None:
        """Look whether the client was too slow, or only this timer too early."""
        limits = self._home.limits
        if self._outcome is not None:
            self._transport.abort()
            return
        if not self._channel.established:
            self._give_up(f"no TLS handshake within {limits.handshake_s:g} s")
            return
        left_s = limits.idle_s
        if self._task is None:
            left_s += self._progress - self._loop.time()
        if left_s > 0:
            self._arm(left_s)
        elif self._request_began is not None:
            self._give_up(f"no complete request within {limits.idle_s:g} s")
        else:
            self._close(f"idle for {limits.idle_s:g} s")

    # the end

    def _end_of_input(self, outcome: str) -> None:
        """End because the client did: a failure if it had begun something."""
        if not self._channel.established:
            self._give_up(f"{outcome} during the TLS handshake")
        elif self._request_began is not None:
            self._give_up(f"{outcome} in the middle of a request")
        else:
            self._close(outcome)

    def _give_up(self, reason: str) -> None:
        """Close because of something the client did wrong."""
        if self._outcome is None:
            self._failed = True
            self._send()
            self._close(reason)

    def _close(self, outcome: str) -> None:
        """Close in order, TLS before TCP; a client that does not read gets `_LINGER_S` for it."""
        if self._outcome is not None:
            return
        self._outcome = outcome
        self._channel.close()
        self._flush()
        if not self._lost:
            self._arm(_LINGER_S)
            self._tap.finished_by(Sender.SERVER)
            self._transport.close()

    def _finish(self) -> None:
        """Log the connection and forget it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        outcome = self._outcome or "lost"
        told = self._conversation.on_end(outcome) or {}
        elapsed_ms = (self._now() - self._started) * 1000
        if (self._failed or self._welcome.fault) and not self._requests:
            self._record(self._welcome.device, "connection", outcome)
        log = self._home.log.warning if self._failed else self._home.log.info
        log(
            "connection finished",
            peer=str(self._arrival),
            **_shown(self._peer),
            requests=self._requests,
            milliseconds=round(elapsed_ms, 3),
            **{"outcome": outcome, **told},
        )
        self._home.forget(self)


def _shown(peer: PeerInfo | None) -> dict[str, str]:
    """Return what the handshake told of a client, as far as there is anything."""
    if peer is None:
        return {}
    told = {"tls": peer.tls_version, "cipher": peer.cipher, "client": _subject(peer.certificate)}
    return {name: text for name, text in told.items() if text}


def _subject(certificate: x509.Certificate | None) -> str | None:
    """Return the name in a client certificate, which may be anybody's work."""
    if certificate is None:
        return None
    try:
        return certificate.subject.rfc4514_string()
    except ValueError:
        return "unreadable"
