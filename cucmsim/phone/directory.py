"""The directory button: the phone fetches its directory over HTTPS and shows it.

    screen = await browser.press(configuration.urls)
    screen = await browser.choose(1)
    screen = await browser.search({"n": "20"})

The server's certificate is judged by `decide` while the connection waits: trust lists, cache, TVS.
What cannot be had is a screen too, `Host Not Found` where the server is not there or not trusted.
The secured URL is used where there is one. No two pages are fetched at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias
from urllib.parse import SplitResult, urlsplit

from cucmsim.errors import FormatError
from cucmsim.formats.phonevalues import Endpoint, PhoneUrls
from cucmsim.phone.directorypages import (
    PAGE_LIMIT,
    DirectoryScreen,
    named_url,
    parse_page,
    search_url,
    with_parameters,
)
from cucmsim.phone.events import DirectoryRequested, Event, HttpsConnected, HttpsConnecting
from cucmsim.phone.http import HttpResult, exchange, exchange_plain
from cucmsim.phone.link import Link, LinkError
from cucmsim.phone.lookup import Decision
from cucmsim.phone.moreevents import DirectoryAnswered
from cucmsim.phone.names import NameNotFoundError
from cucmsim.phone.performer import Network
from cucmsim.phone.steps import FetchFailure, NotFetched
from cucmsim.phone.trust import Accepted
from cucmsim.pki.certificates import certificate_der
from cucmsim.protocols.http_client import page_request

__all__ = ["Decide", "ServiceBrowser"]

Decide: TypeAlias = Callable[[str, bytes], Awaitable[Decision]]
"""Decides about the certificate (DER) that a server, by its address, showed."""

HOST_NOT_FOUND: Final = "Host Not Found"
PARSE_ERROR: Final = "XML Error [4]: Parse Error"
_AUTHORIZED: Final = b"AUTHORIZED"
_PORTS: Final = {"http": 80, "https": 443}


class _NoPageError(Exception):
    """No page came: what the screen says then."""

    def __init__(self, failure: str, reason: str, *, is_unreachable: bool = False) -> None:
        super().__init__(reason)
        self.screen = DirectoryScreen(failure=failure, reason=reason, is_unreachable=is_unreachable)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a URL leads: an address, a port, and what to ask for there."""

    is_secured: bool
    address: str
    port: int
    request: bytes


class ServiceBrowser:
    """The screen of one phone's services; `tell` is given the events of fetching."""

    def __init__(
        self, device_name: str, network: Network, tell: Callable[[Event], None], decide: Decide
    ) -> None:
        self._device_name = device_name
        self._network = network
        self._tell = tell
        self._decide = decide
        self._turn = asyncio.Lock()
        self.screen = DirectoryScreen()
        """What it shows now."""
        self.on_screen: Callable[[DirectoryScreen], None] | None = None
        """Is told each time it shows something else."""

    async def press(self, urls: PhoneUrls) -> DirectoryScreen:
        """Open the directory of `urls`."""
        url = urls.secure_directory or urls.directory
        if not url:
            reason = "no directory URL in the configuration"
            return self._show(DirectoryScreen(failure=HOST_NOT_FOUND, reason=reason))
        self._tell(DirectoryRequested(url))
        return await self.open(named_url(url, self._device_name))

    async def choose(self, number: int) -> DirectoryScreen:
        """Follow the `number`-th item, from 1, of the menu shown. Raises ValueError for none."""
        if not 0 < number <= len(self.screen.items):
            raise ValueError(f"item {number}; the menu has {len(self.screen.items)}")
        return await self.open(self.screen.items[number - 1].url)

    async def search(self, values: Mapping[str, str]) -> DirectoryScreen:
        """Fill the form shown with `values`, by parameter, and send it. Raises ValueError."""
        if not self.screen.target:
            raise ValueError("no form is shown")
        return await self.open(search_url(self.screen, values))

    async def open(self, url: str) -> DirectoryScreen:
        """Fetch and show a page."""
        try:
            data = await self._fetch(url)
            self._tell(DirectoryAnswered(url))
            screen = parse_page(data, url)
        except _NoPageError as error:
            screen = replace(error.screen, url=url)
        except FormatError as error:
            screen = DirectoryScreen(url=url, failure=PARSE_ERROR, reason=str(error))
        return self._show(screen)

    async def authorize(self, urls: PhoneUrls, user: str, password: str) -> bool:
        """Ask the authentication URL of `urls` whether `user` may control this phone."""
        url = urls.secure_authentication or urls.authentication
        if not url:
            return False
        asked = {"UserID": user, "Password": password, "devicename": self._device_name}
        try:
            return (await self._fetch(with_parameters(url, asked))).strip() == _AUTHORIZED
        except _NoPageError:
            return False

    def _show(self, screen: DirectoryScreen) -> DirectoryScreen:
        self.screen = screen
        if self.on_screen is not None:
            self.on_screen(screen)
        return screen

    async def _fetch(self, url: str) -> bytes:
        """Return what stands at `url`. Raises _NoPageError."""
        async with self._turn:
            place = await self._find(url)
            limit, patience, ends = PAGE_LIMIT, self._network.http, self._network.link.ends
            if place.is_secured:
                result = await self._fetch_secured(place)
            else:
                server = (place.address, place.port)
                result = await exchange_plain(server, place.request, limit, patience, ends)
        if isinstance(result, NotFetched):
            reason = result.text or result.status_line
            raise _NoPageError(_said(result), reason, is_unreachable=not result.status_line)
        return result.data

    async def _find(self, url: str) -> _Place:
        """Find out where a URL leads. Raises _NoPageError."""
        try:
            parts = urlsplit(url)
            port = parts.port or _PORTS[parts.scheme]
            address = await self._network.names.resolve(parts.hostname or "")
        except (KeyError, ValueError) as error:
            raise _NoPageError(HOST_NOT_FOUND, f"URL {url!r} is not for a phone: {error}") from None
        except NameNotFoundError as error:
            raise _NoPageError(HOST_NOT_FOUND, str(error), is_unreachable=True) from None
        request = page_request(_target(parts), parts.hostname or "", port)
        return _Place(parts.scheme == "https", address, port, request)

    async def _fetch_secured(self, place: _Place) -> HttpResult:
        """Fetch over TLS once the server is trusted. Raises _NoPageError."""
        server, patience = Endpoint(place.address, place.port), self._network.http
        self._tell(HttpsConnecting(server))
        options = replace(self._network.link, timeout_s=patience.idle_s)
        try:
            async with await Link.connect(place.address, place.port, options) as link:
                self._tell(HttpsConnected(server))
                await self._judge(link, place.address)
                return await exchange(link, place.request, PAGE_LIMIT, patience)
        except LinkError as error:
            return NotFetched(FetchFailure.UNREACHABLE, text=str(error))

    async def _judge(self, link: Link, address: str) -> None:
        """Let a trusted server pass. Raises _NoPageError."""
        shown = link.server_certificate
        if shown is None:
            raise _NoPageError(HOST_NOT_FOUND, "the server shows no certificate")
        decision = await self._decide(address, certificate_der(shown))
        if not isinstance(decision, Accepted):
            raise _NoPageError(HOST_NOT_FOUND, f"the server's certificate: {decision.reason}")


def _said(result: NotFetched) -> str:
    """Return what the screen says where no page came."""
    if result.failure is FetchFailure.TOO_LARGE:
        return PARSE_ERROR
    words = result.status_line.split()
    return f"HTTP Error [{words[1]}]!" if len(words) > 1 else HOST_NOT_FOUND


def _target(parts: SplitResult) -> str:
    path = parts.path or "/"
    return f"{path}?{parts.query}" if parts.query else path
